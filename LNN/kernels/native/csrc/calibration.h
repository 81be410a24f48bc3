/* The machine's own limit for the arithmetic of a synapse, and single functions to test.
 *
 * Both loops live in registers: nothing is loaded or stored, so they bound what a kernel
 * that has to fetch its numbers can reach.
 */
#ifndef LNN_CALIBRATION_H
#define LNN_CALIBRATION_H

#include "functions.h"
#include "sizes.h"

/* n evaluations, W lanes each. Forward: argument, sigmoid, two sums. Backward: what the
 * gradient of a synapse needs once its sigmoid is there again. */
static double calibrate(int64_t backward, int64_t n) {
    enum { CHAINS = 4 };
    vec v[CHAINS], current[CHAINS], conductance[CHAINS], slope[CHAINS], moment[CHAINS];
    const vec a = v_set((real)-1.1), c = v_set((real)0.3), w = v_set((real)0.4);
    const vec e = v_set((real)-0.2), k = v_set((real)0.01), kv = v_set((real)0.002);
    for (int i = 0; i < CHAINS; i++) {
        v[i] = v_set((real)0.1 * (real)i);
        current[i] = conductance[i] = slope[i] = moment[i] = v_set(0);
    }
    for (int64_t at = 0; at < n; at += CHAINS)
        for (int i = 0; i < CHAINS; i++) {
            vec s = sigmoid2(v_fma(a, v[i], c));
            if (backward) {
                vec q = v_fms(e, k, kv), z = v_mul(v_fnma(s, s, s), q);
                current[i] = v_fma(k, s, current[i]);
                conductance[i] = v_fma(q, s, conductance[i]);
                slope[i] = v_add(slope[i], z);
                moment[i] = v_fma(z, v[i], moment[i]);
                v[i] = v_fma(w, z, v[i]);
            } else {
                current[i] = v_fma(e, s, current[i]);
                conductance[i] = v_fma(w, s, conductance[i]);
                v[i] = v_sub(c, v[i]); /* stays bounded, and not a constant */
            }
        }
    double total = 0;
    for (int i = 0; i < CHAINS; i++)
        total +=
            v_sum(v_add(v_add(current[i], conductance[i]), v_add(slope[i], moment[i])));
    return total;
}

/* 0 sigmoid, 1 tanh, 2 exp, 3 softplus, 4 decay, else the synapses' sigmoid, on n values of
 * the engine's own type.
 */
static void apply_function(int64_t which, const void *from, void *to, int64_t n) {
    real lane[W];
    for (int64_t i = 0; i < n; i += W) {
        int64_t count = smaller(W, n - i);
        memset(lane, 0, sizeof lane);
        memcpy(lane, (const real *)from + i, sizeof(real) * count);
        vec x = v_load(lane);
        x = which == 0   ? sigmoid(x)
            : which == 1 ? hyperbolic_tangent(x)
            : which == 2 ? exponential(x)
            : which == 3 ? vector_softplus(x)
            : which == 4 ? decay(x)
                         : sigmoid2(v_mul(x, v_set((real)-LOG2E)));
        v_store(lane, x);
        memcpy((real *)to + i, lane, sizeof(real) * count);
    }
}

#endif
