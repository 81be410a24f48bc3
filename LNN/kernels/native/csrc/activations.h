/* Activations of the fully connected CfC's backbone. */
#ifndef LNN_ACTIVATIONS_H
#define LNN_ACTIVATIONS_H

#include "functions.h"
#include "problem.h"

static INLINE vec times(real a, vec x) { return v_mul(v_set(a), x); }

/* x Phi(x) and its derivative; lane by lane, as no vector unit has erf. */
static INLINE vec gelu(vec x, int derivative) {
    real lane[W];
    v_store(lane, x);
    for (int i = 0; i < W; i++) {
        double z = lane[i], phi = 0.5 * (1 + erf(z * 0.70710678118654752));
        lane[i] = (real)(derivative ? phi + z * 0.39894228040143268 * exp(-0.5 * z * z)
                                    : z * phi);
    }
    return v_load(lane);
}

static INLINE vec activate(int64_t activation, vec x) {
    switch (activation) {
    case LNN_LECUN_TANH:
        return times((real)1.7159, hyperbolic_tangent(times((real)0.666, x)));
    case LNN_TANH:
        return hyperbolic_tangent(x);
    case LNN_RELU:
        return v_at_least(v_set(0), x);
    case LNN_SILU:
        return v_mul(x, sigmoid(x));
    default:
        return gelu(x, 0);
    }
}

/* The derivative at x, where the activation is y. */
static INLINE vec activation_gradient(int64_t activation, vec x, vec y) {
    const vec one = v_set(1);
    switch (activation) {
    case LNN_LECUN_TANH: {
        vec tanh = times((real)(1 / 1.7159), y);
        return times((real)(1.7159 * 0.666), v_fnma(tanh, tanh, one));
    }
    case LNN_TANH:
        return v_fnma(y, y, one);
    case LNN_RELU:
        return v_where_positive(x, one, v_set(0));
    case LNN_SILU: {
        vec s = sigmoid(x);
        return v_mul(s, v_fma(x, v_sub(one, s), one));
    }
    default:
        return gelu(x, 1);
    }
}

/* Whether the derivative can be told from the activation alone. */
static int is_invertible(int64_t activation) { return activation <= LNN_RELU; }

#endif
