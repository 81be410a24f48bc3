/* The CfC for a few samples: whole sequences, forward and backward. */

/* to[lane] = from[neuron], 0 in lanes that hold none; and back. */
static void into_lanes(const single_plan *q, const real *from, real *to) {
    for (int64_t i = 0; i < q->lanes; i++)
        to[i] = q->neuron[i] < q->p->neurons ? from[q->neuron[i]] : 0;
}
static void add_into_lanes(const single_plan *q, const real *from, real *to) {
    for (int64_t i = 0; i < q->lanes; i++)
        if (q->neuron[i] < q->p->neurons) to[i] += from[q->neuron[i]];
}
static void out_of_lanes(const single_plan *q, const real *from, real *to) {
    for (int64_t i = 0; i < q->lanes; i++)
        if (q->neuron[i] < q->p->neurons) to[q->neuron[i]] = from[i];
}

static void single_load(const single_plan *q, const single_group *w, const real *state) {
    into_lanes(q, state, w->h);
    if (q->p->memory) into_lanes(q, state + q->p->neurons, w->c);
}
static void single_store(const single_plan *q, const single_group *w, real *state) {
    out_of_lanes(q, w->h, state);
    if (q->p->memory) out_of_lanes(q, w->c, state + q->p->neurons);
}
static void single_add(const single_plan *q, const single_group *w, const real *gradient) {
    add_into_lanes(q, gradient, w->h);
    if (q->p->memory) add_into_lanes(q, gradient + q->p->neurons, w->c);
}

static int64_t single_columns(const lnn_problem *p) {
    return p->memory ? 2 * p->neurons : p->neurons;
}

/* A sample's values of step t: in the record if there is one, else in the group. */
static real *single_values(const single_plan *q, const single_group *w, int64_t sample,
                           int64_t t) {
    if (q->p->record) return (real *)q->p->record + (sample * q->p->steps + t) * q->step;
    return w->values + t % q->chunk * q->step;
}

static void single_forward(const single_plan *q, const single_group *w, int64_t sample) {
    const lnn_problem *p = q->p;
    const int64_t columns = single_columns(p), steps = sample_length(p, sample);
    const real *x = (const real *)p->inputs_data + sample * p->steps * p->inputs;
    const real *dt = (const real *)p->timespans + sample * p->steps;
    real *states = p->states ? (real *)p->states + sample * p->steps * columns : 0;
    single_load(q, w, (const real *)p->start + sample * columns);
    for (int64_t t = 0; t < p->steps; t++) {
        if (t < steps)
            single_step(q, w, single_values(q, w, sample, t), x + t * p->inputs, dt[t]);
        if (states) single_store(q, w, states + t * columns);
    }
    single_store(q, w, (real *)p->final + sample * columns);
}

/* Compute the values of steps [start, end) again. */
static void single_replay(const single_plan *q, single_group w, int64_t sample,
                          int64_t start, int64_t end) {
    const lnn_problem *p = q->p;
    const int64_t columns = single_columns(p), first = sample * p->steps;
    const real *x = (const real *)p->inputs_data + first * p->inputs;
    const real *dt = (const real *)p->timespans + first;
    w.h = w.replayed;
    w.c = w.replayed + q->lanes;
    single_load(q, &w, start ? (const real *)p->states + (first + start - 1) * columns
                             : (const real *)p->start + sample * columns);
    for (int64_t t = start; t < end; t++)
        single_step(q, &w, single_values(q, &w, sample, t), x + t * p->inputs, dt[t]);
}

/* The weights' gradients over steps [start, end), from their values and gradients. */
static void single_chunk_gradients(const single_plan *q, const single_group *w,
                                   int64_t sample, int64_t start, int64_t end) {
    const real *values = single_values(q, w, sample, start);
    for (int64_t i = 0; i < single_maps(q->p); i++)
        columns_gradients(&q->maps[i], values, q->step, end - start, w->g_map[i],
                          w->g_bias[i]);
    if (q->p->memory)
        columns_gradients(&q->gates, values, q->step, end - start, w->g_gates,
                          w->g_gates_bias);
}

/* Steps [start, end) of a sample, the last one first. */
static void single_chunk_backward(const single_plan *q, const single_group *w,
                                  int64_t sample, int64_t start, int64_t end) {
    const lnn_problem *p = q->p;
    const int64_t f = p->inputs, first = sample * p->steps;
    const real *g_states = p->grad_states;
    real *g_x = p->grad_inputs, *g_dt = p->grad_timespans;
    for (int64_t t = end - 1; t >= start; t--) {
        if (g_states) single_add(q, w, g_states + (first + t) * single_columns(p));
        real by_time = single_step_gradient(q, w, single_values(q, w, sample, t),
                                            ((const real *)p->timespans)[first + t]);
        if (g_dt) g_dt[first + t] = by_time;
        if (g_x) memcpy(g_x + (first + t) * f, w->g + q->x, sizeof(real) * f);
    }
    single_chunk_gradients(q, w, sample, start, end);
}

static void single_backward(const single_plan *q, const single_group *w, int64_t sample) {
    const lnn_problem *p = q->p;
    const int64_t f = p->inputs, columns = single_columns(p);
    const int64_t steps = sample_length(p, sample), first = sample * p->steps;
    const real *g_states = p->grad_states, *g_final = p->grad_final;
    real *g_x = p->grad_inputs, *g_dt = p->grad_timespans;
    memset(w->h, 0, sizeof(real) * q->lanes);
    memset(w->c, 0, sizeof(real) * q->lanes);
    if (g_final) single_add(q, w, g_final + sample * columns);
    for (int64_t t = p->steps - 1; t >= steps; t--) {
        if (g_states) single_add(q, w, g_states + (first + t) * columns);
        if (g_dt) g_dt[first + t] = 0;
        if (g_x) memset(g_x + (first + t) * f, 0, sizeof(real) * f);
    }
    for (int64_t end = steps, start; end > 0; end = start) {
        start = (end - 1) / q->chunk * q->chunk;
        if (!p->record) single_replay(q, *w, sample, start, end);
        single_chunk_backward(q, w, sample, start, end);
    }
    if (p->grad_start) single_store(q, w, (real *)p->grad_start + sample * columns);
}

static void single_run(const lnn_problem *p, int backward, int64_t sample) {
    single_plan q = make_single_plan(p, backward);
    single_group w;
    char *base = (char *)p->scratch + q.packed_bytes + sample * q.group_bytes;
    single_lay_out_group(&q, base, &w);
    if (!backward) {
        single_forward(&q, &w, sample);
        return;
    }
    memset(w.sums, 0, (size_t)(base + q.group_bytes - (char *)w.sums));
    single_backward(&q, &w, sample);
}

static void single_finish_wired(const single_plan *q, const single_group *w) {
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

static void single_finish_dense(const single_plan *q, const single_group *w) {
    const lnn_problem *p = q->p;
    void *const *g = p->grad_parameters;
    for (int64_t i = 0; i < p->n_maps; i++) {
        int64_t count = i ? p->backbone_units : p->inputs + p->neurons;
        columns_unpack(&q->maps[i], w->g_map[i], g[2 + 2 * i], 0, count);
        columns_unpack_bias(&q->maps[i], w->g_bias[i], g[3 + 2 * i]);
    }
}

/* Add up the samples, in order, and take their sums apart. */
static void single_finish(const lnn_problem *p) {
    single_plan q = make_single_plan(p, 1);
    single_group w, other;
    char *base = (char *)p->scratch + q.packed_bytes;
    single_lay_out_group(&q, base, &w);
    real *end = (real *)(base + q.group_bytes);
    for (int64_t i = 1; i < p->batch; i++) {
        single_lay_out_group(&q, base + i * q.group_bytes, &other);
        for (int64_t k = 0; k < end - w.sums; k++) w.sums[k] += other.sums[k];
    }
    if (p->kind == LNN_WIRED_CFC)
        single_finish_wired(&q, &w);
    else
        single_finish_dense(&q, &w);
    if (p->memory) {
        void *const *g = p->grad_parameters + LNN_MAX_PARAMETERS - 3;
        columns_unpack(&q.gates, w.g_gates, g[0], 0, p->inputs);
        columns_unpack(&q.gates, w.g_gates, g[2], p->inputs, p->neurons);
        columns_unpack_bias(&q.gates, w.g_gates_bias, g[1]);
    }
    if (p->mode != LNN_PURE) return;
    void *const *pure = p->grad_parameters + first_pure(p);
    out_of_lanes(&q, w.g_asymptote, pure[0]);
    out_of_lanes(&q, w.g_rate, pure[1]);
}

static int64_t single_scratch_bytes(const lnn_problem *p, int backward) {
    single_plan q = make_single_plan(p, backward);
    return q.packed_bytes + p->batch * q.group_bytes;
}

static int64_t single_record_bytes(const lnn_problem *p) {
    single_plan q = make_single_plan(p, 1);
    return p->batch * p->steps * q.step * (int64_t)sizeof(real);
}
