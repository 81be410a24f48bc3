/* 1 - e^-x, exact for small x too. */
static inline float lnn_gone(float x)
{
    float rest, power = lnn_split(-x, &rest);
    return 1.0f - power - power * rest;
}
