// Mixed memory: an LSTM that renews the state before the liquid cell takes its step.
//
// Its four gates (candidate, write, keep, read) stand before the drive of the cell, and
// its own memory c after the states of the neurons, in the same order of neurons. With
// MEMORY 0 nothing of this is there, and a kernel is that of the cell alone.
#pragma once
#include "dense.cuh"

#define WIDTH (NEURONS * (1 + MEMORY))
#define GATES (4 * NEURONS * MEMORY)

#if MEMORY

// More of the weights in registers would leave too few for the cell.
template <int ROWS, int COLS, int LANES, int THREADS>
using GateMap =
    Dense<ROWS, COLS, LANES, THREADS,
          THREADS <= 256 &&
              Deal<ROWS, COLS, LANES, THREADS>::SLOTS * sizeof(real) <= 128>;

struct Memory {
  GateMap<4 * NEURONS, NEURONS, GATE_LANES, IN_THREADS> map;
  int neuron;
  bool writes;  // one thread of each neuron
  real c, ahead[4];

  __device__ void load(const real* weights, const real* start, int n, bool first) {
    map.load(weights);
    neuron = n, writes = first, c = start[NEURONS + n];
  }
  // `drive` is that of one step.
  __device__ void fetch(const real* drive) {
#pragma unroll
    for (int q = 0; q < 4; ++q) ahead[q] = drive[q * NEURONS + neuron];
  }
  // Renew the states in `shown`; `record` is that of one step, or null.
  __device__ real step(real* shown, real own, real* record) {
    __shared__ __align__(16) real gate[4 * NEURONS];
    map.apply(shown, [&](int, int row, real sum) { gate[row] = sum; });
    __syncthreads();
    real z[4];
#pragma unroll
    for (int q = 0; q < 4; ++q) z[q] = gate[q * NEURONS + neuron] + ahead[q];
    c = c * sigmoid(z[2] + 1) + tanh(z[0]) * sigmoid(z[1]);
    own = tanh(c) * sigmoid(z[3]);
    if (writes) shown[neuron] = own;
    for (int q = 0; record && writes && q < 4; ++q) record[q * NEURONS + neuron] = z[q];
    __syncthreads();
    return own;
  }
  __device__ void save(real* state) const {
    if (writes) state[NEURONS + neuron] = c;
  }
};

struct MemoryBack {
  GateMap<NEURONS, 4 * NEURONS, BACK_LANES, OUT_THREADS> map;
  int neuron;
  bool writes;
  real g, z[4], c, c_before;
  real z_ahead[4], c_ahead, c_before_ahead, into_ahead;

  __device__ void load(const real* weights, int n, bool first) {
    map.load(weights);
    neuron = n, writes = first;
  }
  __device__ void begin(const real* carry) { g = carry[NEURONS + neuron]; }
  // The gradient that comes to c itself; null is none.
  __device__ void fetch_into(const real* grad_state) {
    into_ahead = grad_state ? grad_state[NEURONS + neuron] : 0;
  }
  __device__ void fetch(const real* record, const real* state, const real* before) {
    c_ahead = state[NEURONS + neuron], c_before_ahead = before[NEURONS + neuron];
#pragma unroll
    for (int q = 0; q < 4; ++q) z_ahead[q] = record[q * NEURONS + neuron];
  }
  __device__ void take_into() { g += into_ahead; }
  __device__ void take() {
    c = c_ahead, c_before = c_before_ahead;
#pragma unroll
    for (int q = 0; q < 4; ++q) z[q] = z_ahead[q];
  }
  // The state that the cell started from.
  __device__ real output(real) const { return tanh(c) * sigmoid(z[3]); }
  // From the gradient of that state to that of the state before.
  __device__ real back(real of_output, real* grad_drive, real* started) {
    __shared__ __align__(16) real flow[4 * NEURONS];
    __shared__ real sum_of[NEURONS];
    const real candidate = tanh(z[0]), write = sigmoid(z[1]), keep = sigmoid(z[2] + 1);
    const real read = sigmoid(z[3]), shape = tanh(c);
    const real of_c = g + of_output * read * (1 - shape * shape);
    if (writes) {
      flow[neuron] = of_c * write * (1 - candidate * candidate);
      flow[NEURONS + neuron] = of_c * candidate * write * (1 - write);
      flow[2 * NEURONS + neuron] = of_c * c_before * keep * (1 - keep);
      flow[3 * NEURONS + neuron] = of_output * shape * read * (1 - read);
      started[neuron] = shape * read;
      for (int q = 0; q < 4; ++q)
        grad_drive[q * NEURONS + neuron] = flow[q * NEURONS + neuron];
    }
    g = of_c * keep;
    __syncthreads();
    map.apply(flow, [&](int, int row, real sum) { sum_of[row] = sum; });
    __syncthreads();
    return sum_of[neuron];
  }
  // A step past the end of a sequence.
  __device__ void rest(real* grad_drive, real* started) {
    if (writes) started[neuron] = 0;
    for (int q = 0; writes && q < 4; ++q) grad_drive[q * NEURONS + neuron] = 0;
  }
  __device__ void save(real* carry) const {
    if (writes) carry[NEURONS + neuron] = g;
  }
};

#else

struct Memory {
  __device__ void load(const real*, const real*, int, bool) {}
  __device__ void fetch(const real*) {}
  __device__ real step(real*, real own, real*) { return own; }
  __device__ void save(real*) const {}
};

struct MemoryBack {
  __device__ void load(const real*, int, bool) {}
  __device__ void begin(const real*) {}
  __device__ void fetch_into(const real*) {}
  __device__ void fetch(const real*, const real*, const real*) {}
  __device__ void take_into() {}
  __device__ void take() {}
  __device__ real output(real own) const { return own; }
  __device__ real back(real of_output, real*, real*) { return of_output; }
  __device__ void rest(real*, real*) {}
  __device__ void save(real*) const {}
};

#endif
