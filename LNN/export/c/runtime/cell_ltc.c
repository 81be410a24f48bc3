static void lnn_$layer(float *v, const float *x, float dt)
{
    float drive[2 * $n], sums[2 * $n]$arrays;
    float h = dt * $step;
    int unfold, j;
    memcpy(drive, $leak, sizeof drive);
    $sensory
    for (unfold = 0; unfold < $unfolds; unfold++) {
$solve
    }
}
