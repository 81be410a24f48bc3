/* An odd function, whose table ends at 8; x is in 1/4096. */
static int32_t lnn_odd(const int16_t *table, int32_t x)
{
    int32_t size = x < 0 ? -x : x, y;
    y = lnn_between(table, size < 32767 ? size : 32767);
    return x < 0 ? -y : y;
}
