/* Many samples at once, one in each lane: what lies where.
 *
 * A tile is L samples, and a row is one quantity (an input, a neuron) for all samples of
 * a tile. Tiles belong to groups, groups are what threads take, and each group sums
 * gradients of its own: tiles and groups depend on the batch alone, so the bits do not
 * depend on how many threads there are.
 */
#ifndef LNN_BATCH_LAYOUT_H
#define LNN_BATCH_LAYOUT_H

#include "backbone.h"
#include "dense.h"
#include "lstm.h"
#include "ltc.h"
#include "wired.h"

typedef struct {
    const lnn_problem *p;
    int backward;
    int keep; /* what an LTC's way back needs */
    int64_t tiles, groups, chunk;
    int64_t step;    /* reals from a step to the next */
    int64_t columns; /* of a state: N, with memory 2 N */
    ltc_pack ltc;
    wired_pack wired;
    dense_map maps[MAX_MAPS], gates;
    int64_t *work;                                   /* for preparing */
    int64_t packed_bytes, group_bytes, record_bytes; /* of all, a group, a chunk */
} batch_layout;

/* The memory of one group. Rows come first and together: x, h, [h before the cell]. */
typedef struct {
    real *x, *h, *before;
    real *c, *gate, *squashed;                /* memory */
    real *map;                                /* CfC: values of the maps, then gradients */
    real *input[MAX_MAPS], *output[MAX_MAPS]; /* backbone: before and after activation */
    real *dt, *live, *h_unfold;               /* (chunk) rows of L */
    real *g, *g_x, *g_before, *g_new, *g_h, *g_c, *g_dt, *g_layer, *kept;
    real *between; /* LTC: states between unfolds */
    ltc_work ltc_work;
    ltc_sums ltc;
    pure_form pure;
    real *g_weight, *g_bias;                      /* wired */
    real *g_map[MAX_MAPS], *g_map_bias[MAX_MAPS]; /* backbone */
    real *g_gates, *g_gates_bias;                 /* memory */
    real *sums; /* where what is summed over tiles begins; it ends the group */
} batch_group;

static int64_t backbone_width(const lnn_problem *p, int64_t map) {
    return map + 1 < p->n_maps ? p->backbone_units : p->neurons * n_maps_of(p->mode);
}

/* Hand out the rows of a step from `base` on; returns how many bytes they take. */
static int64_t batch_lay_out_step(const lnn_problem *p, int keep, char *base,
                                  batch_group *w) {
    const int64_t n = p->neurons, f = p->inputs;
    arena a = {base, 0};
    w->x = take(&a, (f + (p->memory ? 2 : 1) * n) * L);
    w->h = part(w->x, f * L);
    w->before = p->memory ? part(w->h, n * L) : w->h;
    if (p->memory) {
        w->c = take(&a, n * L);
        w->squashed = take(&a, n * L);
        w->gate = take(&a, 4 * n * L);
    }
    w->between = p->kind == LNN_LTC && keep ? ltc_between_reserve(&a, p) : 0;
    if (p->kind == LNN_WIRED_CFC) w->map = take(&a, n * n_maps_of(p->mode) * L);
    for (int64_t i = 0; p->kind == LNN_CFC && i < p->n_maps; i++) {
        w->input[i] = take(&a, backbone_width(p, i) * L);
        w->output[i] = i + 1 < p->n_maps ? take(&a, backbone_width(p, i) * L) : 0;
    }
    return a.used;
}

/* Hand out a chunk's memory from `base` on; returns how much it takes. */
static int64_t batch_lay_out_chunk(const batch_layout *q, char *base, batch_group *w) {
    batch_lay_out_step(q->p, q->keep, base, w);
    /* One step more, for the state after the last one. */
    arena a = {base, (q->chunk + 1) * q->step * (int64_t)sizeof(real)};
    w->dt = take(&a, q->chunk * L);
    w->live = take(&a, q->chunk * L);
    w->h_unfold = take(&a, q->chunk * L);
    return a.used;
}

/* What is summed over all tiles of a group. */
static void batch_lay_out_sums(const batch_layout *q, arena *a, batch_group *w) {
    const lnn_problem *p = q->p;
    const int64_t n = p->neurons, m = n_maps_of(p->mode);
    w->sums = take(a, 0);
    if (p->kind == LNN_LTC) ltc_sums_reserve(&w->ltc, a, p);
    if (p->kind == LNN_WIRED_CFC) {
        w->g_weight = take(a, wired_gradient_size(p));
        w->g_bias = take(a, whole_vectors(n * m));
    }
    for (int64_t i = 0; p->kind == LNN_CFC && i < p->n_maps; i++) {
        w->g_map[i] = take(a, dense_gradient_size(&q->maps[i]));
        w->g_map_bias[i] = take(a, whole_vectors(q->maps[i].outputs));
    }
    if (p->memory) {
        w->g_gates = take(a, dense_gradient_size(&q->gates));
        w->g_gates_bias = take(a, whole_vectors(4 * n));
    }
    w->pure.g_asymptote = take(a, n * W);
    w->pure.g_rate = take(a, n * W);
}

/* Hand out a group's memory from `base` on; returns how much it takes. */
static int64_t batch_lay_out_group(const batch_layout *q, char *base, batch_group *w) {
    const lnn_problem *p = q->p;
    const int64_t n = p->neurons, f = p->inputs;
    memset(w, 0, sizeof *w);
    arena a = {base, batch_lay_out_chunk(q, base, w)};
    w->pure = pure_parameters(p);
    if (p->kind == LNN_LTC) ltc_work_reserve(&w->ltc_work, &a, p, q->backward);
    if (!q->backward) return a.used;
    w->g = take(&a, (f + 3 * n) * L);
    w->g_x = w->g;
    w->g_before = part(w->g, f * L);
    w->g_new = part(w->g_before, n * L);
    w->g_h = part(w->g_new, n * L);
    w->g_c = take(&a, n * L);
    w->kept = take(&a, 2 * n * L);
    w->g_dt = take(&a, L);
    if (p->kind == LNN_CFC)
        w->g_layer = take(&a, larger(p->backbone_units, n * n_maps_of(p->mode)) * L);
    batch_lay_out_sums(q, &a, w);
    return a.used;
}

static batch_layout make_batch_layout(const lnn_problem *p, int backward) {
    batch_layout q;
    memset(&q, 0, sizeof q);
    arena a = {p->scratch, 0};
    q.p = p;
    q.backward = backward;
    q.keep = backward || p->record;
    q.tiles = (p->batch + L - 1) / L;
    q.groups = smaller(q.tiles, MAX_GROUPS);
    q.columns = state_columns(p);
    batch_group w;
    q.step = step_size(batch_lay_out_step(p, q.keep, 0, &w));
    q.chunk = CHUNK_BYTES / (q.step * (int64_t)sizeof(real));
    q.chunk = larger(1, smaller(q.chunk, smaller(MAX_CHUNK, p->steps)));
    if (p->kind == LNN_LTC) ltc_reserve(&q.ltc, &a, p);
    if (p->kind == LNN_WIRED_CFC) {
        wired_reserve(&q.wired, &a, p);
        q.work = take_integers(&a, 3 * p->neurons + 2);
    }
    if (p->kind == LNN_CFC) {
        int64_t sources = p->inputs + p->neurons;
        for (int64_t i = 0; i < p->n_maps; i++) {
            dense_reserve(&q.maps[i], &a, backbone_width(p, i), sources);
            sources = backbone_width(p, i);
        }
    }
    if (p->memory) dense_reserve(&q.gates, &a, 4 * p->neurons, p->inputs + p->neurons);
    q.packed_bytes = a.used;
    q.group_bytes = batch_lay_out_group(&q, 0, &w);
    q.record_bytes = batch_lay_out_chunk(&q, 0, &w);
    return q;
}

#endif
