/* An engine with AVX2 and FMA: what compilers need to be told of it. */
#ifndef LNN_ENGINE_AVX2_H
#define LNN_ENGINE_AVX2_H

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

#define LNN_VECTOR_AVX2 1
#include "engine.h"

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif

#endif
