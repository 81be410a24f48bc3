/* Loads, stores and transposition where the processor has no instruction for them.
 *
 * Included by vector headers after W, vec, v_load and v_store.
 */
#ifndef LNN_VEC_COMMON_H
#define LNN_VEC_COMMON_H

/* The first n lanes of p, the others 0; and the first n lanes to p. */
static INLINE vec v_load_some(const real *p, int64_t n) {
    real lane[W] = {0};
    for (int i = 0; i < W; i++)
        if (i < n) lane[i] = p[i];
    return v_load(lane);
}
static INLINE void v_store_some(real *p, vec a, int64_t n) {
    real lane[W];
    v_store(lane, a);
    for (int i = 0; i < W; i++)
        if (i < n) p[i] = lane[i];
}
/* a[i][k] becomes a[k][i]. */
static INLINE void v_transpose(vec *a) {
    real from[W * W], to[W * W];
    for (int i = 0; i < W; i++) v_store(from + i * W, a[i]);
    for (int i = 0; i < W; i++)
        for (int k = 0; k < W; k++) to[k * W + i] = from[i * W + k];
    for (int i = 0; i < W; i++) a[i] = v_load(to + i * W);
}

#endif
