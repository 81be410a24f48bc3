/* The LTC's semi-implicit solver and its gradient (design: one step is U unfolds),
 * with samples in the lanes.
 *
 *     s_e = sigmoid(sigma_e (v_i - mu_e))        for every live synapse e: i -> j
 *     I_j = gleak_j vleak_j + sum w_e E_e s_e,   G_j = gleak_j + eps + sum w_e s_e
 *     v_j' = v_j + h r_j,  r_j = (I_j - G_j v_j) / D_j,  D_j = cm_j + h G_j
 *
 * Backwards, with g = dL/dv_j', b = g / D_j and k = h b:
 *
 *     dI_j = k, dG_j = -k v_j', dv_j = cm_j b, dcm_j = -k r_j, dh = b cm_j r_j,
 *     per synapse: q = k (E - v_j'), z = q s (1 - s), dv_i += w sigma z, and sums of
 *     k s, q s, z and z v_i, which hold the gradients of E, w, mu and sigma.
 */

typedef struct {
    int64_t edges;
    int64_t *begin;  /* (N + 1) first synapse of each target */
    int64_t *source; /* (E) */
    real *forward;   /* (E, 4): -sigma log2 e, sigma mu log2 e, w, w E */
    real *backward;  /* (E, 2): E, w sigma */
} synapses;

typedef struct {
    synapses sensory, recurrent;
    real *neuron; /* (N, 3): gleak vleak, gleak + eps, cm */
} ltc_pack;

/* What one step leaves for the way back; rows of L, one after the other. */
typedef struct {
    real *x;         /* (F) inputs after their affine map */
    real *s_sensory; /* (E sensory) */
    real *v;         /* (U + 1, N) */
    real *s;         /* (U, E) */
    real *slope;     /* (U, N) r */
    real *inverse;   /* (U, N) 1 / D */
} ltc_record;

/* Sums over samples and steps, W lanes each, kept until the end. */
typedef struct {
    real *sensory, *recurrent; /* (E, 4): k s, q s, z, z v */
    real *neuron;              /* (N, 3): k, k v', k r */
    real *input;               /* (F, 2): g x, g */
} ltc_sums;

static void synapses_reserve(synapses *s, arena *a, int64_t edges,
                             int64_t neurons) {
    s->edges = edges;
    s->begin = take_integers(a, neurons + 1);
    s->source = take_integers(a, edges);
    s->forward = take(a, edges * 4);
    s->backward = take(a, edges * 2);
}

static void ltc_reserve(ltc_pack *k, arena *a, const lnn_problem *p) {
    synapses_reserve(&k->sensory, a, p->n_sensory, p->neurons);
    synapses_reserve(&k->recurrent, a, p->n_recurrent, p->neurons);
    k->neuron = take(a, p->neurons * 3);
}

static void ltc_sums_reserve(ltc_sums *s, arena *a, const lnn_problem *p) {
    s->sensory = take(a, p->n_sensory * 4 * W);
    s->recurrent = take(a, p->n_recurrent * 4 * W);
    s->neuron = take(a, p->neurons * 3 * W);
    s->input = take(a, p->inputs * 2 * W);
}

/* The record of one step; without `keep` only what the step itself needs. */
static void ltc_record_reserve(ltc_record *r, arena *a, const lnn_problem *p, int keep) {
    int64_t unfolds = keep ? p->unfolds : 0;
    r->x = take(a, p->inputs * L);
    r->v = take(a, (keep ? p->unfolds + 1 : 2) * p->neurons * L);
    r->s_sensory = keep ? take(a, p->n_sensory * L) : 0;
    r->s = keep ? take(a, unfolds * p->n_recurrent * L) : 0;
    r->slope = keep ? take(a, unfolds * p->neurons * L) : 0;
    r->inverse = keep ? take(a, unfolds * p->neurons * L) : 0;
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
        s->source[e] = source[e];
        s->forward[4 * e] = (real)(-LOG2E * sigma[e]);
        s->forward[4 * e + 1] = (real)(LOG2E * sigma[e] * mu[e]);
        s->forward[4 * e + 2] = (real)conductance;
        s->forward[4 * e + 3] = (real)(conductance * reversal[e]);
        s->backward[2 * e] = reversal[e];
        s->backward[2 * e + 1] = (real)(conductance * sigma[e]);
    }
}

static void ltc_prepare(ltc_pack *k, const lnn_problem *p) {
    const real *leak = p->parameters[8], *rest = p->parameters[9], *cm = p->parameters[10];
    synapses_prepare(&k->sensory, p->sensory_source, p->sensory_target, p->neurons,
                     p->parameters);
    synapses_prepare(&k->recurrent, p->recurrent_source, p->recurrent_target, p->neurons,
                     p->parameters + 4);
    for (int64_t j = 0; j < p->neurons; j++) {
        double g = softplus(leak[j]);
        k->neuron[3 * j] = (real)(g * rest[j]);
        k->neuron[3 * j + 1] = (real)(g + p->epsilon);
        k->neuron[3 * j + 2] = (real)softplus(cm[j]);
    }
}

/* Add target j's synapses to its current and conductance; v (sources) in rows of L. */
static INLINE void synaptic_sums(const synapses *k, int64_t j, const real *v, real *keep,
                                 vec *current, vec *conductance, int nv) {
    for (int64_t e = k->begin[j]; e < k->begin[j + 1]; e++) {
        const real *from = v + k->source[e] * L, *c = k->forward + 4 * e;
        for (int u = 0; u < nv; u++) {
            vec s = sigmoid2(v_fma(v_set(c[0]), v_load(from + u * W), v_set(c[1])));
            if (keep) v_store(keep + e * L + u * W, s);
            current[u] = v_fma(v_set(c[3]), s, current[u]);
            conductance[u] = v_fma(v_set(c[2]), s, conductance[u]);
        }
    }
}

static INLINE void ltc_inputs(const lnn_problem *p, const real *x, int64_t row,
                              real *mapped, int nv) {
    const real *scale = p->parameters[11], *shift = p->parameters[12];
    for (int64_t f = 0; f < p->inputs; f++)
        for (int u = 0; u < nv; u++) {
            vec a = v_load(x + f * row + u * W);
            if (scale) a = v_mul(a, v_set(scale[f]));
            if (shift) a = v_add(a, v_set(shift[f]));
            v_store(mapped + f * L + u * W, a);
        }
}

/* One unfold from v to next; `drive` (2, N) holds what does not change in a step. */
static INLINE void ltc_unfold(const ltc_pack *k, const lnn_problem *p, const real *drive,
                              const real *v, real *next, const real *h, real *s,
                              real *slope, real *inverse, int nv) {
    const int64_t n = p->neurons;
    for (int64_t j = 0; j < n; j++) {
        vec current[NV], conductance[NV], cm = v_set(k->neuron[3 * j + 2]);
        for (int u = 0; u < nv; u++) {
            current[u] = v_load(drive + j * L + u * W);
            conductance[u] = v_load(drive + (n + j) * L + u * W);
        }
        synaptic_sums(&k->recurrent, j, v, s, current, conductance, nv);
        for (int u = 0; u < nv; u++) {
            int64_t at = j * L + u * W;
            vec own = v_load(v + at), step = v_load(h + u * W);
            vec one_over = v_reciprocal(v_fma(step, conductance[u], cm));
            vec r = v_mul(v_fnma(conductance[u], own, current[u]), one_over);
            v_store(next + at, v_fma(step, r, own));
            if (s) {
                v_store(slope + at, r);
                v_store(inverse + at, one_over);
            }
        }
    }
}

/* One step; h is dt / U. Returns where the new states lie, in rows of L. */
static INLINE const real *ltc_step(const ltc_pack *k, const lnn_problem *p, const real *x,
                                   const real *before, int64_t row, const real *h,
                                   real *drive, const ltc_record *r, int nv) {
    const int64_t n = p->neurons;
    ltc_inputs(p, x, row, r->x, nv);
    for (int64_t j = 0; j < n; j++) {
        vec current[NV], conductance[NV];
        for (int u = 0; u < nv; u++) {
            current[u] = v_set(k->neuron[3 * j]);
            conductance[u] = v_set(k->neuron[3 * j + 1]);
            v_store(r->v + j * L + u * W, v_load(before + j * row + u * W));
        }
        synaptic_sums(&k->sensory, j, r->x, r->s_sensory, current, conductance, nv);
        for (int u = 0; u < nv; u++) {
            v_store(drive + j * L + u * W, current[u]);
            v_store(drive + (n + j) * L + u * W, conductance[u]);
        }
    }
    const int64_t slots = r->s ? p->unfolds + 1 : 2;
    for (int64_t i = 0; i < p->unfolds; i++)
        ltc_unfold(k, p, drive, r->v + i % slots * n * L, r->v + (i + 1) % slots * n * L, h,
                   r->s ? r->s + i * k->recurrent.edges * L : 0,
                   r->s ? r->slope + i * n * L : 0, r->s ? r->inverse + i * n * L : 0, nv);
    return r->v + p->unfolds % slots * n * L;
}

/* What the neurons pass on from g, in one unfold: k, k v' and the direct part of dv. */
static INLINE void neuron_gradients(const ltc_pack *pack, int64_t n, const real *g,
                                    const real *next, const real *slope,
                                    const real *inverse, const real *h, real *k, real *kv,
                                    real *to, real *g_h, int nv) {
    vec step[NV], by_step[NV];
    for (int u = 0; u < nv; u++) {
        step[u] = v_load(h + u * W);
        by_step[u] = v_load(g_h + u * W);
    }
    for (int64_t j = 0; j < n; j++) {
        vec cm = v_set(pack->neuron[3 * j + 2]);
        for (int u = 0; u < nv; u++) {
            int64_t at = j * L + u * W;
            vec b = v_mul(v_load(g + at), v_load(inverse + at));
            vec kj = v_mul(step[u], b), direct = v_mul(cm, b);
            v_store(k + at, kj);
            v_store(kv + at, v_mul(kj, v_load(next + at)));
            v_store(to + at, direct);
            by_step[u] = v_fma(direct, v_load(slope + at), by_step[u]);
        }
    }
    for (int u = 0; u < nv; u++) v_store(g_h + u * W, by_step[u]);
}

/* Sums of each neuron over the unfolds: per sample for the inputs, and over all. */
static INLINE void neuron_sums(int64_t n, int64_t unfolds, const real *k, const real *kv,
                               const real *slope, real *totals, real *sums, int nv) {
    for (int64_t j = 0; j < n; j++) {
        real *sum = sums + j * 3 * W;
        vec all = v_load(sum), all_v = v_load(sum + W), all_r = v_load(sum + 2 * W);
        for (int u = 0; u < nv; u++) {
            int64_t at = j * L + u * W;
            vec total = v_set(0), total_v = v_set(0);
            for (int64_t i = 0; i < unfolds; i++) {
                vec kj = v_load(k + i * n * L + at);
                total = v_add(total, kj);
                total_v = v_add(total_v, v_load(kv + i * n * L + at));
                all_r = v_fma(kj, v_load(slope + i * n * L + at), all_r);
            }
            v_store(totals + at, total);
            v_store(totals + n * L + at, total_v);
            all = v_add(all, total);
            all_v = v_add(all_v, total_v);
        }
        v_store(sum, all);
        v_store(sum + W, all_v);
        v_store(sum + 2 * W, all_r);
    }
}

/* Gradients of all synapses in one unfold: of their sources, and into their sums. */
static INLINE void synapse_gradients(const synapses *k, int64_t n, const real *kj,
                                     const real *kvj, const real *s, const real *v,
                                     real *to, real *sums, int nv) {
    for (int64_t j = 0; j < n; j++) {
        vec conducted[NV], pulled[NV];
        for (int u = 0; u < nv; u++) {
            conducted[u] = v_load(kj + j * L + u * W);
            pulled[u] = v_load(kvj + j * L + u * W);
        }
        for (int64_t e = k->begin[j]; e < k->begin[j + 1]; e++) {
            real *sum = sums + e * 4 * W, *place = to + k->source[e] * L;
            const real *from = v + k->source[e] * L;
            vec reversal = v_set(k->backward[2 * e]), pull = v_set(k->backward[2 * e + 1]);
            vec ks = v_load(sum), qs = v_load(sum + W), zs = v_load(sum + 2 * W),
                zv = v_load(sum + 3 * W);
            for (int u = 0; u < nv; u++) {
                vec open = v_load(s + e * L + u * W);
                vec q = v_fms(reversal, conducted[u], pulled[u]);
                vec z = v_mul(v_fnma(open, open, open), q);
                ks = v_fma(conducted[u], open, ks);
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
}

/* Backwards through one step.
 *
 * g: gradients of the new states, in rows of L; on return those of the states before.
 * work: rows for 2 N totals, U times N of k and of k v', N of g, F of the inputs.
 */
static INLINE void ltc_step_gradient(const ltc_pack *k, const lnn_problem *p,
                                     const real *x, int64_t row, const real *h,
                                     const ltc_record *r, real *g, real *g_x, real *g_h,
                                     real *work, const ltc_sums *sums, int nv) {
    const int64_t n = p->neurons, block = n * L;
    const real *scale = p->parameters[11];
    real *totals = work, *kj = totals + 2 * block, *kvj = kj + p->unfolds * block;
    real *other = kvj + p->unfolds * block, *mapped = other + block;
    real *from = g, *to = other;
    for (int64_t i = p->unfolds - 1; i >= 0; i--) {
        neuron_gradients(k, n, from, r->v + (i + 1) * block, r->slope + i * block,
                         r->inverse + i * block, h, kj + i * block, kvj + i * block, to,
                         g_h, nv);
        synapse_gradients(&k->recurrent, n, kj + i * block, kvj + i * block,
                          r->s + i * k->recurrent.edges * L, r->v + i * block, to,
                          sums->recurrent, nv);
        real *swap = from;
        from = to;
        to = swap;
    }
    if (from != g) memcpy(g, from, sizeof(real) * block);
    neuron_sums(n, p->unfolds, kj, kvj, r->slope, totals, sums->neuron, nv);
    memset(mapped, 0, sizeof(real) * p->inputs * L);
    synapse_gradients(&k->sensory, n, totals, totals + block, r->s_sensory, r->x, mapped,
                      sums->sensory, nv);
    for (int64_t f = 0; f < p->inputs; f++) {
        real *sum = sums->input + f * 2 * W;
        for (int u = 0; u < nv; u++) {
            vec a = v_load(mapped + f * L + u * W);
            v_store(sum, v_fma(a, v_load(x + f * row + u * W), v_load(sum)));
            v_store(sum + W, v_add(v_load(sum + W), a));
            if (scale) a = v_mul(a, v_set(scale[f]));
            v_store(g_x + f * L + u * W, v_add(a, v_load(g_x + f * L + u * W)));
        }
    }
}

static double lanes_total(const real *lanes) {
    double total = 0;
    for (int i = 0; i < W; i++) total += lanes[i];
    return total;
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

static void neuron_finish(const lnn_problem *p, int64_t j, const double *sum) {
    const real *leak = p->parameters[8], *rest = p->parameters[9], *cm = p->parameters[10];
    real *g_leak = p->grad_parameters[8], *g_rest = p->grad_parameters[9];
    real *g_cm = p->grad_parameters[10];
    g_leak[j] = (real)((rest[j] * sum[0] - sum[1]) * softplus_slope(leak[j]));
    g_rest[j] = (real)(softplus(leak[j]) * sum[0]);
    g_cm[j] = (real)(-sum[2] * softplus_slope(cm[j]));
}

static void input_finish(const lnn_problem *p, int64_t f, const double *sum) {
    real *g_scale = p->grad_parameters[11], *g_shift = p->grad_parameters[12];
    if (g_scale) g_scale[f] = (real)sum[0];
    if (g_shift) g_shift[f] = (real)sum[1];
}

/* Totals of `fields` sums that lie W lanes each from `lanes` on. */
static void lanes_totals(const real *lanes, int fields, double *total) {
    for (int k = 0; k < fields; k++) total[k] = lanes_total(lanes + k * W);
}

static void ltc_finish(const lnn_problem *p, const ltc_sums *sums) {
    double total[4];
    for (int64_t e = 0; e < p->n_sensory; e++) {
        lanes_totals(sums->sensory + e * 4 * W, 4, total);
        synapse_finish(e, total, p->parameters, p->grad_parameters);
    }
    for (int64_t e = 0; e < p->n_recurrent; e++) {
        lanes_totals(sums->recurrent + e * 4 * W, 4, total);
        synapse_finish(e, total, p->parameters + 4, p->grad_parameters + 4);
    }
    for (int64_t j = 0; j < p->neurons; j++) {
        lanes_totals(sums->neuron + j * 3 * W, 3, total);
        neuron_finish(p, j, total);
    }
    for (int64_t f = 0; f < p->inputs; f++) {
        lanes_totals(sums->input + f * 2 * W, 2, total);
        input_finish(p, f, total);
    }
}
