/* Replace a side by its part that is nearest to those before it; tell if it has none. */
static int lnn_box(int64_t own_low, int64_t own_high, int32_t *low, int32_t *high)
{
    int apart = own_low > *high || own_high < *low;
    own_low = own_low < *low ? *low : own_low > *high ? *high : own_low;
    own_high = own_high < *low ? *low : own_high > *high ? *high : own_high;
    *low = (int32_t)own_low;
    *high = (int32_t)own_high;
    return apart;
}
