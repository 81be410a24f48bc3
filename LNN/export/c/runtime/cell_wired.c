static void lnn_$layer(float *state, const float *x, float dt)
{
    const lnn_index *source = $source, *target = $order;
    const $weight_type *w = $weight;
    float z[$n_inputs + $n], fresh[$n + LNN_LANES] = {0.0f};
    float maps[$n_maps][$n + LNN_LANES] = {{0.0f}};
    int group, j, k, p = 0, begin;
    memcpy(z, x, $n_inputs * sizeof(float));
    memcpy(z + $n_inputs, state, $n * sizeof(float));
    for (group = 0; group < $n_groups; group++) {
        /* All of a group read its old states, later groups the new ones. */
        for (begin = p; p < begin + $groups[group]; p++) {
            float $sums;
            for (k = $count[p]; k > 0; k--) {
                float in = z[*source++];
$add
            }
$keep
        }
        for (k = begin; k < p; k += LNN_LANES) {
            for (j = k; j < k + LNN_LANES; j++) {
                float $named;
$finish
                fresh[j] = h;
            }
        }
        for (k = begin; k < p; k++) z[$n_inputs + target[k]] = fresh[k];
    }
    memcpy(state, z + $n_inputs, $n * sizeof(float));
$unused}
