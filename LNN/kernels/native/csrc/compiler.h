/* What compilers call differently. */
#ifndef LNN_COMPILER_H
#define LNN_COMPILER_H

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

/* Memory that will be read soon. */
#if defined(__GNUC__)
#define PREFETCH(place) __builtin_prefetch(place)
#else
#define PREFETCH(place) ((void)(place))
#endif

/* What Python calls. */
#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#if defined(__x86_64__) || defined(_M_X64)
#define LNN_X86 1
#elif defined(__aarch64__) || defined(_M_ARM64)
#define LNN_ARM64 1
#endif

#endif
