/* Pooling, read-out and loss, there and back in one go.
 *
 * It is little work beside the cell's: what counts is that it is one call.
 */
#ifndef LNN_READOUT_PASS_H
#define LNN_READOUT_PASS_H

#include "readout.h"
#include "rows.h"

/* ------------------------------------------------------------------------------ pooling */

/* A row's steps that are pooled: an empty sequence still has its start. */
static int64_t pooled_steps(const lnn_readout *r, int64_t row) {
    return r->lengths ? larger(1, smaller(r->lengths[row], r->steps)) : r->steps;
}

static void pool(const lnn_readout *r, int64_t row, real *to) {
    const int64_t n = r->neurons, s = r->columns, steps = pooled_steps(r, row);
    /* There are none where only the last state is read: C knows no offset of null. */
    const real *states = r->states ? (const real *)r->states + row * r->steps * s : 0;
    if (r->pooling & LNN_LAST) {
        memcpy(to, (const real *)r->final + row * s, sizeof(real) * n);
        to += n;
    }
    if (r->pooling & LNN_MEAN) {
        memset(to, 0, sizeof(real) * n);
        for (int64_t t = 0; t < steps; t++)
            for (int64_t j = 0; j < n; j++) to[j] += states[t * s + j];
        for (int64_t j = 0; j < n; j++) to[j] /= (real)steps;
        to += n;
    }
    if (r->pooling & LNN_MAX) {
        memcpy(to, states, sizeof(real) * n);
        for (int64_t t = 1; t < steps; t++)
            for (int64_t j = 0; j < n; j++) {
                const real x = states[t * s + j];
                to[j] = x > to[j] || x != x ? x : to[j]; /* a NaN stays */
            }
    }
}

/* The maximum's share: steps that have it alike share it, as torch has it. */
static void unpool_max(const lnn_readout *r, int64_t row, const real *largest,
                       const real *grad) {
    const int64_t n = r->neurons, s = r->columns, steps = pooled_steps(r, row);
    const int64_t first = row * r->steps * s;
    const real *states = (const real *)r->states + first;
    real *to = (real *)r->grad_states + first;
    real *share = (real *)r->scratch;
    memset(share, 0, sizeof(real) * n);
    for (int64_t t = 0; t < steps; t++)
        for (int64_t j = 0; j < n; j++) share[j] += states[t * s + j] == largest[j];
    for (int64_t j = 0; j < n; j++) share[j] = grad[j] / share[j];
    for (int64_t t = 0; t < steps; t++)
        for (int64_t j = 0; j < n; j++)
            to[t * s + j] += states[t * s + j] == largest[j] ? share[j] : 0;
}

/* From the gradient of what was pooled to that of the states. */
static void unpool(const lnn_readout *r, int64_t row, const real *pooled, const real *grad) {
    const int64_t n = r->neurons, s = r->columns, steps = pooled_steps(r, row);
    real *to = r->grad_states ? (real *)r->grad_states + row * r->steps * s : 0;
    if (r->pooling & LNN_LAST) {
        memcpy((real *)r->grad_final + row * s, grad, sizeof(real) * n);
        grad += n;
        pooled += n;
    }
    for (int64_t t = 0; to && t < r->steps; t++) memset(to + t * s, 0, sizeof(real) * n);
    if (r->pooling & LNN_MEAN) {
        for (int64_t t = 0; t < steps; t++)
            for (int64_t j = 0; j < n; j++) to[t * s + j] = grad[j] / (real)steps;
        grad += n;
        pooled += n;
    }
    if (r->pooling & LNN_MAX) unpool_max(r, row, pooled, grad);
}

/* -------------------------------------------------------------------------------- losses */

static real sign(real x) { return (real)((x > 0) - (x < 0)); }

/* The loss of an error, output less target, and its slope. Where two lines meet, the slope
 * is the one that torch takes. */
static real loss_of_error(int64_t loss, real error, real level, real *slope) {
    const real size = REAL(fabs)(error);
    if (loss == LNN_SQUARED_ERROR || (loss == LNN_HUBER && size <= 1)) {
        const real half = loss == LNN_HUBER ? (real)0.5 : 1;
        *slope = 2 * half * error;
        return half * error * error;
    }
    if (loss == LNN_QUANTILE) {
        *slope = error < 0 ? -level : error > 0 ? 1 - level : 0;
        return *slope * error;
    }
    *slope = sign(error);
    return loss == LNN_HUBER ? size - (real)0.5 : size;
}

/* Sum of a row's losses; the slopes go to `grad`. */
static real losses_of_numbers(const lnn_readout *r, const real *output, int64_t row,
                              real *grad) {
    const int64_t levels = r->n_levels, targets = r->outputs / levels;
    const real *target = (const real *)r->target + row * targets;
    real total = 0;
    for (int64_t k = 0; k < r->outputs; k++) {
        const real level = r->levels ? (real)r->levels[k % levels] : 0;
        total += loss_of_error(r->loss, output[k] - target[k / levels], level, grad + k);
    }
    return total;
}

static real cross_entropy(const lnn_readout *r, const real *logit, int64_t row, real *grad) {
    const int64_t code = ((const int64_t *)r->target)[row];
    real most = logit[0], sum = 0;
    if (code < 0 || code >= r->outputs) return (real)NAN; /* there is no such class */
    for (int64_t k = 1; k < r->outputs; k++) most = logit[k] > most ? logit[k] : most;
    const real chosen = logit[code] - most;
    for (int64_t k = 0; k < r->outputs; k++) sum += grad[k] = REAL(exp)(logit[k] - most);
    for (int64_t k = 0; k < r->outputs; k++) grad[k] /= sum;
    grad[code] -= 1;
    return REAL(log)(sum) - chosen;
}

/* ------------------------------------------------------------------------------ all of it */

/* How many numbers a row reads. */
static int64_t read_size(const lnn_readout *r) {
    const int64_t kinds = (r->pooling & 1) + (r->pooling >> 1 & 1) + (r->pooling >> 2 & 1);
    return larger(1, kinds) * r->neurons;
}

/* One row: what it reads, its outputs and loss, and the way back to `grad_x`, where
 * gradients are wanted. */
static double read_row(const lnn_readout *r, int64_t row, const real *x, real *grad_x) {
    const int64_t p = read_size(r);
    const real *weight = r->weight, *bias = r->bias;
    real *grad_weight = r->grad_weight, *grad_bias = r->grad_bias;
    real *grad = (real *)r->scratch + r->neurons + 2 * p;
    /* Slopes take the outputs' places: a loss reads all of its row first. */
    for (int64_t k = 0; k < r->outputs; k++) grad[k] = bias[k] + dot(weight + k * p, x, p);
    real total = r->loss == LNN_CROSS_ENTROPY ? cross_entropy(r, grad, row, grad)
                                              : losses_of_numbers(r, grad, row, grad);
    const real w = r->sample_weight ? ((const real *)r->sample_weight)[row] : 1;
    if (!grad_weight) return (double)(total * w);
    memset(grad_x, 0, sizeof(real) * p);
    for (int64_t k = 0; k < r->outputs; k++) {
        grad[k] *= w;
        grad_bias[k] += grad[k];
        add_multiple(grad_weight + k * p, grad[k], x, p);
        add_multiple(grad_x, grad[k], weight + k * p, p);
    }
    return (double)(total * w);
}

static void readout_pass(lnn_readout *r) {
    const int64_t n = r->neurons, s = r->columns;
    const int64_t p = read_size(r), rows = r->pooling ? r->batch : r->batch * r->steps;
    real *x = (real *)r->scratch + n, *grad_x = x + p;
    const int back = r->grad_weight != 0;
    if (back) memset(r->grad_weight, 0, sizeof(real) * r->outputs * p);
    if (back) memset(r->grad_bias, 0, sizeof(real) * r->outputs);
    r->total = 0;
    for (int64_t row = 0; row < rows; row++) {
        if (r->pooling) {
            pool(r, row, x);
            r->total += read_row(r, row, x, grad_x);
            if (back) unpool(r, row, x, grad_x);
        } else {
            const real *states = (const real *)r->states + row * s;
            real *to = back ? (real *)r->grad_states + row * s : 0;
            r->total += read_row(r, row, states, to);
        }
    }
}

#endif
