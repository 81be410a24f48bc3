/* Synapses of an LTC with samples in the lanes: their sigmoids, currents and gradients.
 *
 * Equations and names are those of ltc.h.
 */
#ifndef LNN_SYNAPSES_H
#define LNN_SYNAPSES_H

#include "adjacency.h"
#include "reals.h"
#include "functions.h"
#include "sizes.h"

/* So many synapses are opened in step (what registers allow), and about so many before
 * their sigmoids are used, which then still lie in the first-level cache.
 */
enum { TOGETHER = BLOCK > 4 ? 4 : 2, MANY_SYNAPSES = 32 };

typedef struct {
    int64_t edges;
    int64_t *begin;  /* (N + 1) first synapse of each target */
    int64_t *source; /* (E) where the rows of the sources begin */
    real *forward;   /* (E, 4): -sigma log2 e, sigma mu log2 e, w, w E */
    real *backward;  /* (E, 2): E, w sigma */
} synapses;

/* Current and conductance of a neuron. */
typedef struct {
    vec current[NV], conductance[NV];
} membrane;

/* What a neuron's gradient pulls at its synapses with: k and k v' (ltc.h). */
typedef struct {
    vec k[NV], kv[NV];
} pull;

/* Where the gradients of synapses read and write. */
typedef struct {
    const real *s, *v; /* sigmoids; states of the sources */
    real *to, *sums;   /* gradients of the sources; sums for those of the parameters */
} synapse_rows;

static void synapses_reserve(synapses *s, arena *a, int64_t edges, int64_t neurons) {
    s->edges = edges;
    s->begin = take_integers(a, neurons + 1);
    s->source = take_integers(a, edges);
    s->forward = take(a, edges * 4);
    s->backward = take(a, edges * 2);
}

/* As torch's softplus: exact where it is linear to the last bit. */
static double softplus(double x) { return x > 20 ? x : log1p(exp(x)); }
static double softplus_slope(double x) { return x > 20 ? 1 : 1 / (1 + exp(-x)); }

static void synapses_prepare(synapses *s, const int64_t *source, const int64_t *target,
                             int64_t neurons, const void *const *parameters) {
    const real *w = parameters[0], *sigma = parameters[1], *mu = parameters[2],
               *reversal = parameters[3];
    first_of_each(target, s->edges, neurons, s->begin);
    for (int64_t e = 0; e < s->edges; e++) {
        double conductance = softplus(w[e]);
        s->source[e] = source[e] * L;
        s->forward[4 * e] = (real)(-LOG2E * sigma[e]);
        s->forward[4 * e + 1] = (real)(LOG2E * sigma[e] * mu[e]);
        s->forward[4 * e + 2] = (real)conductance;
        s->forward[4 * e + 3] = (real)(conductance * reversal[e]);
        s->backward[2 * e] = reversal[e];
        s->backward[2 * e + 1] = (real)(conductance * sigma[e]);
    }
}

/* Sigmoids of `count` synapses from e on, in step: the processor's queue is too short
 * to find that much to do in parallel among long chains that come one after the other.
 */
static INLINE void open_some(const synapses *k, int64_t e, const real *v, real *s,
                             int count, int nv) {
    const real *c = k->forward + 4 * e;
    vec t[TOGETHER * NV];
    for (int i = 0; i < count; i++)
        for (int u = 0; u < nv; u++)
            t[i * nv + u] = v_fma(v_set(c[4 * i]), v_load(v + k->source[e + i] + u * W),
                                  v_set(c[4 * i + 1]));
    sigmoids2(t, count * nv);
    for (int i = 0; i < count; i++)
        for (int u = 0; u < nv; u++) v_store(s + i * L + u * W, t[i * nv + u]);
}

/* Sigmoids of the synapses [from, to) at the states v of their sources. */
static INLINE void open_synapses(const synapses *k, int64_t from, int64_t to, const real *v,
                                 real *s, int nv) {
    for (; from + TOGETHER <= to; from += TOGETHER, s += TOGETHER * L)
        open_some(k, from, v, s, TOGETHER, nv);
    for (; from < to; from++, s += L) open_some(k, from, v, s, 1, nv);
}

/* Add target j's synapses to its current and conductance. */
static INLINE void synaptic_sums(const synapses *k, int64_t j, const real *s, membrane *m,
                                 int nv) {
    const int64_t end = k->begin[j + 1];
    const real *c = k->forward + 4 * k->begin[j];
    for (int64_t e = k->begin[j]; e < end; e++, c += 4, s += L)
        for (int u = 0; u < nv; u++) {
            m->current[u] = v_fma(v_set(c[3]), v_load(s + u * W), m->current[u]);
            m->conductance[u] = v_fma(v_set(c[2]), v_load(s + u * W), m->conductance[u]);
        }
}

/* The neurons from j on whose synapses are opened together: up to which one. */
static int64_t block_end(const synapses *k, int64_t n, int64_t j) {
    int64_t first = k->begin[j++];
    while (j < n && k->begin[j + 1] - first <= MANY_SYNAPSES) j++;
    return j;
}

/* Gradients of neuron j's synapses: added to those of their sources, and to the sums. */
static INLINE void synapse_gradients(const synapses *k, int64_t j, const pull *by,
                                     synapse_rows r, int nv) {
    const real *s = r.s;
    const int64_t *source = k->source, end = k->begin[j + 1];
    const real *c = k->backward + 2 * k->begin[j];
    real *sum = r.sums + k->begin[j] * 4 * W;
    for (int64_t e = k->begin[j]; e < end; e++, s += L, c += 2, sum += 4 * W) {
        const real *from = r.v + source[e];
        real *place = r.to + source[e];
        vec reversal = v_set(c[0]), pull = v_set(c[1]);
        vec ks = v_load(sum), qs = v_load(sum + W), zs = v_load(sum + 2 * W),
            zv = v_load(sum + 3 * W);
        for (int u = 0; u < nv; u++) {
            vec open = v_load(s + u * W);
            vec q = v_fms(reversal, by->k[u], by->kv[u]);
            vec z = v_mul(v_fnma(open, open, open), q);
            ks = v_fma(by->k[u], open, ks);
            qs = v_fma(q, open, qs);
            zs = v_add(zs, z);
            zv = v_fma(z, v_load(from + u * W), zv);
            v_store(place + u * W, v_fma(pull, z, v_load(place + u * W)));
        }
        v_store(sum, ks);
        v_store(sum + W, qs);
        v_store(sum + 2 * W, zs);
        v_store(sum + 3 * W, zv);
    }
}

static double lanes_total(const real *lanes) {
    double total = 0;
    for (int i = 0; i < W; i++) total += lanes[i];
    return total;
}

/* Totals of `fields` sums that lie W lanes each from `lanes` on. */
static void lanes_totals(const real *lanes, int fields, double *total) {
    for (int k = 0; k < fields; k++) total[k] = lanes_total(lanes + k * W);
}

/* From sums to the gradients of raw parameters (those before softplus). */
static void synapse_finish(int64_t e, const double *sum, const void *const *parameters,
                           void *const *gradients) {
    const real *w = parameters[0], *sigma = parameters[1], *mu = parameters[2];
    real *gw = gradients[0], *gs = gradients[1], *gm = gradients[2], *ge = gradients[3];
    double conductance = softplus(w[e]);
    gw[e] = (real)(sum[1] * softplus_slope(w[e]));
    gs[e] = (real)(conductance * (sum[3] - mu[e] * sum[2]));
    gm[e] = (real)(-conductance * sigma[e] * sum[2]);
    ge[e] = (real)(conductance * sum[0]);
}

#endif
