/* ln(1 + e^x), by a series of what the logarithm of a number up to 2 is. */
static inline float lnn_softplus(float x)
{
    float size = lnn_size(x), u = lnn_exp(-size), s = u / (2.0f + u), q = s * s;
    return 0.5f * (x + size) + 2.0f * s * (1.0f + q * (0.33333206f + q * (0.2001085f
        + q * (0.13999568f + q * 0.14012243f))));
}
