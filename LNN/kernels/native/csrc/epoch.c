/* Many batches in one call: each is gathered, passed through the layers to the loss and
 * back, and followed by a step of Adam. It does what Python would do batch by batch with
 * the other entry points, so that results have the same bits.
 */
#include <string.h>

#include "arena.h"
#include "native.h"

static int64_t larger_of(int64_t a, int64_t b) { return a > b ? a : b; }

/* ------------------------------------------------------------------- the batch's shape */

static int64_t batch_count(const lnn_epoch *e, int64_t index) {
    const int64_t left = e->n_samples - index * e->batch_size;
    return left < e->batch_size ? left : e->batch_size;
}

/* A batch is padded to its own longest sample. */
static void measure_batch(lnn_epoch *e, const int64_t *chosen, int64_t count) {
    lnn_samples *s = e->samples;
    int64_t shortest = s->length[chosen[0]], longest = shortest;
    for (int64_t b = 1; b < count; b++) {
        const int64_t n = s->length[chosen[b]];
        shortest = n < shortest ? n : shortest;
        longest = n > longest ? n : longest;
    }
    s->batch = count;
    s->steps = longest;
    s->is_ragged = shortest < longest;
    s->is_weighted = s->weight || (s->per_step && (s->is_ragged || s->first_target));
}

/* ---------------------------------------------------------------------------- its memory */

static int64_t columns_of(const lnn_problem *p) {
    return p->memory ? 2 * p->neurons : p->neurons;
}

static void *take_reals(const lnn_epoch *e, arena *a, int64_t count) {
    return take_bytes(a, count * e->precision / 8);
}

/* Numbers that no batch of this shape changes: set once it is laid out. */
static void *take_zeros(const lnn_epoch *e, arena *a, int64_t count) {
    void *place = take_reals(e, a, count);
    if (place) memset(place, 0, (size_t)(count * e->precision / 8));
    return place;
}

static void *take_ones(const lnn_epoch *e, arena *a, int64_t count) {
    void *place = take_reals(e, a, count);
    for (int64_t i = 0; place && i < count; i++)
        if (e->precision == 64)
            ((double *)place)[i] = 1;
        else
            ((float *)place)[i] = 1;
    return place;
}

static void lay_out_samples(const lnn_epoch *e, arena *a) {
    lnn_samples *s = e->samples;
    const int64_t all = s->batch * s->steps, rows = s->per_step ? all : s->batch;
    s->inputs = take_reals(e, a, all * s->features);
    s->timespans = s->gaps ? take_reals(e, a, all) : take_ones(e, a, all);
    s->lengths = take_bytes(a, s->batch * (int64_t)sizeof(int64_t));
    s->targets = take_bytes(a, rows * s->target_bytes);
    s->weights = take_reals(e, a, rows);
}

/* States of a layer, and what its way back needs. */
static void lay_out_layer(const lnn_epoch *e, arena *a, int64_t k) {
    const lnn_samples *s = e->samples;
    lnn_problem *p = e->layers[k];
    const int64_t columns = columns_of(p);
    const int above = k + 1 < e->n_layers || e->readout->pooling != LNN_LAST;
    p->batch = s->batch;
    p->steps = s->steps;
    p->inputs_data = k ? e->layers[k - 1]->states : s->inputs;
    p->timespans = s->timespans;
    p->start = take_zeros(e, a, p->batch * columns);
    /* Without a way back, all states are for whom they are read by. */
    p->states = 0;
    if (e->adam || above) p->states = take_reals(e, a, p->batch * p->steps * columns);
    p->final = take_reals(e, a, p->batch * columns);
    p->record = 0;
    if (!e->adam) return;
    p->grad_inputs = k ? take_reals(e, a, p->batch * p->steps * p->inputs) : 0;
    const int64_t kept = lnn_record_bytes(p);
    if (kept) p->record = take_bytes(a, kept);
}

static void lay_out_readout(const lnn_epoch *e, arena *a) {
    lnn_readout *r = e->readout;
    lnn_problem *last = e->layers[e->n_layers - 1];
    const int uses_last = (r->pooling & LNN_LAST) != 0, uses_all = r->pooling != LNN_LAST;
    const int64_t all = last->batch * last->steps * r->columns;
    r->batch = last->batch;
    r->steps = last->steps;
    r->states = last->states;
    r->final = last->final;
    r->target = e->samples->targets;
    if (!e->adam) return;
    /* Zeros: columns that are not read, those of a memory, stay without a gradient. */
    r->grad_states = uses_all ? take_zeros(e, a, all) : 0;
    r->grad_final = uses_last ? take_zeros(e, a, last->batch * r->columns) : 0;
    for (int64_t k = 0; k < e->n_layers; k++) {
        const int top = k + 1 == e->n_layers;
        e->layers[k]->grad_states = top ? r->grad_states : e->layers[k + 1]->grad_inputs;
        e->layers[k]->grad_final = top ? r->grad_final : 0;
    }
}

/* One piece of scratch memory for all passes: none needs what another leaves in it. */
static void lay_out_scratch(const lnn_epoch *e, arena *a) {
    int64_t bytes = 0;
    for (int64_t k = 0; k < e->n_layers; k++) {
        lnn_problem p = *e->layers[k];
        /* What counts is whether there is a record, which has no place before there is
         * memory. */
        p.record = 0;
        if (e->adam && lnn_record_bytes(&p)) p.record = &p;
        for (int64_t backward = 0; backward <= (e->adam != 0); backward++)
            bytes = larger_of(bytes, lnn_scratch_bytes(&p, backward));
    }
    void *place = take_bytes(a, bytes);
    for (int64_t k = 0; k < e->n_layers; k++) e->layers[k]->scratch = place;
}

static int64_t lay_out(const lnn_epoch *e, void *base) {
    arena a = {base, 0};
    lay_out_samples(e, &a);
    for (int64_t k = 0; k < e->n_layers; k++) lay_out_layer(e, &a, k);
    lay_out_readout(e, &a);
    lay_out_scratch(e, &a);
    return a.used;
}

/* Lay memory out for the batch that was measured; false if there is too little. */
static int make_room(lnn_epoch *e) {
    const lnn_samples *s = e->samples;
    if (s->batch == e->laid_batch && s->steps == e->laid_steps) return 1;
    e->laid_batch = e->laid_steps = 0;
    e->wanted_bytes = lay_out(e, 0);
    if (e->wanted_bytes > e->memory_bytes) return 0;
    lay_out(e, e->memory);
    e->laid_batch = s->batch;
    e->laid_steps = s->steps;
    return 1;
}

/* ------------------------------------------------------------------------------ its step */

static void copy_all(const lnn_copy *copies, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        memcpy(copies[i].target, copies[i].source, (size_t)copies[i].bytes);
}

static void one_pass(const lnn_problem *p, int64_t backward) {
    const int64_t groups = lnn_groups(p);
    lnn_prepare(p, backward);
    for (int64_t group = 0; group < groups; group++) lnn_run(p, backward, group);
    if (backward) lnn_finish(p);
}

static void loss_of_batch(lnn_epoch *e, const int64_t *chosen) {
    lnn_samples *s = e->samples;
    lnn_readout *r = e->readout;
    lnn_gather(s, e->isa, e->precision, chosen);
    for (int64_t k = 0; k < e->n_layers; k++) {
        e->layers[k]->lengths = s->is_ragged ? s->lengths : 0;
        one_pass(e->layers[k], 0);
    }
    r->lengths = s->is_ragged ? s->lengths : 0;
    r->sample_weight = s->is_weighted ? s->weights : 0;
    lnn_read_out(r);
    e->total += r->total;
}

static void descend(lnn_epoch *e, int64_t index) {
    lnn_adam *a = e->adam;
    for (int64_t k = e->n_layers - 1; k >= 0; k--) one_pass(e->layers[k], 1);
    copy_all(e->unpack, e->n_copies);
    a->step++;
    a->divisor = e->mean_weight * (double)e->samples->batch;
    a->rate = e->rates[index];
    a->momentum = e->momenta[index];
    lnn_adam_step(a);
}

/* Run batches first, ..., first + count - 1; returns how many were run. They are fewer if
 * the memory does not do for the next one (`wanted_bytes` of it). */
EXPORT int64_t lnn_run_batches(lnn_epoch *e, int64_t first, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        const int64_t *chosen = e->order + (first + i) * e->batch_size;
        measure_batch(e, chosen, batch_count(e, first + i));
        if (!make_room(e)) return i;
        copy_all(e->pack, e->n_copies);
        loss_of_batch(e, chosen);
        if (e->adam) descend(e, first + i);
    }
    return count;
}
