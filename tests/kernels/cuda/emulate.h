// Enough of CUDA to run the kernels on a CPU: a fiber per thread, one block at a time.
//
// A fiber runs until a barrier or a shuffle. The order of the threads is the caller's:
// a missing barrier shows in one of two opposite orders. Threads that meet different
// numbers of barriers are an error, as is a shuffle whose partners never come.
#pragma once
#include <ucontext.h>

#include <cmath>
#include <cstdlib>
#include <tuple>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __shared__ static
#define __align__(n)
#define __launch_bounds__(...)
using std::exp, std::expm1, std::fabs, std::log, std::log1p, std::tanh, std::erf;
using std::fmax, std::sqrt;

struct Index {
  int x, y;
};
enum Wait { READY, AT_BARRIER, AT_SHUFFLE, DONE };
struct Fiber {
  ucontext_t context;
  Wait wait;
  unsigned mask;
  bool odd;          // of two slots, so that a fast thread overwrites none that is read
  double slot[2];
};
static Index threadIdx, blockIdx, blockDim, gridDim;
static ucontext_t scheduler;
static std::vector<Fiber> fibers;
static std::vector<char> stacks;
constexpr std::size_t STACK = 1 << 16;

inline void wait_for(Wait what) {
  Fiber& mine = fibers[threadIdx.x];
  mine.wait = what;
  swapcontext(&mine.context, &scheduler);
}
inline void __syncthreads() { wait_for(AT_BARRIER); }

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int step) {
  const int me = threadIdx.x;
  Fiber& mine = fibers[me];
  mine.mask = mask;
  mine.odd = !mine.odd;
  mine.slot[mine.odd] = value;
  const bool odd = mine.odd;
  wait_for(AT_SHUFFLE);
  return T(fibers[me ^ step].slot[odd]);
}

// Let go the warps whose threads have all come to the same shuffle.
inline bool release_shuffles() {
  bool any = false;
  const int n = int(fibers.size());
  for (int i = 0; i < n; ++i) {
    if (fibers[i].wait != AT_SHUFFLE) continue;
    const unsigned mask = fibers[i].mask;
    const int base = i / 32 * 32;
    bool all = mask >> i % 32 & 1;
    for (int k = 0; k < 32 && all; ++k)
      if (mask >> k & 1)
        all = base + k < n && fibers[base + k].wait == AT_SHUFFLE &&
              fibers[base + k].mask == mask && fibers[base + k].odd == fibers[i].odd;
    for (int k = 0; k < 32 && all; ++k)
      if (mask >> k & 1) fibers[base + k].wait = READY, any = true;
  }
  return any;
}

// 0: done; 1: some threads ended or wait elsewhere while others wait at a barrier.
template <class Start>
int run_block(int threads, bool reversed, Start start) {
  fibers.assign(threads, Fiber());
  stacks.resize(STACK * threads);
  for (int i = 0; i < threads; ++i) {
    Fiber& f = fibers[i];
    getcontext(&f.context);
    f.context.uc_stack.ss_sp = &stacks[STACK * i];
    f.context.uc_stack.ss_size = STACK;
    f.context.uc_link = &scheduler;
    makecontext(&f.context, start, 0);
  }
  for (;;) {
    for (int k = 0; k < threads; ++k) {
      const int i = reversed ? threads - 1 - k : k;
      if (fibers[i].wait != READY) continue;
      threadIdx.x = i;
      fibers[i].wait = DONE;  // unless it stops to wait
      swapcontext(&scheduler, &fibers[i].context);
    }
    if (release_shuffles()) continue;
    int done = 0, waiting = 0;
    for (Fiber& f : fibers) done += f.wait == DONE, waiting += f.wait == AT_BARRIER;
    if (done == threads) return 0;
    if (waiting != threads) return 1;
    for (Fiber& f : fibers) f.wait = READY;
  }
}

// A kernel and its arguments, as cuLaunchKernel takes them.
template <class... A>
struct Call {
  static void (*kernel)(A...);
  static std::tuple<A...>* values;
  static void start() { std::apply(kernel, *values); }
  template <std::size_t... I>
  static int launch(int blocks, int models, int threads, void** given, bool reversed,
                    std::index_sequence<I...>) {
    std::tuple<A...> all{*static_cast<A*>(given[I])...};
    values = &all;
    blockDim.x = threads, gridDim.x = blocks, gridDim.y = models;
    for (int b = 0; b < blocks * models; ++b) {
      blockIdx.x = b % blocks, blockIdx.y = b / blocks;
      if (run_block(threads, reversed, &start)) return 1;
    }
    return 0;
  }
};
template <class... A>
void (*Call<A...>::kernel)(A...);
template <class... A>
std::tuple<A...>* Call<A...>::values;

template <class... A>
int launch(void (*kernel)(A...), int blocks, int models, int threads, void** given,
           int n_given, bool reversed) {
  if (n_given != int(sizeof...(A))) return 2;  // CUDA would read what is not there
  Call<A...>::kernel = kernel;
  return Call<A...>::launch(blocks, models, threads, given, reversed,
                            std::index_sequence_for<A...>());
}
