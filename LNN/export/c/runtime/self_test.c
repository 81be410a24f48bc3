/* Compares the model with what LNN answered when it was exported:
   cc -O2 self_test.c model.c -o self_test && ./self_test */
#include <stdio.h>
#include "$header"

#define VECTORS $vectors
#define STEPS $steps
#define FIRST $from /* the first step that has an answer */
#define DIFFERENCE $difference

/* 3.2e38 stands for a missing value. */
static const float inputs[] = {
$inputs
};
static const float gaps[] = {
$gaps
};
static const float expected[] = {
$expected
};
static const float scale[] = {
$scale
};

static float size(float value)
{
    return value < 0.0f ? -value : value;
}

int main(void)
{
    static lnn_state state;
    const float *x = inputs, *gap = gaps, *right = expected;
    float row[LNN_CHANNELS], y[LNN_ANSWERS], largest = 0.0f, zero = 0.0f;
    int vector, step, k;
    for (vector = 0; vector < VECTORS; vector++) {
        lnn_reset(&state);
        for (step = 0; step < STEPS; step++, gap++) {
            for (k = 0; k < LNN_CHANNELS; k++, x++)
                row[k] = *x > 3.1e38f ? zero / zero : *x;
            lnn_step(&state, row, *gap, y);
            if (step < FIRST) continue;
            for (k = 0; k < LNN_ANSWERS; k++, right++) {
                float off = size(y[k] - *right) / (scale[k] + size(*right));
                /* NaN is no number that is larger. */
                if (!(off <= largest)) largest = off;
            }
        }
    }
    printf("%s: largest difference %ld of 10^9, %ld allowed\n",
        largest <= DIFFERENCE ? "PASS" : "FAIL", (long)(1e9f * largest),
        (long)(1e9f * DIFFERENCE));
    return largest <= DIFFERENCE ? 0 : 1;
}
