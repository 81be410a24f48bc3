static float lnn_softplus(float x)
{
    return x > 0.0f ? x + lnn_log1p(lnn_exp(-x)) : lnn_log1p(lnn_exp(x));
}
