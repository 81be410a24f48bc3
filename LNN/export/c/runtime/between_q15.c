/* What a table says at x, 512 of which are a step: straight lines and half of the bend of
   the neighbours (Bessel's formula). table[1] is that of 0. */
static int32_t lnn_between(const int16_t *table, int32_t x)
{
    const int16_t *t = table + (x >> 9);
    int32_t part = x & 511, a = t[1], b = t[2], bend = t[0] - a - b + t[3];
    return a + (((b - a) * part + (bend * (part * (part - 512)) >> 11) + 256) >> 9);
}
