/* y = W x + b. */
static void lnn_dense(const float *w, const float *b, const float *x, int n_in, int n_out,
    float *y)
{
    int i, j;
    for (j = 0; j < n_out; j++) {
        float sum = b[j];
        for (i = 0; i < n_in; i++) sum += *w++ * x[i];
        y[j] = sum;
    }
}
