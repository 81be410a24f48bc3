/* What lies between the states of the last layer and the loss, and one step of an
 * optimiser, as Python hands them over. Fields are as in problem.h.
 */
#ifndef LNN_READOUT_H
#define LNN_READOUT_H

#include <stdint.h>

/* Side by side in this order; none of them: each step is read on its own. */
enum { LNN_LAST = 1, LNN_MEAN = 2, LNN_MAX = 4 };
enum {
    LNN_SQUARED_ERROR = 0,
    LNN_ABSOLUTE_ERROR = 1,
    LNN_HUBER = 2,
    LNN_QUANTILE = 3,
    LNN_CROSS_ENTROPY = 4
};

/* An affine map of pooled states and the sum of w l over its rows: B of them, or B T where
 * each step is read. P is what a row reads: N for each kind of pooling, else N. */
typedef struct {
    int64_t precision, isa, pooling, loss;
    int64_t batch, steps, neurons, columns; /* the first N columns of a state are read */
    int64_t outputs, n_levels;              /* outputs: targets times levels */
    const int64_t *lengths;                 /* (B,) or null; steps beyond are not pooled */
    const void *states, *final;             /* (B, T, S), (B, S): what the pooling reads */
    const void *weight, *bias;              /* (outputs, P), (outputs,) */
    const void *target;                     /* (rows, outputs / levels), or codes (rows,) */
    const void *sample_weight;              /* (rows,), or null for ones */
    const double *levels;                   /* of quantiles */
    /* All of them are written, where they are not null: only columns that are read. Without
     * grad_weight there is no way back, and the loss is all. */
    void *grad_states, *grad_final, *grad_weight, *grad_bias;
    void *scratch; /* 2 P + N + outputs reals */
    double total;  /* the loss */
} lnn_readout;

/* Clip a gradient in place and move a vector by Adam's rule. */
typedef struct {
    int64_t precision, isa, size, step;
    int64_t clips_norm, decay_apart; /* else each element is clipped; AdamW */
    double divisor;                  /* the gradient is divided by it, before it is clipped */
    double clip;                     /* 0: not at all */
    double rate, momentum, decay, epsilon, weight_decay;
    void *vector, *gradient, *mean, *square;
} lnn_adam;

#endif
