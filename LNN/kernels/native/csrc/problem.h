/* What Python hands over: one cell over one batch of sequences.
 *
 * Every field is 8 bytes, so that the struct has no padding and ctypes needs no care.
 * Arrays are C-contiguous; "real" is float or double as `precision` says (32, 64).
 */
#ifndef LNN_PROBLEM_H
#define LNN_PROBLEM_H

#include <stdint.h>

#define LNN_ABI 4
#define LNN_MAX_PARAMETERS 32

enum { LNN_LTC = 0, LNN_WIRED_CFC = 1, LNN_CFC = 2 };
enum { LNN_DEFAULT = 0, LNN_NO_GATE = 1, LNN_PURE = 2, LNN_EXPONENTIAL = 3 };
enum { LNN_MODES = LNN_EXPONENTIAL + 1 };
enum { LNN_LECUN_TANH = 0, LNN_TANH = 1, LNN_RELU = 2, LNN_SILU = 3, LNN_GELU = 4 };
/* 0 is the best that this machine has. */
enum { LNN_BEST = 0, LNN_PLAIN = 1, LNN_AVX2 = 2, LNN_AVX512 = 3, LNN_NEON = 4 };

/* Parameters by position; with `memory` the last three are input_map.weight (4N, F),
 * input_map.bias (4N,) and recurrent_weight (4N, N).
 *   LTC:       w, sigma, mu, erev (sensory), the same (recurrent), gleak, vleak, cm,
 *              input_weight or null, input_bias or null
 *   wired CfC: of each of its M maps the sensory weights (E), then of each the recurrent
 *              ones (E), then of each the bias (N), then A and w_tau for "pure"
 *   CfC:       A or null, w_tau or null, then weight and bias of each affine map: the
 *              backbone's layers, at last the heads (M N, .); the first reads [x, h]
 */
typedef struct {
    int64_t abi, precision, isa;
    /* mode: form of the CfC; of the LTC the solver, semi-implicit or LNN_EXPONENTIAL */
    int64_t kind, mode, activation, memory;
    int64_t batch, steps, inputs, neurons;
    int64_t unfolds, n_maps; /* n_maps: affine maps of a CfC, heads included */
    int64_t n_sensory, n_recurrent, n_layers, backbone_units;
    double epsilon;
    const int64_t *sensory_source, *sensory_target;     /* sorted by target */
    const int64_t *recurrent_source, *recurrent_target; /* sorted by target */
    const int64_t *order, *layer_end; /* neurons in evaluation order; end of each layer */
    const void *inputs_data;          /* (B, T, F) */
    const void *timespans;            /* (B, T) */
    const int64_t *lengths;           /* (B,) or null */
    const void *start;                /* (B, S), S = N, with memory 2 N */
    void *states;                     /* (B, T, S), or null: not wanted */
    void *final;                      /* (B, S) */
    const void *parameters[LNN_MAX_PARAMETERS];
    /* backward only; null where there is no gradient, or none is wanted */
    const void *grad_states, *grad_final;
    void *grad_inputs, *grad_timespans, *grad_start;
    void *grad_parameters[LNN_MAX_PARAMETERS];
    void *scratch; /* lnn_scratch_bytes of it, 64-byte aligned */
    /* lnn_record_bytes of it, or null: what the forward pass leaves for one way back,
     * which then need not replay it */
    void *record;
} lnn_problem;

#endif
