/* 1 - e^-x, exact for small x too. */
static inline float lnn_gone(float x)
{
    if (x > 0.25f) return 1.0f - expf(-x);
    return x * (1.0f - x * (0.5f - x * (0.16666667f - x * (0.041666668f
        - x * (0.0083333333f - x * 0.0013888889f)))));
}
