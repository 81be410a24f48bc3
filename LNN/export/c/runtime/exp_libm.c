static inline float lnn_exp(float x)
{
    return expf(x);
}
