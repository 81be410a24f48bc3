static inline float lnn_tanh(float x)
{
    return 1.0f - 2.0f / (1.0f + lnn_exp(2.0f * x));
}
