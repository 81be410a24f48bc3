// The sensory synapses of an LTC: the currents that inputs drive, there and back.
//
// Four numbers of each synapse stand in the constants, as those of the recurrent ones:
// shift, slope, current and conductance; its sigmoid is that of slope x + shift, where
// slope and shift contain the map of the inputs. Synapses stand sorted by target.
#pragma once
#include "step.cuh"

// A thread computes current and conductance of one neuron at one step.
extern "C" __global__ void __launch_bounds__(THREADS)
sensory(const Step* steps, const Model*) {
  const Step& step = *steps;
  const long long n = step.neurons, i = at_x(), n_rows = step.batch * step.steps;
  const long long neuron = i % n, row = blockIdx.y * n_rows + i / n;
  if (i >= n_rows * n) return;
  const real* constants = step.constants + blockIdx.y * step.n_written;
  const real *value = constants + step.sensory, *leak = constants + step.leak;
  const real* x = step.values + row * step.inputs;
  const long long e_all = step.n_sensory;
  real current = leak[neuron], conductance = leak[n + neuron];
  for (int e = step.first_edge[neuron]; e < step.first_edge[neuron + 1]; ++e) {
    const real open = sigmoid(value[e_all + e] * x[step.edge_source[e]] + value[e]);
    current += value[2 * e_all + e] * open;
    conductance += value[3 * e_all + e] * open;
  }
  real* const at = step.drive + row * step.drive_size;
  at[neuron] = current, at[n + neuron] = conductance;
}

// A thread sums the gradients of one synapse's four numbers over a chunk of rows.
extern "C" __global__ void __launch_bounds__(THREADS)
sensory_back(const Step* steps, const Model*) {
  const Step& step = *steps;
  const long long e_all = step.n_sensory, n_rows = step.batch * step.steps;
  const long long blocks = (e_all + THREADS - 1) / THREADS;
  const long long chunk = blockIdx.x / blocks;
  const long long e = blockIdx.x % blocks * THREADS + threadIdx.x;
  if (e >= e_all) return;
  const real* value = step.constants + blockIdx.y * step.n_written + step.sensory + e;
  const real shift = value[0], slope = value[e_all];
  const real current = value[2 * e_all], conductance = value[3 * e_all];
  const long long source = step.edge_source[e], target = step.edge_target[e];
  real sum[4] = {};
  const long long first = chunk * step.chunk;
  const long long last = first + step.chunk < n_rows ? first + step.chunk : n_rows;
#pragma unroll 4
  for (long long k = first; k < last; ++k) {
    const long long row = blockIdx.y * n_rows + k;
    const real* grad = step.grad_drive + row * step.drive_size + target;
    const real x = step.values[row * step.inputs + source];
    const real of_current = grad[0], of_conductance = grad[step.neurons];
    const real open = sigmoid(slope * x + shift);
    const real inner = (current * of_current + conductance * of_conductance) * open *
                       (1 - open);
    sum[0] += inner, sum[1] += inner * x;
    sum[2] += open * of_current, sum[3] += open * of_conductance;
  }
  real* const out = step.partial + step.sensory_entry + e +
                    (blockIdx.y * step.n_chunks + chunk) * step.n_entries;
  for (int i = 0; i < 4; ++i) out[i * e_all] = sum[i];
}
