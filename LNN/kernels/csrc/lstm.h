/* The LSTM cell around a liquid cell (mixed memory), with samples in the lanes.
 *
 * Gates are N rows each: candidate, write, keep, read. The forward pass leaves their
 * activated values, the backward pass the gradients of their sums.
 */

static INLINE void lstm_step(int64_t n, real *gates, real *memory, real *squashed,
                             real *before, int64_t row, int nv) {
    const int64_t block = n * row;
    for (int64_t j = 0; j < n; j++)
        for (int u = 0; u < nv; u++) {
            int64_t at = j * row + u * W;
            real *gate = gates + at;
            vec candidate = hyperbolic_tangent(v_load(gate));
            vec write = sigmoid(v_load(gate + block));
            vec keep = sigmoid(v_add(v_load(gate + 2 * block), v_set(1)));
            vec read = sigmoid(v_load(gate + 3 * block));
            vec c = v_fma(v_load(memory + at), keep, v_mul(candidate, write));
            vec tanh_c = hyperbolic_tangent(c);
            v_store(memory + at + L, c);
            v_store(squashed + at, tanh_c);
            v_store(before + at, v_mul(tanh_c, read));
            v_store(gate, candidate);
            v_store(gate + block, write);
            v_store(gate + 2 * block, keep);
            v_store(gate + 3 * block, read);
        }
}

/* g_h: gradient of what the liquid cell starts from; g_c: of c, new in, old out. */
static INLINE void lstm_step_gradient(int64_t n, real *gates, const real *memory,
                                      const real *squashed, const real *g_h, real *g_c,
                                      int64_t row, int nv) {
    const int64_t block = n * row;
    const vec one = v_set(1);
    for (int64_t j = 0; j < n; j++)
        for (int u = 0; u < nv; u++) {
            int64_t at = j * row + u * W;
            real *gate = gates + at, *gc = g_c + j * L + u * W;
            vec candidate = v_load(gate), write = v_load(gate + block);
            vec keep = v_load(gate + 2 * block), read = v_load(gate + 3 * block);
            vec tanh_c = v_load(squashed + at), g = v_load(g_h + j * L + u * W);
            vec c = v_fma(v_mul(g, read), v_fnma(tanh_c, tanh_c, one), v_load(gc));
            v_store(gc, v_mul(c, keep));
            v_store(gate, v_mul(v_mul(c, write), v_fnma(candidate, candidate, one)));
            v_store(gate + block, v_mul(v_mul(c, candidate), v_fnma(write, write, write)));
            v_store(gate + 2 * block,
                    v_mul(v_mul(c, v_load(memory + at)), v_fnma(keep, keep, keep)));
            v_store(gate + 3 * block, v_mul(v_mul(g, tanh_c), v_fnma(read, read, read)));
        }
}
