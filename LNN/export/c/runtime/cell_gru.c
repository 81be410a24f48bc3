static void lnn_$layer(float *h, const float *x, float dt)
{
    float p[3 * $n], q[3 * $n]$arrays;
    int j;
$time    $of_x
    $of_h
    for (j = 0; j < $n; j++) {
        float r = lnn_sigmoid(p[j] + q[j]), f = p[$n + j] + q[$n + j];
        float made = lnn_tanh(p[2 * $n + j] + r * q[2 * $n + j]);
        h[j] = made + $keep * (h[j] - made);
    }
$unused}
