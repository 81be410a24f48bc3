/* Add what synapses bring to each neuron: to its current, to its conductance. A synapse
   is slope, shift, weight, weight times reversal potential; the first two have a scale
   for all, the others one for each neuron. */
static void lnn_currents(const lnn_index *count, const lnn_index *source, const int8_t *t,
    const float *scale, const float *z, int n, float *sums)
{
    const float slope = scale[0], shift = scale[1];
    float s[LNN_SYNAPSES];
    int j, k, lane = LNN_SYNAPSES;
    for (scale += 2; n > 0; n--, scale++) {
        float i = 0.0f, g = 0.0f;
        for (k = *count++; k > 0; k--) {
            if (lane == LNN_SYNAPSES) {
                for (j = 0; j < LNN_SYNAPSES; j++)
                    s[j] = (float)t[4 * j] * slope * z[*source++]
                        - (float)t[4 * j + 1] * shift;
                for (j = 0; j < LNN_SYNAPSES; j++) s[j] = lnn_sigmoid(s[j]);
                lane = 0;
            }
            g += (float)t[2] * s[lane];
            i += (float)t[3] * s[lane++];
            t += 4;
        }
        *sums++ += i * *scale;
        *sums++ += g * *scale;
    }
}
