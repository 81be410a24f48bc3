/* i / g times 2^bits, g > 0, which weights keep below 16384 but for their rounding. */
static int32_t lnn_ratio(int32_t i, int32_t g, int bits)
{
    int32_t most;
    while (g > 65535) {
        g >>= 1;
        i >>= 1;
    }
    most = g * 16383 >> bits;
    i = lnn_clip(i, -most, most) * ((int32_t)1 << bits);
    return (i < 0 ? i - g / 2 : i + g / 2) / g;
}
