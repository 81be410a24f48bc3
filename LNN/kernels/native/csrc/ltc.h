/* The LTC's solvers and their gradients, with samples in the lanes. One step is U unfolds.
 *
 *     s_e = sigmoid(sigma_e (v_i - mu_e))        for every live synapse e: i -> j
 *     I_j = gleak_j vleak_j + sum w_e E_e s_e,   G_j = gleak_j + eps + sum w_e s_e
 *
 * and the membrane (membrane.h) goes from v_j to v_j' by I_j and G_j. Backwards, with
 * k = dI_j and kv = -dG_j, per synapse: q = k E - kv, z = q s (1 - s),
 * dv_i += w sigma z, and sums of k s, q s, z and z v_i, which hold the gradients of E, w,
 * mu and sigma.
 */
#ifndef LNN_LTC_H
#define LNN_LTC_H

#include "membrane.h"
#include "synapses.h"

typedef struct {
    int64_t neurons, solver;
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
    real *totals;  /* (2, N) sums of k and of kv over the unfolds */
    real *g, *g_x; /* (N), (F) */
} ltc_work;

/* Sums over samples and steps, W lanes each, kept until the end. */
typedef struct {
    real *sensory, *recurrent; /* (E, 4): k s, q s, z, z v */
    real *neuron;              /* (N, 3): k, kv, -dcm */
    real *input;               /* (F, 2): g x, g */
} ltc_sums;

static void ltc_reserve(ltc_pack *k, arena *a, const lnn_problem *p) {
    k->neurons = p->neurons;
    k->solver = p->mode;
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

/* The rows of a step, and of the gradients on the way back. */
typedef struct {
    const real *x, *before;
    real *between, *after; /* states between unfolds, if they are kept; new states */
    const real *h;         /* dt / U */
} ltc_rows;
typedef struct {
    real *states; /* of the states after the step; on return of those before */
    real *x, *h;
} ltc_gradients;

/* One unfold on the way back, from v to next. */
typedef struct {
    int solver;
    int64_t neurons;
    const real *v, *next, *h;
    const real *g; /* gradients of next; those of v are added to `to` */
    real *to, *g_h;
    const ltc_work *w;
    const ltc_sums *sums;
} ltc_unfolding;

/* What the inputs and the leak drive the neurons with: once a step, not per unfold. */
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
        membrane m;
        for (int u = 0; u < nv; u++) {
            m.current[u] = v_set(k->neuron[3 * j]);
            m.conductance[u] = v_set(k->neuron[3 * j + 1]);
        }
        synaptic_sums(&k->sensory, j, w->s_sensory + k->sensory.begin[j] * L, &m, nv);
        for (int u = 0; u < nv; u++) {
            v_store(w->drive + j * L + u * W, m.current[u]);
            v_store(w->drive + (n + j) * L + u * W, m.conductance[u]);
        }
    }
}

/* Current and conductance of neuron j at the states v. */
static INLINE void neuron_currents(const ltc_pack *k, int64_t n, int64_t j,
                                   const real *drive, const real *s, membrane *m, int nv) {
    for (int u = 0; u < nv; u++) {
        m->current[u] = v_load(drive + j * L + u * W);
        m->conductance[u] = v_load(drive + (n + j) * L + u * W);
    }
    synaptic_sums(&k->recurrent, j, s, m, nv);
}

/* One unfold from v to next. */
static INLINE void unfold_rows(const ltc_pack *k, int solver, const ltc_work *w,
                               const real *v, real *next, const real *h, int nv) {
    const synapses *all = &k->recurrent;
    const real *drive = w->drive, *neuron = k->neuron;
    const int64_t n = k->neurons;
    for (int64_t j = 0, end; j < n;) {
        real *s = w->s;
        end = block_end(all, n, j);
        open_synapses(all, all->begin[j], all->begin[end], v, s, nv);
        for (; j < end; j++) {
            membrane m;
            vec cm = v_set(neuron[3 * j + 2]);
            neuron_currents(k, n, j, drive, s, &m, nv);
            s += (all->begin[j + 1] - all->begin[j]) * L;
            for (int u = 0; u < nv; u++) {
                int64_t at = j * L + u * W;
                membrane_record none;
                v_store(next + at, membrane_step(solver, v_load(v + at), m.current[u],
                                                 m.conductance[u], cm,
                                                 v_load(h + u * W), &none));
            }
        }
    }
}

/* Not inlined, as an unfold by itself has all registers. Each copy has its solver and its
 * number of vectors as constants. */
static NOINLINE void ltc_unfold(const ltc_pack *k, const ltc_work *w, const real *v,
                                real *next, const real *h, int nv) {
    const int exponential = k->solver == LNN_EXPONENTIAL;
    if (nv == NV && exponential)
        unfold_rows(k, LNN_EXPONENTIAL, w, v, next, h, NV);
    else if (nv == NV)
        unfold_rows(k, LNN_DEFAULT, w, v, next, h, NV);
    else if (exponential)
        unfold_rows(k, LNN_EXPONENTIAL, w, v, next, h, 1);
    else
        unfold_rows(k, LNN_DEFAULT, w, v, next, h, 1);
}

/* The states after i unfolds; a step may keep those `between` its first and its last. */
static INLINE real *unfolded(const ltc_work *w, ltc_rows r, int64_t unfolds, int64_t block,
                             int64_t i) {
    if (i == 0) return (real *)r.before;
    if (i == unfolds) return r.after;
    return r.between ? r.between + (i - 1) * block : w->turns + i % 2 * block;
}

/* One step. */
static INLINE void ltc_step(const ltc_pack *k, const lnn_problem *p, ltc_rows r,
                            const ltc_work *w, int nv) {
    const int64_t unfolds = p->unfolds, block = p->neurons * L;
    const real *v = r.before;
    ltc_drive(k, p, r.x, w, nv);
    for (int64_t i = 1; i <= unfolds; i++) {
        real *next = unfolded(w, r, unfolds, block, i);
        ltc_unfold(k, w, v, next, r.h, nv);
        v = next;
    }
}

/* Neuron j backwards through one unfold. Returns its pull. */
static INLINE void neuron_gradient(const ltc_pack *pack, int64_t j, ltc_unfolding a,
                                   const real *s, vec *by_step, pull *by, int nv) {
    const int64_t n = a.neurons;
    real *sum = a.sums->neuron + (3 * j + 2) * W;
    membrane m;
    vec cm = v_set(pack->neuron[3 * j + 2]), by_cm = v_load(sum);
    neuron_currents(pack, n, j, a.w->drive, s, &m, nv);
    for (int u = 0; u < nv; u++) {
        int64_t at = j * L + u * W;
        real *total = a.w->totals + at;
        vec h = v_load(a.h + u * W), v = v_load(a.v + at);
        membrane_record kept;
        membrane_step(a.solver, v, m.current[u], m.conductance[u], cm, h, &kept);
        membrane_pull own = membrane_gradient(a.solver, v_load(a.g + at), v,
                                              v_load(a.next + at), cm, h, kept);
        by->k[u] = own.k;
        by->kv[u] = own.kv;
        v_store(a.to + at, v_add(v_load(a.to + at), own.direct));
        v_store(total, v_add(v_load(total), by->k[u]));
        v_store(total + n * L, v_add(v_load(total + n * L), by->kv[u]));
        by_step[u] = v_add(own.by_step, by_step[u]);
        by_cm = v_add(own.by_cm, by_cm);
    }
    v_store(sum, by_cm);
}

/* Backwards through one unfold. What the unfold computed is computed again: sigmoids of
 * all synapses and unfolds would be many times the states, which are kept. */
static INLINE void unfold_rows_gradient(const ltc_pack *pack, ltc_unfolding a, int solver,
                                        int nv) {
    a.solver = solver; /* a constant where this is inlined */
    const synapses *all = &pack->recurrent;
    const int64_t n = a.neurons;
    vec by_step[NV];
    pull by;
    for (int u = 0; u < nv; u++) by_step[u] = v_load(a.g_h + u * W);
    for (int64_t j = 0, end; j < n;) {
        real *s = a.w->s;
        end = block_end(all, n, j);
        open_synapses(all, all->begin[j], all->begin[end], a.v, s, nv);
        for (; j < end; j++) {
            synapse_rows r = {s, a.v, a.to, a.sums->recurrent};
            neuron_gradient(pack, j, a, s, by_step, &by, nv);
            synapse_gradients(all, j, &by, r, nv);
            s += (all->begin[j + 1] - all->begin[j]) * L;
        }
    }
    for (int u = 0; u < nv; u++) v_store(a.g_h + u * W, by_step[u]);
}

static NOINLINE void unfold_gradient(const ltc_pack *pack, const ltc_unfolding *a, int nv) {
    const int exponential = pack->solver == LNN_EXPONENTIAL;
    if (nv == NV && exponential)
        unfold_rows_gradient(pack, *a, LNN_EXPONENTIAL, NV);
    else if (nv == NV)
        unfold_rows_gradient(pack, *a, LNN_DEFAULT, NV);
    else if (exponential)
        unfold_rows_gradient(pack, *a, LNN_EXPONENTIAL, 1);
    else
        unfold_rows_gradient(pack, *a, LNN_DEFAULT, 1);
}

/* What a step's totals add to the sums of the neurons and of the sensory synapses. */
static INLINE void drive_gradient(const ltc_pack *pack, const ltc_work *w,
                                  const ltc_sums *sums, int nv) {
    const int64_t n = pack->neurons;
    for (int64_t j = 0; j < n; j++) {
        pull by;
        synapse_rows r = {w->s_sensory + pack->sensory.begin[j] * L, w->x, w->g_x,
                          sums->sensory};
        real *sum = sums->neuron + 3 * j * W;
        for (int u = 0; u < nv; u++) {
            by.k[u] = v_load(w->totals + j * L + u * W);
            by.kv[u] = v_load(w->totals + (n + j) * L + u * W);
            v_store(sum, v_add(v_load(sum), by.k[u]));
            v_store(sum + W, v_add(v_load(sum + W), by.kv[u]));
        }
        synapse_gradients(&pack->sensory, j, &by, r, nv);
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

/* Backwards through one step. */
static INLINE void ltc_step_gradient(const ltc_pack *k, const lnn_problem *p, ltc_rows r,
                                     ltc_gradients g, const ltc_work *w,
                                     const ltc_sums *sums, int nv) {
    const int64_t unfolds = p->unfolds, block = p->neurons * L;
    const real *next = r.after;
    real *from = g.states, *to = w->g;
    ltc_drive(k, p, r.x, w, nv);
    memset(w->totals, 0, sizeof(real) * 2 * block);
    for (int64_t i = unfolds - 1; i >= 0; i--) {
        const real *v = unfolded(w, r, unfolds, block, i);
        const ltc_unfolding back = {0, k->neurons, v, next, r.h, from, to, g.h, w, sums};
        /* A neuron's gradient is read while those of its sources are added to: two rows
         * take turns. */
        memset(to, 0, sizeof(real) * block);
        unfold_gradient(k, &back, nv);
        next = v;
        real *swap = from;
        from = to;
        to = swap;
    }
    if (from != g.states) memcpy(g.states, from, sizeof(real) * block);
    memset(w->g_x, 0, sizeof(real) * p->inputs * L);
    /* Inputs and leak are the same in all unfolds: their gradients come from totals. */
    drive_gradient(k, w, sums, nv);
    input_gradient(p, r.x, w, sums, g.x, nv);
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
