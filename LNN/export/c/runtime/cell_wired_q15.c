static void lnn_$layer(int16_t *state, const int16_t *x, int32_t dt)
{
    const lnn_index *source = $source, *target = $order;
    const int16_t *w = $weight;
    const int32_t *b = $bias;
    const uint8_t *shift = $shift;
    int16_t z[$n_inputs + $n];
    int group, k, p = 0, begin;
$step    memcpy(z, x, $n_inputs * sizeof *z);
    memcpy(z + $n_inputs, state, $n * sizeof *z);
    for (group = 0; group < $n_groups; group++) {
        /* All of a group read its old states, later groups the new ones. */
        for (begin = p; p < begin + $groups[group]; p++) {
            int j = target[p];
            int32_t $sums;
            for (k = $count[p]; k > 0; k--) {
                int32_t in = z[*source++];
$add
            }
$shifted
$finish
        }
        for (k = begin; k < p; k++) z[$n_inputs + target[k]] = state[target[k]];
    }
}
