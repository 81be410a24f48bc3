/* Gradients of weights: products of two rows, summed over recorded steps and lanes.
 *
 * A block of them stays in registers while the steps go by; its lanes are summed at the
 * end, for W products at once. Blocks are kept one after the other, padded to whole
 * vectors, and taken apart only when everything is summed.
 */
#ifndef LNN_OUTER_PRODUCTS_H
#define LNN_OUTER_PRODUCTS_H

#include "sizes.h"

/* What a map read and the gradients of what it gave, over recorded steps. */
typedef struct {
    const real *rows, *g;
    record_span span;
} map_record;

enum { OUTER_TARGETS = 4, OUTER_SOURCES = BLOCK / 2, MAX_OUTER = 32 };
/* Rows that are used again and again should stay in the first-level cache. */
static const int64_t PANEL_BYTES = 20 * 1024;

/* Add g[o] s[k], summed, to the block: `no` rows of g times `nk` of s. */
static INLINE void add_outer_products(const real *const *g, const real *const *s,
                                      record_span span, real *block, int no, int nk,
                                      int nv) {
    vec sum[MAX_OUTER];
    for (int i = 0; i < whole_vectors(no * nk); i++) sum[i] = v_set(0);
    for (int64_t t = 0; t < span.steps; t++)
        for (int u = 0; u < nv; u++) {
            int64_t at = t * span.apart + u * W;
            vec left[OUTER_TARGETS];
            for (int o = 0; o < no; o++) left[o] = v_load(g[o] + at);
            for (int k = 0; k < nk; k++) {
                vec right = v_load(s[k] + at);
                for (int o = 0; o < no; o++)
                    sum[o * nk + k] = v_fma(left[o], right, sum[o * nk + k]);
            }
        }
    for (int i = 0; i < no * nk; i += W)
        v_store(block + i, v_add(v_load(block + i), v_sums(sum + i)));
}

/* Add each row's own sum over steps and lanes. */
static INLINE void add_row_sums(const real *g, record_span span, int64_t count, real *sums,
                                int nv) {
    for (int64_t o = 0; o < count; o += W) {
        vec sum[W];
        int64_t row[W];
        for (int64_t i = 0; i < W; i++) {
            sum[i] = v_set(0);
            row[i] = smaller(o + i, count - 1) * L;
        }
        for (int64_t t = 0; t < span.steps; t++)
            for (int u = 0; u < nv; u++)
                for (int i = 0; i < W; i++)
                    sum[i] = v_add(sum[i], v_load(g + t * span.apart + row[i] + u * W));
        v_store(sums + o, v_add(v_load(sums + o), v_sums(sum)));
    }
}

#endif
