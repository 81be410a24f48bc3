/* e^x = (1 + rest) 2^k: returns 2^k. To 2e-7, and to 2e-7 of the rest for small x.
   Without branches, so that compilers can take several at a time. */
static inline float lnn_split(float x, float *rest)
{
    float t = x * 1.44269504f, f, q;
    int32_t k, size;
    memcpy(&k, &t, sizeof t);
    size = k & 0x7FFFFFFF;
    size = size < 0x42FC0000 ? size : 0x42FC0000; /* 126 */
    k = (k - (k & 0x7FFFFFFF)) | size;
    memcpy(&t, &k, sizeof t);
    k = (int32_t)(t + 127.5f); /* it rounds, as the sum is positive */
    f = t - (float)(k - 127) + (x - x); /* NaN stays NaN */
    q = f * f;
    *rest = f * (0.693147f + 0.24022242f * f
        + q * (0.05550734f + 0.009671514f * f + q * 0.0013264715f));
    k *= 8388608; /* 2^23: k becomes the exponent of a float */
    memcpy(&f, &k, sizeof f);
    return f;
}
