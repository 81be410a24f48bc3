/* Vectors of 4 floats or (with LNN_DOUBLE) 2 doubles: NEON, which every 64-bit ARM has. */
#ifndef LNN_VEC_NEON_H
#define LNN_VEC_NEON_H

#include <arm_neon.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"

/* W lanes; and outputs of an affine map that fit into the registers at once. */
#ifdef LNN_DOUBLE
typedef double real;
typedef float64x2_t vec;
enum { W = 2, BLOCK = 8, MAX_EXPONENT = 1022 };
#define OF(operation) operation##_f64
#else
typedef float real;
typedef float32x4_t vec;
enum { W = 4, BLOCK = 8, MAX_EXPONENT = 126 };
#define OF(operation) operation##_f32
#endif

static INLINE vec v_load(const real *p) { return OF(vld1q)(p); }
static INLINE void v_store(real *p, vec a) { OF(vst1q)(p, a); }
static INLINE vec v_set(real a) { return OF(vdupq_n)(a); }
static INLINE vec v_add(vec a, vec b) { return OF(vaddq)(a, b); }
static INLINE vec v_sub(vec a, vec b) { return OF(vsubq)(a, b); }
static INLINE vec v_mul(vec a, vec b) { return OF(vmulq)(a, b); }
/* a b + c, c - a b, a b - c */
static INLINE vec v_fma(vec a, vec b, vec c) { return OF(vfmaq)(c, a, b); }
static INLINE vec v_fnma(vec a, vec b, vec c) { return OF(vfmsq)(c, a, b); }
static INLINE vec v_fms(vec a, vec b, vec c) { return OF(vfmaq)(OF(vnegq)(c), a, b); }
/* The smaller (larger) of a limit and x; a NaN in x stays. */
static INLINE vec v_at_most(vec limit, vec x) { return OF(vminq)(limit, x); }
static INLINE vec v_at_least(vec limit, vec x) { return OF(vmaxq)(limit, x); }
static INLINE vec v_abs(vec a) { return OF(vabsq)(a); }
/* a where x > 0, else b */
static INLINE vec v_where_positive(vec x, vec a, vec b) {
    return OF(vbslq)(OF(vcgtq)(x, v_set(0)), a, b);
}
static INLINE real v_sum(vec a) { return OF(vaddvq)(a); }

static INLINE vec in_range(vec x) {
    /* Beyond this a 2^x is nothing or too large for what is done with it here. */
    return v_at_least(v_set(-MAX_EXPONENT), v_at_most(v_set(MAX_EXPONENT), x));
}
/* x = floor + fraction with fraction in [0, 1); and a 2^floor(x), for any x. */
static INLINE vec v_floor(vec x) { return OF(vrndmq)(x); }
static INLINE vec v_fraction(vec x) {
    x = in_range(x);
    return v_sub(x, v_floor(x));
}

static INLINE vec v_divide(vec n, vec d) { return OF(vdivq)(n, d); }
static INLINE vec v_reciprocal(vec d) { return v_divide(v_set(1), d); }

#ifdef LNN_DOUBLE
static INLINE vec v_copysign(vec size, vec sign) {
    return vbslq_f64(vdupq_n_u64((uint64_t)1 << 63), sign, size);
}
static INLINE vec v_scale(vec a, vec x) {
    int64x2_t n = vcvtq_s64_f64(v_floor(in_range(x)));
    int64x2_t bits = vshlq_n_s64(vaddq_s64(n, vdupq_n_s64(1023)), 52);
    return v_mul(a, vreinterpretq_f64_s64(bits));
}
/* Lane i of the result is the sum of the lanes of a[i]. */
static INLINE vec v_sums(const vec *a) { return vpaddq_f64(a[0], a[1]); }
static INLINE vec v_gather(const real *base, const int32_t *index) {
    return vcombine_f64(vld1_f64(base + index[0]), vld1_f64(base + index[1]));
}
#else
static INLINE vec v_copysign(vec size, vec sign) {
    return vbslq_f32(vdupq_n_u32((uint32_t)1 << 31), sign, size);
}
static INLINE vec v_scale(vec a, vec x) {
    int32x4_t n = vcvtq_s32_f32(v_floor(in_range(x)));
    int32x4_t bits = vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23);
    return v_mul(a, vreinterpretq_f32_s32(bits));
}
/* Lane i of the result is the sum of the lanes of a[i]. */
static INLINE vec v_sums(const vec *a) {
    return vpaddq_f32(vpaddq_f32(a[0], a[1]), vpaddq_f32(a[2], a[3]));
}
static INLINE vec v_gather(const real *base, const int32_t *index) {
    vec a = vld1q_dup_f32(base + index[0]);
    a = vld1q_lane_f32(base + index[1], a, 1);
    a = vld1q_lane_f32(base + index[2], a, 2);
    return vld1q_lane_f32(base + index[3], a, 3);
}
#endif

#undef OF

#endif
