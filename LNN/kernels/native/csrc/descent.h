/* One step of an optimiser on the vector of all parameters. */
#ifndef LNN_DESCENT_H
#define LNN_DESCENT_H

#include "readout.h"
#include "rows.h"

/* A NaN stays, and so does a gradient whose norm is one, as with torch. */
static void clip(const lnn_adam *a, real *gradient) {
    const real limit = (real)a->clip;
    if (!a->clips_norm) {
        for (int64_t i = 0; i < a->size; i++) {
            const real g = gradient[i];
            gradient[i] = g > limit ? limit : g < -limit ? -limit : g;
        }
        return;
    }
    const real norm = REAL(sqrt)(dot(gradient, gradient, a->size));
    if (!(norm > limit)) return;
    const real factor = limit / (norm + (real)1e-7);
    for (int64_t i = 0; i < a->size; i++) gradient[i] *= factor;
}

static void adam_step(const lnn_adam *a) {
    const int64_t n = a->size;
    real *vector = a->vector, *gradient = a->gradient;
    real *mean = a->mean, *square = a->square;
    const real divisor = (real)a->divisor;
    for (int64_t i = 0; i < n; i++) gradient[i] /= divisor;
    if (a->clip != 0) clip(a, gradient);
    /* Both moments start at 0: two numbers correct for it, in place of two vectors. */
    const double unseen = sqrt(1 - pow(a->decay, (double)a->step));
    const real rate = (real)(a->rate * unseen / (1 - pow(a->momentum, (double)a->step)));
    const real epsilon = (real)(a->epsilon * unseen);
    const real fresh = (real)(1 - a->momentum), old = (real)a->decay;
    const real added = (real)(1 - a->decay);
    const real pull = a->decay_apart ? 0 : (real)a->weight_decay;
    const real kept = a->decay_apart ? (real)(1 - a->rate * a->weight_decay) : 1;
    for (int64_t i = 0; i < n; i++) {
        const real g = gradient[i] + pull * vector[i];
        mean[i] += fresh * (g - mean[i]);
        square[i] = old * square[i] + added * g * g;
        vector[i] = kept * vector[i] - rate * mean[i] / (REAL(sqrt)(square[i]) + epsilon);
    }
}

#endif
