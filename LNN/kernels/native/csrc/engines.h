/* The engines: the same functions for one instruction set and precision each. */
#ifndef LNN_ENGINES_H
#define LNN_ENGINES_H

#include <stdint.h>
#include <string.h>

#include "problem.h"

/* Kernels are written for any number of vectors, maps, modes; inlining fixes them. */
#if defined(LNN_ARRAYS)
#define INLINE inline
#elif defined(__GNUC__)
#define INLINE inline __attribute__((always_inline))
#elif defined(_MSC_VER)
#define INLINE __forceinline
#else
#define INLINE inline
#endif

/* What is worth registers of its own. */
#if defined(__GNUC__)
#define NOINLINE __attribute__((noinline))
#elif defined(_MSC_VER)
#define NOINLINE __declspec(noinline)
#else
#define NOINLINE
#endif

/* What Python calls. */
#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#if defined(__x86_64__) || defined(_M_X64)
#define LNN_X86 1
#endif

typedef struct {
    int64_t (*scratch_bytes)(const lnn_problem *, int64_t backward);
    int64_t (*record_bytes)(const lnn_problem *);
    int64_t (*groups)(const lnn_problem *);
    void (*prepare)(const lnn_problem *, int64_t backward);
    void (*run)(const lnn_problem *, int64_t backward, int64_t group);
    void (*finish)(const lnn_problem *);
    double (*calibrate)(int64_t backward, int64_t n);
    void (*apply)(int64_t function, const void *from, void *to, int64_t n);
} lnn_engine;

extern const lnn_engine lnn_plain_float, lnn_plain_double, lnn_avx2_float,
    lnn_avx512_float;

#endif
