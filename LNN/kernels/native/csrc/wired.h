/* The wired CfC, with samples in the lanes: every map reads only the neuron's synapses.
 *
 * Neurons are taken in evaluation order. A synapse from an earlier layer reads that
 * neuron's new state, any other one the state before: which, is decided once, as an
 * offset. The four maps of a neuron read the same sources, so one load serves four
 * multiplications.
 */
#ifndef LNN_WIRED_H
#define LNN_WIRED_H

#include "adjacency.h"
#include "reals.h"
#include "cfc_rows.h"
#include "outer_products.h"

typedef struct {
    int64_t *begin;    /* (N + 1) by position in the order: first synapse */
    int64_t *middle;   /* (N) first synapse that comes from a neuron */
    int64_t *from;     /* (E) where the source's row lies, from the first row */
    int64_t *to;       /* (E) where its gradient lies, from the first gradient row */
    int64_t *original; /* (E) place in the sensory, then the recurrent synapses */
    real *weight;      /* (E, M) */
    real *bias;        /* (N, M) by neuron */
} wired_pack;

static void wired_reserve(wired_pack *k, arena *a, const lnn_problem *p) {
    int64_t n = p->neurons, edges = p->n_sensory + p->n_recurrent;
    int64_t maps = n_maps_of(p->mode);
    k->begin = take_integers(a, n + 1);
    k->middle = take_integers(a, n);
    k->from = take_integers(a, edges);
    k->to = take_integers(a, edges);
    k->original = take_integers(a, edges);
    k->weight = take(a, edges * maps);
    k->bias = take(a, n * maps);
}

/* Rows are inputs, then neurons before the step (from `previous` on); `step` later come
 * new ones. */
static void wired_prepare(wired_pack *k, const lnn_problem *p, int64_t step,
                          int64_t previous, int64_t *work) {
    int64_t n = p->neurons, maps = n_maps_of(p->mode), e = 0, at = 0;
    int64_t *sensory = work, *recurrent = work + n + 1, *layer = work + 2 * n + 2;
    first_of_each(p->sensory_target, p->n_sensory, n, sensory);
    first_of_each(p->recurrent_target, p->n_recurrent, n, recurrent);
    for (int64_t l = 0; l < p->n_layers; l++)
        for (; at < p->layer_end[l]; at++) layer[p->order[at]] = l;
    for (at = 0; at < n; at++) {
        int64_t j = p->order[at];
        k->begin[at] = e;
        for (int64_t i = sensory[j]; i < sensory[j + 1]; i++, e++) {
            k->from[e] = p->sensory_source[i] * L;
            k->to[e] = p->sensory_source[i] * L;
            k->original[e] = i;
        }
        k->middle[at] = e;
        for (int64_t i = recurrent[j]; i < recurrent[j + 1]; i++, e++) {
            int64_t source = p->recurrent_source[i];
            int is_new = layer[source] < layer[j];
            k->from[e] = is_new ? (p->inputs + source) * L + step : previous + source * L;
            k->to[e] = (p->inputs + (is_new ? n : 0) + source) * L;
            k->original[e] = p->n_sensory + i;
        }
    }
    k->begin[n] = e;
    for (int64_t i = 0; i < maps; i++) {
        const real *w = p->parameters[i], *v = p->parameters[maps + i];
        const real *bias = p->parameters[2 * maps + i];
        for (e = 0; e < k->begin[n]; e++) {
            int64_t at = k->original[e];
            k->weight[e * maps + i] = at < p->n_sensory ? w[at] : v[at - p->n_sensory];
        }
        for (int64_t j = 0; j < n; j++) k->bias[j * maps + i] = bias[j];
    }
}

/* One step: reads rows at this step, writes the new states one step later. */
static INLINE void wired_step(const wired_pack *k, const lnn_problem *p, int mode,
                              const pure_form *pure, const real *rows, cfc_rows r, int nv) {
    enum { MAX = 4 };
    const int m = n_maps_of(mode);
    for (int64_t at = 0; at < p->neurons; at++) {
        int64_t j = p->order[at];
        vec sum[MAX][NV];
        for (int i = 0; i < m; i++)
            for (int u = 0; u < nv; u++) sum[i][u] = v_set(k->bias[j * m + i]);
        for (int64_t e = k->begin[at]; e < k->begin[at + 1]; e++) {
            const real *from = rows + k->from[e], *w = k->weight + e * m;
            vec s[NV];
            for (int u = 0; u < nv; u++) s[u] = v_load(from + u * W);
            for (int i = 0; i < m; i++)
                for (int u = 0; u < nv; u++)
                    sum[i][u] = v_fma(v_set(w[i]), s[u], sum[i][u]);
        }
        pure_lanes own = pure_of(mode, pure, j);
        for (int u = 0; u < nv; u++) {
            vec z[MAX];
            for (int i = 0; i < m; i++) z[i] = sum[i][u];
            store_new_state(mode, z, r, j, u, own);
            for (int i = 0; i < m; i++) v_store(r.maps + (j * m + i) * L + u * W, z[i]);
        }
    }
}

/* Begin to load the `count` rows of maps that the step after this one on the way back
 * reads: what the forward pass kept is too much for the caches, and no processor foresees
 * the way through it. */
static INLINE void fetch_next(const real *maps, int64_t next, int64_t count) {
    enum { LINE = 64 / sizeof(real) };
    for (int64_t i = 0; i < count * L; i += LINE) PREFETCH(maps + next + i);
}

/* The step backwards: g holds gradients of the new states and gets those of sources. */
static INLINE void wired_step_gradient(const wired_pack *k, const lnn_problem *p, int mode,
                                       const pure_form *pure, real *g, cfc_rows r, int nv) {
    enum { MAX = 4 };
    const int m = n_maps_of(mode);

    for (int64_t at = p->neurons - 1; at >= 0; at--) {
        int64_t j = p->order[at];
        pure_lanes own = pure_of(mode, pure, j);

        fetch_next(r.maps + j * m * L, r.next, m);
        vec dz[MAX][NV];
        for (int u = 0; u < nv; u++) {
            vec z[MAX];
            for (int i = 0; i < m; i++) z[i] = v_load(r.maps + (j * m + i) * L + u * W);
            add_state_gradients(mode, z, r, j, u, own);
            for (int i = 0; i < m; i++) {
                dz[i][u] = z[i];
                v_store(r.maps + (j * m + i) * L + u * W, z[i]);
            }
        }
        int64_t first = p->grad_inputs ? k->begin[at] : k->middle[at];
        for (int64_t e = first; e < k->begin[at + 1]; e++) {
            const real *w = k->weight + e * m;
            real *to = g + k->to[e];
            for (int u = 0; u < nv; u++) {
                vec sum = v_load(to + u * W);
                for (int i = 0; i < m; i++) sum = v_fma(v_set(w[i]), dz[i][u], sum);
                v_store(to + u * W, sum);
            }
        }
    }
}

/* Synapses of a neuron whose gradients are summed at once. */
static INLINE int fan_of(int m) { return m < 4 ? 2 * OUTER_SOURCES : OUTER_SOURCES; }

/* Reals that the sums of the weights' gradients take at most: each neuron, in order, has
 * blocks of its own. */
static int64_t wired_gradient_size(const lnn_problem *p) {
    int m = n_maps_of(p->mode), fan = fan_of(m);
    int64_t n_blocks = (p->n_sensory + p->n_recurrent) / fan + p->neurons;
    return n_blocks * whole_vectors(fan * m);
}

/* Add the gradients of the weights (in blocks) and biases (N, M) over recorded steps. */
static INLINE void wired_gradients(const wired_pack *k, const lnn_problem *p, int m,
                                   map_record r, real *gw, real *gb, int nv) {
    const int fan = fan_of(m);
    for (int64_t at = 0; at < p->neurons; at++) {
        const real *left[OUTER_TARGETS], *right[2 * OUTER_SOURCES];
        int64_t end = k->begin[at + 1];
        for (int i = 0; i < m; i++) left[i] = r.g + (p->order[at] * m + i) * L;
        for (int64_t e = k->begin[at]; e < end; e += fan, gw += whole_vectors(fan * m)) {
            for (int f = 0; f < fan; f++)
                right[f] = r.rows + k->from[smaller(e + f, end - 1)];
            add_outer_products(left, right, r.span, gw, m, fan, nv);
        }
    }
    add_row_sums(r.g, r.span, p->neurons * m, gb, nv);
}

/* The gradients of the weights, map by map, out of the blocks. */
static void wired_unpack(const wired_pack *k, const lnn_problem *p, const real *sums,
                         void *const *gradients) {
    const int m = n_maps_of(p->mode), fan = fan_of(m);
    for (int64_t at = 0; at < p->neurons; at++)
        for (int64_t e = k->begin[at]; e < k->begin[at + 1]; e++) {
            int64_t f = (e - k->begin[at]) % fan, place = k->original[e];
            int sensory = place < p->n_sensory;
            for (int i = 0; i < m; i++) {
                real *to = gradients[sensory ? i : m + i];
                to[sensory ? place : place - p->n_sensory] = sums[i * fan + f];
            }
            if (f == fan - 1 || e == k->begin[at + 1] - 1) sums += whole_vectors(fan * m);
        }
}

#endif
