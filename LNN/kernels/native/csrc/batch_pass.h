/* One tile of samples, forward or backward. */
#ifndef LNN_BATCH_PASS_H
#define LNN_BATCH_PASS_H

#include "batch_layout.h"
#include "lanes.h"

typedef struct {
    int64_t index;
    int64_t first, samples; /* of the batch */
    int64_t steps;          /* of its longest sequence */
} tile;

/* Turn to the rows of the chunk that begins with step `start`, if each has its own. */
static void select_chunk(const batch_layout *q, batch_group *w, tile where, int64_t start) {
    if (!q->p->record) return;
    int64_t chunks = (q->p->steps + q->chunk - 1) / q->chunk;
    int64_t place = where.index * chunks + start / q->chunk;
    batch_lay_out_chunk(q, (char *)q->p->record + place * q->record_bytes, w);
}

/* Inputs, time spans and what else steps [start, start + steps) need. */
static void load_chunk(const batch_layout *q, batch_group *w, tile where, int64_t start,
                       int64_t steps) {
    const lnn_problem *p = q->p;
    const int64_t f = p->inputs, T = p->steps;
    const real *x = (const real *)p->inputs_data + (where.first * T + start) * f;
    const real *dt = (const real *)p->timespans + where.first * T + start;
    const real unfolds = (real)larger(1, p->unfolds);
    to_lanes(w->dt, dt, T, steps, where.samples);
    for (int64_t t = 0; t < steps; t++) {
        real *live = w->live + t * L, *span = w->dt + t * L;
        for (int64_t b = 0; b < L; b++) {
            live[b] =
                b < where.samples &&
                start + t < sample_length(p, where.first + smaller(b, where.samples - 1));
            /* Padding may hold NaN, and on the way back 0 times NaN would be NaN. */
            if (!(live[b] > 0)) span[b] = 1;
        }
        for (int u = 0; u < NV; u++)
            v_store(w->h_unfold + t * L + u * W,
                    v_divide(v_load(span + u * W), v_set(unfolds)));
        to_lanes(w->x + t * q->step, x + t * f, T * f, f, where.samples);
        if (p->lengths) silence_ended(w->x + t * q->step, live, f);
    }
}

/* The state before step `start`, into the first slot. */
static void load_state(const batch_layout *q, batch_group *w, tile where, int64_t start) {
    const lnn_problem *p = q->p;
    const int64_t n = p->neurons, steps = p->steps, columns = q->columns;
    const real *from = p->start;
    int64_t apart = columns;
    /* The states that the caller got anyway are the checkpoints to replay from. */
    if (start > 0) {
        from = (const real *)p->states + (start - 1) * columns;
        apart = steps * columns;
    }
    from += where.first * apart;
    to_lanes(w->h, from, apart, n, where.samples);
    if (!p->memory) return;
    to_lanes(w->c, from + n, apart, n, where.samples);
}

static INLINE void backbone_step(const batch_layout *q, batch_group *w, int64_t t, int mode,
                                 int nv) {
    const lnn_problem *p = q->p;
    const int64_t last = p->n_maps - 1, at = t * q->step;
    const real *rows = w->x + at;
    for (int64_t i = 0; i < last; i++) {
        real *y = w->output[i] + at;
        /* Where the slope follows from the output, sums are not needed again: they are
         * overwritten, and one row less goes through the caches. */
        real *sums = is_invertible(p->activation) ? y : w->input[i] + at;
        dense_apply(&q->maps[i], rows, sums, nv);
        activate_rows(p->activation, sums, y, q->maps[i].outputs, nv);
        rows = y;
    }
    dense_apply(&q->maps[last], rows, w->input[last] + at, nv);
    const cfc_rows r = {.dt = w->dt + t * L,
                        .before = w->before + at,
                        .maps = w->input[last] + at,
                        .states = w->h + at + q->step};
    heads_step(p, mode, &w->pure, r, nv);
}

static INLINE void backbone_step_gradient(const batch_layout *q, batch_group *w, int64_t t,
                                          int mode, int nv) {
    const lnn_problem *p = q->p;
    const int64_t at = t * q->step;
    int64_t i = p->n_maps - 1;
    const cfc_rows r = {.dt = w->dt + t * L,
                        .before = w->before + at,
                        .maps = w->input[i] + at,
                        .g_new = w->g_new,
                        .g_before = w->g_before,
                        .g_dt = w->g_dt};
    heads_step_gradient(p, mode, &w->pure, r, nv);
    for (; i > 0; i--) {
        int64_t width = q->maps[i].sources;
        memset(w->g_layer, 0, sizeof(real) * width * L);
        dense_apply_transposed(&q->maps[i], w->input[i] + at, w->g_layer, nv);
        activate_rows_gradient(p->activation, w->input[i - 1] + at, w->output[i - 1] + at,
                               w->g_layer, width, nv);
    }
    dense_apply_transposed(&q->maps[0], w->input[0] + at, w->g, nv);
}

static INLINE ltc_rows ltc_rows_of(const batch_layout *q, const batch_group *w, int64_t t) {
    const int64_t at = t * q->step;
    ltc_rows r = {w->x + at, w->before + at, part(w->between, at), w->h + at + q->step,
                  w->h_unfold + t * L};
    return r;
}

/* The liquid cell's own step, from the rows `before` to the next slot of h. */
static INLINE void cell_step(const batch_layout *q, batch_group *w, int64_t t, int nv) {
    const lnn_problem *p = q->p;
    const int64_t at = t * q->step;
    const cfc_rows r = {.dt = w->dt + t * L,
                        .before = w->before + at,
                        .maps = part(w->map, at),
                        .states = w->h + at + q->step};
    if (p->kind == LNN_LTC) {
        ltc_step(&q->ltc, p, ltc_rows_of(q, w, t), &w->ltc_work, nv);
        return;
    }
    /* Unrolled, this makes a copy of the step for each mode, a constant in it: the mode
     * is looked at once a step, not at every neuron. */
    for (int mode = 0; mode < LNN_MODES; mode++) {
        if (mode != p->mode) continue;
        if (p->kind == LNN_WIRED_CFC)
            wired_step(&q->wired, p, mode, &w->pure, w->x + at, r, nv);
        else
            backbone_step(q, w, t, mode, nv);
    }
}

/* Sequences that have ended keep their state. */
static void hold_ended(real *rows, const real *live, int64_t count, int64_t step, int nv) {
    for (int64_t i = 0; i < count; i++)
        for (int u = 0; u < nv; u++) {
            real *old = rows + i * L + u * W, *new = old + step;
            v_store(new, v_where_positive(v_load(live + u * W), v_load(new), v_load(old)));
        }
}

static INLINE void step(const batch_layout *q, batch_group *w, int64_t t, int nv) {
    const lnn_problem *p = q->p;
    const int64_t n = p->neurons, step = q->step, at = t * step;
    if (p->memory) {
        dense_apply(&q->gates, w->x + at, w->gate + at, nv);
        lstm_step(n, w->gate + at, w->c + at, w->squashed + at, w->before + at, step, nv);
    }
    cell_step(q, w, t, nv);
    if (!p->lengths) return;
    hold_ended(w->h + at, w->live + t * L, n, step, nv);
    if (p->memory) hold_ended(w->c + at, w->live + t * L, n, step, nv);
}

static INLINE void advance(const batch_layout *q, batch_group *w, tile where, int64_t start,
                           int64_t steps, int nv) {
    load_chunk(q, w, where, start, steps);
    for (int64_t t = 0; t < steps; t++) step(q, w, t, nv);
}

static void store_state(const batch_layout *q, const batch_group *w, tile where,
                        int64_t slot, real *to, int64_t apart) {
    const int64_t n = q->p->neurons;
    from_lanes(w->h + slot * q->step, to, apart, n, where.samples);
    if (q->p->memory) from_lanes(w->c + slot * q->step, to + n, apart, n, where.samples);
}

/* Turn to the chunk from step `start` on; the state after the last one comes along. */
static void next_chunk(const batch_layout *q, batch_group *w, tile where, int64_t start) {
    const int64_t end = q->chunk * q->step, bytes = sizeof(real) * q->p->neurons * L;
    const real *h = w->h + end, *c = part(w->c, end);
    select_chunk(q, w, where, start);
    memcpy(w->h, h, bytes);
    if (q->p->memory) memcpy(w->c, c, bytes);
}

static INLINE void forward(const batch_layout *q, batch_group *w, tile where, int nv) {
    const lnn_problem *p = q->p;
    const int64_t columns = q->columns;
    real *states = p->states;
    if (states) states += where.first * p->steps * columns;
    select_chunk(q, w, where, 0);
    load_state(q, w, where, 0);
    int64_t slot = 0;
    for (int64_t start = 0; start < where.steps; start += q->chunk) {
        int64_t steps = smaller(q->chunk, where.steps - start);
        if (start > 0) next_chunk(q, w, where, start);
        advance(q, w, where, start, steps, nv);
        for (int64_t t = 0; states && t < steps; t++)
            store_state(q, w, where, t + 1, states + (start + t) * columns,
                        p->steps * columns);
        slot = steps;
    }
    /* Beyond the tile's longest sequence nothing is computed: all states are held. */
    for (int64_t t = where.steps; states && t < p->steps; t++)
        store_state(q, w, where, slot, states + t * columns, p->steps * columns);
    store_state(q, w, where, slot, (real *)p->final + where.first * columns, columns);
}

static INLINE void cell_step_gradient(const batch_layout *q, batch_group *w, int64_t t,
                                      int nv) {
    const lnn_problem *p = q->p;
    const int64_t n = p->neurons, at = t * q->step;
    const cfc_rows r = {.dt = w->dt + t * L,
                        .before = w->before + at,
                        .maps = part(w->map, at),
                        .g_new = w->g_new,
                        .g_before = w->g_before,
                        .g_dt = w->g_dt,
                        .next = t ? -q->step : 0};
    if (p->kind == LNN_LTC) {
        memset(w->g_dt, 0, sizeof(real) * L);
        ltc_gradients g = {w->g_new, w->g_x, w->g_dt};
        ltc_step_gradient(&q->ltc, p, ltc_rows_of(q, w, t), g, &w->ltc_work, &w->ltc, nv);
        memcpy(w->g_before, w->g_new, sizeof(real) * n * L);
        /* It is the gradient of h = dt / U, which every unfold has used. */
        for (int i = 0; i < L; i++) w->g_dt[i] /= (real)p->unfolds;
        return;
    }
    for (int mode = 0; mode < LNN_MODES; mode++) {
        if (mode != p->mode) continue;
        if (p->kind == LNN_WIRED_CFC)
            wired_step_gradient(&q->wired, p, mode, &w->pure, w->g, r, nv);
        else
            backbone_step_gradient(q, w, t, mode, nv);
    }
}

/* Part g into what goes through the cell and what a held state passes by. */
static void split_held(real *g, real *kept, const real *live, int64_t n) {
    for (int64_t i = 0; i < n * L; i++) {
        real through = live[i % L] > 0 ? g[i] : 0;
        kept[i] = g[i] - through;
        g[i] = through;
    }
}

/* In: gradients of the new state in g_new and g_c. Out: of the one before, there too. */
static INLINE void step_gradient(const batch_layout *q, batch_group *w, int64_t t, int nv) {
    const lnn_problem *p = q->p;
    const int64_t n = p->neurons, block = n * L, at = t * q->step;
    if (p->lengths) {
        split_held(w->g_new, w->kept, w->live + t * L, n);
        if (p->memory) split_held(w->g_c, w->kept + block, w->live + t * L, n);
    }
    /* Not g_new, which lies behind these rows: it comes from the step after this one, and
     * later layers add to it for earlier ones. */
    memset(w->g, 0, sizeof(real) * (p->inputs + n) * L);
    memset(w->g_h, 0, sizeof(real) * block);
    memset(w->g_dt, 0, sizeof(real) * L);
    cell_step_gradient(q, w, t, nv);
    const real *g_before = w->g_before;
    if (p->memory) {
        lstm_step_gradient(n, w->gate + at, w->c + at, w->squashed + at, w->g_before,
                           w->g_c, nv);
        dense_apply_transposed(&q->gates, w->gate + at, w->g, nv);
        g_before = w->g_h;
    }
    memcpy(w->g_new, g_before, sizeof(real) * block);
    if (!p->lengths) return;
    for (int64_t i = 0; i < block; i++) w->g_new[i] += w->kept[i];
    for (int64_t i = 0; p->memory && i < block; i++) w->g_c[i] += w->kept[block + i];
}

/* Sums over the chunk that are done at once, as products of recorded rows: a weight's sum
 * stays in a register for the chunk. Step by step it would be loaded and stored each time.
 */
static INLINE void chunk_gradients(const batch_layout *q, batch_group *w, int64_t steps,
                                   int nv) {
    const lnn_problem *p = q->p;
    const record_span span = {steps, q->step};
    if (p->kind == LNN_WIRED_CFC) {
        const map_record r = {w->x, w->map, span};
        if (p->mode == LNN_PURE)
            wired_gradients(&q->wired, p, 1, r, w->g_weight, w->g_bias, nv);
        else if (p->mode == LNN_EXPONENTIAL)
            wired_gradients(&q->wired, p, 2, r, w->g_weight, w->g_bias, nv);
        else
            wired_gradients(&q->wired, p, 4, r, w->g_weight, w->g_bias, nv);
    }
    for (int64_t i = 0; p->kind == LNN_CFC && i < p->n_maps; i++) {
        const map_record r = {i ? w->output[i - 1] : w->x, w->input[i], span};
        dense_gradients(&q->maps[i], r, w->g_map[i], w->g_map_bias[i], nv);
    }
    if (!p->memory) return;
    const map_record r = {w->x, w->gate, span};
    dense_gradients(&q->gates, r, w->g_gates, w->g_gates_bias, nv);
}

static void add_state_gradient(const batch_layout *q, batch_group *w, tile where,
                               const real *from, int64_t apart) {
    const int64_t n = q->p->neurons;
    from += where.first * apart;
    add_to_lanes(w->g_new, from, apart, n, where.samples);
    if (q->p->memory) add_to_lanes(w->g_c, from + n, apart, n, where.samples);
}

static void store_input_gradient(const batch_layout *q, batch_group *w, tile where,
                                 int64_t t, int64_t time) {
    const lnn_problem *p = q->p;
    const int64_t f = p->inputs, T = p->steps;
    if (p->lengths) {
        silence_ended(w->g_x, w->live + t * L, f);
        silence_ended(w->g_dt, w->live + t * L, 1);
    }
    if (p->grad_timespans)
        from_lanes(w->g_dt, (real *)p->grad_timespans + where.first * T + time, T, 1,
                   where.samples);
    if (p->grad_inputs)
        from_lanes(w->g_x, (real *)p->grad_inputs + (where.first * T + time) * f, T * f, f,
                   where.samples);
}

/* Steps that no sequence of the tile reaches: states are held, inputs unread. */
static void backward_past_end(const batch_layout *q, batch_group *w, tile where) {
    const lnn_problem *p = q->p;
    const int64_t columns = q->columns, rest = p->steps - where.steps;
    const real *g_states = p->grad_states;
    real *g_dt = p->grad_timespans, *g_x = p->grad_inputs;
    for (int64_t t = where.steps; g_states && t < p->steps; t++)
        add_state_gradient(q, w, where, g_states + t * columns, p->steps * columns);
    for (int64_t b = 0; b < where.samples; b++) {
        int64_t at = (where.first + b) * p->steps + where.steps;
        if (g_dt) memset(g_dt + at, 0, sizeof(real) * rest);
        if (g_x) memset(g_x + at * p->inputs, 0, sizeof(real) * rest * p->inputs);
    }
}

static INLINE void backward(const batch_layout *q, batch_group *w, tile where, int nv) {
    const lnn_problem *p = q->p;
    const int64_t n = p->neurons, columns = q->columns;
    const real *g_states = p->grad_states, *g_final = p->grad_final;
    memset(w->g_new, 0, sizeof(real) * n * L);
    memset(w->g_c, 0, sizeof(real) * n * L);
    if (g_final) add_state_gradient(q, w, where, g_final, columns);
    backward_past_end(q, w, where);
    for (int64_t end = where.steps; end > 0;) {
        /* Chunks begin where those of the forward pass did, so the last may be shorter. */
        int64_t steps = (end - 1) % q->chunk + 1, start = end - steps;
        select_chunk(q, w, where, start);
        /* Values on the way take many times the memory of the states between steps. So
         * states are kept, and one chunk at a time is computed again, in the caches. */
        if (!p->record) {
            load_state(q, w, where, start);
            advance(q, w, where, start, steps, nv);
        }
        for (int64_t t = steps - 1; t >= 0; t--) {
            if (g_states)
                add_state_gradient(q, w, where, g_states + (start + t) * columns,
                                   p->steps * columns);
            step_gradient(q, w, t, nv);
            store_input_gradient(q, w, where, t, start + t);
        }
        chunk_gradients(q, w, steps, nv);
        end = start;
    }
    real *g_start = p->grad_start;
    if (!g_start) return;
    g_start += where.first * columns;
    from_lanes(w->g_new, g_start, columns, n, where.samples);
    if (p->memory) from_lanes(w->g_c, g_start + n, columns, n, where.samples);
}

static INLINE void run_tile(const batch_layout *q, batch_group *w, tile where, int nv) {
    for (int64_t b = 0; b < where.samples; b++)
        where.steps = larger(where.steps, sample_length(q->p, where.first + b));
    if (q->backward)
        backward(q, w, where, nv);
    else
        forward(q, w, where, nv);
}

#endif
