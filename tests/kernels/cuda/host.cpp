// The kernels of one source, KERNELS, for the CPU.
#include "emulate.h"
#include KERNELS

extern "C" __attribute__((visibility("default"))) int emulate(
    int back, int blocks, int threads, void** given, int n_given, int reversed) {
  if (back) return launch(backward, blocks, threads, given, n_given, reversed);
  return launch(forward, blocks, threads, given, n_given, reversed);
}
