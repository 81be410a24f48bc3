// Between the states and the loss, there and back: pooling, the affine map, the loss.
#pragma once
#include "step.cuh"

#define LAST 1
#define MEAN 2
#define MAX 4

#define SQUARED 0
#define ABSOLUTE 1
#define HUBER 2
#define CROSS_ENTROPY 3

#define ALL_LANES 0xffffffffu

__device__ inline real most_lanes(real x) {
  for (int step = 16; step > 0; step /= 2) {
    const real other = __shfl_xor_sync(ALL_LANES, x, step);
    if (!(other <= x)) x = other;  // NaN stays
  }
  return x;
}

// The loss of one number, and its slope.
__device__ inline real loss_of(long long kind, real error, real* slope) {
  const real size = fabs(error), sign = (error > 0) - (error < 0);
  if (kind == SQUARED) return *slope = 2 * error, error * error;
  if (kind == ABSOLUTE) return *slope = error == error ? sign : error, size;
  if (size <= 1) return *slope = error, real(0.5) * error * error;
  return *slope = error == error ? sign : error, size - real(0.5);
}

// One row of outputs: that of a sequence, or of one of its steps.
struct Row {
  long long sequence, t, sample, steps;  // as many steps count
  const real* states;                    // of its sequence

  __device__ Row(const Step& step) {
    const long long row = blockIdx.x;
    sequence = blockIdx.y * step.batch + (step.pooling ? row : row / step.steps);
    t = step.pooling ? 0 : row % step.steps;
    sample = step.samples[sequence], steps = step.lengths[sequence];
    states = step.states + sequence * step.steps * step.width;
  }
  // An empty sequence still has its start, which every step repeats.
  __device__ long long pooled() const { return steps < 1 ? 1 : steps; }
  __device__ real sum(const Step& step, int column) const {
    real sum = 0;
    for (long long t = 0; t < pooled(); ++t) sum += states[t * step.width + column];
    return sum;
  }
  __device__ real most(const Step& step, int column) const {
    real most = states[column];
    for (long long t = 1; t < pooled(); ++t) {
      const real x = states[t * step.width + column];
      if (!(x <= most)) most = x;
    }
    return most;
  }
  // Where the targets have this row; any where there is no sample.
  __device__ long long target(const Step& step, const Model& model) const {
    if (sample < 0) return 0;
    if (!step.per_step) return sample;
    return model.start[sample] + (t < steps ? t : steps - 1);
  }
  // What the row counts.
  __device__ real weight(const Step& step, const Model& model) const {
    if (sample < 0) return 0;
    if (step.per_step && t >= steps) return 0;
    if (step.per_step && step.whole && t < model.first_target[sample]) return 0;
    return model.weight ? model.weight[target(step, model)] : 1;
  }
};

__device__ inline void pool(const Step& step, const Row& row, real* features) {
  for (int n = threadIdx.x; n < step.neurons; n += READERS) {
    const int column = step.place[n];
    real* at = features + n;
    if (!step.pooling) *at = row.states[row.t * step.width + column];
    if (step.pooling & LAST)
      *at = step.final[row.sequence * step.width + column], at += step.neurons;
    if (step.pooling & MEAN)
      *at = row.sum(step, column) / row.pooled(), at += step.neurons;
    if (step.pooling & MAX) *at = row.most(step, column);
  }
}

// From the outputs to the gradients of the loss by them, in place; the loss. By the
// first warp.
__device__ inline real judge(const Step& step, const Model& model, const Row& row,
                             real* outputs) {
  const real weight = row.weight(step, model);
  const long long place = row.target(step, model);
  real loss = 0;
  if (step.loss != CROSS_ENTROPY) {
    const real* target = (const real*)model.target + place * step.outputs;
    for (int o = threadIdx.x; o < step.outputs; o += 32) {
      real slope;
      loss += weight * loss_of(step.loss, outputs[o] - target[o], &slope);
      outputs[o] = weight * slope;
    }
    return sum_lanes<32>(loss, ALL_LANES);
  }
  const long long code = ((const long long*)model.target)[place];
  real most = outputs[0], sum = 0;
  for (int o = threadIdx.x; o < step.outputs; o += 32)
    if (!(outputs[o] <= most)) most = outputs[o];
  most = most_lanes(most);
  for (int o = threadIdx.x; o < step.outputs; o += 32) sum += exp(outputs[o] - most);
  sum = sum_lanes<32>(sum, ALL_LANES);
  for (int o = threadIdx.x; o < step.outputs; o += 32) {
    if (o == code) loss = weight * (log(sum) + most - outputs[o]);
    outputs[o] = weight * (exp(outputs[o] - most) / sum - (o == code));
  }
  return sum_lanes<32>(loss, ALL_LANES);
}

// The gradient of what was read, of neuron n in one of the poolings.
__device__ inline real grad_read(const Step& step, const real* weight,
                                 const real* errors, long long column) {
  real sum = 0;
  for (long long o = 0; o < step.outputs; ++o)
    sum += weight[o * step.read + column] * errors[o];
  return sum;
}

// From the gradient of the features to those of the states. Writes all of `carry` and,
// where other states than the last are read, of `grad_states`.
__device__ inline void unpool(const Step& step, const Row& row, const real* weight,
                              const real* errors) {
  real* const carry = step.carry + row.sequence * step.width;
  real* const all = step.grad_states + row.sequence * step.steps * step.width;
  for (int n = threadIdx.x; n < step.width; n += READERS) {
    if (n >= step.neurons) {  // a memory's, which nobody reads
      if (row.t == 0) carry[n] = 0;
      if (!step.pooling) all[row.t * step.width + n] = 0;
      for (long long t = 0; step.pooling & (MEAN | MAX) && t < step.steps; ++t)
        all[t * step.width + n] = 0;
      continue;
    }
    const int column = step.place[n];
    long long from = n;
    if (!step.pooling) {
      all[row.t * step.width + column] = grad_read(step, weight, errors, from);
      if (row.t == 0) carry[column] = 0;
      continue;
    }
    real last = 0, mean = 0, most = 0, largest = 0, ties = 0;
    if (step.pooling & LAST)
      last = grad_read(step, weight, errors, from), from += step.neurons;
    if (step.pooling & MEAN)
      mean = grad_read(step, weight, errors, from), from += step.neurons;
    carry[column] = last;
    if (!(step.pooling & (MEAN | MAX))) continue;
    if (step.pooling & MAX) {
      most = grad_read(step, weight, errors, from), largest = row.most(step, column);
      for (long long t = 0; t < row.pooled(); ++t)
        ties += row.states[t * step.width + column] == largest;
    }
    mean /= row.pooled(), most /= ties;
    for (long long t = 0; t < step.steps; ++t) {
      real grad = mean;
      if (step.pooling & MAX && row.states[t * step.width + column] == largest)
        grad += most;
      all[t * step.width + column] = t < row.pooled() ? grad : 0;
    }
  }
}

// A block reads out one row.
extern "C" __global__ void __launch_bounds__(READERS)
read_out(const Step* steps, const Model* models) {
  const Step& step = *steps;
  const Model& model = models[blockIdx.y];
  const Row row(step);
  const long long at = blockIdx.y * step.rows + blockIdx.x;
  real* const features = step.features + at * step.read;
  real* const errors = step.errors + at * step.outputs;
  const real* const weight = model.vector + step.head_weight;

  pool(step, row, features);
  __syncthreads();
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  for (int o = warp; o < step.outputs; o += READERS / 32) {
    real sum = 0;
    for (int j = lane; j < step.read; j += 32)
      sum += weight[o * step.read + j] * features[j];
    sum = sum_lanes<32>(sum, ALL_LANES);
    if (lane == 0) errors[o] = sum + model.vector[step.head_bias + o];
  }
  __syncthreads();
  if (warp == 0) {
    const real loss = judge(step, model, row, errors);
    if (lane == 0) step.losses[at] = loss;
  }
  __syncthreads();
  unpool(step, row, weight, errors);
}
