/* One engine: every cell over whole sequences, forward and backward, for one vector type.
 *
 * Included by engine_*.c after a vector header. Samples lie in the lanes: a tile is L of
 * them, and a row is one quantity (an input, a neuron) for all samples of a tile.
 * Tiles belong to groups, groups are what threads take, and each group sums gradients of
 * its own: tiles and groups depend on the batch alone, so the bits do not depend on how
 * many threads there are. A few samples are groups of one each, with neurons in
 * the lanes (narrow.h, single_plan.h).
 *
 * The way back goes from chunk to chunk of steps, the last one first: a chunk is
 * replayed from the stored state before it, with what its steps leave for the way back,
 * and then undone step by step. So only states are stored between the two passes. The
 * forward pass may keep what a replay would leave (`record`), to save it.
 */

#include "problem.h"

enum { NV = 2, L = NV * W, MAX_GROUPS = 16, MAX_CHUNK = 32 };
/* A chunk's record should stay in the second-level cache. */
static const int64_t CHUNK_BYTES = 768 * 1024;
/* Up to here what the forward pass computes is kept, not computed again. A CfC computes
 * as fast as memory beyond the caches is written and read, an LTC takes longer.
 */
static const int64_t RECORD_BYTES = 16 * 1024 * 1024;
static const int64_t LTC_RECORD_BYTES = 256 * 1024 * 1024;

#include "memory_plan.h"
#include "functions.h"
#include "patch.h"
#include "dense.h"
#include "closed_form.h"
#include "wired.h"
#include "backbone.h"
#include "lstm.h"
#include "synapses.h"
#include "ltc.h"

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
    int64_t *work; /* for preparing */
    int64_t packed_bytes, group_bytes, record_bytes; /* of all, a group, a chunk */
} plan;

/* The memory of one group. Rows come first and together: x, h, [h before the cell]. */
typedef struct {
    real *x, *h, *before;
    real *c, *gate, *squashed;          /* memory */
    real *map;                          /* CfC: values of the maps, then gradients */
    real *input[MAX_MAPS], *output[MAX_MAPS]; /* backbone: before and after activation */
    real *dt, *live, *h_unfold;         /* (chunk) rows of L */
    real *g, *g_x, *g_before, *g_new, *g_h, *g_c, *g_dt, *g_layer, *kept;
    real *between; /* LTC: states between unfolds */
    ltc_work ltc_work;
    ltc_sums ltc;
    pure_form pure;
    real *g_weight, *g_bias;                      /* wired */
    real *g_map[MAX_MAPS], *g_map_bias[MAX_MAPS]; /* backbone */
    real *g_gates, *g_gates_bias;                 /* memory */
    real *sums; /* where what is summed over tiles begins; it ends the group */
} group;

static int64_t backbone_width(const lnn_problem *p, int64_t map) {
    return map + 1 < p->n_maps ? p->backbone_units : p->neurons * n_maps_of(p->mode);
}

/* base + offset, and nothing where memory is only being measured. */
static real *part(real *base, int64_t offset) { return base ? base + offset : 0; }

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

/* Hand out the rows of a step from `base` on; returns how many bytes they take. */
static int64_t lay_out_step(const lnn_problem *p, int keep, char *base, group *w) {
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
static int64_t lay_out_chunk(const plan *q, char *base, group *w) {
    lay_out_step(q->p, q->keep, base, w);
    /* One step more, for the state after the last one. */
    arena a = {base, (q->chunk + 1) * q->step * (int64_t)sizeof(real)};
    w->dt = take(&a, q->chunk * L);
    w->live = take(&a, q->chunk * L);
    w->h_unfold = take(&a, q->chunk * L);
    return a.used;
}

/* What is summed over all tiles of a group. */
static void lay_out_sums(const plan *q, arena *a, group *w) {
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
static int64_t lay_out_group(const plan *q, char *base, group *w) {
    const lnn_problem *p = q->p;
    const int64_t n = p->neurons, f = p->inputs;
    memset(w, 0, sizeof *w);
    arena a = {base, lay_out_chunk(q, base, w)};
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
    lay_out_sums(q, &a, w);
    return a.used;
}

/* Reals from a step to the next: an odd number of cache lines, so that the same row of
 * many steps does not always fall on the same few sets of the cache. */
static int64_t step_size(int64_t bytes) {
    return ((bytes / 64) | 1) * 64 / (int64_t)sizeof(real);
}

static plan make_plan(const lnn_problem *p, int backward) {
    plan q;
    memset(&q, 0, sizeof q);
    arena a = {p->scratch, 0};
    q.p = p;
    q.backward = backward;
    q.keep = backward || p->record;
    q.tiles = (p->batch + L - 1) / L;
    q.groups = smaller(q.tiles, MAX_GROUPS);
    q.columns = p->memory ? 2 * p->neurons : p->neurons;
    group w;
    q.step = step_size(lay_out_step(p, q.keep, 0, &w));
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
    if (p->memory)
        dense_reserve(&q.gates, &a, 4 * p->neurons, p->inputs + p->neurons);
    q.packed_bytes = a.used;
    q.group_bytes = lay_out_group(&q, 0, &w);
    q.record_bytes = lay_out_chunk(&q, 0, &w);
    return q;
}

#include "tile.h"
#include "slices.h"
#include "narrow.h"
#include "columns.h"
#include "single_plan.h"
#include "single_step.h"
#include "single.h"

/* Set up what all groups read: weights in the order in which they are used. */
static void prepare(const lnn_problem *p, int64_t backward) {
    if (is_narrow(p)) {
        narrow_prepare(p, (int)backward);
        return;
    }
    if (is_single(p)) {
        single_prepare(p, (int)backward);
        return;
    }
    plan q = make_plan(p, (int)backward);
    const int64_t n = p->neurons, f = p->inputs;
    const int64_t before = (p->memory ? f + n : f) * L;
    if (p->kind == LNN_LTC) ltc_prepare(&q.ltc, p);
    if (p->kind == LNN_WIRED_CFC) wired_prepare(&q.wired, p, q.step, before, q.work);
    for (int64_t i = 0; p->kind == LNN_CFC && i < p->n_maps; i++) {
        dense_map *d = &q.maps[i];
        dense_prepare(d, p->parameters[2 + 2 * i], p->parameters[3 + 2 * i]);
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
        for (int64_t k = 0; k < f + n; k++) {
            q.gates.from[k] = k * L;
            q.gates.to[k] = (k < f ? k : k + 2 * n) * L;
        }
    }
}

/* Run the tiles of one group. Groups may run at the same time. */
static void run(const lnn_problem *p, int64_t backward, int64_t index) {
    if (is_narrow(p)) {
        narrow_run(p, (int)backward, index);
        return;
    }
    if (is_single(p)) {
        single_run(p, (int)backward, index);
        return;
    }
    plan q = make_plan(p, (int)backward);
    group w;
    lay_out_group(&q, (char *)p->scratch + q.packed_bytes + index * q.group_bytes, &w);
    if (backward) {
        char *end = (char *)p->scratch + q.packed_bytes + (index + 1) * q.group_bytes;
        memset(w.sums, 0, (size_t)(end - (char *)w.sums));
    }
    int64_t first = index * q.tiles / q.groups, last = (index + 1) * q.tiles / q.groups;
    for (int64_t i = first; i < last; i++) {
        tile where = {i, i * L, smaller(L, p->batch - i * L), 0};
        if (where.samples <= W)
            run_tile(&q, &w, where, 1);
        else
            run_tile(&q, &w, where, NV);
    }
}

/* Add up the groups, in order, and turn sums into gradients of the parameters. */
static void finish(const lnn_problem *p) {
    if (is_narrow(p)) {
        narrow_finish(p);
        return;
    }
    if (is_single(p)) {
        single_finish(p);
        return;
    }
    plan q = make_plan(p, 1);
    group w, other;
    char *base = (char *)p->scratch + q.packed_bytes;
    lay_out_group(&q, base, &w);
    real *end = (real *)(base + q.group_bytes);
    for (int64_t i = 1; i < q.groups; i++) {
        lay_out_group(&q, base + i * q.group_bytes, &other);
        for (int64_t k = 0; k < end - w.sums; k++) w.sums[k] += other.sums[k];
    }
    if (p->kind == LNN_LTC) ltc_finish(p, &w.ltc);
    if (p->kind == LNN_WIRED_CFC) wired_finish(&q, &w);
    if (p->kind == LNN_CFC) backbone_finish(&q, &w);
    if (p->memory) memory_finish(&q, &w);
}

static int64_t scratch_bytes(const lnn_problem *p, int64_t backward) {
    lnn_problem empty = *p;
    empty.scratch = 0;
    if (is_narrow(p)) {
        narrow_plan n = make_narrow_plan(&empty, (int)backward);
        return n.packed_bytes + p->batch * n.group_bytes;
    }
    if (is_single(p)) return single_scratch_bytes(&empty, (int)backward);
    plan q = make_plan(&empty, (int)backward);
    return q.packed_bytes + q.groups * q.group_bytes;
}

/* How much a forward pass would keep for one way back; 0: replaying is better. */
static int64_t record_bytes(const lnn_problem *p) {
    if (is_narrow(p)) return 0;
    lnn_problem empty = *p;
    empty.scratch = 0;
    if (is_single(p)) {
        int64_t bytes = single_record_bytes(&empty);
        return bytes <= RECORD_BYTES ? bytes : 0;
    }
    plan q = make_plan(&empty, 1);
    int64_t chunks = (p->steps + q.chunk - 1) / q.chunk;
    int64_t bytes = q.tiles * chunks * q.record_bytes;
    return bytes <= (p->kind == LNN_LTC ? LTC_RECORD_BYTES : RECORD_BYTES) ? bytes : 0;
}

static int64_t group_count(const lnn_problem *p) {
    return is_narrow(p) || is_single(p) ? p->batch : smaller((p->batch + L - 1) / L, MAX_GROUPS);
}

#include "calibration.h"

const lnn_engine ENGINE = {scratch_bytes, record_bytes, group_count, prepare,
                           run,           finish,       calibrate,   apply_function};
