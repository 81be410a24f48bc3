static void lnn_$layer(int16_t *v, const int16_t *x, int32_t dt)
{
    int32_t drive[2 * $n], sums[2 * $n];
    int unfold, j;
$step    memcpy(drive, $leak, sizeof drive);
    $sensory
    for (unfold = 0; unfold < $unfolds; unfold++) {
        memcpy(sums, drive, sizeof sums);
        $recurrent
        for (j = 0; j < $n; j++) {
            int32_t g = sums[2 * j + 1], p = g >> $shift[j];
            lnn_move(v + j, v + $n + j, lnn_ratio(sums[2 * j], g, $bits), $share);
        }
    }
}
