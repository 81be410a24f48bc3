static inline float lnn_sigmoid(float x)
{
    return 1.0f / (1.0f + lnn_exp(-x));
}
