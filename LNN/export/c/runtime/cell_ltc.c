static void lnn_$layer(float *v, const float *x, float dt)
{
    float drive_i[$n], drive_g[$n], current[$n], conductance[$n]$arrays;
    float h = dt * $step;
    int unfold, j;
$mapped    memcpy(drive_i, $leak_current, sizeof drive_i);
    memcpy(drive_g, $leak, sizeof drive_g);
    $sensory
    for (unfold = 0; unfold < $unfolds; unfold++) {
$solve
    }
}
