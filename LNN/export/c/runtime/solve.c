/* Solve a symmetric system in place, by its factors L D L'. */
static void lnn_solve(double *matrix, int k, double *x)
{
    int i, j, l;
    for (j = 0; j < k; j++) {
        for (i = j; i < k; i++) {
            double sum = matrix[i * k + j];
            for (l = 0; l < j; l++)
                sum -= matrix[i * k + l] * matrix[j * k + l] * matrix[l * k + l];
            matrix[i * k + j] = i == j ? sum : sum / matrix[j * k + j];
        }
        for (l = 0; l < j; l++) x[j] -= matrix[j * k + l] * x[l];
    }
    for (j = 0; j < k; j++) x[j] /= matrix[j * k + j];
    for (j = k - 1; j >= 0; j--)
        for (i = j + 1; i < k; i++) x[j] -= matrix[i * k + j] * x[i];
}
