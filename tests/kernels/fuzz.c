/* Random problems for the native library, made to run under sanitizers.
 *
 *     fuzz COUNT SEED [print]
 *
 * Every array has exactly the size that csrc/problem.h asks for, empty ones are null,
 * and scratch memory is what lnn_scratch_bytes says. For every engine of the machine:
 * both passes run on scratch memory full of zeros and full of NaN, with the groups in
 * order and in two threads, with a record and without, and have to leave the same bits;
 * everything that is wanted has to be written and finite, although the padding of ragged
 * batches holds NaN; and all have to agree with doubles in plain C. So do read-outs,
 * steps of the optimiser and whole epochs (fuzz_epochs.h). With "print" the norms of the
 * plain engines' results are printed, to be compared between machines.
 */
#define _POSIX_C_SOURCE 200112L
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native.h"

enum { LAST_ISA = LNN_NEON };

enum { MAX_ARRAYS = 160, MAX_LAYERS = 12 };
/* From doubles in plain C, by norm over all outputs or all gradients. */
static double tolerance(int64_t precision) { return precision == 64 ? 1e-9 : 1e-2; }

/* ------------------------------------------------------------------ random numbers */

static uint64_t random_state;

static uint64_t random_bits(void) { /* splitmix64 */
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
static double uniform(double low, double high) {
    return low + (high - low) * (double)(random_bits() >> 11) * 0x1p-53;
}
static int64_t integer(int64_t low, int64_t high) { /* both included */
    return low + (int64_t)(random_bits() % (uint64_t)(high - low + 1));
}
static int chance(double p) { return uniform(0, 1) < p; }

/* -------------------------------------------------------------------------- memory */

typedef struct {
    void *data;
    int64_t count;
    int is_gradient;
} array;

static void *owned[MAX_ARRAYS];
static int n_owned;
static array results[MAX_ARRAYS]; /* of the problem at hand */
static int n_results;

static void *own(int64_t bytes) { /* like an empty tensor's, nothing is null */
    if (!bytes) return 0;
    void *memory = malloc((size_t)bytes);
    if (!memory || n_owned == MAX_ARRAYS) abort();
    return owned[n_owned++] = memory;
}
static void release(int down_to) {
    while (n_owned > down_to) free(owned[--n_owned]);
}

static int64_t real_bytes(const lnn_problem *p) { return p->precision / 8; }

static void put(const lnn_problem *p, void *to, int64_t i, double value) {
    if (p->precision == 64)
        ((double *)to)[i] = value;
    else
        ((float *)to)[i] = (float)value;
}
static double get(const lnn_problem *p, const void *from, int64_t i) {
    return p->precision == 64 ? ((const double *)from)[i] : ((const float *)from)[i];
}

/* The numbers of a problem are the same in both precisions: they are made as floats. */
static void *numbers(const lnn_problem *p, int64_t count, double low, double high) {
    void *to = own(count * real_bytes(p));
    for (int64_t i = 0; i < count; i++) put(p, to, i, (float)uniform(low, high));
    return to;
}
static void *result(const lnn_problem *p, int64_t count, int is_gradient) {
    array a = {own(count * real_bytes(p)), count, is_gradient};
    results[n_results++] = a;
    return a.data;
}

/* ----------------------------------------------------------------------- structure */

/* Each pair is a synapse with some probability, those of a neuron with itself always. */
static int64_t synapses(int64_t sources, int64_t targets, double density, int own_state,
                        const int64_t **source, const int64_t **target) {
    int64_t *from = malloc(sizeof *from * (size_t)(sources * targets));
    int64_t *to = malloc(sizeof *to * (size_t)(sources * targets));
    int64_t n = 0;
    for (int64_t j = 0; j < targets; j++)
        for (int64_t i = 0; i < sources; i++)
            if ((own_state && i == j) || chance(density)) {
                from[n] = i;
                to[n++] = j;
            }
    int64_t *exact_source = own(n * (int64_t)sizeof *from);
    int64_t *exact_target = own(n * (int64_t)sizeof *to);
    if (n) memcpy(exact_source, from, sizeof *from * (size_t)n);
    if (n) memcpy(exact_target, to, sizeof *to * (size_t)n);
    *source = exact_source;
    *target = exact_target;
    free(from);
    free(to);
    return n;
}

/* A random order of the neurons, cut into layers, one of which may be empty. */
static void draw_layers(lnn_problem *p) {
    int64_t n = p->neurons, *order = own(n * (int64_t)sizeof *order);
    for (int64_t i = 0; i < n; i++) order[i] = i;
    for (int64_t i = n - 1; i > 0 && chance(0.9); i--) {
        int64_t k = integer(0, i), swap = order[i];
        order[i] = order[k];
        order[k] = swap;
    }
    p->n_layers = integer(1, n < 4 ? n : 4);
    int64_t *end = own(p->n_layers * (int64_t)sizeof *end), last = 0;
    for (int64_t i = 0; i < p->n_layers; i++)
        end[i] = last = i + 1 < p->n_layers ? integer(last, n) : n;
    p->order = order;
    p->layer_end = end;
}

static void draw_structure(lnn_problem *p) {
    if (p->kind == LNN_CFC) return;
    double density = chance(0.2) ? 1 : uniform(0, 1);
    p->n_sensory = synapses(p->inputs, p->neurons, chance(0.1) ? 0 : density, 0,
                            &p->sensory_source, &p->sensory_target);
    p->n_recurrent =
        synapses(p->neurons, p->neurons, chance(0.1) ? 0 : density,
                 p->kind == LNN_WIRED_CFC, &p->recurrent_source, &p->recurrent_target);
    if (p->kind == LNN_WIRED_CFC) draw_layers(p);
}

/* Sizes around those at which blocks, tiles, groups and chunks end. */
static int64_t draw_size(int64_t usual, int64_t most) {
    return chance(0.9) ? integer(1, usual) : integer(1, most);
}

/* One that reads so many inputs; 0: any number. */
static lnn_problem draw_cell(int64_t inputs) {
    lnn_problem p;
    memset(&p, 0, sizeof p);
    p.abi = LNN_ABI;
    p.kind = integer(LNN_LTC, LNN_CFC);
    p.mode = p.kind == LNN_LTC ? LNN_EXPONENTIAL * integer(0, 1)
                               : integer(LNN_DEFAULT, LNN_MODES - 1);
    p.memory = chance(0.3);
    p.inputs = inputs ? inputs : draw_size(6, 40);
    p.neurons = draw_size(12, 70);
    p.batch = draw_size(12, p.neurons > 12 ? 35 : 150);
    p.steps = draw_size(8, p.batch * p.neurons > 200 ? 10 : 70);
    p.unfolds = p.kind == LNN_LTC ? integer(1, 7) : 1;
    p.epsilon = 1e-8;
    if (p.kind == LNN_CFC) {
        p.n_maps = 1 + (chance(0.1) ? MAX_LAYERS : integer(0, 3));
        p.backbone_units = p.n_maps > 1 ? draw_size(10, 70) : 0;
        p.activation = integer(LNN_LECUN_TANH, LNN_GELU);
    }
    draw_structure(&p);
    return p;
}

static lnn_problem draw_problem(void) {
    lnn_problem p = draw_cell(0);
    if (chance(0.5)) {
        int64_t *lengths = own(p.batch * (int64_t)sizeof *lengths);
        int64_t least = chance(0.3) ? p.steps / 2 : 0, most = integer(least, p.steps);
        for (int64_t b = 0; b < p.batch; b++)
            lengths[b] = chance(0.05) ? integer(-5, p.steps + 5) : integer(least, most);
        p.lengths = lengths;
    }
    return p;
}

/* ---------------------------------------------------------------------------- data */

static void parameter(lnn_problem *p, int place, int64_t count, double low, double high) {
    p->parameters[place] = numbers(p, count, low, high);
    p->grad_parameters[place] = result(p, count, 1);
}

static void ltc_parameters(lnn_problem *p) {
    const int64_t edges[] = {p->n_sensory, p->n_recurrent};
    for (int k = 0; k < 2; k++) {
        parameter(p, 4 * k, edges[k], -1, 2);
        parameter(p, 4 * k + 1, edges[k], -2, 8);
        parameter(p, 4 * k + 2, edges[k], -1, 1);
        parameter(p, 4 * k + 3, edges[k], -1.5, 1.5);
    }
    parameter(p, 8, p->neurons, -1, 1);
    parameter(p, 9, p->neurons, -0.5, 0.5);
    parameter(p, 10, p->neurons, -1, 25); /* softplus is linear beyond 20 */
    if (chance(0.7)) parameter(p, 11, p->inputs, 0.5, 2);
    if (chance(0.7)) parameter(p, 12, p->inputs, -1, 1);
}

/* Weights that let neither values nor gradients grow from step to step. */
static void weights(lnn_problem *p, int place, int64_t outputs, int64_t sources) {
    double bound = 1 / sqrt((double)sources);
    parameter(p, place, outputs * sources, -bound, bound);
}

static void cfc_parameters(lnn_problem *p) {
    const int64_t n = p->neurons;
    const int64_t m = p->mode == LNN_PURE ? 1 : p->mode == LNN_EXPONENTIAL ? 2 : 4;
    int first = 3;
    if (p->kind == LNN_WIRED_CFC) {
        double bound = sqrt((double)n / (double)(p->n_sensory + p->n_recurrent));
        for (int i = 0; i < m; i++) {
            parameter(p, i, p->n_sensory, -bound, bound);
            parameter(p, (int)m + i, p->n_recurrent, -bound, bound);
            parameter(p, 2 * (int)m + i, n, -0.5, 0.5);
        }
    } else {
        int64_t sources = p->inputs + n;
        first = 0;
        for (int i = 0; i < p->n_maps; i++) {
            int64_t outputs = i + 1 < p->n_maps ? p->backbone_units : n * m;
            weights(p, 2 + 2 * i, outputs, sources);
            parameter(p, 3 + 2 * i, outputs, -0.5, 0.5);
            sources = outputs;
        }
    }
    if (p->mode != LNN_PURE) return;
    parameter(p, first, n, -1, 1);
    parameter(p, first + 1, n, -1, 1);
}

static void draw_parameters(lnn_problem *p) {
    const int64_t n = p->neurons, last = LNN_MAX_PARAMETERS - 3;
    if (p->kind == LNN_LTC)
        ltc_parameters(p);
    else
        cfc_parameters(p);
    if (!p->memory) return;
    weights(p, (int)last, 4 * n, p->inputs);
    parameter(p, (int)last + 1, 4 * n, -0.5, 0.5);
    weights(p, (int)last + 2, 4 * n, n);
}

/* Time spans over seven decades, some 0; and NaN wherever nothing must be read. */
static void draw_series(lnn_problem *p) {
    const int64_t rows = p->batch * p->steps;
    void *inputs = numbers(p, rows * p->inputs, -2, 2);
    void *spans = own(rows * real_bytes(p));
    for (int64_t i = 0; i < rows; i++)
        put(p, spans, i, chance(0.05) ? 0 : (float)pow(10, uniform(-5, 2)));
    for (int64_t i = 0; p->lengths && i < rows; i++) {
        if (i % p->steps < p->lengths[i / p->steps]) continue;
        put(p, spans, i, NAN);
        for (int64_t k = 0; k < p->inputs; k++) put(p, inputs, i * p->inputs + k, NAN);
    }
    p->inputs_data = inputs;
    p->timespans = spans;
}

static void draw_data(lnn_problem *p) {
    const int64_t rows = p->batch * p->steps;
    const int64_t columns = p->memory ? 2 * p->neurons : p->neurons;
    draw_series(p);
    p->start = numbers(p, p->batch * columns, -1, 1);
    p->states = result(p, rows * columns, 0);
    p->final = result(p, p->batch * columns, 0);
    draw_parameters(p);
    if (chance(0.8)) p->grad_states = numbers(p, rows * columns, -1, 1);
    if (chance(0.8)) p->grad_final = numbers(p, p->batch * columns, -1, 1);
    if (chance(0.7)) p->grad_inputs = result(p, rows * p->inputs, 1);
    if (chance(0.7)) p->grad_timespans = result(p, rows, 1);
    if (chance(0.7)) p->grad_start = result(p, p->batch * columns, 1);
}

/* ------------------------------------------------------------------------- running */

static void fail(const lnn_problem *p, const char *what) {
    printf("FAILED: %s: precision %d isa %d kind %d mode %d activation %d memory %d "
           "batch %d steps %d inputs %d neurons %d unfolds %d maps %d units %d sensory %d "
           "recurrent %d layers %d%s\n",
           what, (int)p->precision, (int)p->isa, (int)p->kind, (int)p->mode,
           (int)p->activation, (int)p->memory, (int)p->batch, (int)p->steps,
           (int)p->inputs, (int)p->neurons, (int)p->unfolds, (int)p->n_maps,
           (int)p->backbone_units, (int)p->n_sensory, (int)p->n_recurrent,
           (int)p->n_layers, p->lengths ? " ragged" : "");
    exit(1);
}

typedef struct {
    const lnn_problem *p;
    int64_t backward, first, apart;
} share;

static void *run_share(void *argument) {
    const share *s = argument;
    for (int64_t g = s->first; g >= 0; g -= s->apart) lnn_run(s->p, s->backward, g);
    return 0;
}

static void one_pass(lnn_problem *p, int64_t backward, int again) {
    const int64_t bytes = lnn_scratch_bytes(p, backward), groups = lnn_groups(p);
    if (posix_memalign(&p->scratch, 64, (size_t)bytes)) abort();
#ifndef LNN_FUZZ_UNDEFINED /* for tools that follow memory nobody has written */
    memset(p->scratch, again ? 0xff : 0, (size_t)bytes);
#endif
    lnn_prepare(p, backward);
    if (again && groups > 1) {
        share mine = {p, backward, groups - 1, 2}, other = {p, backward, groups - 2, 2};
        pthread_t thread;
        if (pthread_create(&thread, 0, run_share, &other)) abort();
        run_share(&mine);
        pthread_join(thread, 0);
    } else {
        for (int64_t g = 0; g < groups; g++) lnn_run(p, backward, g);
    }
    if (backward) lnn_finish(p);
    free(p->scratch);
    p->scratch = 0;
}

/* The way back with what the forward pass kept for it, instead of a replay. */
static void with_record(lnn_problem *p) {
    const int64_t bytes = lnn_record_bytes(p);
    if (posix_memalign(&p->record, 64, (size_t)bytes)) abort();
#ifndef LNN_FUZZ_UNDEFINED
    memset(p->record, 0xff, (size_t)bytes);
#endif
    one_pass(p, 0, 1);
    one_pass(p, 1, 1);
    free(p->record);
    p->record = 0;
}

static void copy_results(const lnn_problem *p, void **to) {
    for (int i = 0; i < n_results; i++) {
        size_t bytes = (size_t)(results[i].count * real_bytes(p));
        if (!bytes) continue;
        if (!(to[i] = malloc(bytes))) abort();
        memcpy(to[i], results[i].data, bytes);
    }
}
static void forget_results(const lnn_problem *p) {
    for (int i = 0; i < n_results; i++)
        if (results[i].count)
            memset(results[i].data, 0xff, (size_t)(results[i].count * real_bytes(p)));
}
/* All that was wanted has been written, as the first time. */
static void check_results(const lnn_problem *p, void **first, const char *what) {
    for (int i = 0; i < n_results; i++) {
        array a = results[i];
        if (!first[i]) continue;
        if (memcmp(first[i], a.data, (size_t)(a.count * real_bytes(p)))) fail(p, what);
        for (int64_t k = 0; k < a.count; k++)
            if (!isfinite(get(p, a.data, k))) fail(p, "not finite, or not written");
    }
}

/* A run that wants the last state only gives the same one. */
static void last_state_only(lnn_problem *p) {
    const int64_t columns = p->memory ? 2 * p->neurons : p->neurons;
    size_t bytes = (size_t)(p->batch * columns * real_bytes(p));
    void *states = p->states, *kept = malloc(bytes);
    if (!kept) abort();
    memcpy(kept, p->final, bytes);
    p->states = 0;
    one_pass(p, 0, 1);
    p->states = states;
    if (memcmp(kept, p->final, bytes)) fail(p, "the last state alone differs");
    free(kept);
}

static void run_all_ways(lnn_problem *p) {
    void *first[MAX_ARRAYS] = {0};
    forget_results(p);
    one_pass(p, 0, 0);
    one_pass(p, 1, 0);
    copy_results(p, first);
    forget_results(p);
    one_pass(p, 0, 1);
    one_pass(p, 1, 1);
    check_results(p, first, "two runs differ");
    if (lnn_record_bytes(p)) {
        forget_results(p);
        with_record(p);
        check_results(p, first, "the record makes a difference");
    }
    last_state_only(p);
    for (int i = 0; i < n_results; i++) free(first[i]);
}

/* ----------------------------------------------------------------------- comparing */

static int64_t total_count(void) {
    int64_t n = 0;
    for (int i = 0; i < n_results; i++) n += results[i].count;
    return n;
}
static void collect(const lnn_problem *p, double *to) {
    for (int i = 0; i < n_results; i++)
        for (int64_t k = 0; k < results[i].count; k++)
            *to++ = get(p, results[i].data, k);
}

static void compare(const lnn_problem *p, const double *found, const double *expected) {
    for (int gradient = 0; gradient < 2; gradient++) {
        double error = 0, norm = 0;
        int64_t at = 0;
        for (int i = 0; i < n_results; i++)
            for (int64_t k = 0; k < results[i].count; k++, at++) {
                if (results[i].is_gradient != gradient) continue;
                double difference = found[at] - expected[at];
                error += difference * difference;
                norm += expected[at] * expected[at];
            }
        if (sqrt(error) > tolerance(p->precision) * sqrt(norm))
            fail(p, gradient ? "gradients far from doubles" : "results far from doubles");
    }
}

static void print_norms(const lnn_problem *p) {
    printf("%d", (int)p->precision);
    for (int i = 0; i < n_results; i++) {
        double sum = 0;
        for (int64_t k = 0; k < results[i].count; k++) {
            double value = get(p, results[i].data, k);
            sum += value * value;
        }
        printf(" %.17g", sqrt(sum));
    }
    printf("\n");
}

/* The engines of this machine, two for each instruction set: doubles in plain C first. */
static int next_engine(lnn_problem *p) {
    if (p->precision == 64) {
        p->precision = 32;
        return 1;
    }
    p->precision = 64;
    do
        p->isa++;
    while (p->isa <= LAST_ISA && lnn_isa(p->isa) != p->isa);
    return p->isa <= LAST_ISA;
}

/* The same problem with every engine. */
static void all_engines(lnn_problem p, int print) {
    const uint64_t seed = random_state;
    const int structure = n_owned;
    double *exact = 0;
    for (p.isa = 0; next_engine(&p);) {
        lnn_problem q = p;
        random_state = seed;
        n_results = 0;
        draw_data(&q);
        run_all_ways(&q);
        double *found = malloc(sizeof *found * (size_t)total_count());
        if (!found) abort();
        collect(&q, found);
        if (exact) compare(&q, found, exact);
        if (print && q.isa == LNN_PLAIN) print_norms(&q);
        if (exact)
            free(found);
        else
            exact = found;
        release(structure);
    }
    free(exact);
}

/* ------------------------------------------------------------- read-outs and optimisers */

static lnn_readout draw_readout(void) {
    lnn_readout r;
    memset(&r, 0, sizeof r);
    r.pooling = integer(0, LNN_LAST | LNN_MEAN | LNN_MAX);
    r.loss = integer(LNN_SQUARED_ERROR, LNN_CROSS_ENTROPY);
    r.batch = draw_size(6, 40);
    r.steps = draw_size(5, 20);
    r.neurons = draw_size(9, 40);
    r.columns = r.neurons * integer(1, 2);
    r.n_levels = r.loss == LNN_QUANTILE ? integer(1, 3) : 1;
    r.outputs = r.n_levels * integer(1, 4);
    if (chance(0.5)) {
        int64_t *lengths = own(r.batch * (int64_t)sizeof *lengths);
        for (int64_t b = 0; b < r.batch; b++) lengths[b] = integer(0, r.steps);
        r.lengths = lengths;
    }
    return r;
}

/* Targets too far from all outputs for an error's sign to be a matter of rounding. */
static void draw_targets(const lnn_problem *p, lnn_readout *r, int64_t rows) {
    const int64_t n = rows * r->outputs / r->n_levels;
    void *numeric = numbers(p, n, 20, 30);
    for (int64_t i = 0; i < n; i++)
        if (chance(0.5)) put(p, numeric, i, -get(p, numeric, i));
    int64_t *codes = own(rows * (int64_t)sizeof *codes);
    for (int64_t i = 0; i < rows; i++) codes[i] = integer(0, r->outputs - 1);
    r->target = r->loss == LNN_CROSS_ENTROPY ? (void *)codes : numeric;
    double *levels = own(r->n_levels * (int64_t)sizeof *levels);
    for (int64_t i = 0; i < r->n_levels; i++) levels[i] = uniform(0.1, 0.9);
    r->levels = levels;
    if (chance(0.5)) r->sample_weight = numbers(p, rows, 0, 2);
}

/* Columns that are not read keep what stands there. */
static void *zeros(const lnn_problem *p, int64_t count) {
    void *to = result(p, count, 1);
    return memset(to, 0, (size_t)(count * real_bytes(p)));
}

static void one_readout(const lnn_problem *p, lnn_readout r) {
    const int64_t rows = r.pooling ? r.batch : r.batch * r.steps;
    const int64_t kinds = (r.pooling & 1) + (r.pooling >> 1 & 1) + (r.pooling >> 2 & 1);
    const int64_t read = (kinds ? kinds : 1) * r.neurons;
    const int64_t all = r.batch * r.steps * r.columns, last = r.batch * r.columns;
    const int uses_last = (r.pooling & LNN_LAST) != 0, uses_all = r.pooling != LNN_LAST;
    r.precision = p->precision;
    r.isa = p->isa;
    void *states = numbers(p, all, -1, 1), *final = numbers(p, last, -1, 1);
    r.states = uses_all ? states : 0;
    r.final = uses_last ? final : 0;
    r.weight = numbers(p, r.outputs * read, -0.1, 0.1);
    r.bias = numbers(p, r.outputs, -1, 1);
    draw_targets(p, &r, rows);
    r.grad_states = uses_all ? zeros(p, all) : 0;
    r.grad_final = uses_last ? zeros(p, last) : 0;
    r.grad_weight = result(p, r.outputs * read, 1);
    r.grad_bias = result(p, r.outputs, 1);
    void *total = result(p, 1, 0), *first[MAX_ARRAYS] = {0};
    const int64_t bytes = (2 * read + r.neurons + r.outputs) * real_bytes(p);
    r.scratch = own(bytes);
    for (int again = 0; again < 2; again++) {
        memset(r.scratch, again ? 0xff : 0, (size_t)bytes);
        lnn_read_out(&r);
        put(p, total, 0, r.total);
        if (!again) copy_results(p, first);
    }
    check_results(p, first, "two read-outs differ");
    for (int i = 0; i < n_results; i++) free(first[i]);
}

static void one_descent(const lnn_problem *p) {
    lnn_adam a;
    memset(&a, 0, sizeof a);
    a.precision = p->precision;
    a.isa = p->isa;
    a.size = draw_size(40, 300);
    a.step = integer(1, 1000);
    a.clips_norm = chance(0.5);
    a.decay_apart = chance(0.5);
    a.divisor = uniform(1, 10);
    a.clip = chance(0.3) ? 0 : uniform(0.01, 2);
    a.rate = uniform(1e-4, 1e-1);
    a.momentum = uniform(0.8, 0.95);
    a.decay = 0.999;
    a.epsilon = 1e-8;
    a.weight_decay = chance(0.5) ? 0 : uniform(0, 0.1);
    void **places[] = {&a.vector, &a.gradient, &a.mean, &a.square};
    for (int i = 0; i < 4; i++) {
        *places[i] = result(p, a.size, 1);
        for (int64_t k = 0; k < a.size; k++)
            put(p, *places[i], k, (float)uniform(i == 3 ? 0.01 : -1, 1));
    }
    lnn_adam_step(&a);
}

/* The same with every engine, and as doubles in plain C have it. */
static void with_all_engines(void (*run)(lnn_problem *, void *), void *drawn) {
    const uint64_t seed = random_state;
    const int kept = n_owned;
    double *exact = 0;
    lnn_problem p;
    memset(&p, 0, sizeof p);
    while (next_engine(&p)) {
        random_state = seed;
        n_results = 0;
        run(&p, drawn);
        double *found = malloc(sizeof *found * (size_t)total_count());
        if (!found) abort();
        collect(&p, found);
        if (exact) compare(&p, found, exact);
        if (exact)
            free(found);
        else
            exact = found;
        release(kept);
    }
    free(exact);
}

static void one_head(lnn_problem *p, void *readout) {
    one_readout(p, *(lnn_readout *)readout);
    one_descent(p);
}

static void heads_of_all_engines(void) {
    lnn_readout r = draw_readout();
    with_all_engines(one_head, &r);
}

#include "fuzz_epochs.h"

static double exact_function(int function, double x) {
    return function == 0 ? 1 / (1 + exp(-x)) : function == 1 ? tanh(x) : exp(x);
}

/* Any number of values, with nothing after the last one. */
static void single_functions(void) {
    lnn_problem p;
    memset(&p, 0, sizeof p);
    while (next_engine(&p))
        for (int64_t n = 0; n < 40; n++)
            for (int function = 0; function < 3; function++) {
                void *from = numbers(&p, n, -200, function == 2 ? 0 : 200);
                void *to = own(n * real_bytes(&p));
                lnn_apply(p.isa, p.precision, function, from, to, n);
                for (int64_t i = 0; i < n; i++) {
                    double exact = exact_function(function, get(&p, from, i));
                    if (fabs(get(&p, to, i) - exact) > (p.precision == 64 ? 4e-16 : 2e-7))
                        fail(&p, "a function is not accurate");
                }
                release(0);
            }
}

int main(int count, char **arguments) {
    if (count < 3) {
        printf("usage: fuzz COUNT SEED [print]\n");
        return 2;
    }
    const long problems = atol(arguments[1]);
    const uint64_t seed = (uint64_t)atol(arguments[2]);
    random_state = seed;
    single_functions();
    for (long i = 0; i < problems; i++) {
        random_state = seed * 1000003u + (uint64_t)i;
        all_engines(draw_problem(), count > 3);
        release(0);
        heads_of_all_engines();
        release(0);
        epochs_of_all_engines();
        release(0);
    }
    if (count == 3) printf("%ld problems, seed %s: nothing found\n", problems, arguments[2]);
    return 0;
}
