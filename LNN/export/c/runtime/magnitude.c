static double lnn_magnitude(double x)
{
    return x < 0.0 ? -x : x;
}
