/* The LTC for a few samples: one at a time, with neurons in the lanes.
 *
 * Each sample is a group of its own. Vectors of neurons and of inputs have one place more
 * than they need, which stays 0, for lanes that hold none. Equations and names are those
 * of ltc.h.
 */
#ifndef LNN_SAMPLE_LTC_H
#define LNN_SAMPLE_LTC_H

#include "engines.h"
#include "ltc.h"
#include "sliced_ell.h"

enum { FEW_SAMPLES = 8 }; /* batches below this */

typedef struct {
    sliced_ell lanes;
    real *forward;  /* (slots, 4, W): -sigma log2 e, sigma mu log2 e, w, w E */
    real *backward; /* (slots, 2, W): E, w sigma */
} sample_ltc_synapses;

typedef struct {
    const lnn_problem *p;
    int backward;
    int64_t chunk;
    sample_ltc_synapses sensory, recurrent;
    real *neuron;                   /* (slices, 3, W): gleak vleak, gleak + eps, cm */
    int64_t *begin, *other, *order; /* for preparing */
    int64_t packed_bytes, group_bytes;
} sample_ltc_layout;

/* What one unfold leaves for the way back; nothing if `s` is null. */
typedef struct {
    real *s, *first, *second; /* sigmoids; membrane_record */
} unfold_record;

/* What one step leaves for the way back. */
typedef struct {
    real *x, *s_sensory;   /* (F + 1), (slots, W) */
    real *v, *s;           /* (U + 1, N + 1), (U, slots, W) */
    real *first, *second;  /* (U, slices, W) */
} sample_ltc_record;

typedef struct {
    sample_ltc_record record[MAX_CHUNK];
    real *drive;               /* (slices, 2, W) */
    real *g, *passed, *g_x;    /* (N + 1) twice, (F + 1) */
    real *k, *kv, *totals;     /* (slices, W) twice, (slices, 2, W) */
    real *sensory, *recurrent; /* sums: (slots, 4, W) */
    real *neuron, *input;      /* sums: (slices, 3, W), (F, 2) */
} sample_ltc_group;

static int sample_ltc_takes(const lnn_problem *p) {
    return p->batch < FEW_SAMPLES && p->kind == LNN_LTC && !p->memory;
}

static void sample_ltc_synapses_reserve(sample_ltc_synapses *s, arena *a, int64_t n,
                                        const int64_t *target, int64_t edges) {
    sliced_ell_reserve(&s->lanes, a, n, target, edges);
    s->forward = take(a, s->lanes.slots * 4 * W);
    s->backward = take(a, s->lanes.slots * 2 * W);
}

static void sample_ltc_record_reserve(sample_ltc_record *r, arena *a,
                                      const sample_ltc_layout *q) {
    const lnn_problem *p = q->p;
    const int64_t kept = q->backward ? p->unfolds : 0, lanes = q->recurrent.lanes.count * W;
    r->x = take(a, p->inputs + 1);
    r->v = take(a, ((q->backward ? kept : 1) + 1) * (p->neurons + 1));
    r->s_sensory = kept ? take(a, q->sensory.lanes.slots * W) : 0;
    r->s = kept ? take(a, kept * q->recurrent.lanes.slots * W) : 0;
    r->first = kept ? take(a, kept * lanes) : 0;
    r->second = kept ? take(a, kept * lanes) : 0;
}

static int64_t sample_ltc_lay_out_group(const sample_ltc_layout *q, char *base,
                                        sample_ltc_group *w) {
    const lnn_problem *p = q->p;
    const int64_t n = p->neurons, lanes = q->recurrent.lanes.count * W;
    arena a = {base, 0};
    memset(w, 0, sizeof *w);
    for (int64_t t = 0; t < (q->backward ? q->chunk : 1); t++)
        sample_ltc_record_reserve(&w->record[t], &a, q);
    w->drive = take(&a, 2 * lanes);
    if (!q->backward) return a.used;
    w->g = take(&a, n + 1);
    w->passed = take(&a, n + 1);
    w->g_x = take(&a, p->inputs + 1);
    w->k = take(&a, lanes);
    w->kv = take(&a, lanes);
    w->totals = take(&a, 2 * lanes);
    w->sensory = take(&a, q->sensory.lanes.slots * 4 * W);
    w->recurrent = take(&a, q->recurrent.lanes.slots * 4 * W);
    w->neuron = take(&a, 3 * lanes);
    w->input = take(&a, 2 * p->inputs);
    return a.used;
}

static sample_ltc_layout make_sample_ltc_layout(const lnn_problem *p, int backward) {
    sample_ltc_layout q;
    memset(&q, 0, sizeof q);
    arena a = {p->scratch, 0}, one = {0, 0};
    sample_ltc_record r;
    sample_ltc_group w;
    q.p = p;
    q.backward = backward;
    sample_ltc_synapses_reserve(&q.sensory, &a, p->neurons, p->sensory_target,
                                p->n_sensory);
    sample_ltc_synapses_reserve(&q.recurrent, &a, p->neurons, p->recurrent_target,
                                p->n_recurrent);
    q.neuron = take(&a, slice_count(p->neurons) * 3 * W);
    q.begin = take_integers(&a, p->neurons + 1);
    q.other = take_integers(&a, p->neurons + 1);
    q.order = take_integers(&a, p->neurons);
    sample_ltc_record_reserve(&r, &one, &q);
    q.chunk = CHUNK_BYTES / larger(1, one.used);
    q.chunk = larger(1, smaller(q.chunk, smaller(MAX_CHUNK, p->steps)));
    q.packed_bytes = a.used;
    q.group_bytes = sample_ltc_lay_out_group(&q, 0, &w);
    return q;
}

static void sample_ltc_synapses_prepare(sample_ltc_synapses *s, int64_t edges,
                                        const void *const *parameters) {
    const real *w = parameters[0], *sigma = parameters[1], *mu = parameters[2],
               *reversal = parameters[3];
    memset(s->forward, 0, sizeof(real) * s->lanes.slots * 4 * W);
    memset(s->backward, 0, sizeof(real) * s->lanes.slots * 2 * W);
    for (int64_t e = 0; e < edges; e++) {
        int64_t slot = s->lanes.place[e] / W, lane = s->lanes.place[e] % W;
        real *forward = s->forward + slot * 4 * W + lane;
        real *backward = s->backward + slot * 2 * W + lane;
        double conductance = softplus(w[e]);
        forward[0] = (real)(-LOG2E * sigma[e]);
        forward[W] = (real)(LOG2E * sigma[e] * mu[e]);
        forward[2 * W] = (real)conductance;
        forward[3 * W] = (real)(conductance * reversal[e]);
        backward[0] = reversal[e];
        backward[W] = (real)(conductance * sigma[e]);
    }
}

static void sample_ltc_prepare(const lnn_problem *p, int backward) {
    sample_ltc_layout q = make_sample_ltc_layout(p, backward);
    const int64_t n = p->neurons;
    const real *leak = p->parameters[8], *rest = p->parameters[9], *cm = p->parameters[10];
    first_of_each(p->recurrent_target, p->n_recurrent, n, q.begin);
    first_of_each(p->sensory_target, p->n_sensory, n, q.other);
    sort_by_degree(q.order, n, q.begin);
    sliced_ell_fill(&q.recurrent.lanes, n, q.order, q.begin, p->recurrent_source, n);
    sliced_ell_fill(&q.sensory.lanes, n, q.order, q.other, p->sensory_source, p->inputs);
    sample_ltc_synapses_prepare(&q.sensory, p->n_sensory, p->parameters);
    sample_ltc_synapses_prepare(&q.recurrent, p->n_recurrent, p->parameters + 4);
    for (int64_t i = 0; i < slice_count(n) * W; i++) {
        real *to = q.neuron + i / W * 3 * W + i % W;
        int64_t j = q.recurrent.lanes.neuron[i];
        double g = j < n ? softplus(leak[j]) : 0;
        /* Ones in lanes without a neuron: they are divided by. */
        to[0] = j < n ? (real)(g * rest[j]) : 0;
        to[W] = j < n ? (real)(g + p->epsilon) : 1;
        to[2 * W] = j < n ? (real)softplus(cm[j]) : 1;
    }
}

/* Add a slice's synapses to its current and conductance. */
static INLINE void sample_ltc_sums(const sample_ltc_synapses *k, int64_t slice,
                                   const real *v, real *keep, vec *current,
                                   vec *conductance) {
    for (int64_t i = k->lanes.first[slice]; i < k->lanes.first[slice + 1]; i++) {
        const real *c = k->forward + i * 4 * W;
        vec from = slot_source(&k->lanes, i, v);
        vec s = sigmoid2(v_fma(v_load(c), from, v_load(c + W)));
        if (keep) v_store(keep + i * W, s);
        *current = v_fma(v_load(c + 3 * W), s, *current);
        *conductance = v_fma(v_load(c + 2 * W), s, *conductance);
    }
}

static INLINE void sample_ltc_unfold(const sample_ltc_layout *q, int solver,
                                     const real *drive, const real *v, real *next, vec h,
                                     unfold_record keep) {
    const sliced_ell *lanes = &q->recurrent.lanes;
    for (int64_t k = 0; k < lanes->count; k++) {
        vec current = v_load(drive + k * 2 * W),
            conductance = v_load(drive + k * 2 * W + W);
        vec own = v_gather(v, lanes->neuron + k * W);
        sample_ltc_sums(&q->recurrent, k, v, keep.s, &current, &conductance);
        vec cm = v_load(q->neuron + (k * 3 + 2) * W);
        membrane_record kept;
        scatter(next, lanes, k,
                membrane_step(solver, own, current, conductance, cm, h, &kept));
        if (keep.s) {
            v_store(keep.first + k * W, kept.first);
            v_store(keep.second + k * W, kept.second);
        }
    }
}

/* One step from `before` (N); returns the new states (N). */
static INLINE const real *sample_ltc_step(const sample_ltc_layout *q, sample_ltc_group *w,
                                          const real *x, real dt, const real *before,
                                          sample_ltc_record *r) {
    const lnn_problem *p = q->p;
    const int64_t n = p->neurons, lanes = q->recurrent.lanes.count * W;
    const int64_t slots = r->s ? p->unfolds + 1 : 2;
    const real *scale = p->parameters[11], *shift = p->parameters[12];
    for (int64_t f = 0; f < p->inputs; f++)
        r->x[f] = x[f] * (scale ? scale[f] : 1) + (shift ? shift[f] : 0);
    /* The places that lanes without a source read. */
    r->x[p->inputs] = 0;
    for (int64_t i = 0; i < slots; i++) r->v[i * (n + 1) + n] = 0;
    memcpy(r->v, before, sizeof(real) * n);
    for (int64_t k = 0; k < q->sensory.lanes.count; k++) {
        vec current = v_load(q->neuron + k * 3 * W);
        vec conductance = v_load(q->neuron + (k * 3 + 1) * W);
        sample_ltc_sums(&q->sensory, k, r->x, r->s_sensory, &current, &conductance);
        v_store(w->drive + k * 2 * W, current);
        v_store(w->drive + k * 2 * W + W, conductance);
    }
    const vec h = v_set(dt / (real)p->unfolds);
    for (int64_t i = 0; i < p->unfolds; i++) {
        const unfold_record keep = {part(r->s, i * q->recurrent.lanes.slots * W),
                                    part(r->first, i * lanes), part(r->second, i * lanes)};
        const real *v = r->v + i % slots * (n + 1);
        real *next = r->v + (i + 1) % slots * (n + 1);
        if (p->mode == LNN_EXPONENTIAL)
            sample_ltc_unfold(q, LNN_EXPONENTIAL, w->drive, v, next, h, keep);
        else
            sample_ltc_unfold(q, LNN_DEFAULT, w->drive, v, next, h, keep);
    }
    return r->v + p->unfolds % slots * (n + 1);
}

/* Gradients of a slice's synapses (their sums) and, added lane by lane, of sources. */
static INLINE void sample_ltc_synapses_gradient(const sample_ltc_synapses *k, int64_t slice,
                                                vec kj, vec kvj, synapse_rows r) {
    real *to = r.to;
    for (int64_t i = k->lanes.first[slice]; i < k->lanes.first[slice + 1]; i++) {
        const real *c = k->backward + i * 2 * W;
        const int32_t *source = k->lanes.source + i * W;
        real *sum = r.sums + i * 4 * W, lane[W];
        vec open = v_load(r.s + i * W), q = v_fms(v_load(c), kj, kvj);
        vec z = v_mul(v_fnma(open, open, open), q);
        v_store(sum, v_fma(kj, open, v_load(sum)));
        v_store(sum + W, v_fma(q, open, v_load(sum + W)));
        v_store(sum + 2 * W, v_add(v_load(sum + 2 * W), z));
        v_store(sum + 3 * W, v_fma(z, slot_source(&k->lanes, i, r.v), v_load(sum + 3 * W)));
        vec pulled = v_mul(v_load(c + W), z);
        if (k->lanes.common[i] >= 0) {
            to[k->lanes.common[i]] += v_sum(pulled);
        } else {
            /* One after the other: lanes may share a source, to which each must add. */
            v_store(lane, pulled);
            for (int l = 0; l < W; l++) to[source[l]] += lane[l];
        }
    }
}

/* Backwards through one unfold: from w->g to w->passed; returns what adds to dL/dh. */
static INLINE real sample_ltc_unfold_gradient(const sample_ltc_layout *q, int solver,
                                              sample_ltc_group *w,
                                              const sample_ltc_record *r, int64_t i,
                                              vec h) {
    const sliced_ell *lanes = &q->recurrent.lanes;
    const int64_t n = q->p->neurons, slots = lanes->slots * W, width = lanes->count * W;
    const real *v = r->v + i * (n + 1), *next = v + n + 1;
    const synapse_rows rows = {r->s + i * slots, v, w->passed, w->recurrent};
    vec by_step = v_set(0);
    memset(w->passed, 0, sizeof(real) * (n + 1));
    for (int64_t k = 0; k < lanes->count; k++) {
        const int32_t *neuron = lanes->neuron + k * W;
        real *sum = w->neuron + k * 3 * W, *total = w->totals + k * 2 * W, direct[W];
        const int64_t at = i * width + k * W;
        const membrane_record kept = {v_load(r->first + at), v_load(r->second + at)};
        vec cm = v_load(q->neuron + (k * 3 + 2) * W);
        membrane_pull own =
            membrane_gradient(solver, v_gather(w->g, neuron), v_gather(v, neuron),
                              v_gather(next, neuron), cm, h, kept);
        by_step = v_add(own.by_step, by_step);
        v_store(direct, own.direct);
        for (int64_t l = 0; l < lanes->used[k]; l++) w->passed[neuron[l]] += direct[l];
        v_store(sum, v_add(v_load(sum), own.k));
        v_store(sum + W, v_add(v_load(sum + W), own.kv));
        v_store(sum + 2 * W, v_add(v_load(sum + 2 * W), own.by_cm));
        v_store(total, v_add(v_load(total), own.k));
        v_store(total + W, v_add(v_load(total + W), own.kv));
        sample_ltc_synapses_gradient(&q->recurrent, k, own.k, own.kv, rows);
    }
    /* Empty places have added here, and lanes without a neuron read it. */
    w->passed[n] = 0;
    real *swap = w->g;
    w->g = w->passed;
    w->passed = swap;
    return v_sum(by_step);
}

/* Backwards through one step: w->g holds the new states' gradient, then the old ones'. */
static INLINE void sample_ltc_step_gradient(const sample_ltc_layout *q, sample_ltc_group *w,
                                            const sample_ltc_record *r, const real *x,
                                            real dt, real *g_x, real *g_dt) {
    const lnn_problem *p = q->p;
    const int64_t lanes = q->recurrent.lanes.count;
    const real *scale = p->parameters[11];
    const vec h = v_set(dt / (real)p->unfolds);
    const synapse_rows rows = {r->s_sensory, r->x, w->g_x, w->sensory};
    real by_step = 0;
    memset(w->totals, 0, sizeof(real) * 2 * lanes * W);
    for (int64_t i = p->unfolds - 1; i >= 0; i--)
        by_step += p->mode == LNN_EXPONENTIAL
                       ? sample_ltc_unfold_gradient(q, LNN_EXPONENTIAL, w, r, i, h)
                       : sample_ltc_unfold_gradient(q, LNN_DEFAULT, w, r, i, h);
    memset(w->g_x, 0, sizeof(real) * (p->inputs + 1));
    for (int64_t k = 0; k < lanes; k++) {
        const real *total = w->totals + k * 2 * W;
        sample_ltc_synapses_gradient(&q->sensory, k, v_load(total), v_load(total + W),
                                     rows);
    }
    for (int64_t f = 0; f < p->inputs; f++) {
        w->input[2 * f] += w->g_x[f] * x[f];
        w->input[2 * f + 1] += w->g_x[f];
        if (g_x) g_x[f] = w->g_x[f] * (scale ? scale[f] : 1);
    }
    if (g_dt) *g_dt = by_step / (real)p->unfolds;
}

/* Not inlined, as a pass by itself has all registers. */
static NOINLINE void sample_ltc_forward(const sample_ltc_layout *q, sample_ltc_group *w,
                                        int64_t sample) {
    const lnn_problem *p = q->p;
    const int64_t n = p->neurons, steps = sample_length(p, sample);
    const real *x = (const real *)p->inputs_data + sample * p->steps * p->inputs;
    const real *dt = (const real *)p->timespans + sample * p->steps;
    real *states = p->states ? (real *)p->states + sample * p->steps * n : 0;
    real *final = (real *)p->final + sample * n;
    /* Streams advance their states in place. */
    memmove(final, (const real *)p->start + sample * n, sizeof(real) * n);
    for (int64_t t = 0; t < p->steps; t++) {
        if (t < steps) {
            const real *new =
                sample_ltc_step(q, w, x + t * p->inputs, dt[t], final, &w->record[0]);
            memcpy(final, new, sizeof(real) * n);
        }
        if (states) memcpy(states + t * n, final, sizeof(real) * n);
    }
}

static NOINLINE void sample_ltc_backward(const sample_ltc_layout *q, sample_ltc_group *w,
                                         int64_t sample) {
    const lnn_problem *p = q->p;
    const int64_t n = p->neurons, f = p->inputs, steps = sample_length(p, sample);
    const int64_t first = sample * p->steps;
    const real *x = (const real *)p->inputs_data + first * f;
    const real *dt = (const real *)p->timespans + first;
    const real *states = (const real *)p->states + first * n;
    const real *g_states = p->grad_states, *g_final = p->grad_final;
    real *g_x = p->grad_inputs ? (real *)p->grad_inputs + first * f : 0;
    real *g_dt = p->grad_timespans ? (real *)p->grad_timespans + first : 0;
    memset(w->g, 0, sizeof(real) * (n + 1));
    for (int64_t j = 0; g_final && j < n; j++) w->g[j] = g_final[sample * n + j];
    if (g_x) memset(g_x, 0, sizeof(real) * p->steps * f);
    if (g_dt) memset(g_dt, 0, sizeof(real) * p->steps);
    for (int64_t t = p->steps - 1, chunk = 0; t >= 0; t--) {
        for (int64_t j = 0; g_states && j < n; j++)
            w->g[j] += g_states[(first + t) * n + j];
        if (t >= steps) continue;
        /* Below the chunk at hand: replay the one before, from the state it began with. */
        if (t == steps - 1 || t < chunk) {
            int64_t end = t + 1;
            chunk = t - t % q->chunk;
            const real *before =
                chunk ? states + (chunk - 1) * n : (const real *)p->start + sample * n;
            for (int64_t i = chunk; i < end; i++)
                before =
                    sample_ltc_step(q, w, x + i * f, dt[i], before, &w->record[i - chunk]);
        }
        sample_ltc_step_gradient(q, w, &w->record[t - chunk], x + t * f, dt[t],
                                 g_x ? g_x + t * f : 0, g_dt ? g_dt + t : 0);
    }
    if (p->grad_start) memcpy((real *)p->grad_start + sample * n, w->g, sizeof(real) * n);
}

static void sample_ltc_run(const lnn_problem *p, int backward, int64_t sample) {
    sample_ltc_layout q = make_sample_ltc_layout(p, backward);
    sample_ltc_group w;
    char *base = (char *)p->scratch + q.packed_bytes + sample * q.group_bytes;
    sample_ltc_lay_out_group(&q, base, &w);
    if (!backward) {
        sample_ltc_forward(&q, &w, sample);
        return;
    }
    /* The sums, which end the group. */
    memset(w.sensory, 0, (size_t)(base + q.group_bytes - (char *)w.sensory));
    sample_ltc_backward(&q, &w, sample);
}

/* Sum k of the lane at `place` over the samples, in order, so that the bits do not depend
 * on threads. */
static double sample_ltc_total(const sample_ltc_layout *q, const real *sums, int64_t place,
                               int64_t k, int64_t fields) {
    double total = 0;
    for (int64_t i = 0; i < q->p->batch; i++)
        total +=
            ((const real *)((const char *)sums +
                            i * q->group_bytes))[(place / W * fields + k) * W + place % W];
    return total;
}

static void sample_ltc_synapses_finish(const sample_ltc_layout *q,
                                       const sample_ltc_synapses *s, int64_t edges,
                                       const real *sums, const void *const *parameters,
                                       void *const *gradients) {
    for (int64_t e = 0; e < edges; e++) {
        double total[4];
        for (int k = 0; k < 4; k++)
            total[k] = sample_ltc_total(q, sums, s->lanes.place[e], k, 4);
        synapse_finish(e, total, parameters, gradients);
    }
}

static void sample_ltc_finish(const lnn_problem *p) {
    sample_ltc_layout q = make_sample_ltc_layout(p, 1);
    sample_ltc_group w;
    sample_ltc_lay_out_group(&q, (char *)p->scratch + q.packed_bytes, &w);
    sample_ltc_synapses_finish(&q, &q.sensory, p->n_sensory, w.sensory, p->parameters,
                               p->grad_parameters);
    sample_ltc_synapses_finish(&q, &q.recurrent, p->n_recurrent, w.recurrent,
                               p->parameters + 4, p->grad_parameters + 4);
    for (int64_t i = 0; i < q.recurrent.lanes.count * W; i++) {
        int64_t j = q.recurrent.lanes.neuron[i];
        double total[3];
        if (j == p->neurons) continue;
        for (int k = 0; k < 3; k++) total[k] = sample_ltc_total(&q, w.neuron, i, k, 3);
        neuron_finish(p, j, total);
    }
    for (int64_t f = 0; f < p->inputs; f++) {
        double total[2] = {0, 0};
        for (int64_t i = 0; i < p->batch; i++) {
            const real *sum = (const real *)((const char *)w.input + i * q.group_bytes);
            total[0] += sum[2 * f];
            total[1] += sum[2 * f + 1];
        }
        input_finish(p, f, total);
    }
}

static int64_t sample_ltc_scratch_bytes(const lnn_problem *p, int backward) {
    sample_ltc_layout q = make_sample_ltc_layout(p, backward);
    return q.packed_bytes + p->batch * q.group_bytes;
}

/* Replaying so few samples takes less time than a record is worth. */
static int64_t sample_ltc_record_bytes(const lnn_problem *p) {
    (void)p;
    return 0;
}

static int64_t sample_ltc_groups(const lnn_problem *p) { return p->batch; }

static const lnn_schedule sample_ltc = {
    sample_ltc_takes,  sample_ltc_scratch_bytes, sample_ltc_record_bytes,
    sample_ltc_groups, sample_ltc_prepare,       sample_ltc_run,
    sample_ltc_finish,
};

#endif
