/* Of x in 1/2048: 1 to 65535. */
static int32_t lnn_sigmoid(int32_t x)
{
    return 32768 + lnn_tanh(x);
}
