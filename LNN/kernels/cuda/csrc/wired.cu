// The wired CfC over whole sequences, forward and backward.
//
// Neurons stand in evaluation order. A synapse from an earlier layer carries the new
// state of its source, any other the old one; `codes` tells by adding NEURONS to the
// other neuron's number. `places` holds each neuron's layer, the column of its first
// map in a step's drive, and how far its maps are apart there and in the weights.
// `where` is the weight of a synapse's first map, -1 where a slot is empty.
#include "closed_form.cuh"
#include "memory.cuh"

// Numbers of a step in the drive.
#define DRIVE (GATES + MAPS * NEURONS)

template <int SLOTS, int THREADS>
struct Synapses {
  int code[SLOTS];
  real weight[SLOTS][MAPS];

  // `apart` is how far a neuron's maps are apart, by the target's number.
  __device__ void load(const real* weights, const int* codes, const int* where,
                       const int* apart, int target) {
#pragma unroll
    for (int k = 0; k < SLOTS; ++k) {
      const int at = where[k * THREADS + threadIdx.x];
      code[k] = codes[k * THREADS + threadIdx.x];
      const int far = apart[target < 0 ? code[k] % NEURONS : target];
#pragma unroll
      for (int m = 0; m < MAPS; ++m) weight[k][m] = at < 0 ? 0 : weights[at + m * far];
    }
  }
};

extern "C" __global__ void __launch_bounds__(IN_THREADS)
forward(const real* drive, const real* weights, const int* codes, const int* where,
        const int* places, const real* pure, const real* start, const real* spans,
        const int* lengths, real* states, real* record, real* final, int steps,
        int first, int last, const real* gate_weights, real* gates, int batch,
        int per_model) {
  const long long begin = constants_of(blockIdx.x / batch, per_model);
  weights += begin, pure += begin, gate_weights += begin;
  __shared__ real shown[2][NEURONS];
  const int neuron = threadIdx.x / IN_LANES, lane = threadIdx.x % IN_LANES;
  const int layer = places[neuron], column = places[NEURONS + neuron];
  const int apart = places[2 * NEURONS + neuron];
  const unsigned mates = team<IN_LANES>();
  const long long sequence = blockIdx.x, row = sequence * steps;
  const int end = end_of(lengths, sequence, last);
  const real asymptote = MODE == PURE ? pure[neuron] : 0;
  const real rate = MODE == PURE ? pure[NEURONS + neuron] : 0;

  Synapses<IN_SLOTS, IN_THREADS> in;
  in.load(weights, codes, where, places + 2 * NEURONS, neuron);
  real own = start[sequence * WIDTH + neuron];
  Memory memory;
  memory.load(gate_weights, start + sequence * WIDTH, neuron, lane == 0);
  if (lane == 0) shown[first & 1][neuron] = own;
  __syncthreads();

  // What the next step reads from memory is on its way during this one.
  real ahead[MAPS] = {}, span_ahead = 0;
  auto fetch = [&](int t) {
    if (t >= end) return;
    const real* at = drive + (row + t) * DRIVE;
    span_ahead = spans[row + t];
    memory.fetch(at);
#pragma unroll
    for (int m = 0; m < MAPS; ++m) ahead[m] = at[GATES + column + m * apart];
  };
  fetch(first);
  for (int t = first; t < end; ++t) {
    const long long at = sequence * (last - first) + t - first;
    const real span = span_ahead;
    real *old = shown[t & 1], *now = shown[t + 1 & 1], z[MAPS], sum[MAPS] = {};
    own = memory.step(old, own, gates ? gates + at * GATES : nullptr);
    for (int m = 0; m < MAPS; ++m) z[m] = ahead[m];
    fetch(t + 1);
#pragma unroll 1
    for (int current = 0; current < LAYERS; ++current) {
      if (current == layer) {
#pragma unroll
        for (int k = 0; k < IN_SLOTS; ++k) {
          const int code = in.code[k];
          const real x = code < NEURONS ? old[code] : now[code - NEURONS];
#pragma unroll
          for (int m = 0; m < MAPS; ++m) sum[m] += in.weight[k][m] * x;
        }
#pragma unroll
        for (int m = 0; m < MAPS; ++m) z[m] += sum_lanes<IN_LANES>(sum[m], mates);
        own = closed_form(z, own, span, asymptote, rate);
        if (lane == 0) now[neuron] = own;
      }
      __syncthreads();
    }
    if (states) memory.save(states + (row + t) * WIDTH);
    if (lane == 0) {
      if (states) states[(row + t) * WIDTH + neuron] = own;
      for (int m = 0; record && m < MAPS; ++m)
        record[(at * MAPS + m) * NEURONS + neuron] = z[m];
    }
  }
  if (lane != 0) return;
  // A sequence that has ended keeps its state.
  for (int t = end > first ? end : first; states && t < last; ++t) {
    states[(row + t) * WIDTH + neuron] = own;
    memory.save(states + (row + t) * WIDTH);
  }
  final[sequence * WIDTH + neuron] = own;
  memory.save(final + sequence * WIDTH);
}

// The sum of what flows back over synapses of one kind, of all maps.
template <bool FRESH>
__device__ inline real gather(const Synapses<OUT_SLOTS, OUT_THREADS>& out,
                              const real (*grad)[NEURONS]) {
  real sum = 0;
#pragma unroll
  for (int k = 0; k < OUT_SLOTS; ++k) {
    const int code = out.code[k];
    if (FRESH != (code >= NEURONS)) continue;
#pragma unroll
    for (int m = 0; m < MAPS; ++m)
      sum += out.weight[k][m] * grad[m][FRESH ? code - NEURONS : code];
  }
  return sum;
}

// `carry` holds the gradient of the state after step `last - 1`, and of that before
// step `first` when the kernel ends. The gradient of the drive is that of the maps,
// from which products over all steps make the gradients of all weights.
extern "C" __global__ void __launch_bounds__(OUT_THREADS)
backward(const real* record, const real* weights, const int* codes, const int* where,
         const int* places, const real* pure, const real* start, const real* spans,
         const int* lengths, const real* states, const real* grad_states, real* carry,
         real* grad_drive, real* grad_spans, real* grad_pure, int steps, int first,
         int last, const real* gate_weights, const real* gates, real* started,
         int batch, int per_model) {
  const long long begin = constants_of(blockIdx.x / batch, per_model);
  weights += begin, pure += begin, gate_weights += begin;
  __shared__ real shown[2][MAPS][NEURONS];
  const int neuron = threadIdx.x / OUT_LANES, lane = threadIdx.x % OUT_LANES;
  const int layer = places[neuron], column = places[NEURONS + neuron];
  const int apart = places[2 * NEURONS + neuron];
  const unsigned mates = team<OUT_LANES>();
  const long long sequence = blockIdx.x, row = sequence * steps;
  const int end = end_of(lengths, sequence, last);
  const real asymptote = MODE == PURE ? pure[neuron] : 0;
  const real rate = MODE == PURE ? pure[NEURONS + neuron] : 0;

  Synapses<OUT_SLOTS, OUT_THREADS> out;
  out.load(weights, codes, where, places + 2 * NEURONS, -1);
  real g = carry[sequence * WIDTH + neuron], grad_asymptote = 0, grad_rate = 0;
  MemoryBack memory;
  memory.load(gate_weights, neuron, lane == 0);
  memory.begin(carry + sequence * WIDTH);

  real ahead[MAPS] = {}, own_ahead = 0, span_ahead = 0, into_ahead = 0;
  auto fetch = [&](int t) {
    if (t < first) return;
    const real* into = grad_states ? grad_states + (row + t) * WIDTH : nullptr;
    into_ahead = into ? into[neuron] : 0;
    memory.fetch_into(into);
    if (t >= end) return;
    span_ahead = spans[row + t];
    const real* before =
        t > first ? states + (row + t - 1) * WIDTH : start + sequence * WIDTH;
    own_ahead = before[neuron];
    const long long at = sequence * (last - first) + t - first;
    memory.fetch(gates + at * GATES, states + (row + t) * WIDTH, before);
#pragma unroll
    for (int m = 0; m < MAPS; ++m)
      ahead[m] = record[(at * MAPS + m) * NEURONS + neuron];
  };
  fetch(last - 1);
  for (int t = last - 1; t >= first; --t) {
    real* const to_drive = grad_drive + (row + t) * DRIVE;
    real* const grad = to_drive + GATES + column;
    real* const begun = started + (row + t) * NEURONS;
    g += into_ahead;
    memory.take_into();
    if (t >= end) {
      memory.rest(to_drive, begun);
      fetch(t - 1);
      for (int m = 0; lane == 0 && m < MAPS; ++m) grad[m * apart] = 0;
      if (grad_spans && lane == 0) grad_spans[(row + t) * NEURONS + neuron] = 0;
      continue;
    }
    memory.take();
    const real own = memory.output(own_ahead);
    const Slopes slope = closed_form_slopes(ahead, own, span_ahead, asymptote, rate);
    fetch(t - 1);
    real(*maps)[NEURONS] = shown[t & 1];
#pragma unroll 1
    for (int current = LAYERS - 1; current >= 0; --current) {
      if (current == layer) {
        g += sum_lanes<OUT_LANES>(gather<true>(out, maps), mates);
        for (int m = 0; lane == 0 && m < MAPS; ++m)
          grad[m * apart] = maps[m][neuron] = g * slope.map[m];
      }
      __syncthreads();
    }
    if (grad_spans && lane == 0)
      grad_spans[(row + t) * NEURONS + neuron] = g * slope.span;
    grad_asymptote += g * slope.asymptote;
    grad_rate += g * slope.rate;
    g = g * slope.own + sum_lanes<OUT_LANES>(gather<false>(out, maps), mates);
    g = memory.back(g, to_drive, begun);
  }
  if (lane != 0) return;
  carry[sequence * WIDTH + neuron] = g;
  memory.save(carry + sequence * WIDTH);
  if (MODE != PURE) return;
  grad_pure[(sequence * 2) * NEURONS + neuron] += grad_asymptote;
  grad_pure[(sequence * 2 + 1) * NEURONS + neuron] += grad_rate;
}
