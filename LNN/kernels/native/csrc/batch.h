/* Many samples at once, one in each lane: the entry points. */
#ifndef LNN_BATCH_H
#define LNN_BATCH_H

#include "batch_pass.h"
#include "engines.h"

static void pure_finish(const lnn_problem *p, const batch_group *w) {
    if (p->mode != LNN_PURE) return;
    real *ga = p->grad_parameters[first_pure(p)],
         *gr = p->grad_parameters[first_pure(p) + 1];
    /* A lane sums the samples that it has held; only here do the lanes come together. */
    for (int64_t j = 0; j < p->neurons; j++) {
        ga[j] = (real)lanes_total(w->pure.g_asymptote + j * W);
        gr[j] = (real)lanes_total(w->pure.g_rate + j * W);
    }
}

static void wired_finish(const batch_layout *q, const batch_group *w) {
    const lnn_problem *p = q->p;
    const int64_t m = n_maps_of(p->mode);
    wired_unpack(&q->wired, p, w->g_weight, p->grad_parameters);
    for (int64_t i = 0; i < m; i++) {
        real *bias = p->grad_parameters[2 * m + i];
        for (int64_t j = 0; j < p->neurons; j++) bias[j] = w->g_bias[j * m + i];
    }
    pure_finish(p, w);
}

static void backbone_finish(const batch_layout *q, const batch_group *w) {
    const lnn_problem *p = q->p;
    for (int64_t i = 0; i < p->n_maps; i++) {
        const dense_map *d = &q->maps[i];
        dense_unpack(d, w->g_map[i], p->grad_parameters[2 + 2 * i], d->sources, 0);
        memcpy(p->grad_parameters[3 + 2 * i], w->g_map_bias[i], sizeof(real) * d->outputs);
    }
    pure_finish(p, w);
}

static void memory_finish(const batch_layout *q, const batch_group *w) {
    const lnn_problem *p = q->p;
    const int64_t n = p->neurons, f = p->inputs;
    void *const *g = p->grad_parameters + LNN_MAX_PARAMETERS - 3;
    dense_unpack(&q->gates, w->g_gates, g[0], f, 0);
    dense_unpack(&q->gates, w->g_gates, g[2], n, f);
    memcpy(g[1], w->g_gates_bias, sizeof(real) * 4 * n);
}

/* Set up what all groups read: weights in the order in which they are used. */
static void batch_prepare(const lnn_problem *p, int backward) {
    batch_layout q = make_batch_layout(p, backward);
    const int64_t n = p->neurons, f = p->inputs;
    const int64_t before = (p->memory ? f + n : f) * L;
    if (p->kind == LNN_LTC) ltc_prepare(&q.ltc, p);
    if (p->kind == LNN_WIRED_CFC) wired_prepare(&q.wired, p, q.step, before, q.work);
    for (int64_t i = 0; p->kind == LNN_CFC && i < p->n_maps; i++) {
        dense_map *d = &q.maps[i];
        dense_prepare(d, p->parameters[2 + 2 * i], p->parameters[3 + 2 * i]);
        /* The first map reads [x, h]. With memory h is what the LSTM has made of it, and
         * lies behind the state itself. */
        for (int64_t k = 0; k < d->sources; k++) {
            d->from[k] = i || k < f ? k * L : before + (k - f) * L;
            d->to[k] = k * L;
        }
    }
    if (p->memory) {
        const void *const *w = p->parameters + LNN_MAX_PARAMETERS - 3;
        dense_clear(&q.gates);
        dense_pack(&q.gates, w[0], f, 0);
        dense_pack(&q.gates, w[2], n, f);
        memcpy(q.gates.bias, w[1], sizeof(real) * 4 * n);
        /* The gates read the state of the step before, the cell one that the gates have
         * changed: their gradients of h go to rows apart (g_h, g_before). */
        for (int64_t k = 0; k < f + n; k++) {
            q.gates.from[k] = k * L;
            q.gates.to[k] = (k < f ? k : k + 2 * n) * L;
        }
    }
}

/* Run the tiles of one group. Groups may run at the same time. */
static void batch_run(const lnn_problem *p, int backward, int64_t index) {
    batch_layout q = make_batch_layout(p, backward);
    batch_group w;
    batch_lay_out_group(&q, (char *)p->scratch + q.packed_bytes + index * q.group_bytes,
                        &w);
    /* Only sums go on from tile to tile; tiles set the rest themselves. */
    if (backward) {
        char *end = (char *)p->scratch + q.packed_bytes + (index + 1) * q.group_bytes;
        memset(w.sums, 0, (size_t)(end - (char *)w.sums));
    }
    int64_t first = index * q.tiles / q.groups, last = (index + 1) * q.tiles / q.groups;
    for (int64_t i = first; i < last; i++) {
        tile where = {i, i * L, smaller(L, p->batch - i * L), 0};
        /* One vector holds all samples: a second one would compute what nobody reads. The
         * counts are constants, so that inner loops over vectors are unrolled. */
        if (where.samples <= W)
            run_tile(&q, &w, where, 1);
        else
            run_tile(&q, &w, where, NV);
    }
}

/* Add up the groups, in order, and turn sums into gradients of the parameters. Another
 * order, as threads happen to be done, would round otherwise from run to run. */
static void batch_finish(const lnn_problem *p) {
    batch_layout q = make_batch_layout(p, 1);
    batch_group w, other;
    char *base = (char *)p->scratch + q.packed_bytes;
    batch_lay_out_group(&q, base, &w);
    real *end = (real *)(base + q.group_bytes);
    for (int64_t i = 1; i < q.groups; i++) {
        batch_lay_out_group(&q, base + i * q.group_bytes, &other);
        for (int64_t k = 0; k < end - w.sums; k++) w.sums[k] += other.sums[k];
    }
    if (p->kind == LNN_LTC) ltc_finish(p, &w.ltc);
    if (p->kind == LNN_WIRED_CFC) wired_finish(&q, &w);
    if (p->kind == LNN_CFC) backbone_finish(&q, &w);
    if (p->memory) memory_finish(&q, &w);
}

static int64_t batch_scratch_bytes(const lnn_problem *p, int backward) {
    batch_layout q = make_batch_layout(p, backward);
    return q.packed_bytes + q.groups * q.group_bytes;
}

static int64_t batch_record_bytes(const lnn_problem *p) {
    batch_layout q = make_batch_layout(p, 1);
    int64_t chunks = (p->steps + q.chunk - 1) / q.chunk;
    int64_t bytes = q.tiles * chunks * q.record_bytes;
    /* All or nothing: without a record every chunk is replayed. */
    return bytes <= (p->kind == LNN_LTC ? LTC_RECORD_BYTES : RECORD_BYTES) ? bytes : 0;
}

static int64_t batch_groups(const lnn_problem *p) {
    return smaller((p->batch + L - 1) / L, MAX_GROUPS);
}

static int batch_takes(const lnn_problem *p) {
    (void)p;
    return 1;
}

static const lnn_schedule batch = {
    batch_takes,   batch_scratch_bytes, batch_record_bytes, batch_groups,
    batch_prepare, batch_run,           batch_finish,
};

#endif
