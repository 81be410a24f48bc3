/* Compares the model with what LNN answered when it was exported, and with the answers of
   these two files then, which are the same on all machines, bit by bit:
   cc -O2 self_test.c model.c -o self_test && ./self_test */
#include <stdio.h>
#include "$header"

#define VECTORS $vectors
#define STEPS $steps
#define FIRST $from /* the first step that has an answer */
#define DIFFERENCE $difference /* of 10^6 */
#define SUM $sum /* of all bits of all answers */

static const int32_t inputs[] = {
$inputs
};
static const int32_t gaps[] = {
$gaps
};
static const int32_t expected[] = {
$expected
};
static const int32_t scale[] = {
$scale
};

static int64_t size(int64_t value)
{
    return value < 0 ? -value : value;
}

int main(void)
{
    static lnn_state state;
    const int32_t *x = inputs, *gap = gaps, *right = expected;
    int32_t y[LNN_ANSWERS], largest = 0;
    uint32_t sum = 0;
    int vector, step, k;
    for (vector = 0; vector < VECTORS; vector++) {
        lnn_reset(&state);
        for (step = 0; step < STEPS; step++, x += LNN_CHANNELS) {
            lnn_step_q15(&state, x, *gap++, y);
            if (step < FIRST) continue;
            for (k = 0; k < LNN_ANSWERS; k++, right++) {
                int64_t off = 1000000 * size((int64_t)y[k] - *right);
                off /= scale[k] + size(*right);
                if (off > largest) largest = (int32_t)off;
                sum = (sum ^ (uint32_t)y[k]) * 16777619u;
            }
        }
    }
    printf("%s: largest difference %ld of 10^6, %ld allowed; bits %lu, %lu expected\n",
        largest <= DIFFERENCE && sum == SUM ? "PASS" : "FAIL", (long)largest,
        (long)DIFFERENCE, (unsigned long)sum, (unsigned long)SUM);
    return largest <= DIFFERENCE && sum == SUM ? 0 : 1;
}
