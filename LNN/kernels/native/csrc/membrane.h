/* The membrane of the LTC: c dv/dt = I - G v over a time h, with I and G held.
 *
 *     semi-implicit:  v' = v + h r,  r = (I - G v) / D,  D = c + h G
 *     exponential:    v' = v + (1 - e^-x) (I / G - v),  x = h G / c
 *
 * Backwards, with g = dL/dv', b = g / D or p = g (I / G - v) e^-x:
 *
 *     semi-implicit:  dI = h b,  dG = -h b v',  dv = c b,  dh = c b r,  dc = -h b r
 *     exponential:    dI = g (1 - e^-x) / G,  dG = -dI I / G + p x / G,  dv = g e^-x,
 *                     dh = p G / c,  dc = -p x / c
 */
#ifndef LNN_MEMBRANE_H
#define LNN_MEMBRANE_H

#include "functions.h"
#include "problem.h"

/* What a step leaves for the way back: r and 1 / D, or I / G and G. */
typedef struct {
    vec first, second;
} membrane_record;

static INLINE vec membrane_step(int solver, vec v, vec current, vec conductance, vec cm,
                                vec h, membrane_record *keep) {
    if (solver == LNN_EXPONENTIAL) {
        /* Not by 0: the leak and its epsilon are part of the conductance. */
        vec goal = v_divide(current, conductance);
        keep->first = goal;
        keep->second = conductance;
        /* 1 - e^-x without the loss of digits near x = 0. */
        vec gone = decay(v_divide(v_mul(h, conductance), cm));
        return v_fma(gone, v_sub(goal, v), v);
    }
    /* r and 1 / D are kept, since the way back needs both: D is divided by only once. */
    keep->second = v_reciprocal(v_fma(h, conductance, cm));
    keep->first = v_mul(v_fnma(conductance, v, current), keep->second);
    return v_fma(h, keep->first, v);
}

/* dI, -dG, dv, dh, -dc */
typedef struct {
    vec k, kv, direct, by_step, by_cm;
} membrane_pull;

static INLINE membrane_pull membrane_gradient(int solver, vec g, vec v, vec next, vec cm,
                                              vec h, membrane_record kept) {
    membrane_pull by;
    if (solver == LNN_EXPONENTIAL) {
        const vec goal = kept.first, conductance = kept.second;
        const vec over_g = v_reciprocal(conductance), rate = v_divide(conductance, cm);
        /* Beyond the limit nothing is left, and 0 times infinity must not be. */
        vec x = v_at_most(v_set(EXPONENT_LIMIT), v_mul(h, rate)), gone = decay(x);
        vec left = v_mul(g, v_sub(v_set(1), gone)), p = v_mul(left, v_sub(goal, v));
        vec px = v_mul(p, x);
        by.k = v_mul(v_mul(g, gone), over_g);
        by.kv = v_fnma(px, over_g, v_mul(by.k, goal));
        by.direct = left;
        by.by_step = v_mul(p, rate);
        by.by_cm = v_divide(px, cm);
        return by;
    }
    vec b = v_mul(g, kept.second);
    by.k = v_mul(h, b);
    by.kv = v_mul(by.k, next);
    by.direct = v_mul(cm, b);
    by.by_step = v_mul(by.direct, kept.first);
    by.by_cm = v_mul(by.k, kept.first);
    return by;
}

#endif
