/* 1 - 2^-p, both in 1/65536, for p >= 0: at most 65535. */
static int32_t lnn_gone(int32_t p)
{
    int32_t halvings = p >> 16, part = p & 65535, left;
    left = 3498 - lnn_part(453, part);
    left = 65536 - lnn_part(45422 - lnn_part(15699 - lnn_part(left, part), part), part);
    if (halvings > 15) return 65535;
    left >>= halvings;
    return left > 0 ? 65536 - left : 65535;
}
