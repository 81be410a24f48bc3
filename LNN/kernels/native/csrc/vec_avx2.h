/* Vectors of 8 floats or (with LNN_DOUBLE) 4 doubles: AVX2 and FMA. */
#ifndef LNN_VEC_AVX2_H
#define LNN_VEC_AVX2_H

#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"

/* W lanes; and outputs of an affine map that fit into the registers at once. */
#ifdef LNN_DOUBLE
typedef double real;
typedef __m256d vec;
enum { W = 4, BLOCK = 4, MAX_EXPONENT = 1022 };
#define OF(operation) _mm256_##operation##_pd
#else
typedef float real;
typedef __m256 vec;
enum { W = 8, BLOCK = 4, MAX_EXPONENT = 126 };
#define OF(operation) _mm256_##operation##_ps
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
static INLINE vec v_abs(vec a) { return OF(andnot)(OF(set1)((real)-0.0), a); }
static INLINE vec v_copysign(vec size, vec sign) {
    return OF(or)(v_abs(size), OF(and)(OF(set1)((real)-0.0), sign));
}
/* a where x > 0, else b */
static INLINE vec v_where_positive(vec x, vec a, vec b) {
    return OF(blendv)(b, a, OF(cmp)(x, OF(setzero)(), _CMP_GT_OQ));
}

#ifdef LNN_DOUBLE
static INLINE real v_sum(vec a) {
    __m128d s = _mm_add_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));
    return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}
/* Lane i of the result is the sum of the lanes of a[i]. */
static INLINE vec v_sums(const vec *a) {
    vec low = _mm256_hadd_pd(a[0], a[1]), high = _mm256_hadd_pd(a[2], a[3]);
    return v_add(_mm256_permute2f128_pd(low, high, 0x20),
                 _mm256_permute2f128_pd(low, high, 0x31));
}
/* a[i][k] becomes a[k][i]: pairs, then halves. */
static INLINE void v_transpose(vec *a) {
    vec even = _mm256_unpacklo_pd(a[0], a[1]), odd = _mm256_unpackhi_pd(a[0], a[1]);
    vec even2 = _mm256_unpacklo_pd(a[2], a[3]), odd2 = _mm256_unpackhi_pd(a[2], a[3]);
    a[0] = _mm256_permute2f128_pd(even, even2, 0x20);
    a[1] = _mm256_permute2f128_pd(odd, odd2, 0x20);
    a[2] = _mm256_permute2f128_pd(even, even2, 0x31);
    a[3] = _mm256_permute2f128_pd(odd, odd2, 0x31);
}
static INLINE vec v_gather(const real *base, const int32_t *index) {
    return _mm256_i32gather_pd(base, _mm_loadu_si128((const __m128i *)index), 8);
}
/* 2^n for whole n: no instruction makes them 64-bit integers, but an addition leaves
 * n + 1023 in the last bits. */
static INLINE vec power_of_two(vec n) {
    __m256i bits = _mm256_castpd_si256(v_add(n, v_set(0x1.8p52 + 1023)));
    return _mm256_castsi256_pd(_mm256_slli_epi64(bits, 52));
}
#else
static INLINE real v_sum(vec a) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
/* Lane i of the result is the sum of the lanes of a[i]. */
static INLINE vec v_sums(const vec *a) {
    vec low = _mm256_hadd_ps(_mm256_hadd_ps(a[0], a[1]), _mm256_hadd_ps(a[2], a[3]));
    vec high = _mm256_hadd_ps(_mm256_hadd_ps(a[4], a[5]), _mm256_hadd_ps(a[6], a[7]));
    return v_add(_mm256_permute2f128_ps(low, high, 0x20),
                 _mm256_permute2f128_ps(low, high, 0x31));
}
/* a[i][k] becomes a[k][i]: pairs, quadruples, then halves. */
static INLINE void v_transpose(vec *a) {
    vec b[8];
    for (int i = 0; i < 8; i += 2) {
        b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int k = 0; k < 2; k++) {
            a[i + 2 * k] = _mm256_shuffle_ps(b[i + k], b[i + k + 2], 0x44);
            a[i + 2 * k + 1] = _mm256_shuffle_ps(b[i + k], b[i + k + 2], 0xee);
        }
    for (int k = 0; k < 4; k++) {
        vec low = a[k], high = a[k + 4];
        a[k] = _mm256_permute2f128_ps(low, high, 0x20);
        a[k + 4] = _mm256_permute2f128_ps(low, high, 0x31);
    }
}
static INLINE vec v_gather(const real *base, const int32_t *index) {
    return _mm256_i32gather_ps(base, _mm256_loadu_si256((const __m256i *)index), 4);
}
/* 2^n for whole n. */
static INLINE vec power_of_two(vec n) {
    __m256i bits = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 23));
}
#endif

/* x = floor + fraction with fraction in [0, 1); and a 2^floor(x), for any x. */
static INLINE vec in_range(vec x) {
    /* Beyond this a 2^x is nothing or too large for what is done with it here. */
    return v_at_least(v_set(-MAX_EXPONENT), v_at_most(v_set(MAX_EXPONENT), x));
}
static INLINE vec v_fraction(vec x) {
    x = in_range(x);
    return v_sub(x, OF(floor)(x));
}
static INLINE vec v_floor(vec x) { return OF(floor)(x); }
static INLINE vec v_scale(vec a, vec x) {
    return v_mul(a, power_of_two(OF(floor)(in_range(x))));
}

static INLINE vec v_divide(vec n, vec d) { return OF(div)(n, d); }
static INLINE vec v_reciprocal(vec d) { return v_divide(v_set(1), d); }

#undef OF

#endif
