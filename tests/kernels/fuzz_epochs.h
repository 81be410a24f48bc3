/* Whole epochs for fuzz.c: tables of samples of any kind, gathered, passed and stepped by
 * one call and by many, with the memory that the library asks for and no more.
 */
#ifndef LNN_FUZZ_EPOCHS_H
#define LNN_FUZZ_EPOCHS_H

enum { MAX_CELLS = 2 };

/* All records of an epoch; they point to each other, so it stays where it is. */
typedef struct {
    lnn_problem cells[MAX_CELLS];
    lnn_problem *layers[MAX_CELLS];
    lnn_readout readout;
    lnn_adam adam;
    lnn_samples samples;
    lnn_copy pack, unpack;
    lnn_epoch epoch;
    int64_t n_rows, memory_bytes;
    double rates[64], momenta[64];
} whole_epoch;

/* -------------------------------------------------------------------- what is the same */

static void draw_spans(whole_epoch *w, int64_t longest) {
    lnn_samples *s = &w->samples;
    const int64_t n = w->epoch.n_samples, ragged = chance(0.5);
    int64_t *start = own(n * (int64_t)sizeof *start), *length = own(n * (int64_t)sizeof *start);
    int64_t *first = own(n * (int64_t)sizeof *start);
    w->n_rows = integer(longest, longest + 40);
    for (int64_t i = 0; i < n; i++) {
        length[i] = ragged ? integer(1, longest) : longest;
        start[i] = integer(0, w->n_rows - length[i]);
        first[i] = integer(0, length[i] - 1);
    }
    s->start = start;
    s->length = length;
    s->first_target = s->per_step && chance(0.5) ? first : 0;
    int64_t *order = own(n * (int64_t)sizeof *order);
    for (int64_t i = 0; i < n; i++) order[i] = (i * 7 + 3) % n; /* samples may repeat */
    w->epoch.order = order;
}

static void draw_epoch(whole_epoch *w) {
    memset(w, 0, sizeof *w);
    lnn_epoch *e = &w->epoch;
    e->n_layers = integer(1, MAX_CELLS);
    for (int64_t k = 0; k < e->n_layers; k++) {
        lnn_problem *p = &w->cells[k];
        *p = draw_cell(k ? w->cells[k - 1].neurons : 0);
        p->memory = e->n_layers == 1 && p->memory;
        w->layers[k] = p;
    }
    const lnn_problem *last = w->layers[e->n_layers - 1];
    w->readout = draw_readout();
    w->readout.lengths = 0;
    w->readout.neurons = last->neurons;
    w->readout.columns = last->neurons * (last->memory ? 2 : 1);
    w->samples.per_step = w->readout.pooling == 0;
    w->samples.features = w->cells[0].inputs;
    e->batch_size = draw_size(8, 40);
    e->n_samples = integer(1, 3 * e->batch_size);
    draw_spans(w, w->readout.steps);
    e->layers = w->layers;
    e->samples = &w->samples;
    e->readout = &w->readout;
    e->pack = &w->pack;
    e->unpack = &w->unpack;
    e->rates = w->rates;
    e->momenta = w->momenta;
    e->mean_weight = uniform(0.5, 2);
    for (int i = 0; i < 64; i++) {
        /* So small that rounding alone cannot lead the engines apart. */
        w->rates[i] = uniform(1e-7, 1e-6);
        w->momenta[i] = uniform(0.8, 0.95);
    }
}

/* ----------------------------------------------------------------- in one of precisions */

static void draw_table(const lnn_problem *p, whole_epoch *w) {
    lnn_samples *s = &w->samples;
    lnn_readout *r = &w->readout;
    const int64_t n = s->per_step ? w->n_rows : w->epoch.n_samples;
    void *rows = numbers(p, w->n_rows * s->features, -2, 2);
    void *gaps = numbers(p, w->n_rows, 0, 3), *neutral = numbers(p, s->features, -1, 1);
    const int holes = chance(0.3), timed = chance(0.5);
    for (int64_t i = 0; holes && i < w->n_rows * s->features; i++)
        if (chance(0.3)) put(p, rows, i, NAN);
    s->rows = rows;
    s->gaps = timed ? gaps : 0;
    s->neutral = holes ? neutral : 0;
    r->sample_weight = 0;
    draw_targets(p, r, n);
    s->target = r->target;
    s->weight = r->sample_weight;
    s->target_bytes = r->loss == LNN_CROSS_ENTROPY
                          ? (int64_t)sizeof(int64_t)
                          : r->outputs / r->n_levels * real_bytes(p);
}

static void draw_head(const lnn_problem *p, whole_epoch *w) {
    lnn_readout *r = &w->readout;
    const int64_t kinds = (r->pooling & 1) + (r->pooling >> 1 & 1) + (r->pooling >> 2 & 1);
    const int64_t read = (kinds ? kinds : 1) * r->neurons;
    r->precision = p->precision;
    r->isa = p->isa;
    r->weight = numbers(p, r->outputs * read, -0.1, 0.1);
    r->bias = numbers(p, r->outputs, -1, 1);
    r->grad_weight = result(p, r->outputs * read, 1);
    r->grad_bias = result(p, r->outputs, 1);
    r->scratch = own((2 * read + r->neurons + r->outputs) * real_bytes(p));
}

/* Adam moves a vector that stands for the read-out's bias, which is a copy of it. */
static void draw_descent(const lnn_problem *p, whole_epoch *w) {
    lnn_adam *a = &w->adam;
    lnn_readout *r = &w->readout;
    const int64_t size = r->outputs, bytes = size * real_bytes(p);
    memset(a, 0, sizeof *a);
    a->precision = p->precision;
    a->isa = p->isa;
    a->size = size;
    a->clips_norm = 1;
    a->decay = 0.999;
    a->epsilon = 1e-8;
    a->vector = numbers(p, size, -1, 1);
    a->gradient = own(bytes);
    a->mean = memset(own(bytes), 0, (size_t)bytes);
    a->square = memset(own(bytes), 0, (size_t)bytes);
    w->pack = (lnn_copy){a->vector, (void *)r->bias, bytes};
    w->unpack = (lnn_copy){r->grad_bias, a->gradient, bytes};
}

static void draw_epoch_data(const lnn_problem *p, whole_epoch *w) {
    lnn_epoch *e = &w->epoch;
    draw_table(p, w);
    draw_head(p, w);
    draw_descent(p, w);
    for (int64_t k = 0; k < e->n_layers; k++) {
        w->cells[k].precision = p->precision;
        w->cells[k].isa = p->isa;
        draw_parameters(&w->cells[k]);
    }
    e->precision = p->precision;
    e->isa = p->isa;
    e->n_copies = 1;
}

/* ------------------------------------------------------------------------------- running */

/* So many batches at once, in memory that is full of something else. */
static double run_batches(whole_epoch *w, int64_t at_once, int fill) {
    lnn_epoch *e = &w->epoch;
    const int64_t n = (e->n_samples + e->batch_size - 1) / e->batch_size;
    e->memory = 0;
    e->memory_bytes = e->laid_batch = e->laid_steps = 0;
    e->total = 0;
    for (int64_t done = 0, count; done < n;) {
        count = at_once < n - done ? at_once : n - done;
        const int64_t found = lnn_run_batches(e, done, count);
        done += found;
        if (found == count) continue;
        free(e->memory);
        if (posix_memalign(&e->memory, 64, (size_t)e->wanted_bytes)) abort();
#ifndef LNN_FUZZ_UNDEFINED
        memset(e->memory, fill, (size_t)e->wanted_bytes);
#else
        (void)fill;
#endif
        e->memory_bytes = e->wanted_bytes;
    }
    free(e->memory);
    return e->total;
}

/* Losses alone, which change nothing. */
static double losses_alone(const lnn_problem *p, whole_epoch *w) {
    lnn_readout *r = &w->readout;
    void *weight = r->grad_weight, *bias = r->grad_bias;
    r->grad_weight = r->grad_bias = 0;
    w->epoch.adam = 0;
    const double total = run_batches(w, 64, 0xff);
    if (total != run_batches(w, 1, 0)) fail(p, "losses differ");
    r->grad_weight = weight;
    r->grad_bias = bias;
    return total;
}

static double steps_of_adam(whole_epoch *w, int64_t at_once, int fill) {
    lnn_adam *a = &w->adam;
    const size_t bytes = (size_t)(a->size * w->epoch.precision / 8);
    a->step = 0;
    memset(a->mean, 0, bytes);
    memset(a->square, 0, bytes);
    w->epoch.adam = a;
    return run_batches(w, at_once, fill);
}

static void one_epoch(const lnn_problem *p, whole_epoch *w) {
    draw_epoch_data(p, w);
    void *totals = result(p, 2, 0), *first[MAX_ARRAYS] = {0};
    const size_t bytes = (size_t)(w->adam.size * real_bytes(p));
    void *start = own((int64_t)bytes), *end = own((int64_t)bytes);
    memcpy(start, w->adam.vector, bytes);
    put(p, totals, 0, losses_alone(p, w));
    put(p, totals, 1, steps_of_adam(w, 64, 0));
    copy_results(p, first);
    memcpy(end, w->adam.vector, bytes);
    memcpy(w->adam.vector, start, bytes);
    put(p, totals, 1, steps_of_adam(w, 1, 0xff));
    check_results(p, first, "two epochs differ");
    if (memcmp(end, w->adam.vector, bytes)) fail(p, "two epochs end elsewhere");
    for (int i = 0; i < n_results; i++) free(first[i]);
}

static void one_drawn_epoch(lnn_problem *p, void *epoch) {
    one_epoch(p, epoch);
}

static void epochs_of_all_engines(void) {
    static whole_epoch w;
    draw_epoch(&w);
    with_all_engines(one_drawn_epoch, &w);
}

#endif
