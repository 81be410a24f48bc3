static inline float lnn_size(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof x);
    bits &= 0x7FFFFFFF;
    memcpy(&x, &bits, sizeof x);
    return x;
}
