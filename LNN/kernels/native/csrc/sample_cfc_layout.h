/* The CfC for a few samples: one at a time, with neurons in the lanes. Memory and weights.
 *
 * Each sample is a group of its own. Neurons stand in slices of W, layer after layer, so
 * that a slice needs nothing of its own new states. A step's values (inputs, states,
 * activations, maps) lie together, one step after the other.
 */
#ifndef LNN_SAMPLE_CFC_LAYOUT_H
#define LNN_SAMPLE_CFC_LAYOUT_H

#include "activations.h"
#include "adjacency.h"
#include "blocked_map.h"
#include "closed_form.h"
#include "sliced_ell.h"

typedef struct {
    const lnn_problem *p;
    int backward;
    int64_t lanes;          /* slices * W */
    int64_t *neuron;        /* (lanes) the neuron of a lane; N: none */
    int64_t *position;      /* (N) the lane of a neuron */
    real *asymptote, *rate; /* (lanes) A and w_tau of "pure" */
    blocked_map maps[MAX_MAPS], gates;
    int64_t *synapse; /* wired: (E) where a synapse has its weight of the first map */
    int64_t *work;    /* for preparing */
    /* Where a step has what its maps read (up to `sources`), and what else is kept. */
    int64_t x, before, middle, after, output[MAX_MAPS], sources;
    int64_t memory, new_memory, squashed;
    int64_t step, chunk; /* reals of a step; steps */
    int64_t packed_bytes, group_bytes;
} sample_cfc_layout;

typedef struct {
    real *values;   /* (chunk, step) */
    real *h, *c;    /* the state, in lanes; backwards its gradient */
    real *replayed; /* (2, lanes) the state of a replay */
    real *g;        /* (sources) */
    real *sums;     /* where what is summed begins; it ends the group */
    real *g_map[MAX_MAPS], *g_bias[MAX_MAPS], *g_gates, *g_gates_bias;
    real *g_asymptote, *g_rate;
} sample_cfc_group;

/* Up to how many samples that is faster than a vector of samples, which need not be full:
 * measured. The wired CfC multiplies by zeros here, and does not there. */
static int sample_cfc_takes(const lnn_problem *p) {
    if (p->kind == LNN_LTC) return 0;
    return p->batch <= W / 4 + (p->kind == LNN_WIRED_CFC ? 1 : 3);
}

static int64_t sample_cfc_maps(const lnn_problem *p) {
    return p->kind == LNN_WIRED_CFC ? 1 : p->n_maps;
}

static int64_t sample_cfc_slices(const lnn_problem *p) {
    if (p->kind == LNN_CFC) return slice_count(p->neurons);
    int64_t slices = 0;
    for (int64_t l = 0; l < p->n_layers; l++)
        slices += slice_count(p->layer_end[l] - (l ? p->layer_end[l - 1] : 0));
    return slices;
}

/* Where `count` values of a step come next. */
static int64_t spot(arena *a, int64_t count) {
    int64_t place = a->used / (int64_t)sizeof(real);
    take_bytes(a, count * (int64_t)sizeof(real));
    return place;
}

static void sample_cfc_places(sample_cfc_layout *q) {
    const lnn_problem *p = q->p;
    const int64_t n_maps = sample_cfc_maps(p);
    arena a = {0, 0};
    q->x = spot(&a, p->inputs);
    q->before = spot(&a, q->lanes);
    q->middle = p->memory ? spot(&a, q->lanes) : q->before;
    q->after = spot(&a, q->lanes);
    for (int64_t i = 0; i + 1 < n_maps; i++)
        q->output[i] = spot(&a, bias_size(&q->maps[i]));
    q->sources = a.used / (int64_t)sizeof(real);
    for (int64_t i = 0; i < n_maps; i++)
        q->maps[i].place = spot(&a, bias_size(&q->maps[i]));
    if (p->memory) {
        q->memory = spot(&a, q->lanes);
        q->new_memory = spot(&a, q->lanes);
        q->squashed = spot(&a, q->lanes);
        q->gates.place = spot(&a, bias_size(&q->gates));
    }
    q->step = step_size(a.used);
}

/* The affine maps of the backbone and, with a row for each map and neuron, the heads. */
static void sample_cfc_maps_reserve(sample_cfc_layout *q, arena *a) {
    const lnn_problem *p = q->p;
    const int64_t m = n_maps_of(p->mode), sources = p->inputs + p->neurons;
    const int64_t vectors = slice_count(p->backbone_units);
    const int64_t width = vectors > 2 ? MAX_WIDTH : vectors;
    const int64_t last = sample_cfc_maps(p) - 1;
    for (int64_t i = 0; i < last; i++) {
        blocked_map *c = &q->maps[i];
        int64_t blocks = (vectors + width - 1) / width;
        map_reserve(c, a, blocks, width, blocks * (i ? p->backbone_units : sources));
        c->rows = p->backbone_units;
        c->height = blocks * W;
    }
    int64_t slices = q->lanes / W, most = last ? p->backbone_units : sources;
    map_reserve(&q->maps[last], a, slices, m, slices * most);
    q->maps[last].rows = m * p->neurons;
    if (p->memory) {
        map_reserve(&q->gates, a, slices, 4, slices * sources);
        q->gates.rows = 4 * p->neurons;
    }
    q->maps[last].height = q->gates.height = p->neurons;
    q->maps[last].member = q->gates.member = q->neuron;
}

/* What is summed over the steps of a sample, and then over samples. */
static void sample_cfc_sums_reserve(const sample_cfc_layout *q, arena *a,
                                    sample_cfc_group *w) {
    w->sums = take(a, 0);
    for (int64_t i = 0; i < sample_cfc_maps(q->p); i++) {
        const blocked_map *c = &q->maps[i];
        w->g_map[i] = take(a, c->most * c->width * W);
        w->g_bias[i] = take(a, bias_size(c));
    }
    w->g_gates = take(a, q->gates.most * 4 * W);
    w->g_gates_bias = take(a, bias_size(&q->gates));
    w->g_asymptote = take(a, q->lanes);
    w->g_rate = take(a, q->lanes);
}

static int64_t sample_cfc_lay_out_group(const sample_cfc_layout *q, char *base,
                                        sample_cfc_group *w) {
    arena a = {base, 0};
    memset(w, 0, sizeof *w);
    w->values = take(&a, q->chunk * q->step);
    w->h = take(&a, q->lanes);
    w->c = take(&a, q->lanes);
    if (!q->backward) return a.used;
    w->replayed = take(&a, 2 * q->lanes);
    w->g = take(&a, q->sources);
    sample_cfc_sums_reserve(q, &a, w);
    return a.used;
}

static sample_cfc_layout make_sample_cfc_layout(const lnn_problem *p, int backward) {
    sample_cfc_layout q;
    sample_cfc_group w;
    memset(&q, 0, sizeof q);
    arena a = {p->scratch, 0};
    const int64_t n = p->neurons;
    q.p = p;
    q.backward = backward;
    q.lanes = sample_cfc_slices(p) * W;
    q.neuron = take_integers(&a, q.lanes);
    q.position = take_integers(&a, n);
    q.asymptote = take(&a, q.lanes);
    q.rate = take(&a, q.lanes);
    sample_cfc_maps_reserve(&q, &a);
    sample_cfc_places(&q);
    if (p->kind == LNN_WIRED_CFC) {
        q.synapse = take_integers(&a, p->n_sensory + p->n_recurrent);
        q.work = take_integers(&a, 4 * n + 2 + p->inputs);
    }
    q.chunk = CHUNK_BYTES / (q.step * (int64_t)sizeof(real));
    q.chunk = backward ? larger(1, smaller(q.chunk, p->steps)) : 1;
    q.packed_bytes = a.used;
    q.group_bytes = sample_cfc_lay_out_group(&q, 0, &w);
    return q;
}

/* ---------------------------------------------------------------------------- weights */

/* Neurons in the lanes, each layer from a new slice on. */
static void sample_cfc_order(const sample_cfc_layout *q, int64_t *layer) {
    const lnn_problem *p = q->p;
    const int64_t n = p->neurons, layers = layer ? p->n_layers : 1;
    int64_t lane = 0, at = 0;
    for (int64_t l = 0; l < layers; l++) {
        for (int64_t end = layer ? p->layer_end[l] : n; at < end; at++, lane++) {
            int64_t j = layer ? p->order[at] : at;
            q->neuron[lane] = j;
            q->position[j] = lane;
            if (layer) layer[j] = l;
        }
        for (; lane % W; lane++) q->neuron[lane] = n;
    }
}

typedef struct {
    int64_t *sensory, *recurrent; /* (N + 1) first synapse of each neuron */
    int64_t *layer;               /* (N) */
    int64_t *source;              /* (F + N) place among a block's sources, or -1 */
} wires;

/* Enter the sources of a slice: inputs, then neurons, each in order. */
static int64_t wire_slice(const sample_cfc_layout *q, const wires *k, int64_t block) {
    const lnn_problem *p = q->p;
    const blocked_map *c = &q->maps[0];
    const int64_t f = p->inputs, n = p->neurons, *neuron = q->neuron + block * W;
    int64_t count = 0;
    for (int64_t i = 0; i < f + n; i++) k->source[i] = -1;
    for (int64_t lane = 0; lane < W && neuron[lane] < n; lane++) {
        int64_t j = neuron[lane];
        for (int64_t e = k->sensory[j]; e < k->sensory[j + 1]; e++)
            k->source[p->sensory_source[e]] = 0;
        for (int64_t e = k->recurrent[j]; e < k->recurrent[j + 1]; e++)
            k->source[f + p->recurrent_source[e]] = 0;
    }
    for (int64_t i = 0; i < f + n; i++) {
        if (k->source[i] < 0) continue;
        int is_new = i >= f && k->layer[i - f] < k->layer[neuron[0]];
        int64_t from =
            i < f ? q->x + i : q->position[i - f] + (is_new ? q->after : q->middle);
        c->from[c->first[block] + count] = from;
        k->source[i] = count++;
    }
    return count;
}

/* Where the slice's synapses have their weights. */
static void wire_synapses(const sample_cfc_layout *q, const wires *k, int64_t block) {
    const lnn_problem *p = q->p;
    const blocked_map *c = &q->maps[0];
    for (int64_t lane = 0; lane < W; lane++) {
        int64_t j = q->neuron[block * W + lane];
        if (j == p->neurons) continue;
        for (int64_t e = k->sensory[j]; e < k->sensory[j + 1]; e++)
            q->synapse[e] = map_at(c, block, k->source[p->sensory_source[e]], 0, lane);
        for (int64_t e = k->recurrent[j]; e < k->recurrent[j + 1]; e++) {
            int64_t source = k->source[p->inputs + p->recurrent_source[e]];
            q->synapse[p->n_sensory + e] = map_at(c, block, source, 0, lane);
        }
    }
}

static void sample_cfc_wire(const sample_cfc_layout *q) {
    const lnn_problem *p = q->p;
    const blocked_map *c = &q->maps[0];
    const int64_t n = p->neurons;
    wires k = {q->work, q->work + n + 1, q->work + 2 * n + 2, q->work + 3 * n + 2};
    sample_cfc_order(q, k.layer);
    first_of_each(p->sensory_target, p->n_sensory, n, k.sensory);
    first_of_each(p->recurrent_target, p->n_recurrent, n, k.recurrent);
    c->first[0] = 0;
    for (int64_t b = 0; b < c->blocks; b++) {
        c->first[b + 1] = c->first[b] + wire_slice(q, &k, b);
        wire_synapses(q, &k, b);
    }
}

static void sample_cfc_pack_wired(const sample_cfc_layout *q) {
    const lnn_problem *p = q->p;
    const blocked_map *c = &q->maps[0];
    const int64_t m = c->width;
    map_clear(c);
    for (int64_t i = 0; i < m; i++) {
        const real *sensory = p->parameters[i], *recurrent = p->parameters[m + i];
        const real *bias = p->parameters[2 * m + i];
        for (int64_t e = 0; e < p->n_sensory; e++)
            c->weight[q->synapse[e] + i * W] = sensory[e];
        for (int64_t e = 0; e < p->n_recurrent; e++)
            c->weight[q->synapse[p->n_sensory + e] + i * W] = recurrent[e];
        for (int64_t k = 0; k < q->lanes; k++)
            if (q->neuron[k] < p->neurons)
                c->bias[(k / W * m + i) * W + k % W] = bias[q->neuron[k]];
    }
}

/* All blocks of a dense map read the same: `count` values from `first` on, then N states.
 */
static void dense_sources(const sample_cfc_layout *q, const blocked_map *c, int64_t first,
                          int64_t count, int64_t states) {
    const int64_t n = states < 0 ? 0 : q->p->neurons, width = count + n;
    for (int64_t b = 0; b <= c->blocks; b++) c->first[b] = b * width;
    for (int64_t b = 0; b < c->blocks; b++)
        for (int64_t k = 0; k < width; k++)
            c->from[b * width + k] =
                k < count ? first + k : states + q->position[k - count];
}

static void sample_cfc_prepare(const lnn_problem *p, int backward) {
    sample_cfc_layout q = make_sample_cfc_layout(p, backward);
    const int64_t f = p->inputs, n = p->neurons;
    if (p->kind == LNN_WIRED_CFC) {
        sample_cfc_wire(&q);
        sample_cfc_pack_wired(&q);
    } else {
        sample_cfc_order(&q, 0);
    }
    for (int64_t i = 0; p->kind == LNN_CFC && i < p->n_maps; i++) {
        const blocked_map *c = &q.maps[i];
        int64_t count = i ? p->backbone_units : f;
        dense_sources(&q, c, i ? q.output[i - 1] : q.x, count, i ? -1 : q.middle);
        map_clear(c);
        map_pack(c, p->parameters[2 + 2 * i], 0, i ? count : f + n);
        map_pack_bias(c, p->parameters[3 + 2 * i]);
    }
    if (p->memory) {
        const void *const *parameters = p->parameters + LNN_MAX_PARAMETERS - 3;
        dense_sources(&q, &q.gates, q.x, f, q.before);
        map_clear(&q.gates);
        map_pack(&q.gates, parameters[0], 0, f);
        map_pack(&q.gates, parameters[2], f, n);
        map_pack_bias(&q.gates, parameters[1]);
    }
    pure_form pure = pure_parameters(p);
    for (int64_t i = 0; i < q.lanes; i++) {
        int64_t j = q.neuron[i];
        q.asymptote[i] = pure.asymptote && j < n ? pure.asymptote[j] : 0;
        q.rate[i] = pure.rate && j < n ? pure.rate[j] : 0;
    }
}

#endif
