/* The CfC for a few samples: one step of one sample, forward and backward. */
#ifndef LNN_SAMPLE_CFC_STEP_H
#define LNN_SAMPLE_CFC_STEP_H

#include "lstm.h"
#include "sample_cfc_layout.h"

/* A and w_tau of the neurons of a block. */
static INLINE pure_lanes sample_cfc_pure(const sample_cfc_layout *q,
                                         const sample_cfc_group *w, int64_t block) {
    pure_lanes pure = {v_load(q->asymptote + block * W), v_load(q->rate + block * W),
                       part(w->g_asymptote, block * W), part(w->g_rate, block * W)};
    return pure;
}

/* New states from the last map's block of each slice. Slices are in the order of layers, so
 * the new states that a slice reads are there. */
static INLINE void sample_cfc_states(const sample_cfc_layout *q, const sample_cfc_group *w,
                                     const blocked_map *c, real *s, vec dt, int mode) {
    const int m = n_maps_of(mode);
    for (int64_t b = 0; b < c->blocks; b++) {
        vec z[MAX_WIDTH];
        map_apply(c, b, s, z, m);
        vec old = v_load(s + q->middle + b * W);
        vec h = closed_form(mode, z, old, dt, sample_cfc_pure(q, w, b));
        v_store(s + q->after + b * W, h);
        for (int i = 0; i < m; i++) v_store(s + c->place + (b * m + i) * W, z[i]);
    }
}

/* Back through the slices, the last one first; returns the gradient of dt in the lanes. */
static INLINE vec sample_cfc_states_gradient(const sample_cfc_layout *q,
                                             const sample_cfc_group *w,
                                             const blocked_map *c, real *s, vec dt,
                                             int mode) {
    const int m = n_maps_of(mode);
    step_lanes at = {v_set(0), dt, v_set(0), v_set(0)};
    for (int64_t b = c->blocks - 1; b >= 0; b--) {
        real *g_old = w->g + q->middle + b * W;
        vec z[MAX_WIDTH];
        at.old = v_load(s + q->middle + b * W);
        at.g_old = v_load(g_old);
        real *map = s + c->place + b * m * W;
        for (int i = 0; i < m; i++) z[i] = v_load(map + i * W);
        closed_form_gradient(mode, v_load(w->g + q->after + b * W), z, &at,
                             sample_cfc_pure(q, w, b));
        if (mode == LNN_EXPONENTIAL) v_store(g_old, at.g_old);
        for (int i = 0; i < m; i++) v_store(map + i * W, z[i]);
        map_apply_transposed(c, b, z, w->g, m);
    }
    return at.g_dt;
}

/* A layer of the backbone: vector v of block b holds the outputs from (v blocks + b) W on.
 */
static INLINE void sample_cfc_layer(const sample_cfc_layout *q, int64_t layer, real *s,
                                    int width) {
    const blocked_map *c = &q->maps[layer];
    const int64_t activation = q->p->activation;
    for (int64_t b = 0; b < c->blocks; b++) {
        vec y[MAX_WIDTH];
        map_apply(c, b, s, y, width);
        for (int v = 0; v < width; v++) {
            /* Else the slope follows from the output: this place is for the gradient. */
            if (!is_invertible(activation))
                v_store(s + c->place + (b * width + v) * W, y[v]);
            v_store(s + q->output[layer] + (v * c->blocks + b) * W,
                    activate(activation, y[v]));
        }
    }
}

static INLINE void sample_cfc_layer_gradient(const sample_cfc_layout *q,
                                             const sample_cfc_group *w, int64_t layer,
                                             real *s, int width) {
    const blocked_map *c = &q->maps[layer];
    const int64_t activation = q->p->activation;
    for (int64_t b = 0; b < c->blocks; b++) {
        vec dz[MAX_WIDTH];
        for (int v = 0; v < width; v++) {
            int64_t at = q->output[layer] + (v * c->blocks + b) * W;
            real *map = s + c->place + (b * width + v) * W;
            vec y = v_load(s + at), x = is_invertible(activation) ? y : v_load(map);
            dz[v] = v_mul(activation_gradient(activation, x, y), v_load(w->g + at));
            v_store(map, dz[v]);
        }
        map_apply_transposed(c, b, dz, w->g, width);
    }
}

/* The widths are constants, so that a block's sums are registers. */
static void sample_cfc_backbone(const sample_cfc_layout *q, real *s) {
    for (int64_t i = 0; i + 1 < q->p->n_maps; i++)
        if (q->maps[i].width == 1)
            sample_cfc_layer(q, i, s, 1);
        else if (q->maps[i].width == 2)
            sample_cfc_layer(q, i, s, 2);
        else
            sample_cfc_layer(q, i, s, 4);
}

static void sample_cfc_backbone_gradient(const sample_cfc_layout *q,
                                         const sample_cfc_group *w, real *s) {
    for (int64_t i = q->p->n_maps - 2; i >= 0; i--)
        if (q->maps[i].width == 1)
            sample_cfc_layer_gradient(q, w, i, s, 1);
        else if (q->maps[i].width == 2)
            sample_cfc_layer_gradient(q, w, i, s, 2);
        else
            sample_cfc_layer_gradient(q, w, i, s, 4);
}

static void sample_cfc_lstm(const sample_cfc_layout *q, const sample_cfc_group *w,
                            real *s) {
    const blocked_map *c = &q->gates;
    memcpy(s + q->memory, w->c, sizeof(real) * q->lanes);
    for (int64_t b = 0; b < c->blocks; b++) {
        vec gate[4], tanh_c;
        map_apply(c, b, s, gate, 4);
        vec memory = lstm(gate, v_load(s + q->memory + b * W), &tanh_c);
        v_store(s + q->new_memory + b * W, memory);
        v_store(w->c + b * W, memory);
        v_store(s + q->squashed + b * W, tanh_c);
        v_store(s + q->middle + b * W, v_mul(tanh_c, gate[3]));
        for (int i = 0; i < 4; i++) v_store(s + c->place + (b * 4 + i) * W, gate[i]);
    }
}

static void sample_cfc_lstm_gradient(const sample_cfc_layout *q, const sample_cfc_group *w,
                                     real *s) {
    const blocked_map *c = &q->gates;
    for (int64_t b = 0; b < c->blocks; b++) {
        vec gate[4];
        real *map = s + c->place + b * 4 * W;
        for (int i = 0; i < 4; i++) gate[i] = v_load(map + i * W);
        v_store(w->c + b * W,
                lstm_gradient(gate, v_load(s + q->memory + b * W),
                              v_load(s + q->squashed + b * W),
                              v_load(w->g + q->middle + b * W), v_load(w->c + b * W)));
        for (int i = 0; i < 4; i++) v_store(map + i * W, gate[i]);
        map_apply_transposed(c, b, gate, w->g, 4);
    }
}

/* One step: from the state in w to the next one there; s: the step's values. */
static NOINLINE void sample_cfc_step(const sample_cfc_layout *q, const sample_cfc_group *w,
                                     real *s, const real *x, real dt) {
    const lnn_problem *p = q->p;
    const blocked_map *last = &q->maps[sample_cfc_maps(p) - 1];
    memcpy(s + q->x, x, sizeof(real) * p->inputs);
    memcpy(s + q->before, w->h, sizeof(real) * q->lanes);
    if (p->memory) sample_cfc_lstm(q, w, s);
    if (p->kind == LNN_CFC) sample_cfc_backbone(q, s);
    for (int mode = 0; mode < LNN_MODES; mode++)
        if (mode == p->mode) sample_cfc_states(q, w, last, s, v_set(dt), mode);
    memcpy(w->h, s + q->after, sizeof(real) * q->lanes);
}

/* Back: gradients of the new state in w become those of the one before, w->g holds those
 * of the inputs, and the maps' values become their gradients; returns that of dt. */
static NOINLINE real sample_cfc_step_gradient(const sample_cfc_layout *q,
                                              const sample_cfc_group *w, real *s, real dt) {
    const lnn_problem *p = q->p;
    const blocked_map *last = &q->maps[sample_cfc_maps(p) - 1];
    vec g_dt = v_set(0);
    memset(w->g, 0, sizeof(real) * q->sources);
    /* New states are sources too, of later layers, which add to their gradients. */
    memcpy(w->g + q->after, w->h, sizeof(real) * q->lanes);
    for (int mode = 0; mode < LNN_MODES; mode++)
        if (mode == p->mode)
            g_dt = sample_cfc_states_gradient(q, w, last, s, v_set(dt), mode);
    if (p->kind == LNN_CFC) sample_cfc_backbone_gradient(q, w, s);
    /* Last, as the LSTM came first: by now all of its gradient is there. */
    if (p->memory) sample_cfc_lstm_gradient(q, w, s);
    memcpy(w->h, w->g + q->before, sizeof(real) * q->lanes);
    return v_sum(g_dt);
}

#endif
