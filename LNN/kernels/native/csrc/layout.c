/* What Python has to know of problem.h, by name: `mirror.py` has the same by hand, and a
 * library in which anything differs is not used.
 */
#include <stddef.h>

#include "engines.h"

typedef struct {
    const char *name;
    int64_t value;
} layout_entry;

#define CONSTANT(name) {#name, name}
/* C99 tells the size of a field only with an object at hand. */
#define FIELD(name)                                       \
    {"offsetof " #name, offsetof(lnn_problem, name)}, {   \
        "sizeof " #name, sizeof(((lnn_problem *)0)->name) \
    }

static const layout_entry layout[] = {
    CONSTANT(LNN_LTC),
    CONSTANT(LNN_WIRED_CFC),
    CONSTANT(LNN_CFC),
    CONSTANT(LNN_DEFAULT),
    CONSTANT(LNN_NO_GATE),
    CONSTANT(LNN_PURE),
    CONSTANT(LNN_EXPONENTIAL),
    CONSTANT(LNN_LECUN_TANH),
    CONSTANT(LNN_TANH),
    CONSTANT(LNN_RELU),
    CONSTANT(LNN_SILU),
    CONSTANT(LNN_GELU),
    CONSTANT(LNN_BEST),
    CONSTANT(LNN_PLAIN),
    CONSTANT(LNN_AVX2),
    CONSTANT(LNN_AVX512),
    CONSTANT(LNN_NEON),
    CONSTANT(LNN_MAX_PARAMETERS),
    CONSTANT(sizeof(lnn_problem)),
    FIELD(abi),
    FIELD(precision),
    FIELD(isa),
    FIELD(kind),
    FIELD(mode),
    FIELD(activation),
    FIELD(memory),
    FIELD(batch),
    FIELD(steps),
    FIELD(inputs),
    FIELD(neurons),
    FIELD(unfolds),
    FIELD(n_maps),
    FIELD(n_sensory),
    FIELD(n_recurrent),
    FIELD(n_layers),
    FIELD(backbone_units),
    FIELD(epsilon),
    FIELD(sensory_source),
    FIELD(sensory_target),
    FIELD(recurrent_source),
    FIELD(recurrent_target),
    FIELD(order),
    FIELD(layer_end),
    FIELD(inputs_data),
    FIELD(timespans),
    FIELD(lengths),
    FIELD(start),
    FIELD(states),
    FIELD(final),
    FIELD(parameters),
    FIELD(grad_states),
    FIELD(grad_final),
    FIELD(grad_inputs),
    FIELD(grad_timespans),
    FIELD(grad_start),
    FIELD(grad_parameters),
    FIELD(scratch),
    FIELD(record),
    {0, 0},
};

EXPORT const layout_entry *lnn_layout(void) { return layout; }
