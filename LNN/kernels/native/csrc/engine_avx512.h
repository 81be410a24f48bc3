/* An engine with AVX-512: what compilers need to be told of it. */
#ifndef LNN_ENGINE_AVX512_H
#define LNN_ENGINE_AVX512_H

#include "engines.h"

#ifdef LNN_X86
#if defined(__clang__)
#include <immintrin.h>
#include <math.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx2,fma"))), \
                             apply_to = function)
#elif defined(__GNUC__)
#pragma GCC target("avx512f,avx512dq,avx2,fma")
#endif
#include <math.h>

#define LNN_VECTOR_AVX512 1
#include "engine.h"

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif

#endif
