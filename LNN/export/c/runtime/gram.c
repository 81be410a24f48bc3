/* The products of rows that are held; the first m of all rows are soft. */
static void lnn_gram(const double *side, int n, int m, double soft, const int *held, int k,
    double *matrix)
{
    int i, j;
    for (i = 0; i < k; i++)
        for (j = 0; j < k; j++) {
            const double *a = side + held[i] * n, *b = side + held[j] * n;
            matrix[i * k + j] = lnn_product(a, b, n);
            if (i == j && held[i] < m) matrix[i * k + j] += soft;
        }
}
