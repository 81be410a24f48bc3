static inline float lnn_tanh(float x)
{
    return tanhf(x);
}
