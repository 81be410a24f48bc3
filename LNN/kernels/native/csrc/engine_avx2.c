/* Floats, AVX2 and FMA. */
#include "engines.h"

#ifdef LNN_X86
#if defined(__clang__)
#include <immintrin.h>
#include <math.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC target("avx2,fma")
#endif
#include <math.h>

#define LNN_VECTOR_AVX2
#define ENGINE lnn_avx2_float
#include "engine.h"

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
