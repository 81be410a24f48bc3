/* Between samples in memory and samples in the lanes. */
#ifndef LNN_LANES_H
#define LNN_LANES_H

#include "sizes.h"

/* A W by W block of samples (`apart` reals from each other), turned into lanes. */
static INLINE void load_block(vec *block, const real *from, int64_t apart, int64_t count,
                              int64_t samples) {
    for (int64_t b = 0; b < W; b++)
        block[b] = b < samples ? v_load_some(from + b * apart, count) : v_set(0);
    v_transpose(block);
}

/* rows[i][lane] = from[lane][i]; lanes without a sample become 0. */
static void to_lanes(real *rows, const real *from, int64_t apart, int64_t count,
                     int64_t samples) {
    vec block[W];
    for (int64_t b = 0; b < L; b += W)
        for (int64_t i = 0; i < count; i += W) {
            int64_t n = smaller(W, count - i);
            load_block(block, from + b * apart + i, apart, n, samples - b);
            for (int64_t k = 0; k < n; k++) v_store(rows + (i + k) * L + b, block[k]);
        }
}

static void add_to_lanes(real *rows, const real *from, int64_t apart, int64_t count,
                         int64_t samples) {
    vec block[W];
    for (int64_t b = 0; b < samples; b += W)
        for (int64_t i = 0; i < count; i += W) {
            int64_t n = smaller(W, count - i);
            load_block(block, from + b * apart + i, apart, n, samples - b);
            for (int64_t k = 0; k < n; k++) {
                real *to = rows + (i + k) * L + b;
                v_store(to, v_add(v_load(to), block[k]));
            }
        }
}

/* to[lane][i] = rows[i][lane] */
static void from_lanes(const real *rows, real *to, int64_t apart, int64_t count,
                       int64_t samples) {
    vec block[W];
    for (int64_t b = 0; b < samples; b += W)
        for (int64_t i = 0; i < count; i += W) {
            int64_t n = smaller(W, count - i);
            for (int64_t k = 0; k < W; k++)
                block[k] = k < n ? v_load(rows + (i + k) * L + b) : v_set(0);
            v_transpose(block);
            for (int64_t k = 0; k < W; k++)
                if (b + k < samples) v_store_some(to + (b + k) * apart + i, block[k], n);
        }
}

/* Zero the rows of sequences that have ended: what stands in the padding is not read. */
static void silence_ended(real *rows, const real *live, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        for (int u = 0; u < NV; u++) {
            real *at = rows + i * L + u * W;
            v_store(at, v_where_positive(v_load(live + u * W), v_load(at), v_set(0)));
        }
}

#endif
