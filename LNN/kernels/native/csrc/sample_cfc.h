/* The CfC for a few samples: whole sequences, forward and backward. */
#ifndef LNN_SAMPLE_CFC_H
#define LNN_SAMPLE_CFC_H

#include "engines.h"
#include "sample_cfc_step.h"

/* to[lane] = from[neuron], and back. Lanes without a neuron get 0, as sums over lanes take
 * them in. */
static void into_lanes(const sample_cfc_layout *q, const real *from, real *to) {
    for (int64_t i = 0; i < q->lanes; i++)
        to[i] = q->neuron[i] < q->p->neurons ? from[q->neuron[i]] : 0;
}
static void add_into_lanes(const sample_cfc_layout *q, const real *from, real *to) {
    for (int64_t i = 0; i < q->lanes; i++)
        if (q->neuron[i] < q->p->neurons) to[i] += from[q->neuron[i]];
}
static void out_of_lanes(const sample_cfc_layout *q, const real *from, real *to) {
    for (int64_t i = 0; i < q->lanes; i++)
        if (q->neuron[i] < q->p->neurons) to[q->neuron[i]] = from[i];
}

static void sample_cfc_load(const sample_cfc_layout *q, const sample_cfc_group *w,
                            const real *state) {
    into_lanes(q, state, w->h);
    if (q->p->memory) into_lanes(q, state + q->p->neurons, w->c);
}
static void sample_cfc_store(const sample_cfc_layout *q, const sample_cfc_group *w,
                             real *state) {
    out_of_lanes(q, w->h, state);
    if (q->p->memory) out_of_lanes(q, w->c, state + q->p->neurons);
}
static void sample_cfc_add(const sample_cfc_layout *q, const sample_cfc_group *w,
                           const real *gradient) {
    add_into_lanes(q, gradient, w->h);
    if (q->p->memory) add_into_lanes(q, gradient + q->p->neurons, w->c);
}

/* A sample's values of step t: in the record if there is one, else in the group. */
static real *sample_cfc_values(const sample_cfc_layout *q, const sample_cfc_group *w,
                               int64_t sample, int64_t t) {
    if (q->p->record) return (real *)q->p->record + (sample * q->p->steps + t) * q->step;
    return w->values + t % q->chunk * q->step;
}

static void sample_cfc_forward(const sample_cfc_layout *q, const sample_cfc_group *w,
                               int64_t sample) {
    const lnn_problem *p = q->p;
    const int64_t columns = state_columns(p), steps = sample_length(p, sample);
    const real *x = (const real *)p->inputs_data + sample * p->steps * p->inputs;
    const real *dt = (const real *)p->timespans + sample * p->steps;
    real *states = p->states ? (real *)p->states + sample * p->steps * columns : 0;
    sample_cfc_load(q, w, (const real *)p->start + sample * columns);
    for (int64_t t = 0; t < p->steps; t++) {
        if (t < steps)
            sample_cfc_step(q, w, sample_cfc_values(q, w, sample, t), x + t * p->inputs,
                            dt[t]);
        if (states) sample_cfc_store(q, w, states + t * columns);
    }
    sample_cfc_store(q, w, (real *)p->final + sample * columns);
}

/* Compute the values of steps [start, end) again. */
static void sample_cfc_replay(const sample_cfc_layout *q, sample_cfc_group w,
                              int64_t sample, int64_t start, int64_t end) {
    const lnn_problem *p = q->p;
    const int64_t columns = state_columns(p), first = sample * p->steps;
    const real *x = (const real *)p->inputs_data + first * p->inputs;
    const real *dt = (const real *)p->timespans + first;
    /* In the group's own h and c are the gradients on the way back. */
    w.h = w.replayed;
    w.c = w.replayed + q->lanes;
    sample_cfc_load(q, &w,
                    start ? (const real *)p->states + (first + start - 1) * columns
                          : (const real *)p->start + sample * columns);
    for (int64_t t = start; t < end; t++)
        sample_cfc_step(q, &w, sample_cfc_values(q, &w, sample, t), x + t * p->inputs,
                        dt[t]);
}

/* The weights' gradients over steps [start, end), from their values and gradients. Done at
 * once, they stay in registers for all these steps. */
static void sample_cfc_chunk_gradients(const sample_cfc_layout *q,
                                       const sample_cfc_group *w, int64_t sample,
                                       int64_t start, int64_t end) {
    const real *values = sample_cfc_values(q, w, sample, start);
    const record_span span = {end - start, q->step};
    for (int64_t i = 0; i < sample_cfc_maps(q->p); i++)
        map_gradients(&q->maps[i], values, span, w->g_map[i], w->g_bias[i]);
    if (q->p->memory) map_gradients(&q->gates, values, span, w->g_gates, w->g_gates_bias);
}

/* Steps [start, end) of a sample, the last one first. */
static void sample_cfc_chunk_backward(const sample_cfc_layout *q, const sample_cfc_group *w,
                                      int64_t sample, int64_t start, int64_t end) {
    const lnn_problem *p = q->p;
    const int64_t f = p->inputs, first = sample * p->steps;
    const real *g_states = p->grad_states;
    real *g_x = p->grad_inputs, *g_dt = p->grad_timespans;
    for (int64_t t = end - 1; t >= start; t--) {
        if (g_states) sample_cfc_add(q, w, g_states + (first + t) * state_columns(p));
        real by_time = sample_cfc_step_gradient(q, w, sample_cfc_values(q, w, sample, t),
                                                ((const real *)p->timespans)[first + t]);
        if (g_dt) g_dt[first + t] = by_time;
        if (g_x) memcpy(g_x + (first + t) * f, w->g + q->x, sizeof(real) * f);
    }
    sample_cfc_chunk_gradients(q, w, sample, start, end);
}

/* Not inlined, as a function by itself has all registers. */
static NOINLINE void sample_cfc_backward(const sample_cfc_layout *q,
                                         const sample_cfc_group *w, int64_t sample) {
    const lnn_problem *p = q->p;
    const int64_t f = p->inputs, columns = state_columns(p);
    const int64_t steps = sample_length(p, sample), first = sample * p->steps;
    const real *g_states = p->grad_states, *g_final = p->grad_final;
    real *g_x = p->grad_inputs, *g_dt = p->grad_timespans;
    memset(w->h, 0, sizeof(real) * q->lanes);
    memset(w->c, 0, sizeof(real) * q->lanes);
    if (g_final) sample_cfc_add(q, w, g_final + sample * columns);
    for (int64_t t = p->steps - 1; t >= steps; t--) {
        if (g_states) sample_cfc_add(q, w, g_states + (first + t) * columns);
        if (g_dt) g_dt[first + t] = 0;
        if (g_x) memset(g_x + (first + t) * f, 0, sizeof(real) * f);
    }
    /* Chunk by chunk, as engine.h tells: values of one chunk at a time are in memory. */
    for (int64_t end = steps, start; end > 0; end = start) {
        start = (end - 1) / q->chunk * q->chunk;
        if (!p->record) sample_cfc_replay(q, *w, sample, start, end);
        sample_cfc_chunk_backward(q, w, sample, start, end);
    }
    if (p->grad_start) sample_cfc_store(q, w, (real *)p->grad_start + sample * columns);
}

static void sample_cfc_run(const lnn_problem *p, int backward, int64_t sample) {
    sample_cfc_layout q = make_sample_cfc_layout(p, backward);
    sample_cfc_group w;
    char *base = (char *)p->scratch + q.packed_bytes + sample * q.group_bytes;
    sample_cfc_lay_out_group(&q, base, &w);
    if (!backward) {
        sample_cfc_forward(&q, &w, sample);
        return;
    }
    memset(w.sums, 0, (size_t)(base + q.group_bytes - (char *)w.sums));
    sample_cfc_backward(&q, &w, sample);
}

static void sample_cfc_finish_wired(const sample_cfc_layout *q, const sample_cfc_group *w) {
    const lnn_problem *p = q->p;
    const int64_t m = q->maps[0].width;
    for (int64_t i = 0; i < m; i++) {
        real *sensory = p->grad_parameters[i], *recurrent = p->grad_parameters[m + i];
        const real *sums = w->g_map[0] + i * W;
        for (int64_t e = 0; e < p->n_sensory; e++) sensory[e] = sums[q->synapse[e]];
        for (int64_t e = 0; e < p->n_recurrent; e++)
            recurrent[e] = sums[q->synapse[p->n_sensory + e]];
        real *bias = p->grad_parameters[2 * m + i];
        for (int64_t k = 0; k < q->lanes; k++)
            if (q->neuron[k] < p->neurons)
                bias[q->neuron[k]] = w->g_bias[0][(k / W * m + i) * W + k % W];
    }
}

static void sample_cfc_finish_dense(const sample_cfc_layout *q, const sample_cfc_group *w) {
    const lnn_problem *p = q->p;
    void *const *g = p->grad_parameters;
    for (int64_t i = 0; i < p->n_maps; i++) {
        int64_t count = i ? p->backbone_units : p->inputs + p->neurons;
        map_unpack(&q->maps[i], w->g_map[i], g[2 + 2 * i], 0, count);
        map_unpack_bias(&q->maps[i], w->g_bias[i], g[3 + 2 * i]);
    }
}

/* Add up the samples, in order, whichever was done first, and take their sums apart. */
static void sample_cfc_finish(const lnn_problem *p) {
    sample_cfc_layout q = make_sample_cfc_layout(p, 1);
    sample_cfc_group w, other;
    char *base = (char *)p->scratch + q.packed_bytes;
    sample_cfc_lay_out_group(&q, base, &w);
    real *end = (real *)(base + q.group_bytes);
    for (int64_t i = 1; i < p->batch; i++) {
        sample_cfc_lay_out_group(&q, base + i * q.group_bytes, &other);
        for (int64_t k = 0; k < end - w.sums; k++) w.sums[k] += other.sums[k];
    }
    if (p->kind == LNN_WIRED_CFC)
        sample_cfc_finish_wired(&q, &w);
    else
        sample_cfc_finish_dense(&q, &w);
    if (p->memory) {
        void *const *g = p->grad_parameters + LNN_MAX_PARAMETERS - 3;
        map_unpack(&q.gates, w.g_gates, g[0], 0, p->inputs);
        map_unpack(&q.gates, w.g_gates, g[2], p->inputs, p->neurons);
        map_unpack_bias(&q.gates, w.g_gates_bias, g[1]);
    }
    if (p->mode != LNN_PURE) return;
    void *const *pure = p->grad_parameters + first_pure(p);
    out_of_lanes(&q, w.g_asymptote, pure[0]);
    out_of_lanes(&q, w.g_rate, pure[1]);
}

static int64_t sample_cfc_scratch_bytes(const lnn_problem *p, int backward) {
    sample_cfc_layout q = make_sample_cfc_layout(p, backward);
    return q.packed_bytes + p->batch * q.group_bytes;
}

static int64_t sample_cfc_record_bytes(const lnn_problem *p) {
    sample_cfc_layout q = make_sample_cfc_layout(p, 1);
    int64_t bytes = p->batch * p->steps * q.step * (int64_t)sizeof(real);
    return bytes <= RECORD_BYTES ? bytes : 0;
}

static int64_t sample_cfc_groups(const lnn_problem *p) { return p->batch; }

static const lnn_schedule sample_cfc = {
    sample_cfc_takes,  sample_cfc_scratch_bytes, sample_cfc_record_bytes,
    sample_cfc_groups, sample_cfc_prepare,       sample_cfc_run,
    sample_cfc_finish,
};

#endif
