static void lnn_$layer(float *v, const float *x, float h)
{
    float z[$n_inputs + $n], sums[2 * $n];
    int j;
    memcpy(z, x, $n_inputs * sizeof(float));
    memcpy(z + $n_inputs, v, $n * sizeof(float));
    memcpy(sums, $leak, sizeof sums);
    $synapses
$solve
}
