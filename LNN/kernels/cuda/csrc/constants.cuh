// The constants of a step as formulas of the parameters, there and back.
//
// Whatever only the parameters decide (weights in the order in which kernels read them,
// conductances that must be positive) is one of few formulas of up to three parameters.
#pragma once
#include "step.cuh"

#define COPY 0          // a
#define POSITIVE 1      // softplus(a)
#define LEAK 2          // softplus(a) + epsilon
#define CURRENT 3       // softplus(a) b
#define PRODUCT 4       // a b
#define SHIFT 5         // a (b - c)

// A parameter, or 0 where a formula has none.
__device__ inline real number(const real* vector, int at) {
  return at < 0 ? 0 : vector[at];
}

__device__ inline real softplus_slope(real x) { return x > 20 ? 1 : sigmoid(x); }

__device__ inline real constant(const Step& step, const real* vector, long long k) {
  const real a = number(vector, step.first[k]), b = number(vector, step.second[k]);
  switch (step.formula[k]) {
    case POSITIVE: return softplus(a);
    case LEAK: return softplus(a) + step.settings[0];
    case CURRENT: return softplus(a) * b;
    case PRODUCT: return a * b;
    case SHIFT: return a * (b - number(vector, step.third[k]));
    default: return a;
  }
}

// The slope of constant k by parameter p, one of those in its formula.
__device__ inline real slope(const Step& step, const real* vector, long long k, int p) {
  const real a = number(vector, step.first[k]), b = number(vector, step.second[k]);
  const bool by_a = step.first[k] == p, by_b = step.second[k] == p;
  switch (step.formula[k]) {
    case POSITIVE:
    case LEAK: return softplus_slope(a);
    case CURRENT: return by_a ? softplus_slope(a) * b : softplus(a);
    case PRODUCT: return by_a ? b : a;
    case SHIFT: return by_a ? b - number(vector, step.third[k]) : by_b ? a : -a;
    default: return 1;
  }
}

// First of all in a step: the next batch, its constants, and sums that begin at 0.
extern "C" __global__ void __launch_bounds__(THREADS)
prepare(const Step* steps, const Model* models) {
  const Step& step = *steps;
  const Model& model = models[blockIdx.y];
  const long long i = at_x();
  if (i == 0) *model.now += 1;
  if (i < step.n_written)
    step.constants[blockIdx.y * step.n_written + i] = constant(step, model.vector, i);
  if (i < step.n_sums) step.sums[blockIdx.y * step.n_sums + i] = 0;
}

// The sum over the threads of a block, in all of them.
__device__ inline real sum_block(real x) {
  __shared__ real each[THREADS];
  each[threadIdx.x] = x;
  __syncthreads();
  for (int half = THREADS / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) each[threadIdx.x] += each[threadIdx.x + half];
    __syncthreads();
  }
  return each[0];
}

// What the products make of parameter p by way of the constants that it is in, or of the
// loss where p is past the last: the sum over uses and chunks, dealt to the threads of
// the parameter.
__device__ inline real summed(const Step& step, const Model& model, int p) {
  const real* partial = step.partial + blockIdx.y * step.n_chunks * step.n_entries;
  const int chunks = int(step.n_chunks), lane = threadIdx.x % SUMMERS;
  const bool is_loss = p == step.n_parameters;
  if (p > step.n_parameters) return 0;
  const int first = is_loss ? 0 : step.first_use[p];
  const int uses = is_loss ? 1 : step.first_use[p + 1] - first;
  real sum = 0;
#pragma unroll 4
  for (int i = lane; i < uses * chunks; i += SUMMERS) {
    const int k = is_loss ? 0 : step.use[first + i / chunks];
    const long long entry = is_loss ? step.loss_entry : step.entry[k];
    const real factor = is_loss ? 1 : slope(step, model.vector, k, p);
    sum += factor * partial[i % chunks * step.n_entries + entry];
  }
  return sum;
}

// The gradient of each parameter, of the mean loss: from the sums of the products, by
// the chain rule through the constants that are made of it. Adds the batch's loss to
// the total, and leaves each block's part of the gradient's squared norm.
extern "C" __global__ void __launch_bounds__(THREADS)
finish(const Step* steps, const Model* models) {
  const Step& step = *steps;
  const Model& model = models[blockIdx.y];
  const int p = int(at_x() / SUMMERS);
  const bool writes = threadIdx.x % SUMMERS == 0;
  const real sum = sum_lanes<SUMMERS>(summed(step, model, p), team<SUMMERS>());
  real gradient = 0;
  if (writes && p < step.n_parameters) {
    gradient = sum / (model.rule[2] * count(step, model));
    step.gradient[blockIdx.y * step.n_parameters + p] = gradient;
  }
  if (writes && p == step.n_parameters) *model.total += sum;
  const real norm = sum_block(gradient * gradient);
  if (threadIdx.x == 0) step.norms[blockIdx.y * step.norm_blocks + blockIdx.x] = norm;
}
