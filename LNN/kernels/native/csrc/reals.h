/* Reals and integers from a block of scratch memory. */
#ifndef LNN_REALS_H
#define LNN_REALS_H

#include "arena.h"
#include "vector.h"

static real *take(arena *a, int64_t count) {
    return take_bytes(a, count * (int64_t)sizeof(real));
}
static int64_t *take_integers(arena *a, int64_t count) {
    return take_bytes(a, count * (int64_t)sizeof(int64_t));
}

/* base + offset, and nothing where memory is only being measured. */
static real *part(real *base, int64_t offset) { return base ? base + offset : 0; }

/* Reals from a step to the next: an odd number of cache lines, so that the same row of
 * many steps does not always fall on the same few sets of the cache. */
static int64_t step_size(int64_t bytes) {
    return ((bytes / 64) | 1) * 64 / (int64_t)sizeof(real);
}

#endif
