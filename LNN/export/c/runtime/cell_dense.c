static void lnn_$layer(float *state, const float *x, float dt)
{
    float z[$n_inputs + $n], maps[$n_maps * $n]$arrays;
    int j;
    memcpy(z, x, $n_inputs * sizeof(float));
    memcpy(z + $n_inputs, state, $n * sizeof(float));
$backbone    $maps
    for (j = 0; j < $n; j++) {
$finish
        state[j] = h;
    }
$unused}
