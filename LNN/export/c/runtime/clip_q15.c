static inline int32_t lnn_clip(int32_t x, int32_t least, int32_t most)
{
    return x < least ? least : x > most ? most : x;
}
