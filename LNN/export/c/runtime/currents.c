/* Add what synapses bring to each neuron: to its current, to its conductance. A synapse
   is slope, shift, weight, weight times reversal potential. */
static void lnn_currents(const lnn_index *count, const lnn_index *source, const float *t,
    const float *z, int n, float *current, float *conductance)
{
    int j, k;
    for (j = 0; j < n; j++) {
        float i = 0.0f, g = 0.0f;
        for (k = count[j]; k > 0; k--) {
            float s = lnn_sigmoid(t[0] * z[*source++] - t[1]);
            g += t[2] * s;
            i += t[3] * s;
            t += 4;
        }
        current[j] += i;
        conductance[j] += g;
    }
}
