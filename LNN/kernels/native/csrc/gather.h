/* One batch of samples from the table of rows. */
#ifndef LNN_GATHER_H
#define LNN_GATHER_H

#include "epoch.h"
#include "rows.h"

/* What is missing becomes the last value that the sample has shown, or `neutral`. */
static void hold_missing(const lnn_samples *s, real *values, int64_t steps) {
    const int64_t f = s->features;
    for (int64_t k = 0; k < f; k++) {
        real held = ((const real *)s->neutral)[k];
        for (int64_t t = 0; t < steps; t++) {
            real *x = values + t * f + k;
            if (*x != *x)
                *x = held;
            else
                held = *x;
        }
    }
}

/* A sample's rows; padding repeats the last one. */
static void gather_rows(const lnn_samples *s, int64_t sample, real *to) {
    const int64_t f = s->features, n = s->length[sample];
    memcpy(to, (const real *)s->rows + s->start[sample] * f, sizeof(real) * n * f);
    if (s->neutral) hold_missing(s, to, n);
    for (int64_t t = n; t < s->steps; t++)
        memcpy(to + t * f, to + (n - 1) * f, sizeof(real) * f);
}

static void gather_gaps(const lnn_samples *s, int64_t sample, real *to) {
    const int64_t n = s->length[sample];
    memcpy(to, (const real *)s->gaps + s->start[sample], sizeof(real) * n);
    for (int64_t t = n; t < s->steps; t++) to[t] = to[n - 1];
}

/* What each step counts: nothing past the end and before the first target. */
static void gather_step_weights(const lnn_samples *s, int64_t sample, real *to) {
    const int64_t first = s->first_target ? s->first_target[sample] : 0;
    const real *weight = s->weight ? (const real *)s->weight + s->start[sample] : 0;
    for (int64_t t = 0; t < s->steps; t++) {
        const int counts = t >= first && t < s->length[sample];
        to[t] = !counts ? 0 : weight ? weight[t] : 1;
    }
}

/* Targets of a sample, or of its steps: padding repeats the last one. */
static void gather_targets(const lnn_samples *s, int64_t sample, char *to) {
    const int64_t bytes = s->target_bytes, n = s->length[sample];
    const char *from = s->target;
    if (!s->per_step) {
        memcpy(to, from + sample * bytes, (size_t)bytes);
        return;
    }
    memcpy(to, from + s->start[sample] * bytes, (size_t)(n * bytes));
    for (int64_t t = n; t < s->steps; t++)
        memcpy(to + t * bytes, to + (n - 1) * bytes, (size_t)bytes);
}

static void gather_batch(const lnn_samples *s, const int64_t *chosen) {
    const int64_t steps = s->steps, rows = s->per_step ? steps : 1;
    for (int64_t b = 0; b < s->batch; b++) {
        const int64_t sample = chosen[b];
        gather_rows(s, sample, (real *)s->inputs + b * steps * s->features);
        if (s->gaps) gather_gaps(s, sample, (real *)s->timespans + b * steps);
        if (s->is_ragged) s->lengths[b] = s->length[sample];
        gather_targets(s, sample, (char *)s->targets + b * rows * s->target_bytes);
        if (!s->is_weighted) continue;
        real *weights = (real *)s->weights + b * rows;
        if (s->per_step)
            gather_step_weights(s, sample, weights);
        else
            weights[0] = ((const real *)s->weight)[sample];
    }
}

#endif
