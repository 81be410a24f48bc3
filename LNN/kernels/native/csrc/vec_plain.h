/* Vectors for any CPU, of floats or (with LNN_DOUBLE) doubles: GNU vector extensions where
 * the compiler has them, else plain C99 arrays.
 */
#ifndef LNN_VEC_PLAIN_H
#define LNN_VEC_PLAIN_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"

#ifdef LNN_DOUBLE
typedef double real;
typedef int64_t bits_t;
enum { W = 2, MANTISSA = 52, BIAS = 1023 };
#define LANES(x) {x(0), x(1)}
#else
typedef float real;
typedef int32_t bits_t;
enum { W = 4, MANTISSA = 23, BIAS = 127 };
#define LANES(x) {x(0), x(1), x(2), x(3)}
#endif

/* Outputs of an affine map that fit into the registers at once. */
enum { BLOCK = 2 };

#if defined(__GNUC__) && !defined(LNN_ARRAYS)

typedef real vec __attribute__((vector_size(W * sizeof(real))));
typedef bits_t mask __attribute__((vector_size(W * sizeof(real))));

static INLINE vec v_load(const real *p) {
    vec a;
    memcpy(&a, p, sizeof a);
    return a;
}
static INLINE void v_store(real *p, vec a) { memcpy(p, &a, sizeof a); }
static INLINE vec v_set(real x) {
#define SAME(i) x
    return (vec)LANES(SAME);
#undef SAME
}
static INLINE vec v_add(vec a, vec b) { return a + b; }
static INLINE vec v_sub(vec a, vec b) { return a - b; }
static INLINE vec v_mul(vec a, vec b) { return a * b; }
static INLINE vec v_divide(vec a, vec b) { return a / b; }
/* a b + c, c - a b, a b - c */
static INLINE vec v_fma(vec a, vec b, vec c) { return a * b + c; }
static INLINE vec v_fnma(vec a, vec b, vec c) { return c - a * b; }
static INLINE vec v_fms(vec a, vec b, vec c) { return a * b - c; }

static INLINE vec choose(mask which, vec a, vec b) {
    return (vec)((which & (mask)a) | (~which & (mask)b));
}
/* The smaller (larger) of a limit and x; a NaN in x stays. */
static INLINE vec v_at_most(vec limit, vec x) { return choose(limit < x, limit, x); }
static INLINE vec v_at_least(vec limit, vec x) { return choose(limit > x, limit, x); }
static INLINE vec v_copysign(vec size, vec sign) {
    const mask bit = (mask)v_set((real)-0.0);
    return choose(bit, sign, size);
}
static INLINE vec v_abs(vec a) { return v_copysign(a, v_set(0)); }
/* a where x > 0, else b */
static INLINE vec v_where_positive(vec x, vec a, vec b) { return choose(x > 0, a, b); }
static INLINE real v_sum(vec a) {
    real sum = a[0];
    for (int i = 1; i < W; i++) sum += a[i];
    return sum;
}
static INLINE vec v_gather(const real *base, const int32_t *index) {
#define AT(i) base[index[i]]
    return (vec)LANES(AT);
#undef AT
}

/* Beyond this a 2^x is nothing or too large for what is done with it here. */
static INLINE vec in_range(vec x) {
    return v_at_least(v_set(1 - BIAS), v_at_most(v_set(BIAS - 1), x));
}
/* floor(x); of a NaN (which no integer holds) 0. */
static INLINE mask whole_part(vec x) {
    x = in_range(x);
    x = choose(x == x, x, v_set(0));
    mask n = __builtin_convertvector(x, mask);
    return n + (__builtin_convertvector(n, vec) > x);
}
static INLINE vec v_floor(vec x) { return __builtin_convertvector(whole_part(x), vec); }
/* x = floor + fraction with fraction in [0, 1); and a 2^floor(x), for any x. */
static INLINE vec v_fraction(vec x) { return in_range(x) - v_floor(x); }
static INLINE vec v_scale(vec a, vec x) {
    return a * (vec)((whole_part(x) + BIAS) << MANTISSA);
}

#else

typedef struct {
    real v[W];
} vec;

#define EACH for (int i = 0; i < W; i++)

static INLINE vec v_load(const real *p) {
    vec a;
    EACH a.v[i] = p[i];
    return a;
}
static INLINE void v_store(real *p, vec a) { EACH p[i] = a.v[i]; }
static INLINE vec v_set(real x) {
    vec a;
    EACH a.v[i] = x;
    return a;
}
static INLINE vec v_add(vec a, vec b) {
    EACH a.v[i] += b.v[i];
    return a;
}
static INLINE vec v_sub(vec a, vec b) {
    EACH a.v[i] -= b.v[i];
    return a;
}
static INLINE vec v_mul(vec a, vec b) {
    EACH a.v[i] *= b.v[i];
    return a;
}
/* a b + c, c - a b, a b - c */
static INLINE vec v_fma(vec a, vec b, vec c) {
    EACH c.v[i] += a.v[i] * b.v[i];
    return c;
}
static INLINE vec v_fnma(vec a, vec b, vec c) {
    EACH c.v[i] -= a.v[i] * b.v[i];
    return c;
}
static INLINE vec v_fms(vec a, vec b, vec c) {
    EACH c.v[i] = a.v[i] * b.v[i] - c.v[i];
    return c;
}
/* The smaller (larger) of a limit and x; a NaN in x stays. */
static INLINE vec v_at_most(vec limit, vec x) {
    EACH x.v[i] = limit.v[i] < x.v[i] ? limit.v[i] : x.v[i];
    return x;
}
static INLINE vec v_at_least(vec limit, vec x) {
    EACH x.v[i] = limit.v[i] > x.v[i] ? limit.v[i] : x.v[i];
    return x;
}
static INLINE vec v_abs(vec a) {
    EACH a.v[i] = (real)fabs(a.v[i]);
    return a;
}
static INLINE vec v_copysign(vec size, vec sign) {
    EACH size.v[i] = (real)copysign(size.v[i], sign.v[i]);
    return size;
}
/* a where x > 0, else b */
static INLINE vec v_where_positive(vec x, vec a, vec b) {
    EACH a.v[i] = x.v[i] > 0 ? a.v[i] : b.v[i];
    return a;
}
static INLINE real v_sum(vec a) {
    real sum = a.v[0];
    for (int i = 1; i < W; i++) sum += a.v[i];
    return sum;
}
static INLINE vec v_gather(const real *base, const int32_t *index) {
    vec a;
    EACH a.v[i] = base[index[i]];
    return a;
}

/* floor(x) for |x| < 2^30; of a NaN (which no integer holds) 0. */
static INLINE bits_t whole_part(real x) {
    bits_t n = (bits_t)(x == x ? x : 0);
    return n - ((real)n > x);
}
/* Beyond this a 2^x is nothing or too large for what is done with it here. */
static INLINE real in_range(real x) {
    const real limit = BIAS - 1;
    x = x < -limit ? -limit : x;
    return x > limit ? limit : x;
}
/* x = floor + fraction with fraction in [0, 1); and a 2^floor(x), for any x. */
static INLINE vec v_fraction(vec x) {
    EACH {
        real in = in_range(x.v[i]);
        x.v[i] = in - (real)whole_part(in);
    }
    return x;
}
static INLINE vec v_floor(vec x) {
    EACH x.v[i] = (real)whole_part(in_range(x.v[i]));
    return x;
}
static INLINE vec v_scale(vec a, vec x) {
    EACH {
        bits_t bits = (whole_part(in_range(x.v[i])) + BIAS) << MANTISSA;
        real power;
        memcpy(&power, &bits, sizeof power);
        a.v[i] *= power;
    }
    return a;
}

static INLINE vec v_divide(vec n, vec d) {
    EACH n.v[i] /= d.v[i];
    return n;
}

#undef EACH
#endif

static INLINE vec v_reciprocal(vec d) { return v_divide(v_set(1), d); }

/* Lane i of the result is the sum of the lanes of a[i]. */
static INLINE vec v_sums(const vec *a) {
    real lane[W];
    for (int i = 0; i < W; i++) lane[i] = v_sum(a[i]);
    return v_load(lane);
}

#endif
