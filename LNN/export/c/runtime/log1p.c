static float lnn_log1p(float x)
{
    float y = 1.0f + x;
    return lnn_log(y) + (x - (y - 1.0f)) / y;
}
