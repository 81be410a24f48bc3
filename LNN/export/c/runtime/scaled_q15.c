/* A number of a row in units of the scale, in 1/2048: -16 to 16. */
static int16_t lnn_scaled(int32_t x, int32_t center, int32_t gain)
{
    x = lnn_clip(x, center - 131072, center + 131072) - center;
    return (int16_t)lnn_clip(lnn_part(x, gain), -32767, 32767);
}
