/* Rows of numbers of any length, one after another in memory. */
#ifndef LNN_ROWS_H
#define LNN_ROWS_H

#include "sizes.h"

/* A function of math.h for reals. */
#ifdef LNN_DOUBLE
#define REAL(function) function
#else
#define REAL(function) function##f
#endif

static INLINE vec load_part(const real *p, int64_t left) {
    return left < W ? v_load_some(p, left) : v_load(p);
}

static real dot(const real *a, const real *b, int64_t n) {
    vec sum = v_set(0);
    for (int64_t i = 0; i < n; i += W)
        sum = v_fma(load_part(a + i, n - i), load_part(b + i, n - i), sum);
    return (real)v_sum(sum);
}

/* to += factor from */
static void add_multiple(real *to, real factor, const real *from, int64_t n) {
    for (int64_t i = 0; i < n; i += W) {
        vec sum = v_fma(v_set(factor), load_part(from + i, n - i), load_part(to + i, n - i));
        v_store_some(to + i, sum, smaller(W, n - i));
    }
}

#endif
