/* x times a share of 0 to 65536 in 65536. Here and below a shift to the right of a number
   below 0 rounds down, as it does on every compiler that this was tested with. */
static inline int32_t lnn_part(int32_t x, int32_t share)
{
    return (x >> 16) * share + (int32_t)(((uint32_t)x & 0xFFFFu) * (uint32_t)share >> 16);
}
