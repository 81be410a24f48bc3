// What all kernels share: the number type, functions, and sums over lanes.
//
// One block computes one sequence. `LANES` neighbouring threads serve one neuron: each
// holds up to `SLOTS` of the neuron's synapses in registers for the whole sequence, and
// a shuffle adds their sums. REAL, NEURONS and all other names in capitals are defined
// by the host, for the structure of one cell.
#pragma once

typedef REAL real;

__device__ inline real sigmoid(real x) { return 1 / (1 + exp(-x)); }

// As torch has it, with the threshold from which it is the identity.
__device__ inline real softplus(real x) { return x > 20 ? x : log1p(exp(x)); }

// The threads of a warp that serve one neuron. Only they meet in a shuffle: neurons of
// other layers may be elsewhere in the code.
template <int LANES>
__device__ inline unsigned team() {
  if (LANES == 32) return 0xffffffffu;
  return ((1u << (LANES % 32)) - 1) << (threadIdx.x % 32 / LANES * LANES);
}

// The sum over the lanes of a neuron, the same bits in each of them.
template <int LANES>
__device__ inline real sum_lanes(real x, unsigned team) {
#pragma unroll
  for (int step = LANES / 2; step > 0; step /= 2)
    x += __shfl_xor_sync(team, x, step);
  return x;
}

// Where the constants of a model begin. Many models may run at once: the sequences of
// all of them stand in a row, `batch` of each, and so do their constants.
__device__ inline long long constants_of(int model, int per_model) {
  return (long long)model * per_model;
}

// Where a sequence ends within the first `last` steps.
__device__ inline int end_of(const int* lengths, long long sequence, int last) {
  return lengths && lengths[sequence] < last ? lengths[sequence] : last;
}
