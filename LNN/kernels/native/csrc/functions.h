/* exp, sigmoid and tanh of vectors. A NaN stays a NaN.
 *
 * e^x = 2^n (1 + r q(r)) with n = floor(x / log 2) and r = x - n log 2 in [0, log 2).
 * The polynomials are minimax in relative error (Remez): 1.2e-8 in single precision,
 * 2.7e-19 in double. The synapses of the LTC, which take most of the time, use a shorter
 * way: 2^t with the factor log2 e already in t, minimax to 7.5e-8 or 3.1e-18. Either way
 * absolute errors, rounding included, are below 2e-7 for sigmoid and tanh in single
 * precision (tests/kernels measures them), and tanh keeps its relative precision near 0.
 * In double all of them keep it wherever the result is a normal number.
 */
#ifndef LNN_FUNCTIONS_H
#define LNN_FUNCTIONS_H

#include "vector.h"

#define LOG2E 1.4426950408889634
/* Beyond the limits e^x or 2^t adds nothing to a sigmoid or tanh, and must not overflow.
 * Below the floor e^x is as good as nothing (and n has to stay a number).
 */
#ifdef LNN_DOUBLE
#define EXPONENT_LIMIT 708
#define POWER_LIMIT 1021
#define EXPONENT_FLOOR -708
#else
#define EXPONENT_LIMIT 64
#define POWER_LIMIT 64
#define EXPONENT_FLOOR -87
#endif

/* c[0] + c[1] r + ... */
static INLINE vec polynomial(vec r, const double *c, int degree) {
    vec p = v_set((real)c[degree]);
    for (int k = degree - 1; k >= 0; k--) p = v_fma(p, r, v_set((real)c[k]));
    return p;
}

/* r q(r) and n; log 2 in two parts, so that r is exact. */
static INLINE vec reduced_exponential(vec x, vec *n) {
#ifdef LNN_DOUBLE
    const double high = 0.693147180369123816490, low = 1.90821492927058770002e-10;
    static const double c[] = {
        0.99999999999999999973,    0.50000000000000011545,     0.16666666666665856712,
        0.041666666666888402158,   0.0083333333302074359032,   0.0013888889148098738767,
        0.00019841256257048678952, 0.000024802054326983438934, 2.7546654589897724665e-6,
        2.7717137126332623983e-7,  2.3550942673563484384e-8,   2.875240576585611193e-9};
    enum { DEGREE = 11 };
#else
    const double high = 0.693359375, low = -2.12194440e-4;
    static const double c[] = {0.999999987848,  0.500001313802,   0.166644014878,
                               0.0418075546128, 0.00794365157923, 0.00187056502857};
    enum { DEGREE = 5 };
#endif
    x = v_at_least(v_set(EXPONENT_FLOOR), v_at_most(v_set(EXPONENT_LIMIT), x));
    *n = v_floor(v_mul(x, v_set((real)LOG2E)));
    vec r = v_fnma(*n, v_set((real)low), v_fnma(*n, v_set((real)high), x));
    return v_mul(r, polynomial(r, c, DEGREE));
}

static INLINE vec exponential(vec x) {
    vec n, power = reduced_exponential(x, &n);
    return v_scale(v_add(power, v_set(1)), n);
}

static INLINE vec sigmoid(vec x) {
    vec e = exponential(v_sub(v_set(0), x));
    return v_reciprocal(v_add(v_set(1), e));
}

/* e^x - 1 of x >= 0, free of cancellation. */
static INLINE vec growth(vec x) {
    vec n, power = reduced_exponential(x, &n);
    vec scale = v_scale(v_set(1), n);
    return v_fma(scale, power, v_sub(scale, v_set(1)));
}

/* 1 - e^-x of x >= 0: what is gone after x time constants, free of cancellation. */
static INLINE vec decay(vec x) {
    vec more = growth(x);
    return v_divide(more, v_add(more, v_set(1)));
}

/* (e^2|x| - 1) / (e^2|x| + 1) */
static INLINE vec hyperbolic_tangent(vec x) {
    vec more = growth(v_abs(v_add(x, x)));
    return v_copysign(v_divide(more, v_add(more, v_set(2))), x);
}

/* log(1 + e^x) = max(x, 0) + log(1 + e), e = e^-|x|; log(1 + e) = 2 artanh(w) with
 * w = e / (2 + e) up to 1/3, by a polynomial in w^2, minimax to 4e-9 or 1.3e-18.
 */
static INLINE vec vector_softplus(vec x) {
#ifdef LNN_DOUBLE
    static const double c[] = {
        2.0000000000000000025,  0.66666666666666134233,  0.40000000000190326437,
        0.2857142854492502758,  0.22222224111778241296,  0.18181739787590417126,
        0.15386635456315195694, 0.13300102491798210381,  0.12112249089821112226,
        0.083156839557900329348, 0.17060062920105509553};
#else
    static const double c[] = {2.00000000792, 0.666663146821, 0.400249102795, 0.279606027472,
                               0.281783350867};
#endif
    enum { DEGREE = sizeof c / sizeof *c - 1 };
    vec e = exponential(v_sub(v_set(0), v_abs(x)));
    vec w = v_divide(e, v_add(e, v_set(2)));
    vec log_part = v_mul(w, polynomial(v_mul(w, w), c, DEGREE));
    return v_add(v_at_least(v_set(0), x), log_part);
}

enum { MOST_SIGMOIDS = 8 };

/* 1 / (1 + 2^t), the sigmoid of -t log 2, of some t, in place and in step. */
static INLINE void sigmoids2(vec *t, int count) {
#ifdef LNN_DOUBLE
    static const double c[] = {
        0.99999999999999999695,    0.6931471805599462346,    0.24022650695905471382,
        0.055504108665711137461,   0.0096181290987926433384, 0.001333355866157485595,
        0.00015403511446514360493, 0.000015253190248422147719, 1.320819350030919023e-6,
        1.0254457347165519843e-7,  6.5544572891412444405e-9, 6.2724342466933614284e-10};
#else
    static const double c[] = {0.999999925064,  0.693153073207,  0.240153616983,
                               0.0558263182317, 0.0089893398766, 0.00187757676566};
#endif
    enum { DEGREE = sizeof c / sizeof *c - 1 };
    vec e[MOST_SIGMOIDS], f[MOST_SIGMOIDS];
    for (int i = 0; i < count; i++) t[i] = v_at_most(v_set(POWER_LIMIT), t[i]);
    for (int i = 0; i < count; i++) f[i] = v_fraction(t[i]);
    for (int i = 0; i < count; i++) e[i] = v_set((real)c[DEGREE]);
    for (int k = DEGREE - 1; k >= 0; k--)
        for (int i = 0; i < count; i++) e[i] = v_fma(e[i], f[i], v_set((real)c[k]));
    for (int i = 0; i < count; i++) e[i] = v_scale(e[i], t[i]);
    for (int i = 0; i < count; i++) t[i] = v_reciprocal(v_add(v_set(1), e[i]));
}

static INLINE vec sigmoid2(vec t) {
    sigmoids2(&t, 1);
    return t;
}

#endif
