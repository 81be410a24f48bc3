/* Affine maps of rows: y = W s + b, with samples in the lanes.
 *
 * A row holds one quantity for all samples of a tile. A block of BLOCK outputs stays in
 * registers while the sources stream past, so the weights are packed block by block.
 */

typedef struct {
    int64_t outputs, sources;
    int64_t *from;    /* where source k's row lies, from the tile's first row */
    int64_t *to;      /* where its gradient lies, from the first gradient row */
    real *forward;    /* [blocks of outputs][source][BLOCK] */
    real *transposed; /* [blocks of sources][output][BLOCK] */
    real *bias;       /* padded to whole blocks */
} dense_map;

static int64_t blocks(int64_t n) { return (n + BLOCK - 1) / BLOCK; }

static void dense_reserve(dense_map *d, arena *a, int64_t outputs, int64_t sources) {
    d->outputs = outputs;
    d->sources = sources;
    d->from = take_integers(a, sources);
    d->to = take_integers(a, sources);
    d->forward = take(a, blocks(outputs) * BLOCK * sources);
    d->transposed = take(a, blocks(sources) * BLOCK * outputs);
    d->bias = take(a, blocks(outputs) * BLOCK);
}

/* Zero what pads the blocks, so that no garbage is multiplied. */
static void dense_clear(dense_map *d) {
    int64_t outputs = blocks(d->outputs) * BLOCK;
    memset(d->forward, 0, sizeof(real) * outputs * d->sources);
    memset(d->transposed, 0, sizeof(real) * blocks(d->sources) * BLOCK * d->outputs);
    memset(d->bias, 0, sizeof(real) * outputs);
}

/* Pack w (outputs, columns) as the map's columns from `first` on. */
static void dense_pack(dense_map *d, const real *w, int64_t columns, int64_t first) {
    for (int64_t o = 0; o < d->outputs; o++) {
        real *forward = d->forward + o / BLOCK * BLOCK * d->sources + o % BLOCK;
        for (int64_t i = 0; i < columns; i++) {
            int64_t k = first + i;
            real *transposed = d->transposed + k / BLOCK * BLOCK * d->outputs + k % BLOCK;
            forward[k * BLOCK] = transposed[o * BLOCK] = w[o * columns + i];
        }
    }
}

static void dense_prepare(dense_map *d, const real *w, const real *bias) {
    dense_clear(d);
    dense_pack(d, w, d->sources, 0);
    memcpy(d->bias, bias, sizeof(real) * d->outputs);
}

/* y = W s + b; rows of y are `row` apart. */
static INLINE void dense_apply(const dense_map *d, const real *rows, real *y, int64_t row,
                               int nv) {
    for (int64_t o = 0; o < d->outputs; o += BLOCK) {
        const real *w = d->forward + o * d->sources;
        vec sum[BLOCK][NV];
        for (int r = 0; r < BLOCK; r++)
            for (int u = 0; u < nv; u++) sum[r][u] = v_set(d->bias[o + r]);
        for (int64_t k = 0; k < d->sources; k++, w += BLOCK) {
            const real *from = rows + d->from[k];
            vec s[NV];
            for (int u = 0; u < nv; u++) s[u] = v_load(from + u * W);
            for (int r = 0; r < BLOCK; r++)
                for (int u = 0; u < nv; u++)
                    sum[r][u] = v_fma(v_set(w[r]), s[u], sum[r][u]);
        }
        int64_t n = smaller(BLOCK, d->outputs - o);
        for (int r = 0; r < BLOCK; r++)
            if (r < n)
                for (int u = 0; u < nv; u++) v_store(y + (o + r) * row + u * W, sum[r][u]);
    }
}

/* Add W' g to the gradients of the sources. */
static INLINE void dense_apply_transposed(const dense_map *d, const real *g, int64_t row,
                                          real *gradients, int nv) {
    for (int64_t k = 0; k < d->sources; k += BLOCK) {
        const real *w = d->transposed + k * d->outputs;
        vec sum[BLOCK][NV];
        for (int r = 0; r < BLOCK; r++)
            for (int u = 0; u < nv; u++) sum[r][u] = v_set(0);
        for (int64_t o = 0; o < d->outputs; o++, w += BLOCK) {
            vec s[NV];
            for (int u = 0; u < nv; u++) s[u] = v_load(g + o * row + u * W);
            for (int r = 0; r < BLOCK; r++)
                for (int u = 0; u < nv; u++)
                    sum[r][u] = v_fma(v_set(w[r]), s[u], sum[r][u]);
        }
        int64_t n = smaller(BLOCK, d->sources - k);
        for (int r = 0; r < BLOCK; r++)
            if (r < n)
                for (int u = 0; u < nv; u++) {
                    real *to = gradients + d->to[k + r] + u * W;
                    v_store(to, v_add(v_load(to), sum[r][u]));
                }
    }
}

enum { PATCH = 4 };

/* A PATCH x PATCH part of the gradient of W: sums over steps and lanes. */
static INLINE void dense_patch(const real *g, int64_t row, const real *rows,
                               const int64_t *from, int64_t steps, real *to,
                               int64_t width, int no, int nk, int nv) {
    vec sum[PATCH][PATCH];
    for (int o = 0; o < no; o++)
        for (int k = 0; k < nk; k++) sum[o][k] = v_set(0);
    for (int64_t t = 0; t < steps; t++)
        for (int u = 0; u < nv; u++) {
            int64_t at = t * L + u * W;
            vec left[PATCH];
            for (int o = 0; o < no; o++) left[o] = v_load(g + o * row + at);
            for (int k = 0; k < nk; k++) {
                vec s = v_load(rows + from[k] + at);
                for (int o = 0; o < no; o++) sum[o][k] = v_fma(left[o], s, sum[o][k]);
            }
        }
    for (int o = 0; o < no; o++)
        for (int k = 0; k < nk; k++) to[o * width + k] += v_sum(sum[o][k]);
}

/* Add the gradients of W (outputs, sources) and b over `steps` recorded steps. */
static INLINE void dense_gradients(const dense_map *d, const real *rows, const real *g,
                                   int64_t row, int64_t steps, real *gw, real *gb,
                                   int nv) {
    for (int64_t o = 0; o < d->outputs; o += PATCH) {
        int64_t no = smaller(PATCH, d->outputs - o);
        for (int64_t k = 0; k < d->sources; k += PATCH) {
            int64_t nk = smaller(PATCH, d->sources - k);
            real *to = gw + o * d->sources + k;
            const real *left = g + o * row;
            if (no == PATCH && nk == PATCH)
                dense_patch(left, row, rows, d->from + k, steps, to, d->sources, PATCH,
                            PATCH, nv);
            else
                for (int i = 0; i < no; i++)
                    for (int j = 0; j < nk; j++)
                        dense_patch(left + i * row, row, rows, d->from + k + j, steps,
                                    to + i * d->sources + j, d->sources, 1, 1, nv);
        }
    }
    for (int64_t o = 0; o < d->outputs; o++) {
        vec sum = v_set(0);
        for (int64_t t = 0; t < steps; t++)
            for (int u = 0; u < nv; u++)
                sum = v_add(sum, v_load(g + o * row + t * L + u * W));
        gb[o] += v_sum(sum);
    }
}
