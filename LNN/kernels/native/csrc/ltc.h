/* The LTC's semi-implicit solver and its gradient (design: one step is U unfolds),
 * with samples in the lanes.
 *
 *     s_e = sigmoid(sigma_e (v_i - mu_e))        for every live synapse e: i -> j
 *     I_j = gleak_j vleak_j + sum w_e E_e s_e,   G_j = gleak_j + eps + sum w_e s_e
 *     v_j' = v_j + h r_j,  r_j = (I_j - G_j v_j) / D_j,  D_j = cm_j + h G_j
 *
 * Backwards, with g = dL/dv_j', b = g / D_j and k = h b:
 *
 *     dI_j = k, dG_j = -k v_j', dv_j = cm_j b, dcm_j = -k r_j, dh = b cm_j r_j,
 *     per synapse: q = k (E - v_j'), z = q s (1 - s), dv_i += w sigma z, and sums of
 *     k s, q s, z and z v_i, which hold the gradients of E, w, mu and sigma.
 */
#ifndef LNN_LTC_H
#define LNN_LTC_H

#include "synapses.h"

typedef struct {
    synapses sensory, recurrent;
    real *neuron; /* (N, 3): gleak vleak, gleak + eps, cm */
} ltc_pack;

/* Memory for the step at hand; rows of L. */
typedef struct {
    real *drive;     /* (2, N) current and conductance that do not change in a step */
    real *x;         /* (F) inputs after their affine map */
    real *turns;     /* (2, N) states between unfolds, where none are kept */
    real *s_sensory; /* (E sensory) sigmoids */
    real *s;         /* sigmoids of a block of neurons' synapses */
    /* on the way back only */
    real *totals;  /* (2, N) sums of k and of k v' over the unfolds */
    real *g, *g_x; /* (N), (F) */
} ltc_work;

/* Sums over samples and steps, W lanes each, kept until the end. */
typedef struct {
    real *sensory, *recurrent; /* (E, 4): k s, q s, z, z v */
    real *neuron;              /* (N, 3): k, k v', k r */
    real *input;               /* (F, 2): g x, g */
} ltc_sums;

static void ltc_reserve(ltc_pack *k, arena *a, const lnn_problem *p) {
    synapses_reserve(&k->sensory, a, p->n_sensory, p->neurons);
    synapses_reserve(&k->recurrent, a, p->n_recurrent, p->neurons);
    k->neuron = take(a, p->neurons * 3);
}

static void ltc_sums_reserve(ltc_sums *s, arena *a, const lnn_problem *p) {
    s->sensory = take(a, p->n_sensory * 4 * W);
    s->recurrent = take(a, p->n_recurrent * 4 * W);
    s->neuron = take(a, p->neurons * 3 * W);
    s->input = take(a, p->inputs * 2 * W);
}

static void ltc_work_reserve(ltc_work *w, arena *a, const lnn_problem *p, int backward) {
    const int64_t n = p->neurons, f = p->inputs;
    memset(w, 0, sizeof *w);
    w->drive = take(a, 2 * n * L);
    w->x = take(a, f * L);
    w->turns = take(a, 2 * n * L);
    w->s_sensory = take(a, p->n_sensory * L);
    w->s = take(a, p->n_recurrent * L);
    if (!backward) return;
    w->totals = take(a, 2 * n * L);
    w->g = take(a, n * L);
    w->g_x = take(a, f * L);
}

/* What a step leaves for the way back: the states between its unfolds. */
static real *ltc_between_reserve(arena *a, const lnn_problem *p) {
    return take(a, (p->unfolds - 1) * p->neurons * L);
}

static void ltc_prepare(ltc_pack *k, const lnn_problem *p) {
    const real *leak = p->parameters[8], *rest = p->parameters[9], *cm = p->parameters[10];
    synapses_prepare(&k->sensory, p->sensory_source, p->sensory_target, p->neurons,
                     p->parameters);
    synapses_prepare(&k->recurrent, p->recurrent_source, p->recurrent_target, p->neurons,
                     p->parameters + 4);
    for (int64_t j = 0; j < p->neurons; j++) {
        double g = softplus(leak[j]);
        k->neuron[3 * j] = (real)(g * rest[j]);
        k->neuron[3 * j + 1] = (real)(g + p->epsilon);
        k->neuron[3 * j + 2] = (real)softplus(cm[j]);
    }
}

/* What the inputs and the leak drive the neurons with. */
static INLINE void ltc_drive(const ltc_pack *k, const lnn_problem *p, const real *x,
                             const ltc_work *w, int nv) {
    const int64_t n = p->neurons;
    const real *scale = p->parameters[11], *shift = p->parameters[12];
    for (int64_t f = 0; f < p->inputs; f++)
        for (int u = 0; u < nv; u++) {
            vec a = v_load(x + f * L + u * W);
            if (scale) a = v_mul(a, v_set(scale[f]));
            if (shift) a = v_add(a, v_set(shift[f]));
            v_store(w->x + f * L + u * W, a);
        }
    open_synapses(&k->sensory, 0, k->sensory.edges, w->x, w->s_sensory, nv);
    for (int64_t j = 0; j < n; j++) {
        vec current[NV], conductance[NV];
        for (int u = 0; u < nv; u++) {
            current[u] = v_set(k->neuron[3 * j]);
            conductance[u] = v_set(k->neuron[3 * j + 1]);
        }
        synaptic_sums(&k->sensory, j, w->s_sensory + k->sensory.begin[j] * L, current,
                      conductance, nv);
        for (int u = 0; u < nv; u++) {
            v_store(w->drive + j * L + u * W, current[u]);
            v_store(w->drive + (n + j) * L + u * W, conductance[u]);
        }
    }
}

/* Current and conductance of neuron j at the states v. */
static INLINE void neuron_currents(const ltc_pack *k, int64_t n, int64_t j,
                                   const real *drive, const real *s, vec *current,
                                   vec *conductance, int nv) {
    for (int u = 0; u < nv; u++) {
        current[u] = v_load(drive + j * L + u * W);
        conductance[u] = v_load(drive + (n + j) * L + u * W);
    }
    synaptic_sums(&k->recurrent, j, s, current, conductance, nv);
}

/* One unfold from v to next. */
static INLINE void unfold_rows(const ltc_pack *k, int64_t n, const ltc_work *w,
                               const real *v, real *next, const real *h, int nv) {
    const synapses *all = &k->recurrent;
    const real *drive = w->drive, *neuron = k->neuron;
    for (int64_t j = 0, end; j < n;) {
        real *s = w->s;
        end = block_end(all, n, j);
        open_synapses(all, all->begin[j], all->begin[end], v, s, nv);
        for (; j < end; j++) {
            vec current[NV], conductance[NV], cm = v_set(neuron[3 * j + 2]);
            neuron_currents(k, n, j, drive, s, current, conductance, nv);
            s += (all->begin[j + 1] - all->begin[j]) * L;
            for (int u = 0; u < nv; u++) {
                int64_t at = j * L + u * W;
                vec own = v_load(v + at), step = v_load(h + u * W);
                vec inverse = v_reciprocal(v_fma(step, conductance[u], cm));
                vec r = v_mul(v_fnma(conductance[u], own, current[u]), inverse);
                v_store(next + at, v_fma(step, r, own));
            }
        }
    }
}

/* By itself, an unfold has all registers. */
static NOINLINE void ltc_unfold(const ltc_pack *k, int64_t n, const ltc_work *w,
                                const real *v, real *next, const real *h, int nv) {
    if (nv == NV)
        unfold_rows(k, n, w, v, next, h, NV);
    else
        unfold_rows(k, n, w, v, next, h, 1);
}

/* The states after i unfolds; a step may keep those `between` its first and its last. */
static INLINE real *unfolded(const ltc_work *w, const real *before, real *between,
                             real *after, int64_t unfolds, int64_t block, int64_t i) {
    if (i == 0) return (real *)before;
    if (i == unfolds) return after;
    return between ? between + (i - 1) * block : w->turns + i % 2 * block;
}

/* One step; h is dt / U. */
static INLINE void ltc_step(const ltc_pack *k, const lnn_problem *p, const real *x,
                            const real *before, real *between, real *after, const real *h,
                            const ltc_work *w, int nv) {
    const int64_t n = p->neurons, unfolds = p->unfolds, block = n * L;
    const real *v = before;
    ltc_drive(k, p, x, w, nv);
    for (int64_t i = 1; i <= unfolds; i++) {
        real *next = unfolded(w, before, between, after, unfolds, block, i);
        ltc_unfold(k, n, w, v, next, h, nv);
        v = next;
    }
}

/* Neuron j backwards through one unfold. Returns its k and k v'. */
static INLINE void neuron_gradient(const ltc_pack *pack, int64_t n, int64_t j,
                                   const real *v, const real *next, const real *h,
                                   const real *g, real *to, const ltc_work *w,
                                   const real *s, real *sum, vec *by_step, vec *k, vec *kv,
                                   int nv) {
    vec current[NV], conductance[NV], cm = v_set(pack->neuron[3 * j + 2]);
    vec all_r = v_load(sum);
    neuron_currents(pack, n, j, w->drive, s, current, conductance, nv);
    for (int u = 0; u < nv; u++) {
        int64_t at = j * L + u * W;
        real *total = w->totals + at;
        vec step = v_load(h + u * W);
        vec inverse = v_reciprocal(v_fma(step, conductance[u], cm));
        vec r = v_mul(v_fnma(conductance[u], v_load(v + at), current[u]), inverse);
        vec b = v_mul(v_load(g + at), inverse), direct = v_mul(cm, b);
        k[u] = v_mul(step, b);
        kv[u] = v_mul(k[u], v_load(next + at));
        v_store(to + at, v_add(v_load(to + at), direct));
        v_store(total, v_add(v_load(total), k[u]));
        v_store(total + n * L, v_add(v_load(total + n * L), kv[u]));
        by_step[u] = v_fma(direct, r, by_step[u]);
        all_r = v_fma(k[u], r, all_r);
    }
    v_store(sum, all_r);
}

/* Backwards through one unfold from v to next: g holds the gradients of next, those of v
 * are added to `to`. What the unfold computed is computed again.
 */
static INLINE void unfold_rows_gradient(const ltc_pack *pack, int64_t n, const real *v,
                                        const real *next, const real *h, const real *g,
                                        real *to, real *g_h, const ltc_work *w,
                                        const ltc_sums *sums, int nv) {
    const synapses *all = &pack->recurrent;
    vec by_step[NV], k[NV], kv[NV];
    for (int u = 0; u < nv; u++) by_step[u] = v_load(g_h + u * W);
    for (int64_t j = 0, end; j < n;) {
        real *s = w->s;
        end = block_end(all, n, j);
        open_synapses(all, all->begin[j], all->begin[end], v, s, nv);
        for (; j < end; j++) {
            neuron_gradient(pack, n, j, v, next, h, g, to, w, s,
                            sums->neuron + (3 * j + 2) * W, by_step, k, kv, nv);
            synapse_gradients(all, j, k, kv, s, v, to, sums->recurrent, nv);
            s += (all->begin[j + 1] - all->begin[j]) * L;
        }
    }
    for (int u = 0; u < nv; u++) v_store(g_h + u * W, by_step[u]);
}

static NOINLINE void unfold_gradient(const ltc_pack *pack, int64_t n, const real *v,
                                     const real *next, const real *h, const real *g,
                                     real *to, real *g_h, const ltc_work *w,
                                     const ltc_sums *sums, int nv) {
    if (nv == NV)
        unfold_rows_gradient(pack, n, v, next, h, g, to, g_h, w, sums, NV);
    else
        unfold_rows_gradient(pack, n, v, next, h, g, to, g_h, w, sums, 1);
}

/* What a step's totals add to the sums of the neurons and of the sensory synapses. */
static INLINE void drive_gradient(const ltc_pack *pack, int64_t n, const ltc_work *w,
                                  const ltc_sums *sums, int nv) {
    for (int64_t j = 0; j < n; j++) {
        vec k[NV], kv[NV];
        real *sum = sums->neuron + 3 * j * W;
        for (int u = 0; u < nv; u++) {
            k[u] = v_load(w->totals + j * L + u * W);
            kv[u] = v_load(w->totals + (n + j) * L + u * W);
            v_store(sum, v_add(v_load(sum), k[u]));
            v_store(sum + W, v_add(v_load(sum + W), kv[u]));
        }
        synapse_gradients(&pack->sensory, j, k, kv,
                          w->s_sensory + pack->sensory.begin[j] * L, w->x, w->g_x,
                          sums->sensory, nv);
    }
}

static INLINE void input_gradient(const lnn_problem *p, const real *x, const ltc_work *w,
                                  const ltc_sums *sums, real *g_x, int nv) {
    const real *scale = p->parameters[11];
    for (int64_t f = 0; f < p->inputs; f++) {
        real *sum = sums->input + f * 2 * W;
        for (int u = 0; u < nv; u++) {
            vec a = v_load(w->g_x + f * L + u * W);
            v_store(sum, v_fma(a, v_load(x + f * L + u * W), v_load(sum)));
            v_store(sum + W, v_add(v_load(sum + W), a));
            if (scale) a = v_mul(a, v_set(scale[f]));
            v_store(g_x + f * L + u * W, v_add(a, v_load(g_x + f * L + u * W)));
        }
    }
}

/* Backwards through one step; g: gradients of the states after it, in rows of L, on
 * return those of the states before.
 */
static INLINE void ltc_step_gradient(const ltc_pack *k, const lnn_problem *p, const real *x,
                                     const real *before, real *between, real *after,
                                     const real *h, real *g, real *g_x, real *g_h,
                                     const ltc_work *w, const ltc_sums *sums, int nv) {
    const int64_t n = p->neurons, unfolds = p->unfolds, block = n * L;
    const real *next = after;
    real *from = g, *to = w->g;
    ltc_drive(k, p, x, w, nv);
    memset(w->totals, 0, sizeof(real) * 2 * block);
    for (int64_t i = unfolds - 1; i >= 0; i--) {
        const real *v = unfolded(w, before, between, after, unfolds, block, i);
        memset(to, 0, sizeof(real) * block);
        unfold_gradient(k, n, v, next, h, from, to, g_h, w, sums, nv);
        next = v;
        real *swap = from;
        from = to;
        to = swap;
    }
    if (from != g) memcpy(g, from, sizeof(real) * block);
    memset(w->g_x, 0, sizeof(real) * p->inputs * L);
    drive_gradient(k, n, w, sums, nv);
    input_gradient(p, x, w, sums, g_x, nv);
}

static void neuron_finish(const lnn_problem *p, int64_t j, const double *sum) {
    const real *leak = p->parameters[8], *rest = p->parameters[9], *cm = p->parameters[10];
    real *g_leak = p->grad_parameters[8], *g_rest = p->grad_parameters[9];
    real *g_cm = p->grad_parameters[10];
    g_leak[j] = (real)((rest[j] * sum[0] - sum[1]) * softplus_slope(leak[j]));
    g_rest[j] = (real)(softplus(leak[j]) * sum[0]);
    g_cm[j] = (real)(-sum[2] * softplus_slope(cm[j]));
}

static void input_finish(const lnn_problem *p, int64_t f, const double *sum) {
    real *g_scale = p->grad_parameters[11], *g_shift = p->grad_parameters[12];
    if (g_scale) g_scale[f] = (real)sum[0];
    if (g_shift) g_shift[f] = (real)sum[1];
}

static void ltc_finish(const lnn_problem *p, const ltc_sums *sums) {
    double total[4];
    for (int64_t e = 0; e < p->n_sensory; e++) {
        lanes_totals(sums->sensory + e * 4 * W, 4, total);
        synapse_finish(e, total, p->parameters, p->grad_parameters);
    }
    for (int64_t e = 0; e < p->n_recurrent; e++) {
        lanes_totals(sums->recurrent + e * 4 * W, 4, total);
        synapse_finish(e, total, p->parameters + 4, p->grad_parameters + 4);
    }
    for (int64_t j = 0; j < p->neurons; j++) {
        lanes_totals(sums->neuron + j * 3 * W, 3, total);
        neuron_finish(p, j, total);
    }
    for (int64_t f = 0; f < p->inputs; f++) {
        lanes_totals(sums->input + f * 2 * W, 2, total);
        input_finish(p, f, total);
    }
}

#endif
