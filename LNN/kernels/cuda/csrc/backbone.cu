// The CfC with a backbone over whole sequences, forward and backward.
//
// One block computes one sequence. A step is a chain of dense maps: `recurrent` makes,
// with the drive, what enters the first layer of the backbone; each of `deep` what
// enters the next; `heads` the maps of all neurons. A record has, per step, what enters
// each layer and then the maps. The matrices stand column by column on the way there,
// and row by row on the way back, where they are the transposed maps.
#include "activation.cuh"
#include "closed_form.cuh"
#include "memory.cuh"

// Numbers of a step: in the drive, in the record, and of gradients beside the drive's.
#define DRIVE (GATES + UNITS)
#define DEEP (LAYERS - 1)
#define RECORD (LAYERS * UNITS + MAPS * NEURONS)
#define WORK (DEEP * UNITS + MAPS * NEURONS)
#define SQUARE ((long long)UNITS * UNITS)
#define PADDED ((UNITS + 3) / 4 * 4)  // rows begin where four numbers are one load

// Both ways have as many threads. Bytes of a thread's registers for weights:
#define MOST_KEPT (IN_THREADS <= 256 ? 640 : IN_THREADS <= 512 ? 256 : 0)

template <int ROWS, int COLS, int LANES>
__device__ constexpr int slots() {
  return Deal<ROWS, COLS, LANES, IN_THREADS>::SLOTS;
}
constexpr int ALL_SLOTS[2] = {
    slots<UNITS, NEURONS, RECURRENT_LANES>() + DEEP * slots<UNITS, UNITS, DEEP_LANES>() +
        slots<MAPS * NEURONS, UNITS, HEADS_LANES>(),
    slots<NEURONS, UNITS, RECURRENT_BACK_LANES>() +
        DEEP * slots<UNITS, UNITS, DEEP_LANES>() +
        slots<UNITS, MAPS * NEURONS, HEADS_BACK_LANES>()};
template <int ROWS, int COLS, int LANES, int WAY>
using Weights = Dense<ROWS, COLS, LANES, IN_THREADS,
                      ALL_SLOTS[WAY] * int(sizeof(real)) <= MOST_KEPT>;

extern "C" __global__ void __launch_bounds__(IN_THREADS)
forward(const real* drive, const real* recurrent, const real* deep,
        const real* deep_bias, const real* heads, const real* heads_bias,
        const real* pure, const real* start, const real* spans, const int* lengths,
        real* states, real* record, real* final, int steps, int first, int last,
        const real* gate_weights, real* gates, int batch, int per_model) {
  const long long begin = constants_of(blockIdx.x / batch, per_model);
  recurrent += begin, deep += begin, deep_bias += begin, heads += begin,
      heads_bias += begin, pure += begin, gate_weights += begin;
  __shared__ __align__(16) real shown[NEURONS], z[2][PADDED];
  __shared__ real maps[MAPS * NEURONS];
  const bool is_neuron = threadIdx.x < NEURONS;
  const int neuron = is_neuron ? threadIdx.x : NEURONS - 1;
  const long long sequence = blockIdx.x, row = sequence * steps;
  const int end = end_of(lengths, sequence, last);
  const real asymptote = MODE == PURE ? pure[neuron] : 0;
  const real rate = MODE == PURE ? pure[NEURONS + neuron] : 0;

  using Recurrent = Weights<UNITS, NEURONS, RECURRENT_LANES, 0>;
  Recurrent into;
  Weights<UNITS, UNITS, DEEP_LANES, 0> between[DEEP > 0 ? DEEP : 1];
  Weights<MAPS * NEURONS, UNITS, HEADS_LANES, 0> out;
  into.load(recurrent), out.load(heads);
#pragma unroll
  for (int k = 0; k < DEEP; ++k) between[k].load(deep + k * SQUARE);
  real own = start[sequence * WIDTH + neuron];
  Memory memory;
  memory.load(gate_weights, start + sequence * WIDTH, neuron, is_neuron);
  if (is_neuron) shown[neuron] = own;
  __syncthreads();

  // What the next step reads from memory is on its way during this one.
  real ahead[Recurrent::PASSES], span_ahead = 0;
  auto fetch = [&](int t) {
    if (t >= end) return;
    const real* at = drive + (row + t) * DRIVE;
    span_ahead = spans[row + t];
    memory.fetch(at);
#pragma unroll
    for (int pass = 0; pass < Recurrent::PASSES; ++pass)
      if (into.row(pass) < UNITS) ahead[pass] = at[GATES + into.row(pass)];
  };
  fetch(first);
  for (int t = first; t < end; ++t) {
    const long long step = sequence * (last - first) + t - first;
    real* const kept = record ? record + step * RECORD : nullptr;
    const real span = span_ahead;
    own = memory.step(shown, own, gates ? gates + step * GATES : nullptr);
    auto enter = [&](int layer, int unit, real x) {
      if (kept) kept[layer * UNITS + unit] = x;
      z[layer & 1][unit] = activation(x);
    };
    into.apply(shown, [&](int pass, int unit, real sum) {
      enter(0, unit, ahead[pass] + sum);
    });
    fetch(t + 1);
    __syncthreads();
#pragma unroll
    for (int k = 0; k < DEEP; ++k) {
      between[k].apply(z[k & 1], [&](int, int unit, real sum) {
        enter(k + 1, unit, sum + deep_bias[k * UNITS + unit]);
      });
      __syncthreads();
    }
    out.apply(z[DEEP & 1], [&](int, int map, real sum) {
      sum += heads_bias[map];
      if (kept) kept[LAYERS * UNITS + map] = sum;
      maps[map] = sum;
    });
    __syncthreads();
    real mine[MAPS];
#pragma unroll
    for (int m = 0; m < MAPS; ++m) mine[m] = maps[m * NEURONS + neuron];
    own = closed_form(mine, own, span, asymptote, rate);
    if (is_neuron) shown[neuron] = own;
    if (states && is_neuron) states[(row + t) * WIDTH + neuron] = own;
    if (states) memory.save(states + (row + t) * WIDTH);
    __syncthreads();
  }
  // A sequence that has ended keeps its state. Its record is read like any other.
  for (int t = end > first ? end : first; t < last; ++t) {
    const long long step = sequence * (last - first) + t - first;
    for (int k = threadIdx.x; record && k < RECORD; k += IN_THREADS)
      record[step * RECORD + k] = 0;
    if (states && is_neuron) states[(row + t) * WIDTH + neuron] = own;
    if (states) memory.save(states + (row + t) * WIDTH);
  }
  if (is_neuron) final[sequence * WIDTH + neuron] = own;
  memory.save(final + sequence * WIDTH);
}

// Writes the gradients of what enters the first layer (those of the drive), and to
// `work` those of what enters the others and of the maps: products over all steps make
// the gradients of all weights of them.
extern "C" __global__ void __launch_bounds__(IN_THREADS)
backward(const real* record, const real* recurrent, const real* deep, const real* heads,
         const real* pure, const real* start, const real* spans, const int* lengths,
         const real* states, const real* grad_states, real* carry, real* grad_drive,
         real* grad_spans, real* grad_pure, real* work, int steps, int first, int last,
         const real* gate_weights, const real* gates, real* started, int batch,
         int per_model) {
  const long long begin = constants_of(blockIdx.x / batch, per_model);
  recurrent += begin, deep += begin, heads += begin, pure += begin,
      gate_weights += begin;
  __shared__ __align__(16) real of_maps[MAPS * NEURONS], flow[2][PADDED];
  __shared__ real sum_of[NEURONS];
  const bool is_neuron = threadIdx.x < NEURONS;
  const int neuron = is_neuron ? threadIdx.x : NEURONS - 1;
  const long long sequence = blockIdx.x, row = sequence * steps;
  const int end = end_of(lengths, sequence, last);
  const real asymptote = MODE == PURE ? pure[neuron] : 0;
  const real rate = MODE == PURE ? pure[NEURONS + neuron] : 0;

  Weights<NEURONS, UNITS, RECURRENT_BACK_LANES, 1> into;
  Weights<UNITS, UNITS, DEEP_LANES, 1> between[DEEP > 0 ? DEEP : 1];
  using Heads = Weights<UNITS, MAPS * NEURONS, HEADS_BACK_LANES, 1>;
  Heads out;
  into.load(recurrent), out.load(heads);
#pragma unroll
  for (int k = 0; k < DEEP; ++k) between[k].load(deep + k * SQUARE);
  real g = carry[sequence * WIDTH + neuron], grad_asymptote = 0, grad_rate = 0;
  MemoryBack memory;
  memory.load(gate_weights, neuron, is_neuron);
  memory.begin(carry + sequence * WIDTH);

  real ahead[MAPS] = {}, own_ahead = 0, span_ahead = 0, into_ahead = 0;
  real last_ahead[Heads::PASSES];
  auto fetch = [&](int t) {
    if (t < first) return;
    const real* come = grad_states ? grad_states + (row + t) * WIDTH : nullptr;
    into_ahead = come ? come[neuron] : 0;
    memory.fetch_into(come);
    if (t >= end) return;
    span_ahead = spans[row + t];
    const real* before =
        t > first ? states + (row + t - 1) * WIDTH : start + sequence * WIDTH;
    own_ahead = before[neuron];
    const long long step = sequence * (last - first) + t - first;
    memory.fetch(gates + step * GATES, states + (row + t) * WIDTH, before);
    const real* kept = record + step * RECORD;
#pragma unroll
    for (int m = 0; m < MAPS; ++m)
      ahead[m] = kept[LAYERS * UNITS + m * NEURONS + neuron];
#pragma unroll
    for (int pass = 0; pass < Heads::PASSES; ++pass)
      if (out.row(pass) < UNITS) last_ahead[pass] = kept[DEEP * UNITS + out.row(pass)];
  };
  fetch(last - 1);
  for (int t = last - 1; t >= first; --t) {
    const long long step = sequence * (last - first) + t - first;
    const real* const kept = record + step * RECORD;
    real* const to_gates = grad_drive + (row + t) * DRIVE;
    real* const to_drive = to_gates + GATES;
    real* const to_work = work + step * WORK;
    real* const begun = started + (row + t) * NEURONS;
    g += into_ahead;
    memory.take_into();
    if (t >= end) {
      memory.rest(to_gates, begun);
      fetch(t - 1);
      for (int k = threadIdx.x; k < UNITS; k += IN_THREADS) to_drive[k] = 0;
      for (int k = threadIdx.x; k < WORK; k += IN_THREADS) to_work[k] = 0;
      if (grad_spans && is_neuron) grad_spans[(row + t) * NEURONS + neuron] = 0;
      continue;
    }
    memory.take();
    const real own = memory.output(own_ahead);
    const Slopes slope = closed_form_slopes(ahead, own, span_ahead, asymptote, rate);
    for (int m = 0; is_neuron && m < MAPS; ++m) {
      const int map = m * NEURONS + neuron;
      to_work[DEEP * UNITS + map] = of_maps[map] = g * slope.map[m];
    }
    if (grad_spans && is_neuron)
      grad_spans[(row + t) * NEURONS + neuron] = g * slope.span;
    grad_asymptote += g * slope.asymptote, grad_rate += g * slope.rate;
    __syncthreads();
    auto leave = [&](int layer, int unit, real x) {
      (layer ? to_work + (layer - 1) * UNITS : to_drive)[unit] = x;
      flow[layer & 1][unit] = x;
    };
    out.apply(of_maps, [&](int pass, int unit, real sum) {
      leave(DEEP, unit, sum * activation_slope(last_ahead[pass]));
    });
    fetch(t - 1);
    __syncthreads();
#pragma unroll
    for (int k = DEEP - 1; k >= 0; --k) {
      between[k].apply(flow[k + 1 & 1], [&](int, int unit, real sum) {
        leave(k, unit, sum * activation_slope(kept[k * UNITS + unit]));
      });
      __syncthreads();
    }
    into.apply(flow[0], [&](int, int n, real sum) { sum_of[n] = sum; });
    __syncthreads();
    g = g * slope.own + sum_of[neuron];
    g = memory.back(g, to_gates, begun);
  }
  memory.save(carry + sequence * WIDTH);
  if (!is_neuron) return;
  carry[sequence * WIDTH + neuron] = g;
  if (MODE != PURE) return;
  grad_pure[(sequence * 2) * NEURONS + neuron] += grad_asymptote;
  grad_pure[(sequence * 2 + 1) * NEURONS + neuron] += grad_rate;
}
