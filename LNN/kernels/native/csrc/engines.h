/* What an engine is: every function for one instruction set and precision. */
#ifndef LNN_ENGINES_H
#define LNN_ENGINES_H

#include "compiler.h"
#include "epoch.h"
#include "problem.h"
#include "readout.h"

/* A way to run a problem: what lies in the lanes, in which memory, and what a group is.
 * Scratch and record are measured with `scratch` null. */
typedef struct {
    int (*takes)(const lnn_problem *);
    int64_t (*scratch_bytes)(const lnn_problem *, int backward);
    int64_t (*record_bytes)(const lnn_problem *);
    int64_t (*groups)(const lnn_problem *);
    void (*prepare)(const lnn_problem *, int backward);
    void (*run)(const lnn_problem *, int backward, int64_t group);
    void (*finish)(const lnn_problem *);
} lnn_schedule;

typedef struct {
    const char *name; /* what runs, such as lnn_avx2_double */
    int64_t lanes;    /* numbers in a vector */
    const lnn_schedule *(*schedule_of)(const lnn_problem *);
    double (*calibrate)(int64_t backward, int64_t n);
    void (*apply)(int64_t function, const void *from, void *to, int64_t n);
    void (*readout)(lnn_readout *);
    void (*adam)(const lnn_adam *);
    void (*gather)(const lnn_samples *, const int64_t *chosen);
} lnn_engine;

extern const lnn_engine lnn_plain_float, lnn_plain_double;
#ifdef LNN_X86
extern const lnn_engine lnn_avx2_float, lnn_avx2_double, lnn_avx512_float,
    lnn_avx512_double;
#elif defined(LNN_ARM64)
extern const lnn_engine lnn_neon_float, lnn_neon_double;
#endif

#endif
