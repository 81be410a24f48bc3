/* Move a state by a share, in 1/65536, of its way to another. It has 15 bits more, without
   which a slow neuron would not move at all. */
static void lnn_move(int16_t *h, int16_t *bits, int32_t to, int32_t share)
{
    int32_t at = (int32_t)*h * 32768 + *bits;
    at += lnn_part(to * 32768 - at, share);
    *h = (int16_t)((at + 16384) >> 15);
    *bits = (int16_t)(at - (int32_t)*h * 32768);
}
