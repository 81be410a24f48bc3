/* How much is done at once, and how much is kept. */
#ifndef LNN_SIZES_H
#define LNN_SIZES_H

#include "problem.h"
#include "vector.h"

/* A tile is L samples in NV vectors; a chunk is so many steps at most. */
enum { NV = 2, L = NV * W, MAX_GROUPS = 16, MAX_CHUNK = 32 };
/* Affine maps of a CfC: five parameters are for A, w_tau and the memory. */
enum { MAX_MAPS = (LNN_MAX_PARAMETERS - 5) / 2 };

/* A chunk's record should stay in the second-level cache. */
static const int64_t CHUNK_BYTES = 768 * 1024;
/* Up to here what the forward pass computes is kept, not computed again. A CfC computes
 * as fast as memory beyond the caches is written and read, an LTC takes longer.
 */
static const int64_t RECORD_BYTES = 16 * 1024 * 1024;
static const int64_t LTC_RECORD_BYTES = 256 * 1024 * 1024;

/* Recorded steps, and the reals from one to the next. */
typedef struct {
    int64_t steps, apart;
} record_span;

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t whole_vectors(int64_t count) { return (count + W - 1) / W * W; }

/* Lengths out of range are cut, as in the torch cell: a compiled graph has no check. */
static int64_t sample_length(const lnn_problem *p, int64_t sample) {
    return p->lengths ? larger(0, smaller(p->lengths[sample], p->steps)) : p->steps;
}

/* Columns of a state: N, with memory 2 N. */
static int64_t state_columns(const lnn_problem *p) {
    return p->memory ? 2 * p->neurons : p->neurons;
}

#endif
