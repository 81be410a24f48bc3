/* Affine maps of one sample's values, with outputs in the lanes: y = W s + b.
 *
 * Outputs come in blocks of `width` vectors. A block has sources of its own, so that what
 * no output of the block reads is not multiplied; its weights lie in the order of use.
 * Gradients of weights have the weights' layout.
 */
#ifndef LNN_BLOCKED_MAP_H
#define LNN_BLOCKED_MAP_H

#include "reals.h"
#include "sizes.h"

typedef struct {
    int64_t blocks, width;
    int64_t most;   /* sources, of all blocks, at most */
    int64_t place;  /* of the maps' values among those of a step, block by block */
    int64_t *first; /* (blocks + 1) first source of each block */
    int64_t *from;  /* where a source is among the values of a step */
    real *weight;   /* (sources, width, W) */
    real *bias;     /* (blocks, width, W) */
    /* Row of a dense matrix in a lane: vector * height + lane or what `member` names. */
    int64_t rows, height;
    const int64_t *member;
} blocked_map;

static void map_reserve(blocked_map *c, arena *a, int64_t blocks, int64_t width,
                        int64_t most) {
    c->blocks = blocks;
    c->width = width;
    c->most = most;
    c->first = take_integers(a, blocks + 1);
    c->from = take_integers(a, most);
    c->weight = take(a, most * width * W);
    c->bias = take(a, blocks * width * W);
}

static int64_t bias_size(const blocked_map *c) { return c->blocks * c->width * W; }

/* Zero the weights of the sources that are entered by now, and the biases. */
static void map_clear(const blocked_map *c) {
    memset(c->weight, 0, sizeof(real) * c->first[c->blocks] * c->width * W);
    memset(c->bias, 0, sizeof(real) * bias_size(c));
}

/* The row in a lane; -1: none. */
static int64_t map_row(const blocked_map *c, int64_t block, int64_t vector, int64_t lane) {
    int64_t j = block * W + lane;
    if (c->member) j = c->member[j];
    int64_t row = vector * c->height + j;
    return j < c->height && row < c->rows ? row : -1;
}

/* Where row `row` has its weight for the block's source k, from the first weight on. */
static int64_t map_at(const blocked_map *c, int64_t block, int64_t k, int64_t vector,
                      int64_t lane) {
    return ((c->first[block] + k) * c->width + vector) * W + lane;
}

/* Between the lanes and columns [column, column + count) of a matrix (rows, count). */
static void map_pack(const blocked_map *c, const real *matrix, int64_t column,
                     int64_t count) {
    for (int64_t b = 0; b < c->blocks; b++)
        for (int64_t i = 0; i < c->width * W; i++) {
            int64_t row = map_row(c, b, i / W, i % W);
            for (int64_t k = 0; row >= 0 && k < count; k++)
                c->weight[map_at(c, b, column + k, i / W, i % W)] = matrix[row * count + k];
        }
}
static void map_unpack(const blocked_map *c, const real *sums, real *matrix, int64_t column,
                       int64_t count) {
    for (int64_t b = 0; b < c->blocks; b++)
        for (int64_t i = 0; i < c->width * W; i++) {
            int64_t row = map_row(c, b, i / W, i % W);
            for (int64_t k = 0; row >= 0 && k < count; k++)
                matrix[row * count + k] = sums[map_at(c, b, column + k, i / W, i % W)];
        }
}

/* Between the lanes and a vector with an entry for each row. */
static void map_pack_bias(const blocked_map *c, const real *bias) {
    for (int64_t i = 0; i < bias_size(c); i++) {
        int64_t row = map_row(c, i / W / c->width, i / W % c->width, i % W);
        if (row >= 0) c->bias[i] = bias[row];
    }
}
static void map_unpack_bias(const blocked_map *c, const real *sums, real *bias) {
    for (int64_t i = 0; i < bias_size(c); i++) {
        int64_t row = map_row(c, i / W / c->width, i / W % c->width, i % W);
        if (row >= 0) bias[row] = sums[i];
    }
}

enum { MAX_WIDTH = 4 };

/* One block's outputs. Each sums its sources in order, as with samples in the lanes
 * (dense.h, wired.h): rounding is then the same however many samples there are. */
static INLINE void map_apply(const blocked_map *c, int64_t block, const real *values,
                             vec *y, int width) {
    const real *bias = c->bias + block * width * W;
    vec sum[MAX_WIDTH];
    for (int v = 0; v < width; v++) sum[v] = v_load(bias + v * W);
    for (int64_t k = c->first[block]; k < c->first[block + 1]; k++) {
        const real *w = c->weight + k * width * W;
        vec s = v_set(values[c->from[k]]);
        for (int v = 0; v < width; v++) sum[v] = v_fma(v_load(w + v * W), s, sum[v]);
    }
    for (int v = 0; v < width; v++) y[v] = sum[v];
}

/* Add the gradients of a block's sources, W of them at once. */
static INLINE void map_apply_transposed(const blocked_map *c, int64_t block, const vec *dz,
                                        real *gradients, int width) {
    int64_t end = c->first[block + 1];
    for (int64_t k = c->first[block]; k < end; k += W) {
        vec sum[W];
        real lane[W];
        for (int i = 0; i < W; i++) {
            const real *w = c->weight + smaller(k + i, end - 1) * width * W;
            sum[i] = v_mul(v_load(w), dz[0]);
            for (int v = 1; v < width; v++)
                sum[i] = v_fma(v_load(w + v * W), dz[v], sum[i]);
        }
        v_store(lane, v_sums(sum));
        for (int64_t i = 0; i < smaller(W, end - k); i++)
            gradients[c->from[k + i]] += lane[i];
    }
}

enum { MAP_FAN = BLOCK / 2 };

/* Add the gradients of the weights of a block's sources from k on, over recorded steps. */
static INLINE void map_fan(const blocked_map *c, int64_t block, int64_t k,
                           const real *values, record_span span, real *gw, int width) {
    const int64_t last = c->first[block + 1] - 1;
    const real *dz = values + c->place + block * width * W;
    int64_t from[MAP_FAN];
    vec sum[MAP_FAN][MAX_WIDTH];
    for (int i = 0; i < MAP_FAN; i++) {
        from[i] = c->from[smaller(k + i, last)];
        for (int v = 0; v < width; v++) sum[i][v] = v_set(0);
    }
    for (int64_t t = 0; t < span.steps; t++, values += span.apart, dz += span.apart)
        for (int i = 0; i < MAP_FAN; i++)
            for (int v = 0; v < width; v++)
                sum[i][v] = v_fma(v_load(dz + v * W), v_set(values[from[i]]), sum[i][v]);
    for (int i = 0; i < MAP_FAN; i++)
        for (int v = 0; k + i <= last && v < width; v++) {
            real *to = gw + ((k + i) * width + v) * W;
            v_store(to, v_add(v_load(to), sum[i][v]));
        }
}

static INLINE void map_bias(const blocked_map *c, int64_t block, const real *values,
                            record_span span, real *gb, int width) {
    for (int v = 0; v < width; v++) {
        int64_t at = (block * width + v) * W;
        vec sum = v_load(gb + at);
        for (int64_t t = 0; t < span.steps; t++)
            sum = v_add(sum, v_load(values + t * span.apart + c->place + at));
        v_store(gb + at, sum);
    }
}

/* Add the gradients of weights and biases over recorded steps. */
static INLINE void map_gradients_of(const blocked_map *c, const real *values,
                                    record_span span, real *gw, real *gb, int width) {
    for (int64_t b = 0; b < c->blocks; b++) {
        for (int64_t k = c->first[b]; k < c->first[b + 1]; k += MAP_FAN)
            map_fan(c, b, k, values, span, gw, width);
        map_bias(c, b, values, span, gb, width);
    }
}

static void map_gradients(const blocked_map *c, const real *values, record_span span,
                          real *gw, real *gb) {
    if (c->width == 1)
        map_gradients_of(c, values, span, gw, gb, 1);
    else if (c->width == 2)
        map_gradients_of(c, values, span, gw, gb, 2);
    else
        map_gradients_of(c, values, span, gw, gb, 4);
}

#endif
