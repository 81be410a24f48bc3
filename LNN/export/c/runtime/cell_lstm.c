static void lnn_$layer(float *state, const float *x, float dt)
{
    float z[$n_read + $n], gates[4 * $n], *c = state + $n;
    int j;
    memcpy(z, x, $n_inputs * sizeof(float));
$time    memcpy(z + $n_read, state, $n * sizeof(float));
    $gates
    for (j = 0; j < $n; j++) {
        float f = gates[$n + j], write = lnn_sigmoid(gates[j]) * lnn_tanh(gates[2 * $n + j]);
$remember
        state[j] = lnn_sigmoid(gates[3 * $n + j]) * lnn_tanh(c[j]);
    }
$unused}
