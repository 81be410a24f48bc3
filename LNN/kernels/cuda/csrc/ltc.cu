// The LTC over whole sequences, forward and backward.
//
// `values` holds four numbers of each synapse: shift, sigma, current and conductance.
// `edges` tells which synapse stands in a thread's slot (-1 in an empty one), `others`
// the neuron at its other end.
#include "solvers.cuh"
#include "memory.cuh"

// Numbers of a step in the drive.
#define DRIVE (GATES + 2 * NEURONS)

#define SHIFT 0
#define SIGMA 1
#define CURRENT 2
#define CONDUCTANCE 3

template <int SLOTS, int THREADS>
struct Synapses {
  int edge[SLOTS], other[SLOTS];
  real value[SLOTS][4];

  __device__ void load(const real* values, const int* edges, const int* others,
                       int synapses) {
#pragma unroll
    for (int k = 0; k < SLOTS; ++k) {
      edge[k] = edges[k * THREADS + threadIdx.x];
      other[k] = others[k * THREADS + threadIdx.x];
#pragma unroll
      for (int i = 0; i < 4; ++i)
        value[k][i] = edge[k] < 0 ? 0 : values[(long long)i * synapses + edge[k]];
    }
  }
  __device__ real open(int k, real v) const {
    return sigmoid(value[k][SIGMA] * v + value[k][SHIFT]);
  }
};

extern "C" __global__ void __launch_bounds__(IN_THREADS)
forward(const real* drive, const real* values, const real* capacities, const int* edges,
        const int* others, const real* start, const real* spans, const int* lengths,
        real* states, real* record, real* final, int synapses, int steps, int first,
        int last, const real* gate_weights, real* gates, int batch, int per_model) {
  const long long begin = constants_of(blockIdx.x / batch, per_model);
  values += begin, capacities += begin, gate_weights += begin;
  __shared__ real shown[2][NEURONS];
  const int neuron = threadIdx.x / IN_LANES, lane = threadIdx.x % IN_LANES;
  const unsigned mates = team<IN_LANES>();
  const long long sequence = blockIdx.x, row = sequence * steps;
  const int end = end_of(lengths, sequence, last);
  const real capacity = capacities[neuron];

  Synapses<IN_SLOTS, IN_THREADS> in;
  in.load(values, edges, others, synapses);
  real v = start[sequence * WIDTH + neuron];
  Memory memory;
  memory.load(gate_weights, start + sequence * WIDTH, neuron, lane == 0);
  int side = 0;
  if (lane == 0) shown[side][neuron] = v;
  __syncthreads();

  // What the next step reads from memory is on its way during this one.
  real current_ahead = 0, conductance_ahead = 0, span_ahead = 0;
  auto fetch = [&](int t) {
    if (t >= end) return;
    const real *gate = drive + (row + t) * DRIVE, *at = gate + GATES + neuron;
    memory.fetch(gate);
    span_ahead = spans[row + t], current_ahead = at[0], conductance_ahead = at[NEURONS];
  };
  fetch(first);
  for (int t = first; t < end; ++t) {
    const real h = span_ahead / UNFOLDS;
    const real current = current_ahead, conductance = conductance_ahead;
    const long long step = sequence * (last - first) + t - first;
    v = memory.step(shown[side], v, gates ? gates + step * GATES : nullptr);
    fetch(t + 1);
#pragma unroll 1
    for (int u = 0; u < UNFOLDS; ++u, side ^= 1) {
      real i = 0, g = 0;
#pragma unroll
      for (int k = 0; k < IN_SLOTS; ++k) {
        const real open = in.open(k, shown[side][in.other[k]]);
        i += in.value[k][CURRENT] * open;
        g += in.value[k][CONDUCTANCE] * open;
      }
      i = current + sum_lanes<IN_LANES>(i, mates);
      g = conductance + sum_lanes<IN_LANES>(g, mates);
      const Recorded r = recorded(v, i, g, h, capacity);
      v += change(r, h, capacity);
      if (lane == 0) {
        shown[side ^ 1][neuron] = v;
        if (record) {
          real* at = record + ((step * UNFOLDS + u) * 2) * NEURONS + neuron;
          at[0] = r.first, at[NEURONS] = r.second;
        }
      }
      __syncthreads();
    }
    if (states && lane == 0) states[(row + t) * WIDTH + neuron] = v;
    if (states) memory.save(states + (row + t) * WIDTH);
  }
  if (lane != 0) return;
  // A sequence that has ended keeps its state.
  for (int t = end > first ? end : first; states && t < last; ++t) {
    states[(row + t) * WIDTH + neuron] = v;
    memory.save(states + (row + t) * WIDTH);
  }
  final[sequence * WIDTH + neuron] = v;
  memory.save(final + sequence * WIDTH);
}

// A thread holds synapses of one *source* here: their sigmoids need its own v alone, and
// what they carry back is a sum over its own slots, without a scatter. Sums of the
// synapses' gradients stay in registers over all sequences of a block; `sums` has a row
// for each block, four numbers a synapse and then one a neuron.
extern "C" __global__ void __launch_bounds__(OUT_THREADS)
backward(const real* record, const real* values, const real* capacities,
         const int* edges, const int* others, const real* start, const real* spans,
         const int* lengths, const real* states, const real* grad_states, real* carry,
         real* grad_drive, real* grad_spans, real* sums, int synapses, int steps,
         int first, int last, const real* gate_weights, const real* gates,
         real* started, int batch, int per_model) {
  const int model = blockIdx.y;
  const long long begin = constants_of(model, per_model);
  values += begin, capacities += begin, gate_weights += begin;
  __shared__ real shown[2][2][NEURONS];
  const int neuron = threadIdx.x / OUT_LANES, lane = threadIdx.x % OUT_LANES;
  const unsigned mates = team<OUT_LANES>();
  const real capacity = capacities[neuron];

  Synapses<OUT_SLOTS, OUT_THREADS> out;
  out.load(values, edges, others, synapses);
  MemoryBack memory;
  memory.load(gate_weights, neuron, lane == 0);
  real grad[OUT_SLOTS][4] = {}, grad_capacity = 0;
  int side = 0;

  for (long long nth = blockIdx.x; nth < batch; nth += gridDim.x) {
    const long long sequence = (long long)model * batch + nth;
    const long long row = sequence * steps;
    const int end = end_of(lengths, sequence, last);
    real g = carry[sequence * WIDTH + neuron];
    memory.begin(carry + sequence * WIDTH);

    // What is read from memory is read one unfold ahead, or one step.
    Recorded ahead = {};
    real v_ahead = 0, span_ahead = 0, into_ahead = 0;
    auto fetch_step = [&](int t) {
      if (t < first) return;
      const long long at = (row + t) * WIDTH;
      const real* into = grad_states ? grad_states + at : nullptr;
      into_ahead = into ? into[neuron] : 0;
      memory.fetch_into(into);
      v_ahead = states[at + neuron], span_ahead = spans[row + t];
      if (t >= end) return;
      const long long step = sequence * (last - first) + t - first;
      const real* before = t > first ? states + at - WIDTH : start + sequence * WIDTH;
      memory.fetch(gates + step * GATES, states + at, before);
    };
    auto fetch = [&](int t, int u) {
      if (u < 0) t -= 1, u = UNFOLDS - 1;
      if (t < first || t >= end) return;
      const long long step = sequence * (last - first) + t - first;
      const real* at = record + ((step * UNFOLDS + u) * 2) * NEURONS + neuron;
      ahead = {at[0], at[NEURONS]};
    };
    fetch(end - 1, UNFOLDS - 1);
    fetch_step(last - 1);
    for (int t = last - 1; t >= first; --t) {
      const long long at = (row + t) * NEURONS + neuron;
      real* const to_gates = grad_drive + (row + t) * DRIVE;
      real* const to_drive = to_gates + GATES + neuron;
      real* const begun = started + (row + t) * NEURONS;
      const real h = span_ahead / UNFOLDS;
      real v = v_ahead, grad_i = 0, grad_g = 0, grad_h = 0;
      g += into_ahead;
      memory.take_into();
      memory.take();
      fetch_step(t - 1);
      if (t >= end) {
        memory.rest(to_gates, begun);
        if (lane == 0) to_drive[0] = to_drive[NEURONS] = 0;
        if (lane == 0 && grad_spans) grad_spans[at] = 0;
        continue;
      }
#pragma unroll 1
      for (int u = UNFOLDS - 1; u >= 0; --u, side ^= 1) {
        const Recorded r = ahead;
        fetch(t, u - 1);
        v -= change(r, h, capacity);
        const StepSlopes slope = step_slopes(r, v, h, capacity);
        const real of_current = g * slope.current;
        const real of_conductance = g * slope.conductance;
        if (lane == 0) {
          shown[side][0][neuron] = of_current;
          shown[side][1][neuron] = of_conductance;
        }
        grad_i += of_current, grad_g += of_conductance;
        grad_h += g * slope.h, grad_capacity += g * slope.capacity;
        real open[OUT_SLOTS], back = 0;
#pragma unroll
        for (int k = 0; k < OUT_SLOTS; ++k) open[k] = out.open(k, v);
        __syncthreads();
#pragma unroll
        for (int k = 0; k < OUT_SLOTS; ++k) {
          const real i = shown[side][0][out.other[k]], c = shown[side][1][out.other[k]];
          const real* value = out.value[k];
          const real slope_k = (value[CURRENT] * i + value[CONDUCTANCE] * c) * open[k] *
                               (1 - open[k]);
          back += value[SIGMA] * slope_k;
          grad[k][SHIFT] += slope_k;
          grad[k][SIGMA] += slope_k * v;
          grad[k][CURRENT] += open[k] * i;
          grad[k][CONDUCTANCE] += open[k] * c;
        }
        g = g * slope.v + sum_lanes<OUT_LANES>(back, mates);
      }
      if (lane == 0) {
        to_drive[0] = grad_i, to_drive[NEURONS] = grad_g;
        if (grad_spans) grad_spans[at] = grad_h / UNFOLDS;
      }
      g = memory.back(g, to_gates, begun);
    }
    // No barrier: the next sequence writes to the side that nobody reads.
    if (lane == 0) carry[sequence * WIDTH + neuron] = g;
    memory.save(carry + sequence * WIDTH);
  }
  const long long block = (long long)model * gridDim.x + blockIdx.x;
  real* const mine = sums + block * (4ll * synapses + NEURONS);
  if (lane == 0) mine[4ll * synapses + neuron] += grad_capacity;
#pragma unroll
  for (int k = 0; k < OUT_SLOTS; ++k)
    for (int i = 0; out.edge[k] >= 0 && i < 4; ++i)
      mine[(long long)i * synapses + out.edge[k]] += grad[k][i];
}
