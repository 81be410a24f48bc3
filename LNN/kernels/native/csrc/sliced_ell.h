/* Synapses for neurons in the lanes: slices of W targets, one synapse of each in a slot.
 *
 * Targets are sorted by how many synapses they have, so that slices have few empty
 * places. An empty place reads a source that is always 0, with weight 0.
 */
#ifndef LNN_SLICED_ELL_H
#define LNN_SLICED_ELL_H

#include "reals.h"
#include "sizes.h"

typedef struct {
    int64_t count, slots;
    int64_t *first;  /* (count + 1) first slot of each slice */
    int64_t *used;   /* (count) lanes that hold a neuron */
    int32_t *neuron; /* (count, W) neurons; n where there is none */
    int32_t *source; /* (slots, W) where each synapse reads */
    int64_t *place;  /* (E) slot * W + lane of each synapse */
    int64_t *common; /* (slots) the source of all lanes in use, or -1 */
} sliced_ell;

static int32_t *take_indices(arena *a, int64_t count) {
    return take_bytes(a, count * (int64_t)sizeof(int32_t));
}

static int64_t slice_count(int64_t n) { return (n + W - 1) / W; }

/* No fewer slots than there will be, known before anything is sorted. */
static int64_t slots_at_most(const int64_t *target, int64_t edges, int64_t n) {
    int64_t longest = 0, run = 0;
    for (int64_t e = 0; e < edges; e++) {
        run = e && target[e] == target[e - 1] ? run + 1 : 1;
        longest = larger(longest, run);
    }
    return smaller(edges, slice_count(n) * longest);
}

/* Neurons by falling number of synapses (insertion: few, and nearly in order). */
static void sort_by_degree(int64_t *neurons, int64_t n, const int64_t *begin) {
    for (int64_t i = 0; i < n; i++) {
        int64_t degree = begin[i + 1] - begin[i], at = i;
        for (; at > 0; at--) {
            int64_t before = neurons[at - 1];
            if (begin[before + 1] - begin[before] >= degree) break;
            neurons[at] = before;
        }
        neurons[at] = i;
    }
}

static void sliced_ell_reserve(sliced_ell *s, arena *a, int64_t n, const int64_t *target,
                               int64_t edges) {
    s->count = slice_count(n);
    s->slots = slots_at_most(target, edges, n);
    s->first = take_integers(a, s->count + 1);
    s->used = take_integers(a, s->count);
    s->neuron = take_indices(a, s->count * W);
    s->source = take_indices(a, s->slots * W);
    s->place = take_integers(a, edges);
    s->common = take_integers(a, s->slots);
}

static int64_t common_source(const int32_t *source, int64_t used) {
    for (int64_t lane = 1; lane < used; lane++)
        if (source[lane] != source[0]) return -1;
    return source[0];
}

/* Lay out synapses whose targets lie in the lanes as `sorted`; `empty` reads 0. */
static void sliced_ell_fill(sliced_ell *s, int64_t n, const int64_t *sorted,
                            const int64_t *begin, const int64_t *source, int64_t empty) {
    int64_t slot = 0;
    for (int64_t i = 0; i < s->slots * W; i++) s->source[i] = (int32_t)empty;
    for (int64_t k = 0; k < s->count; k++) {
        int64_t depth = 0;
        s->first[k] = slot;
        s->used[k] = smaller(W, n - k * W);
        for (int64_t lane = 0; lane < W; lane++) {
            int64_t j = lane < s->used[k] ? sorted[k * W + lane] : n;
            s->neuron[k * W + lane] = (int32_t)j;
            if (j == n) continue;
            for (int64_t e = begin[j]; e < begin[j + 1]; e++) {
                s->place[e] = (slot + e - begin[j]) * W + lane;
                s->source[s->place[e]] = (int32_t)source[e];
            }
            depth = larger(depth, begin[j + 1] - begin[j]);
        }
        for (int64_t end = slot + depth; slot < end; slot++)
            s->common[slot] = common_source(s->source + slot * W, s->used[k]);
    }
    s->first[s->count] = slot;
}

/* The source of a slot's synapses; one load then serves all lanes. */
static INLINE vec slot_source(const sliced_ell *s, int64_t slot, const real *v) {
    if (s->common[slot] >= 0) return v_set(v[s->common[slot]]);
    return v_gather(v, s->source + slot * W);
}

/* to[neuron of the lane] = a, for the lanes in use. */
static INLINE void scatter(real *to, const sliced_ell *s, int64_t slice, vec a) {
    real lane[W];
    v_store(lane, a);
    for (int64_t i = 0; i < s->used[slice]; i++) to[s->neuron[slice * W + i]] = lane[i];
}

#endif
