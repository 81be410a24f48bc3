/* The entry points of the native backend: the right engine and schedule for each problem.
 */
#include "engines.h"
#include "native.h"

#if defined(LNN_X86) && defined(_MSC_VER)
#include <immintrin.h>
#include <intrin.h>

static int has(int isa) {
    int basic[4], extended[4];
    __cpuid(basic, 1);
    __cpuidex(extended, 7, 0);
    /* The operating system has to save the registers too (OSXSAVE, XCR0). */
    if (!(basic[2] >> 27 & 1)) return 0;
    uint64_t saved = _xgetbv(0);
    int avx2 = (basic[2] >> 12 & 1) && (extended[1] >> 5 & 1) && (saved & 6) == 6;
    if (isa == LNN_AVX2) return avx2;
    return isa == LNN_AVX512 && avx2 && (extended[1] >> 16 & 1) && (extended[1] >> 17 & 1) &&
           (saved & 0xe6) == 0xe6;
}
#elif defined(LNN_X86)
static int has(int isa) {
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (isa == LNN_AVX2) return avx2;
    return isa == LNN_AVX512 && avx2 && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512dq");
}
#elif defined(LNN_ARM64)
static int has(int isa) { return isa == LNN_NEON; }
#else
static int has(int isa) { return 0 * isa; }
#endif

/* Numbers too small for full precision take a hundred times as long, and gradients that
 * fade over a long sequence are full of them. They are flushed to zero in here, on this
 * thread, and the caller's setting is put back.
 */
#if defined(LNN_X86)
#include <xmmintrin.h>
typedef unsigned int float_mode;
static float_mode flush_small_numbers(void) {
    float_mode before = _mm_getcsr();
    _mm_setcsr(before | 0x8040); /* flush results to zero, take operands as zero */
    return before;
}
static void restore_float_mode(float_mode before) { _mm_setcsr(before); }
#elif defined(__aarch64__) && defined(__GNUC__)
typedef uint64_t float_mode;
static float_mode flush_small_numbers(void) {
    float_mode before;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(before));
    __asm__ __volatile__("msr fpcr, %0" : : "r"(before | (float_mode)1 << 24));
    return before;
}
static void restore_float_mode(float_mode before) {
    __asm__ __volatile__("msr fpcr, %0" : : "r"(before));
}
#else
typedef int float_mode;
static float_mode flush_small_numbers(void) { return 0; }
static void restore_float_mode(float_mode before) { (void)before; }
#endif

EXPORT int64_t lnn_abi(void) { return LNN_ABI; }

/* The instruction set that `isa` (0: the best one) means here; 0 if it cannot run. */
EXPORT int64_t lnn_isa(int64_t isa) {
    static const int best_first[] = {LNN_AVX512, LNN_AVX2, LNN_NEON};
    if (isa == LNN_PLAIN) return isa;
    for (int i = 0; i < 3; i++)
        if ((isa == LNN_BEST || isa == best_first[i]) && has(best_first[i]))
            return best_first[i];
    return isa == LNN_BEST ? LNN_PLAIN : 0;
}

static const lnn_engine *engine(int64_t isa, int64_t precision) {
    const int wide = precision == 64;
#if defined(LNN_X86)
    if (isa == LNN_AVX512) return wide ? &lnn_avx512_double : &lnn_avx512_float;
    if (isa == LNN_AVX2) return wide ? &lnn_avx2_double : &lnn_avx2_float;
#elif defined(LNN_ARM64)
    if (isa == LNN_NEON) return wide ? &lnn_neon_double : &lnn_neon_float;
#else
    (void)isa;
#endif
    return wide ? &lnn_plain_double : &lnn_plain_float;
}

static const lnn_schedule *schedule_of(const lnn_problem *p) {
    return engine(p->isa, p->precision)->schedule_of(p);
}

/* The problem without its scratch memory, to measure how much it takes. */
static lnn_problem unplaced(const lnn_problem *p) {
    lnn_problem empty = *p;
    empty.scratch = 0;
    return empty;
}

/* How much scratch memory the problem needs; it has to be aligned to 64 bytes. */
EXPORT int64_t lnn_scratch_bytes(const lnn_problem *p, int64_t backward) {
    lnn_problem empty = unplaced(p);
    return schedule_of(p)->scratch_bytes(&empty, (int)backward);
}

/* How much the forward pass would like to keep for the way back; 0: nothing. */
EXPORT int64_t lnn_record_bytes(const lnn_problem *p) {
    lnn_problem empty = unplaced(p);
    return schedule_of(p)->record_bytes(&empty);
}

/* How many groups there are to run; they may run at the same time. */
EXPORT int64_t lnn_groups(const lnn_problem *p) { return schedule_of(p)->groups(p); }

/* A pass is lnn_prepare, lnn_run for each group, and backwards lnn_finish. */
EXPORT void lnn_prepare(const lnn_problem *p, int64_t backward) {
    schedule_of(p)->prepare(p, (int)backward);
}

EXPORT void lnn_run(const lnn_problem *p, int64_t backward, int64_t group) {
    float_mode before = flush_small_numbers();
    schedule_of(p)->run(p, (int)backward, group);
    restore_float_mode(before);
}

EXPORT void lnn_finish(const lnn_problem *p) {
    float_mode before = flush_small_numbers();
    schedule_of(p)->finish(p);
    restore_float_mode(before);
}

/* Pooling, read-out and loss, with all gradients: the loss goes to r->total. */
EXPORT void lnn_read_out(lnn_readout *r) {
    float_mode before = flush_small_numbers();
    engine(r->isa, r->precision)->readout(r);
    restore_float_mode(before);
}

EXPORT void lnn_adam_step(const lnn_adam *a) {
    float_mode before = flush_small_numbers();
    engine(a->isa, a->precision)->adam(a);
    restore_float_mode(before);
}

/* The batch that `s` says, of so many samples that were chosen. */
void lnn_gather(const lnn_samples *s, int64_t isa, int64_t precision,
                const int64_t *chosen) {
    engine(isa, precision)->gather(s, chosen);
}

/* What runs problems of a precision, and how many numbers it has in a vector. */
EXPORT const char *lnn_engine_name(int64_t isa, int64_t precision) {
    return engine(isa, precision)->name;
}
EXPORT int64_t lnn_lanes(int64_t isa, int64_t precision) {
    return engine(isa, precision)->lanes;
}

EXPORT double lnn_calibrate(int64_t isa, int64_t precision, int64_t backward, int64_t n) {
    return engine(isa, precision)->calibrate(backward, n);
}

EXPORT void lnn_apply(int64_t isa, int64_t precision, int64_t function, const void *from,
                      void *to, int64_t n) {
    engine(isa, precision)->apply(function, from, to, n);
}
