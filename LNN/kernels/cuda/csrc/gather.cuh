// The samples of a batch: rows gathered, gaps filled, and what the first layer adds.
#pragma once
#include "step.cuh"

#define HOLD 1
#define MASK 2

// What is missing in a channel is what this sequence has shown last (batching/
// missing.py); with MASK, whether it was seen and how long ago are inputs too.
__device__ inline void fill(const Step& step, const Model& model, const real* spans,
                            real* out, long long begin, long long length, int channel) {
  const real unknown = model.neutral[channel];
  real held = unknown;
  double time = 0, seen = 0;  // ages are differences of long sums
  for (long long t = 0; t < step.steps; ++t) {
    const long long row = begin + (t < length ? t : length - 1);
    const real x = model.rows[row * step.channels + channel];
    const bool missing = x != x;
    time += spans[t];
    if (t == 0) seen = time;
    if (!missing) held = x, seen = time;
    real* const at = out + t * step.inputs + channel;
    at[0] = held;
    if (step.policy != MASK) continue;
    at[step.channels] = !missing;
    at[2 * step.channels] = log1p(real(time - seen));
  }
}

// A block gathers one sample. One that is not there, in a batch that has fewer, has no
// steps and a weight of 0.
extern "C" __global__ void __launch_bounds__(READERS)
gather(const Step* steps, const Model* models) {
  const Step& step = *steps;
  const Model& model = models[blockIdx.y];
  const long long nth = *model.now * step.batch + blockIdx.x;
  const bool there = nth < model.n_samples;
  const long long sample = there ? model.order[nth] : -1;
  const long long begin = there ? model.start[sample] : 0;
  const long long length = there ? model.length[sample] : 0;
  const long long sequence = blockIdx.y * step.batch + blockIdx.x;
  if (threadIdx.x == 0)
    step.samples[sequence] = sample, step.lengths[sequence] = int(length);

  real* const spans = step.spans + sequence * step.steps;
  for (long long t = threadIdx.x; t < step.steps; t += READERS)
    spans[t] = model.gaps && t < length ? model.gaps[begin + t] : 1;
  real* const out = step.values + sequence * step.steps * step.inputs;
  const long long size = step.steps * step.inputs;
  __syncthreads();
  if (there && step.policy) {
    for (int f = threadIdx.x; f < step.channels; f += READERS)
      fill(step, model, spans, out, begin, length, f);
    return;
  }
  for (long long i = threadIdx.x; i < size; i += READERS) {
    const long long t = i / step.channels, last = t < length ? t : length - 1;
    out[i] = there ? model.rows[(begin + last) * step.channels + i % step.channels] : 0;
  }
}

// What inputs and biases add to the maps of all neurons. A thread computes one number
// of a few rows, so that a weight that is read serves all of them.
#define ROWS 4
extern "C" __global__ void __launch_bounds__(THREADS)
drive(const Step* steps, const Model*) {
  const Step& step = *steps;
  const long long n_rows = step.batch * step.steps, i = at_x();
  const long long first = i / step.drive_size * ROWS, column = i % step.drive_size;
  if (first >= n_rows) return;
  const real* constants = step.constants + blockIdx.y * step.n_written;
  const real* weight = constants + step.input_weight + column;
  const real* x[ROWS];
  real sum[ROWS];
  for (int r = 0; r < ROWS; ++r) {
    const long long row = first + r < n_rows ? first + r : n_rows - 1;
    x[r] = step.values + (blockIdx.y * n_rows + row) * step.inputs;
    sum[r] = constants[step.input_bias + column];
  }
  for (long long f = 0; f < step.inputs; ++f) {
    const real w = weight[f * step.drive_size];
    for (int r = 0; r < ROWS; ++r) sum[r] += w * x[r][f];
  }
  for (int r = 0; r < ROWS && first + r < n_rows; ++r)
    step.drive[(blockIdx.y * n_rows + first + r) * step.drive_size + column] = sum[r];
}
