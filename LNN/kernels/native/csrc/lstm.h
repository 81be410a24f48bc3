/* The LSTM cell around a liquid cell (mixed memory).
 *
 * Gates are candidate, write, keep, read. The forward pass leaves their activated values,
 * the backward pass the gradients of their sums.
 */
#ifndef LNN_LSTM_H
#define LNN_LSTM_H

#include "functions.h"
#include "sizes.h"

/* From the gates' sums and the memory c: the new c; and its tanh. */
static INLINE vec lstm(vec *gate, vec c, vec *tanh_c) {
    gate[0] = hyperbolic_tangent(gate[0]);
    gate[1] = sigmoid(gate[1]);
    gate[2] = sigmoid(v_add(gate[2], v_set(1)));
    gate[3] = sigmoid(gate[3]);
    c = v_fma(c, gate[2], v_mul(gate[0], gate[1]));
    *tanh_c = hyperbolic_tangent(c);
    return c;
}

/* From the gradients of what the liquid cell starts from (g) and of the new c: that of the
 * old c. */
static INLINE vec lstm_gradient(vec *gate, vec c, vec tanh_c, vec g, vec g_c) {
    const vec one = v_set(1);
    vec candidate = gate[0], write = gate[1], keep = gate[2], read = gate[3];
    g_c = v_fma(v_mul(g, read), v_fnma(tanh_c, tanh_c, one), g_c);
    gate[0] = v_mul(v_mul(g_c, write), v_fnma(candidate, candidate, one));
    gate[1] = v_mul(v_mul(g_c, candidate), v_fnma(write, write, write));
    gate[2] = v_mul(v_mul(g_c, c), v_fnma(keep, keep, keep));
    gate[3] = v_mul(v_mul(g, tanh_c), v_fnma(read, read, read));
    return v_mul(g_c, keep);
}

/* With samples in the lanes; gates are N rows each. */
static INLINE void lstm_step(int64_t n, real *gates, real *memory, real *squashed,
                             real *before, int64_t step, int nv) {
    for (int64_t j = 0; j < n; j++)
        for (int u = 0; u < nv; u++) {
            int64_t at = j * L + u * W;
            vec gate[4], tanh_c;
            for (int i = 0; i < 4; i++) gate[i] = v_load(gates + i * n * L + at);
            v_store(memory + step + at, lstm(gate, v_load(memory + at), &tanh_c));
            v_store(squashed + at, tanh_c);
            v_store(before + at, v_mul(tanh_c, gate[3]));
            for (int i = 0; i < 4; i++) v_store(gates + i * n * L + at, gate[i]);
        }
}

/* g_h: gradient of what the liquid cell starts from; g_c: of c, new in, old out. */
static INLINE void lstm_step_gradient(int64_t n, real *gates, const real *memory,
                                      const real *squashed, const real *g_h, real *g_c,
                                      int nv) {
    for (int64_t j = 0; j < n; j++)
        for (int u = 0; u < nv; u++) {
            int64_t at = j * L + u * W;
            vec gate[4];
            for (int i = 0; i < 4; i++) gate[i] = v_load(gates + i * n * L + at);
            v_store(g_c + at,
                    lstm_gradient(gate, v_load(memory + at), v_load(squashed + at),
                                  v_load(g_h + at), v_load(g_c + at)));
            for (int i = 0; i < 4; i++) v_store(gates + i * n * L + at, gate[i]);
        }
}

#endif
