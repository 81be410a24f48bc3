/* What stands before the cell: h and c of the gates. */
static void lnn_${layer}_memory(float *state, const float *x)
{
    float z[$n_inputs + $n], gates[4 * $n], *c = state + $n;
    int j;
    memcpy(z, x, $n_inputs * sizeof(float));
    memcpy(z + $n_inputs, state, $n * sizeof(float));
    $gates
    for (j = 0; j < $n; j++) {
        c[j] = c[j] * lnn_sigmoid(gates[2 * $n + j])
            + lnn_tanh(gates[j]) * lnn_sigmoid(gates[$n + j]);
        state[j] = lnn_tanh(c[j]) * lnn_sigmoid(gates[3 * $n + j]);
    }
}
