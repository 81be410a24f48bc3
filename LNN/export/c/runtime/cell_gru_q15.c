static void lnn_$layer(int16_t *h, const int16_t *x, int32_t dt)
{
    int32_t p[3 * $n], q[3 * $n];
    int j;
$time    $of_x
    $of_h
    for (j = 0; j < $n; j++) {
        int32_t r = lnn_sigmoid(p[j] + q[j]), f = p[$n + j] + q[$n + j];
        int32_t made = lnn_tanh(p[2 * $n + j] + lnn_part(q[2 * $n + j], r)) / 2;
        lnn_move(h + j, h + $n + j, made, $share);
    }
}
