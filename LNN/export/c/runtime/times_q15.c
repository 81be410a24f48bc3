/* x times a number of 65536 parts. The one product of 64 bits: a gap may be any. */
static int32_t lnn_times(int32_t x, int32_t factor)
{
    int64_t y = (int64_t)x * factor;
    if (y > (int64_t)0x3FFFFFFF << 16) return 0x3FFFFFFF;
    if (y < -((int64_t)0x3FFFFFFF << 16)) return -0x3FFFFFFF;
    return (int32_t)(y / 65536);
}
