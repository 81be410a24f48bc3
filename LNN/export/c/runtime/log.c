/* ln y for y > 0, by its exponent and a series of what is left. */
static float lnn_log(float y)
{
    uint32_t bits;
    int32_t k;
    float s, q;
    memcpy(&bits, &y, sizeof bits);
    /* m in [0.70, 1.41): */
    k = (int32_t)((bits - 0x3F350000u) >> 23);
    if (k > 127) k -= 512; /* the difference was below zero */
    bits -= (uint32_t)k << 23;
    memcpy(&y, &bits, sizeof y);
    s = (y - 1.0f) / (y + 1.0f);
    q = s * s;
    return (float)k * 0.69314718f + 2.0f * s * (1.0f + q * (0.33333333f + q * (0.2f
        + q * 0.14285714f)));
}
