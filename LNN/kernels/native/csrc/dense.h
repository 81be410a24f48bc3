/* Affine maps of rows: y = W s + b, with samples in the lanes.
 *
 * A row holds one quantity for all samples of a tile. A block of BLOCK outputs stays in
 * registers while the sources stream past, so the weights are packed block by block.
 */
#ifndef LNN_DENSE_H
#define LNN_DENSE_H

#include "reals.h"
#include "outer_products.h"

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

/* y = W s + b */
static INLINE void dense_apply(const dense_map *d, const real *rows, real *y, int nv) {
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
                for (int u = 0; u < nv; u++) v_store(y + (o + r) * L + u * W, sum[r][u]);
    }
}

/* Add W' g to the gradients of the sources. */
static INLINE void dense_apply_transposed(const dense_map *d, const real *g,
                                          real *gradients, int nv) {
    for (int64_t k = 0; k < d->sources; k += BLOCK) {
        const real *w = d->transposed + k * d->outputs;
        vec sum[BLOCK][NV];
        for (int r = 0; r < BLOCK; r++)
            for (int u = 0; u < nv; u++) sum[r][u] = v_set(0);
        for (int64_t o = 0; o < d->outputs; o++, w += BLOCK) {
            vec s[NV];
            for (int u = 0; u < nv; u++) s[u] = v_load(g + o * L + u * W);
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

enum { DENSE_OUTER = OUTER_TARGETS * OUTER_SOURCES };

static int64_t outer_blocks(int64_t n, int64_t size) { return (n + size - 1) / size; }

/* Reals that the sums of a map's gradients take, block by block. */
static int64_t dense_gradient_size(const dense_map *d) {
    return outer_blocks(d->outputs, OUTER_TARGETS) *
           outer_blocks(d->sources, OUTER_SOURCES) * DENSE_OUTER;
}

/* The block that starts with output o and source k; what lies outside is done twice. */
static INLINE void dense_outer(const dense_map *d, map_record r, int64_t o, int64_t k,
                               real *sums, int nv) {
    const real *left[OUTER_TARGETS], *right[OUTER_SOURCES];
    for (int i = 0; i < OUTER_TARGETS; i++)
        left[i] = r.g + smaller(o + i, d->outputs - 1) * L;
    for (int i = 0; i < OUTER_SOURCES; i++)
        right[i] = r.rows + d->from[smaller(k + i, d->sources - 1)];
    int64_t across = outer_blocks(d->sources, OUTER_SOURCES);
    real *block = sums + (o / OUTER_TARGETS * across + k / OUTER_SOURCES) * DENSE_OUTER;
    add_outer_products(left, right, r.span, block, OUTER_TARGETS, OUTER_SOURCES, nv);
}

/* Add the gradients of W (in blocks) and b (outputs) over recorded steps. */
static INLINE void dense_gradients(const dense_map *d, map_record r, real *gw, real *gb,
                                   int nv) {
    int64_t fit = PANEL_BYTES / (int64_t)sizeof(real) / (r.span.steps * L);
    int64_t panel = larger(1, fit / OUTER_TARGETS) * OUTER_TARGETS;
    for (int64_t first = 0; first < d->outputs; first += panel)
        for (int64_t k = 0; k < d->sources; k += OUTER_SOURCES)
            for (int64_t o = first; o < smaller(first + panel, d->outputs);
                 o += OUTER_TARGETS)
                dense_outer(d, r, o, k, gw, nv);
    add_row_sums(r.g, r.span, d->outputs, gb, nv);
}

/* The gradient of W's columns from `first` on, out of the blocks. */
static void dense_unpack(const dense_map *d, const real *sums, real *to, int64_t columns,
                         int64_t first) {
    int64_t across = outer_blocks(d->sources, OUTER_SOURCES);
    for (int64_t o = 0; o < d->outputs; o++)
        for (int64_t i = 0; i < columns; i++) {
            int64_t k = first + i, block = o / OUTER_TARGETS * across + k / OUTER_SOURCES;
            to[o * columns + i] =
                sums[block * DENSE_OUTER + o % OUTER_TARGETS * OUTER_SOURCES +
                     k % OUTER_SOURCES];
        }
}

#endif
