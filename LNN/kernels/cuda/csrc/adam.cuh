// Clipping and Adam's step (training/optimisers.py).
#pragma once
#include "constants.cuh"

// Rule: the clip, the weight decay. Numbers: how much of the gradient enters the mean,
// epsilon, the negative rate, what a decay apart leaves of the weights.
extern "C" __global__ void __launch_bounds__(THREADS)
adam(const Step* steps, const Model* models) {
  const Step& step = *steps;
  const Model& model = models[blockIdx.y];
  if (count(step, model) == 0) return;  // it has had all its batches
  const real clip = model.rule[0], decay = model.rule[1];
  const real* const number = model.numbers + 4 * *model.now;
  real part = 0;
  for (long long i = threadIdx.x; i < step.norm_blocks; i += THREADS)
    part += step.norms[blockIdx.y * step.norm_blocks + i];
  const real norm = sqrt(sum_block(part));
  const long long p = at_x();
  if (p >= step.n_parameters) return;

  real gradient = step.gradient[blockIdx.y * step.n_parameters + p];
  real value = model.vector[p], mean = model.mean[p], square = model.square[p];
  if (clip > 0 && step.by_norm) {
    if (norm > clip) gradient *= clip / (norm + real(1e-7));  // as torch's renorm
  } else if (clip > 0) {
    gradient = gradient > clip ? clip : gradient < -clip ? -clip : gradient;
  }
  if (step.decay_apart)
    value *= number[3];
  else
    gradient += decay * value;
  mean += number[0] * (gradient - mean);
  square = step.settings[1] * square + (1 - step.settings[1]) * gradient * gradient;
  model.vector[p] = value + number[2] * mean / (sqrt(square) + number[1]);
  model.mean[p] = mean, model.square[p] = square;
}
