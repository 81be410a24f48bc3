/* Add what synapses bring to each neuron: to its current, to its conductance. A synapse
   is slope, shift, weight, weight times reversal potential. */
static void lnn_currents(const lnn_index *count, const lnn_index *source, const float *t,
    const float *z, int n, float *sums)
{
    float s[LNN_SYNAPSES];
    int j, k, lane = LNN_SYNAPSES;
    for (; n > 0; n--) {
        float i = sums[0], g = sums[1];
        for (k = *count++; k > 0; k--) {
            if (lane == LNN_SYNAPSES) {
                for (j = 0; j < LNN_SYNAPSES; j++) s[j] = t[4 * j] * z[*source++] - t[4 * j + 1];
                for (j = 0; j < LNN_SYNAPSES; j++) s[j] = lnn_sigmoid(s[j]);
                lane = 0;
            }
            g += t[2] * s[lane];
            i += t[3] * s[lane++];
            t += 4;
        }
        *sums++ = i;
        *sums++ = g;
    }
}
