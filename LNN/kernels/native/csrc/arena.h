/* One block of scratch memory, handed out piece by piece.
 *
 * The same code measures (without a base) and hands out, so that the two agree.
 */
#ifndef LNN_ARENA_H
#define LNN_ARENA_H

#include <stdint.h>

typedef struct {
    char *base;
    int64_t used;
} arena;

static void *take_bytes(arena *a, int64_t bytes) {
    char *place = a->base ? a->base + a->used : 0;
    a->used += (bytes + 63) / 64 * 64;
    return place;
}

#endif
