static void lnn_$layer(int16_t *state, const int16_t *x, int32_t dt)
{
    int16_t z[$n_inputs + $n]$arrays;
    int32_t maps[$widest];
    int j;
$step    memcpy(z, x, $n_inputs * sizeof *z);
    memcpy(z + $n_inputs, state, $n * sizeof *z);
$backbone    $maps
    for (j = 0; j < $n; j++) {
$finish
    }
}
