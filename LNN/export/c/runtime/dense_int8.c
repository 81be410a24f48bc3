/* y = W x + b; each row of W has a scale of its own. */
static void lnn_dense(const int8_t *w, const float *scale, const float *b, const float *x,
    int n_in, int n_out, float *y)
{
    int i, j;
    for (j = 0; j < n_out; j++) {
        float sum = 0.0f;
        for (i = 0; i < n_in; i++) sum += (float)*w++ * x[i];
        y[j] = sum * scale[j] + b[j];
    }
}
