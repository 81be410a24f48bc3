static void lnn_$layer(float *state, const float *x, float dt)
{
    const lnn_index *source = $source, *target = $order;
    const $weight_type *w = $weight;
    float z[$n_inputs + $n], fresh[$n];
    int group, k, p = 0, begin;
    memcpy(z, x, $n_inputs * sizeof(float));
    memcpy(z + $n_inputs, state, $n * sizeof(float));
    for (group = 0; group < $n_groups; group++) {
        /* All of a group read its old states, later groups the new ones. */
        for (begin = p; p < begin + $groups[group]; p++) {
            float h = z[$n_inputs + target[p]];
            float $sums;
            for (k = $count[p]; k > 0; k--) {
                float in = z[*source++];
$add
            }
$finish
            fresh[p] = h;
        }
        for (k = begin; k < p; k++) z[$n_inputs + target[k]] = fresh[k];
    }
    memcpy(state, z + $n_inputs, $n * sizeof(float));
}
