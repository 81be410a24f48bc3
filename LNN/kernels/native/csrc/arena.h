/* One block of scratch memory, handed out piece by piece.
 *
 * The same code measures (without a base) and hands out, so that the two agree.
 */
#ifndef LNN_ARENA_H
#define LNN_ARENA_H

#include "vector.h"

typedef struct {
    char *base;
    int64_t used;
} arena;

static void *take_bytes(arena *a, int64_t bytes) {
    char *place = a->base ? a->base + a->used : 0;
    a->used += (bytes + 63) / 64 * 64;
    return place;
}
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
