static float lnn_exp(float x)
{
    return expf(x);
}
