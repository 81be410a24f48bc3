/* ln(1 + e^-x), every quarter from -1/4 on. */
static const int16_t lnn_tail_at[67] = {
    27064, 22713, 18872, 15535, 12677, 10265, 8255, 6600, 5250, 4159, 3284, 2585, 2031,
    1592, 1247, 975, 762, 595, 464, 362, 282, 220, 172, 134, 104, 81, 63, 49, 38, 30,
    23, 18, 14, 11, 9, 7, 5, 4, 3, 2, 2, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0
};

/* ln(1 + e^x) in 1/65536, of x in 1/2048. */
static int32_t lnn_softplus(int32_t x)
{
    int32_t size = x < 0 ? -x : x, tail;
    tail = 2 * lnn_between(lnn_tail_at, size < 32767 ? size : 32767);
    return x > 0 ? (x < 1048576 ? x : 1048576) * 32 + tail : tail;
}
