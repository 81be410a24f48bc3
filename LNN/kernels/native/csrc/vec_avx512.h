/* Vectors of 16 floats or (with LNN_DOUBLE) 8 doubles: AVX-512 (F, DQ). */
#ifndef LNN_VEC_AVX512_H
#define LNN_VEC_AVX512_H

#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"

/* W lanes; and outputs of an affine map that fit into the registers at once. */
#ifdef LNN_DOUBLE
typedef double real;
typedef __m512d vec;
enum { W = 8, BLOCK = 8 };
#define OF(operation) _mm512_##operation##_pd
#define TO_BITS _mm512_castpd_si512
#define FROM_BITS _mm512_castsi512_pd
#define POSITIVE(x) _mm512_cmp_pd_mask(x, _mm512_setzero_pd(), _CMP_GT_OQ)
#define FIRST(n) (__mmask8)((1u << (n)) - 1)
#define SHUFFLE _mm512_shuffle_f64x2
#else
typedef float real;
typedef __m512 vec;
enum { W = 16, BLOCK = 8 };
#define OF(operation) _mm512_##operation##_ps
#define TO_BITS _mm512_castps_si512
#define FROM_BITS _mm512_castsi512_ps
#define POSITIVE(x) _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GT_OQ)
#define FIRST(n) (__mmask16)((1u << (n)) - 1)
#define SHUFFLE _mm512_shuffle_f32x4
#endif

static INLINE vec v_load(const real *p) { return OF(loadu)(p); }
static INLINE void v_store(real *p, vec a) { OF(storeu)(p, a); }
static INLINE vec v_set(real a) { return OF(set1)(a); }
static INLINE vec v_add(vec a, vec b) { return OF(add)(a, b); }
static INLINE vec v_sub(vec a, vec b) { return OF(sub)(a, b); }
static INLINE vec v_mul(vec a, vec b) { return OF(mul)(a, b); }
/* a b + c, c - a b, a b - c */
static INLINE vec v_fma(vec a, vec b, vec c) { return OF(fmadd)(a, b, c); }
static INLINE vec v_fnma(vec a, vec b, vec c) { return OF(fnmadd)(a, b, c); }
static INLINE vec v_fms(vec a, vec b, vec c) { return OF(fmsub)(a, b, c); }
/* The smaller (larger) of a limit and x; a NaN in x stays (the second operand wins). */
static INLINE vec v_at_most(vec limit, vec x) { return OF(min)(limit, x); }
static INLINE vec v_at_least(vec limit, vec x) { return OF(max)(limit, x); }
static INLINE vec v_abs(vec a) { return OF(abs)(a); }
static INLINE vec v_copysign(vec size, vec sign) {
    /* bit ? sign : size */
    return FROM_BITS(_mm512_ternarylogic_epi32(TO_BITS(v_set((real)-0.0)), TO_BITS(sign),
                                               TO_BITS(size), 0xCA));
}
/* a where x > 0, else b */
static INLINE vec v_where_positive(vec x, vec a, vec b) {
    return OF(mask_blend)(POSITIVE(x), b, a);
}
static INLINE real v_sum(vec a) { return OF(reduce_add)(a); }

/* The first n lanes of p, the others 0; and the first n lanes to p. */
static INLINE vec v_load_some(const real *p, int64_t n) {
    return OF(maskz_loadu)(FIRST(n), p);
}
static INLINE void v_store_some(real *p, vec a, int64_t n) {
    OF(mask_storeu)(p, FIRST(n), a);
}

/* Four vectors, `apart` from each other: block k of vector i becomes block i of vector k. */
static INLINE void transpose_blocks(vec *a, int apart) {
    vec even = SHUFFLE(a[0], a[apart], 0x88), odd = SHUFFLE(a[0], a[apart], 0xdd);
    vec even2 = SHUFFLE(a[2 * apart], a[3 * apart], 0x88);
    vec odd2 = SHUFFLE(a[2 * apart], a[3 * apart], 0xdd);
    a[0] = SHUFFLE(even, even2, 0x88);
    a[apart] = SHUFFLE(odd, odd2, 0x88);
    a[2 * apart] = SHUFFLE(even, even2, 0xdd);
    a[3 * apart] = SHUFFLE(odd, odd2, 0xdd);
}
/* The sum of two halves of the lanes of a, beside that of b: the upper and the lower, then
 * what is left of them, so that in the end one vector has a lane for each of W. */
static INLINE vec fold_halves(vec a, vec b) {
    return v_add(SHUFFLE(a, b, 0x44), SHUFFLE(a, b, 0xee));
}
static INLINE vec fold_quarters(vec a, vec b) {
    return v_add(SHUFFLE(a, b, 0x88), SHUFFLE(a, b, 0xdd));
}
static INLINE vec fold_pairs(vec a, vec b) {
    return v_add(OF(unpacklo)(a, b), OF(unpackhi)(a, b));
}

#ifdef LNN_DOUBLE
/* a[i][k] becomes a[k][i]: pairs, then blocks of two. */
static INLINE void v_transpose(vec *a) {
    for (int i = 0; i < 8; i += 2) {
        vec low = _mm512_unpacklo_pd(a[i], a[i + 1]);
        a[i + 1] = _mm512_unpackhi_pd(a[i], a[i + 1]);
        a[i] = low;
    }
    for (int k = 0; k < 2; k++) transpose_blocks(a + k, 2);
}
/* Lane i of the result is the sum of the lanes of a[i]. */
static INLINE vec v_sums(const vec *a) {
    vec b[4];
    for (int i = 0; i < 4; i++) b[i] = fold_pairs(a[2 * i], a[2 * i + 1]);
    return fold_quarters(fold_halves(b[0], b[1]), fold_halves(b[2], b[3]));
}
static INLINE vec v_gather(const real *base, const int32_t *index) {
    return _mm512_i32gather_pd(_mm256_loadu_si256((const __m256i *)index), base, 8);
}
#else
/* a[i][k] becomes a[k][i]: pairs, quadruples, then blocks of four. */
static INLINE void v_transpose(vec *a) {
    vec b[16];
    for (int i = 0; i < 16; i += 2) {
        b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
    }
    for (int i = 0; i < 16; i += 4)
        for (int k = 0; k < 2; k++) {
            __m512d low = _mm512_castps_pd(b[i + k]), high = _mm512_castps_pd(b[i + k + 2]);
            a[i + 2 * k] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
            a[i + 2 * k + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
        }
    for (int k = 0; k < 4; k++) transpose_blocks(a + k, 4);
}
static INLINE vec fold_singles(vec a, vec b) {
    __m512d x = _mm512_castps_pd(a), y = _mm512_castps_pd(b);
    return v_add(_mm512_castpd_ps(_mm512_unpacklo_pd(x, y)),
                 _mm512_castpd_ps(_mm512_unpackhi_pd(x, y)));
}
/* Lane i of the result is the sum of the lanes of a[i]. */
static INLINE vec v_sums(const vec *a) {
    vec b[4];
    for (int i = 0; i < 4; i++)
        b[i] = fold_quarters(fold_halves(a[i], a[i + 4]), fold_halves(a[i + 8], a[i + 12]));
    return fold_singles(fold_pairs(b[0], b[1]), fold_pairs(b[2], b[3]));
}
static INLINE vec v_gather(const real *base, const int32_t *index) {
    return _mm512_i32gather_ps(_mm512_loadu_si512(index), base, 4);
}
#endif

/* x = floor + fraction with fraction in [0, 1); and a 2^floor(x), for any x. */
static INLINE vec v_fraction(vec x) { return OF(reduce)(x, 0x09); }
static INLINE vec v_floor(vec x) { return OF(roundscale)(x, 0x09); }
static INLINE vec v_scale(vec a, vec x) { return OF(scalef)(a, x); }

/* 1 / d and n / d for normal d, to about one unit in the last place: the estimate has 14
 * bits, and each step doubles them. */
static INLINE vec v_reciprocal(vec d) {
    vec r = OF(rcp14)(d);
    r = v_fma(r, v_fnma(d, r, v_set(1)), r);
#ifdef LNN_DOUBLE
    r = v_fma(r, v_fnma(d, r, v_set(1)), r);
#endif
    return r;
}
static INLINE vec v_divide(vec n, vec d) {
    vec r = v_reciprocal(d), q = v_mul(n, r);
    return v_fma(v_fnma(d, q, n), r, q);
}

#undef OF
#undef TO_BITS
#undef FROM_BITS
#undef POSITIVE
#undef FIRST
#undef SHUFFLE

#endif
