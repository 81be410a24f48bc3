/* Vectors of 8 floats: AVX2 and FMA. */
#ifndef LNN_VEC_AVX2_H
#define LNN_VEC_AVX2_H

#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"

typedef float real;
typedef __m256 vec;
/* W lanes; and outputs of an affine map that fit into the registers at once. */
enum { W = 8, BLOCK = 4 };

static INLINE vec v_load(const real *p) { return _mm256_loadu_ps(p); }
static INLINE void v_store(real *p, vec a) { _mm256_storeu_ps(p, a); }
static INLINE vec v_set(real a) { return _mm256_set1_ps(a); }
static INLINE vec v_add(vec a, vec b) { return _mm256_add_ps(a, b); }
static INLINE vec v_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
static INLINE vec v_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
/* a b + c, c - a b, a b - c */
static INLINE vec v_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
static INLINE vec v_fnma(vec a, vec b, vec c) { return _mm256_fnmadd_ps(a, b, c); }
static INLINE vec v_fms(vec a, vec b, vec c) { return _mm256_fmsub_ps(a, b, c); }
/* The smaller (larger) of a limit and x; a NaN in x stays (the second operand wins). */
static INLINE vec v_at_most(vec limit, vec x) { return _mm256_min_ps(limit, x); }
static INLINE vec v_at_least(vec limit, vec x) { return _mm256_max_ps(limit, x); }
static INLINE vec v_abs(vec a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
static INLINE vec v_copysign(vec size, vec sign) {
    return _mm256_or_ps(v_abs(size), _mm256_and_ps(_mm256_set1_ps(-0.0f), sign));
}
/* a where x > 0, else b */
static INLINE vec v_where_positive(vec x, vec a, vec b) {
    return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_GT_OQ));
}
static INLINE real v_sum(vec a) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
static INLINE vec v_gather(const real *base, const int32_t *index) {
    return _mm256_i32gather_ps(base, _mm256_loadu_si256((const __m256i *)index), 4);
}

/* x = floor + fraction with fraction in [0, 1); and a 2^floor(x), for any x. */
static INLINE vec in_range(vec x) {
    /* Beyond this a 2^x is nothing or too large for what is done with it here. */
    return v_at_least(v_set(-126.0f), v_at_most(v_set(126.0f), x));
}
static INLINE vec v_fraction(vec x) {
    x = in_range(x);
    return v_sub(x, _mm256_floor_ps(x));
}
static INLINE vec v_floor(vec x) { return _mm256_floor_ps(x); }
static INLINE vec v_scale(vec a, vec x) {
    x = in_range(x);
    __m256i whole = _mm256_cvtps_epi32(_mm256_floor_ps(x));
    __m256i bits = _mm256_slli_epi32(_mm256_add_epi32(whole, _mm256_set1_epi32(127)), 23);
    return v_mul(a, _mm256_castsi256_ps(bits));
}

static INLINE vec v_divide(vec n, vec d) { return _mm256_div_ps(n, d); }
static INLINE vec v_reciprocal(vec d) { return v_divide(v_set(1.0f), d); }

/* Lane i of the result is the sum of the lanes of a[i]. */
static INLINE vec v_sums(const vec *a) {
    vec low = _mm256_hadd_ps(_mm256_hadd_ps(a[0], a[1]), _mm256_hadd_ps(a[2], a[3]));
    vec high = _mm256_hadd_ps(_mm256_hadd_ps(a[4], a[5]), _mm256_hadd_ps(a[6], a[7]));
    return v_add(_mm256_permute2f128_ps(low, high, 0x20),
                 _mm256_permute2f128_ps(low, high, 0x31));
}

#endif
