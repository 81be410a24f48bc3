/* Add what synapses bring to each neuron: to its current, to its conductance. A synapse
   is slope, shift, weight, weight times reversal potential; the first two have a scale
   for all, the others one for each neuron. */
static void lnn_currents(const lnn_index *count, const lnn_index *source, const int8_t *t,
    const float *scale, const float *z, int n, float *current, float *conductance)
{
    int j, k;
    for (j = 0; j < n; j++) {
        float i = 0.0f, g = 0.0f;
        for (k = count[j]; k > 0; k--) {
            float s = lnn_sigmoid((float)t[0] * scale[0] * z[*source++]
                - (float)t[1] * scale[1]);
            g += (float)t[2] * s;
            i += (float)t[3] * s;
            t += 4;
        }
        current[j] += i * scale[2 + j];
        conductance[j] += g * scale[2 + j];
    }
}
