/* One block of scratch memory, handed out piece by piece.
 *
 * The same code measures (without a base) and hands out, so that the two agree.
 */
#ifndef LNN_MEMORY_PLAN_H
#define LNN_MEMORY_PLAN_H

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

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

#endif
