/* Lists of synapses that are sorted by target. */
#ifndef LNN_ADJACENCY_H
#define LNN_ADJACENCY_H

#include <stdint.h>

/* Where each target's synapses begin in a list sorted by target. */
static void first_of_each(const int64_t *target, int64_t edges, int64_t n, int64_t *begin) {
    int64_t e = 0;
    for (int64_t j = 0; j <= n; j++) {
        while (e < edges && target[e] < j) e++;
        begin[j] = e;
    }
}

#endif
