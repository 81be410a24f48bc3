// The kernels of one source, KERNELS, for the CPU. NAMED(f) calls f for each of them.
#include <cstring>

#include "emulate.h"
#include KERNELS

#ifdef STEP
#define NAMED(f)                                                                    \
  f(prepare) f(gather) f(drive) f(sensory) f(read_out) f(products) f(sensory_back)   \
      f(finish) f(adam)
#else
#define NAMED(f) f(forward) f(backward)
#endif

#define LAUNCH(kernel)           \
  if (!std::strcmp(name, #kernel)) \
    return launch(kernel, blocks, models, threads, given, n_given, reversed);

extern "C" __attribute__((visibility("default"))) int emulate(
    const char* name, int blocks, int models, int threads, void** given, int n_given,
    int reversed) {
  NAMED(LAUNCH)
  return 3;
}
