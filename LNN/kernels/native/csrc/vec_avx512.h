/* Vectors of 16 floats: AVX-512 (F, DQ). */
#ifndef LNN_VEC_AVX512_H
#define LNN_VEC_AVX512_H

#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"

typedef float real;
typedef __m512 vec;
/* W lanes; and outputs of an affine map that fit into the registers at once. */
enum { W = 16, BLOCK = 8 };

static INLINE vec v_load(const real *p) { return _mm512_loadu_ps(p); }
static INLINE void v_store(real *p, vec a) { _mm512_storeu_ps(p, a); }
static INLINE vec v_set(real a) { return _mm512_set1_ps(a); }
static INLINE vec v_add(vec a, vec b) { return _mm512_add_ps(a, b); }
static INLINE vec v_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
static INLINE vec v_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
/* a b + c, c - a b, a b - c */
static INLINE vec v_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
static INLINE vec v_fnma(vec a, vec b, vec c) { return _mm512_fnmadd_ps(a, b, c); }
static INLINE vec v_fms(vec a, vec b, vec c) { return _mm512_fmsub_ps(a, b, c); }
/* The smaller (larger) of a limit and x; a NaN in x stays (the second operand wins). */
static INLINE vec v_at_most(vec limit, vec x) { return _mm512_min_ps(limit, x); }
static INLINE vec v_at_least(vec limit, vec x) { return _mm512_max_ps(limit, x); }
static INLINE vec v_abs(vec a) { return _mm512_abs_ps(a); }
static INLINE vec v_copysign(vec size, vec sign) {
    const __m512i bit = _mm512_set1_epi32((int)0x80000000u);
    /* bit ? sign : size */
    return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(bit, _mm512_castps_si512(sign),
                                                         _mm512_castps_si512(size), 0xCA));
}
/* a where x > 0, else b */
static INLINE vec v_where_positive(vec x, vec a, vec b) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GT_OQ), b,
                                a);
}
static INLINE real v_sum(vec a) { return _mm512_reduce_add_ps(a); }
static INLINE vec v_gather(const real *base, const int32_t *index) {
    return _mm512_i32gather_ps(_mm512_loadu_si512(index), base, 4);
}

/* The first n lanes of p, the others 0; and the first n lanes to p. */
static INLINE vec v_load_some(const real *p, int64_t n) {
    return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
static INLINE void v_store_some(real *p, vec a, int64_t n) {
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), a);
}
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
    for (int k = 0; k < 4; k++) {
        b[k] = _mm512_shuffle_f32x4(a[k], a[k + 4], 0x88);
        b[k + 4] = _mm512_shuffle_f32x4(a[k], a[k + 4], 0xdd);
        b[k + 8] = _mm512_shuffle_f32x4(a[k + 8], a[k + 12], 0x88);
        b[k + 12] = _mm512_shuffle_f32x4(a[k + 8], a[k + 12], 0xdd);
    }
    for (int k = 0; k < 8; k++) {
        a[k] = _mm512_shuffle_f32x4(b[k], b[k + 8], 0x88);
        a[k + 8] = _mm512_shuffle_f32x4(b[k], b[k + 8], 0xdd);
    }
}

/* The sum of two halves of the lanes of a, beside that of b: the upper and the lower, then
 * what is left of them, so that in the end one vector has a lane for each of 16. */
static INLINE vec fold_halves(vec a, vec b) {
    return v_add(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
}
static INLINE vec fold_quarters(vec a, vec b) {
    return v_add(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
}
static INLINE vec fold_pairs(vec a, vec b) {
    return v_add(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
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

/* x = floor + fraction with fraction in [0, 1); and a 2^floor(x), for any x. */
static INLINE vec v_fraction(vec x) { return _mm512_reduce_ps(x, 0x09); }
static INLINE vec v_floor(vec x) { return _mm512_roundscale_ps(x, 0x09); }
static INLINE vec v_scale(vec a, vec x) { return _mm512_scalef_ps(a, x); }

/* 1 / d and n / d for normal d, to about one unit in the last place. */
static INLINE vec v_reciprocal(vec d) {
    vec r = _mm512_rcp14_ps(d);
    return v_fma(r, v_fnma(d, r, v_set(1.0f)), r);
}
static INLINE vec v_divide(vec n, vec d) {
    vec r = v_reciprocal(d), q = v_mul(n, r);
    return v_fma(v_fnma(d, q, n), r, q);
}

#endif
