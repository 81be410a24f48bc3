/* y = W x + b; sums of each row are shifted to the unit of y. b has half of that unit. */
static void lnn_dense(const int16_t *w, const int32_t *b, const uint8_t *shift,
    const int16_t *x, int n_in, int n_out, int32_t *y)
{
    int i, j;
    for (j = 0; j < n_out; j++) {
        int32_t sum = b[j];
        for (i = 0; i < n_in; i++) sum += (int32_t)*w++ * x[i];
        y[j] = sum >> shift[j];
    }
}
