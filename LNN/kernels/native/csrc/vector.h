/* The vector type of an engine: `vec` of W `real`s, and what can be done with it.
 *
 * Which one, a macro says: LNN_VECTOR_AVX512, LNN_VECTOR_AVX2, LNN_VECTOR_NEON or none for
 * plain C; with LNN_DOUBLE they hold doubles. All headers of an engine start from here.
 */
#ifndef LNN_VECTOR_H
#define LNN_VECTOR_H

#if defined(LNN_VECTOR_AVX512)
#include "vec_avx512.h"
#elif defined(LNN_VECTOR_AVX2)
#include "vec_avx2.h"
#elif defined(LNN_VECTOR_NEON)
#include "vec_neon.h"
#else
#include "vec_plain.h"
#endif

/* Where the processor has no instruction for it. */
#ifndef LNN_VECTOR_AVX512
/* The first n lanes of p, the others 0; and the first n lanes to p. */
static INLINE vec v_load_some(const real *p, int64_t n) {
    real lane[W] = {0};
    if (n == W) return v_load(p);
    for (int i = 0; i < W; i++)
        if (i < n) lane[i] = p[i];
    return v_load(lane);
}
static INLINE void v_store_some(real *p, vec a, int64_t n) {
    real lane[W];
    v_store(n == W ? p : lane, a);
    for (int i = 0; i < W && n < W; i++)
        if (i < n) p[i] = lane[i];
}
#endif

#if !defined(LNN_VECTOR_AVX512) && !defined(LNN_VECTOR_AVX2)
/* a[i][k] becomes a[k][i]. */
static INLINE void v_transpose(vec *a) {
    real from[W * W], to[W * W];
    for (int i = 0; i < W; i++) v_store(from + i * W, a[i]);
    for (int i = 0; i < W; i++)
        for (int k = 0; k < W; k++) to[k * W + i] = from[i * W + k];
    for (int i = 0; i < W; i++) a[i] = v_load(to + i * W);
}
#endif

#endif
