/* ln(1 + x) in 1/2048, for x >= 0 in 1/65536, by the octave and a polynomial in it. */
static int32_t lnn_log1p(int32_t x)
{
    uint32_t y = 65536u + (uint32_t)x;
    int32_t octave = 0, part, log;
    while (y >= 131072u) {
        y >>= 1;
        octave++;
    }
    part = (int32_t)(y - 65536u);
    log = 30888 - lnn_part(14791 - lnn_part(3851, part), part);
    log = lnn_part(65369 - lnn_part(log, part), part);
    return (octave * 45426 + log + 16) >> 5;
}
