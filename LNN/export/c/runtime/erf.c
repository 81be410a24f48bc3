/* To 2e-7: Abramowitz and Stegun 7.1.26. */
static inline float lnn_erf(float x)
{
    float a = x < 0.0f ? -x : x, t = 1.0f / (1.0f + 0.3275911f * a);
    float p = t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f
        + t * (-1.453152027f + t * 1.061405429f))));
    p = 1.0f - p * lnn_exp(-a * a);
    return x < 0.0f ? -p : p;
}
