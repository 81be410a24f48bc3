static inline float lnn_exp(float x)
{
    float rest, power = lnn_split(x, &rest);
    return power + power * rest;
}
