/* p / (1 + p), both in 1/65536, for p >= 0. */
static int32_t lnn_shrunk(int32_t p)
{
    return (int32_t)(65535u - 0xFFFFFFFFu / (65536u + (uint32_t)p));
}
