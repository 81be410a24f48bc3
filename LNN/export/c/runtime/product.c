static double lnn_product(const double *a, const double *b, int n)
{
    double sum = 0.0;
    while (n-- > 0) sum += *a++ * *b++;
    return sum;
}
