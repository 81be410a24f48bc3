/* The wired CfC, with samples in the lanes: every map reads only the neuron's synapses.
 *
 * Neurons are taken in evaluation order. A synapse from an earlier layer reads that
 * neuron's new state, any other one the state before: which, is decided once, as an
 * offset. The four maps of a neuron read the same sources, so one load serves four
 * multiplications.
 */

typedef struct {
    int64_t *begin;    /* (N + 1) by position in the order: first synapse */
    int64_t *middle;   /* (N) first synapse that comes from a neuron */
    int64_t *from;     /* (E) where the source's row lies, from the first row */
    int64_t *to;       /* (E) where its gradient lies, from the first gradient row */
    int64_t *original; /* (E) place in the sensory, then the recurrent synapses */
    real *weight;      /* (E, M) */
    real *bias;        /* (N, M) by neuron */
} wired_pack;

static int64_t n_maps_of(int64_t mode) { return mode == LNN_PURE ? 1 : 4; }

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

/* Where each target's synapses begin in a list sorted by target. */
static void first_of_each(const int64_t *target, int64_t edges, int64_t n,
                          int64_t *begin) {
    int64_t e = 0;
    for (int64_t j = 0; j <= n; j++) {
        while (e < edges && target[e] < j) e++;
        begin[j] = e;
    }
}

/* Rows are inputs, then neurons before the step (from `previous` on), and new ones. */
static void wired_prepare(wired_pack *k, const lnn_problem *p, int64_t row,
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
            k->from[e] = p->sensory_source[i] * row;
            k->to[e] = p->sensory_source[i] * L;
            k->original[e] = i;
        }
        k->middle[at] = e;
        for (int64_t i = recurrent[j]; i < recurrent[j + 1]; i++, e++) {
            int64_t source = p->recurrent_source[i];
            int is_new = layer[source] < layer[j];
            k->from[e] = is_new ? (p->inputs + source) * row + L : previous + source * row;
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
                              const pure_form *pure, const real *rows, const real *dt,
                              real *states, real *maps, int64_t row, int nv) {
    enum { MAX = 4 };
    const int m = mode == LNN_PURE ? 1 : 4;
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
        real a = mode == LNN_PURE ? pure->asymptote[j] : 0;
        real rate = mode == LNN_PURE ? pure->rate[j] : 0;
        for (int u = 0; u < nv; u++) {
            vec z[MAX];
            for (int i = 0; i < m; i++) z[i] = sum[i][u];
            vec h = closed_form(mode, z, v_load(dt + u * W), a, rate);
            v_store(states + j * row + L + u * W, h);
            for (int i = 0; i < m; i++) v_store(maps + (j * m + i) * row + u * W, z[i]);
        }
    }
}

/* The step backwards: g holds gradients of the new states and gets those of sources. */
static INLINE void wired_step_gradient(const wired_pack *k, const lnn_problem *p,
                                       int mode, const pure_form *pure, const real *dt,
                                       real *maps, int64_t row, real *g, real *g_dt,
                                       int nv) {
    enum { MAX = 4 };
    const int m = mode == LNN_PURE ? 1 : 4;
    const real *g_new = g + (p->inputs + p->neurons) * L;
    for (int64_t at = p->neurons - 1; at >= 0; at--) {
        int64_t j = p->order[at];
        vec dz[MAX][NV];
        for (int u = 0; u < nv; u++) {
            vec z[MAX];
            for (int i = 0; i < m; i++) z[i] = v_load(maps + (j * m + i) * row + u * W);
            vec more = closed_form_gradient(mode, v_load(g_new + j * L + u * W), z,
                                            v_load(dt + u * W), v_load(g_dt + u * W), pure,
                                            j);
            v_store(g_dt + u * W, more);
            for (int i = 0; i < m; i++) {
                dz[i][u] = z[i];
                v_store(maps + (j * m + i) * row + u * W, z[i]);
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

enum { FAN = 4 };

/* Gradients of `fan` synapses of one neuron: sums over steps and lanes. */
static INLINE void wired_fan(const wired_pack *k, int64_t e, int fan, int m,
                             const real *rows, const real *dz, int64_t row,
                             int64_t steps, real *gw, int nv) {
    vec sum[FAN][4];
    for (int f = 0; f < fan; f++)
        for (int i = 0; i < m; i++) sum[f][i] = v_set(0);
    for (int64_t t = 0; t < steps; t++)
        for (int u = 0; u < nv; u++) {
            int64_t at = t * L + u * W;
            vec z[4];
            for (int i = 0; i < m; i++) z[i] = v_load(dz + i * row + at);
            for (int f = 0; f < fan; f++) {
                vec s = v_load(rows + k->from[e + f] + at);
                for (int i = 0; i < m; i++) sum[f][i] = v_fma(z[i], s, sum[f][i]);
            }
        }
    for (int f = 0; f < fan; f++)
        for (int i = 0; i < m; i++) gw[k->original[e + f] * m + i] += v_sum(sum[f][i]);
}

/* Add the gradients of the weights (E, M) and biases (N, M) over recorded steps. */
static INLINE void wired_gradients(const wired_pack *k, const lnn_problem *p, int m,
                                   const real *rows, const real *maps, int64_t row,
                                   int64_t steps, real *gw, real *gb, int nv) {
    for (int64_t at = 0; at < p->neurons; at++) {
        int64_t j = p->order[at], e = k->begin[at], end = k->begin[at + 1];
        const real *dz = maps + j * m * row;
        for (; e + FAN <= end; e += FAN)
            wired_fan(k, e, FAN, m, rows, dz, row, steps, gw, nv);
        for (; e < end; e++) wired_fan(k, e, 1, m, rows, dz, row, steps, gw, nv);
        for (int i = 0; i < m; i++) {
            vec sum = v_set(0);
            for (int64_t t = 0; t < steps; t++)
                for (int u = 0; u < nv; u++)
                    sum = v_add(sum, v_load(dz + i * row + t * L + u * W));
            gb[j * m + i] += v_sum(sum);
        }
    }
}
