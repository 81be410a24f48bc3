/* The closed form of the CfC (Hasani et al. 2022, eq. 10) and its gradient.
 *
 * The maps of one neuron are rows `apart` reals from each other. The forward pass
 * leaves in them what the backward pass needs (tanh f1, tanh f2, ta, s; for "pure"
 * f; for "exponential" tanh f1 and 1 / tau), and the backward pass the gradients of the
 * maps.
 */
#ifndef LNN_CLOSED_FORM_H
#define LNN_CLOSED_FORM_H

#include "functions.h"
#include "problem.h"

typedef struct {
    real *g_asymptote, *g_rate; /* "pure": accumulators, W reals a neuron */
    const real *asymptote, *rate;
} pure_form;

static INLINE int n_maps_of(int64_t mode) {
    return mode == LNN_PURE ? 1 : mode == LNN_EXPONENTIAL ? 2 : 4;
}

/* Where A and w_tau are among the parameters. */
static int64_t first_pure(const lnn_problem *p) { return p->kind == LNN_WIRED_CFC ? 3 : 0; }

static pure_form pure_parameters(const lnn_problem *p) {
    pure_form pure = {0, 0, 0, 0};
    int64_t first = first_pure(p);
    if (p->kind != LNN_LTC && p->mode == LNN_PURE) {
        pure.asymptote = p->parameters[first];
        pure.rate = p->parameters[first + 1];
    }
    return pure;
}

/* A and w_tau of what lies in the lanes, and where to add their gradients. */
typedef struct {
    vec asymptote, rate;
    real *g_asymptote, *g_rate;
} pure_lanes;

/* One neuron in all lanes; nothing where the mode has no A and w_tau. */
static INLINE pure_lanes pure_of(int mode, const pure_form *pure, int64_t neuron) {
    pure_lanes lanes;
    lanes.asymptote = v_set(mode == LNN_PURE ? pure->asymptote[neuron] : 0);
    lanes.rate = v_set(mode == LNN_PURE ? pure->rate[neuron] : 0);
    /* Forward passes have no gradients: C knows no offset of a null pointer. */
    lanes.g_asymptote = pure->g_asymptote ? pure->g_asymptote + neuron * W : 0;
    lanes.g_rate = pure->g_rate ? pure->g_rate + neuron * W : 0;
    return lanes;
}

static INLINE vec gated(int mode, vec f1, vec f2, vec s) {
    return v_fma(s, mode == LNN_NO_GATE ? f2 : v_sub(f2, f1), f1);
}

/* Return the new state. z holds the values of the maps and is left as told above. Only
 * "exponential" reads `old`: in other modes the old state acts through the maps alone.
 */
static INLINE vec closed_form(int mode, vec *z, vec old, vec dt, pure_lanes pure) {
    if (mode == LNN_PURE) {
        vec a = pure.asymptote, rate = pure.rate;
        vec speed = v_add(v_abs(rate), v_abs(z[0]));
        vec decay = exponential(v_fnma(dt, speed, v_set(0)));
        return v_fnma(v_mul(a, decay), z[0], a);
    }
    z[0] = hyperbolic_tangent(z[0]);
    if (mode == LNN_EXPONENTIAL) {
        z[1] = vector_softplus(z[1]);
        return v_fma(decay(v_mul(dt, z[1])), v_sub(z[0], old), old);
    }
    z[1] = hyperbolic_tangent(z[1]);
    z[3] = sigmoid(v_fma(z[2], dt, z[3]));
    return gated(mode, z[0], z[1], z[3]);
}

/* What a step knows in the lanes, and two gradients that are added to. */
typedef struct {
    vec old, dt;
    vec g_old, g_dt;
} step_lanes;

/* dh'/dt_a = (tanh f1 - h) e^-x dt sigmoid(t_a), x = dt / tau; sigmoid is 1 - e^(-1/tau). */
static INLINE void exponential_gradient(vec g, vec *z, step_lanes *at) {
    const vec one = v_set(1);
    vec goal = z[0], speed = z[1], gone = decay(v_mul(at->dt, speed));
    vec kept = v_sub(one, gone), by_x = v_mul(v_mul(g, kept), v_sub(goal, at->old));
    z[0] = v_mul(v_mul(g, gone), v_fnma(goal, goal, one));
    z[1] = v_mul(v_mul(by_x, at->dt), decay(speed));
    at->g_old = v_fma(g, kept, at->g_old);
    at->g_dt = v_fma(by_x, speed, at->g_dt);
}

/* From g, the gradient of the new state: gradients of the maps (z), of dt and of the old
 * state by itself. Those of A and w_tau are added to W reals each. */
static INLINE void closed_form_gradient(int mode, vec g, vec *z, step_lanes *at,
                                        pure_lanes pure) {
    const vec one = v_set(1), dt = at->dt;
    if (mode == LNN_EXPONENTIAL) {
        exponential_gradient(g, z, at);
        return;
    }
    if (mode == LNN_PURE) {
        vec asymptote = pure.asymptote, rate = pure.rate;
        real *ga = pure.g_asymptote, *gr = pure.g_rate;
        vec f = z[0], speed = v_add(v_abs(rate), v_abs(f));
        vec decay = exponential(v_fnma(dt, speed, v_set(0)));
        vec a = v_mul(asymptote, v_mul(g, decay));
        v_store(ga, v_fma(g, v_fnma(decay, f, one), v_load(ga)));
        /* 0 at 0, as torch has the slope of an absolute value there. */
        vec sign = v_sub(v_where_positive(rate, one, v_set(0)),
                         v_where_positive(v_sub(v_set(0), rate), one, v_set(0)));
        v_store(gr, v_fma(v_mul(a, f), v_mul(dt, sign), v_load(gr)));
        z[0] = v_mul(a, v_fms(dt, v_abs(f), one));
        at->g_dt = v_fma(v_mul(a, f), speed, at->g_dt);
        return;
    }
    vec f1 = z[0], f2 = z[1], ta = z[2], s = z[3];
    vec gs = v_mul(g, s), g1 = mode == LNN_NO_GATE ? g : v_sub(g, gs);
    vec step = mode == LNN_NO_GATE ? f2 : v_sub(f2, f1);
    /* The slopes of sigmoid and tanh follow from their values: s (1 - s), 1 - f^2. */
    vec gu = v_mul(v_mul(g, step), v_fnma(s, s, s));
    z[0] = v_mul(g1, v_fnma(f1, f1, one));
    z[1] = v_mul(gs, v_fnma(f2, f2, one));
    z[2] = v_mul(gu, dt);
    z[3] = gu;
    at->g_dt = v_fma(gu, ta, at->g_dt);
}

#endif
