/* A run of training steps as Python hands it over: samples, and the records of all that is
 * done with a batch of them. Fields are as in problem.h.
 */
#ifndef LNN_EPOCH_H
#define LNN_EPOCH_H

#include "problem.h"
#include "readout.h"

/* Samples are spans over the rows of a table, and their targets. */
typedef struct {
    int64_t features, target_bytes; /* bytes of one row's (or sample's) targets */
    int64_t per_step;               /* targets and weights belong to rows, else to samples */
    const void *rows;               /* (n_rows, F) */
    const void *gaps;               /* (n_rows,), or null for time spans of one */
    const void *neutral; /* (F,): stands for a NaN until its channel is seen; or null */
    const void *target, *weight;        /* weight: null for ones */
    const int64_t *start, *length;      /* (n_samples,), no length is 0 */
    const int64_t *first_target;        /* (n_samples,): steps before do not count; or null */
    int64_t batch, steps;               /* of the batch that was gathered last */
    int64_t is_ragged, is_weighted;     /* whether it has lengths and weights */
    void *inputs, *timespans, *targets; /* what layers and read-out read */
    void *weights;
    int64_t *lengths;
} lnn_samples;

/* Numbers that lie in two places. */
typedef struct {
    const void *source;
    void *target;
    int64_t bytes;
} lnn_copy;

/* Batches in order, each of them a step of Adam; without Adam only losses are added up.
 * What a batch reads and writes lies in `memory`, laid out here: of the problems and the
 * read-out the caller sets parameters, their gradients and what no batch changes. */
typedef struct {
    int64_t precision, isa, n_layers, n_samples, batch_size, n_copies;
    lnn_problem *const *layers; /* each reads all states of the one before */
    lnn_readout *readout;
    lnn_adam *adam; /* or null; its step is the number of steps so far */
    lnn_samples *samples;
    const lnn_copy *pack;         /* to weights as the kernels read them, before a step */
    const lnn_copy *unpack;       /* and their gradients back, after it */
    const int64_t *order;         /* (n_samples,) */
    const double *rates, *momenta; /* of each batch */
    double mean_weight;           /* of a sample */
    void *memory;                 /* 64-byte aligned */
    int64_t memory_bytes, wanted_bytes; /* how much there is, and what the next batch takes */
    int64_t laid_batch, laid_steps;     /* the shape that it is laid out for, or 0 */
    double total;                       /* losses are added to it */
} lnn_epoch;

#endif
