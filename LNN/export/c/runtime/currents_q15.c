/* Add what synapses bring to each neuron: to its current, to its conductance. A synapse
   is slope, shift (in units), weight, weight times reversal potential. */
static void lnn_currents(const lnn_index *count, const lnn_index *source, const int16_t *t,
    int32_t unit, int bits, const int16_t *z, int n, int32_t *sums)
{
    const int32_t half = ((int32_t)1 << bits) / 2;
    int k;
    for (; n > 0; n--, sums += 2) {
        for (k = *count++; k > 0; k--, t += 4) {
            int32_t s = (int32_t)t[0] * z[*source++] - t[1] * unit + half;
            s = lnn_sigmoid(s >> bits) >> 1;
            sums[0] += t[3] * s;
            sums[1] += t[2] * s;
        }
    }
}
