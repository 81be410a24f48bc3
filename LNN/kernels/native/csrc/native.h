/* The entry points of the library (native.c, epoch.c): Python's, and its own. */
#ifndef LNN_NATIVE_H
#define LNN_NATIVE_H

#include "compiler.h"
#include "epoch.h"

EXPORT int64_t lnn_abi(void);
EXPORT int64_t lnn_isa(int64_t isa);

/* Passes of one problem. */
EXPORT int64_t lnn_scratch_bytes(const lnn_problem *p, int64_t backward);
EXPORT int64_t lnn_record_bytes(const lnn_problem *p);
EXPORT int64_t lnn_groups(const lnn_problem *p);
EXPORT void lnn_prepare(const lnn_problem *p, int64_t backward);
EXPORT void lnn_run(const lnn_problem *p, int64_t backward, int64_t group);
EXPORT void lnn_finish(const lnn_problem *p);

/* Parts of a training step, and whole ones. */
EXPORT void lnn_read_out(lnn_readout *r);
EXPORT void lnn_adam_step(const lnn_adam *a);
void lnn_gather(const lnn_samples *s, int64_t isa, int64_t precision,
                const int64_t *chosen);
EXPORT int64_t lnn_run_batches(lnn_epoch *e, int64_t first, int64_t count);

/* What runs, and how fast. */
EXPORT const char *lnn_engine_name(int64_t isa, int64_t precision);
EXPORT int64_t lnn_lanes(int64_t isa, int64_t precision);
EXPORT double lnn_calibrate(int64_t isa, int64_t precision, int64_t backward, int64_t n);
EXPORT void lnn_apply(int64_t isa, int64_t precision, int64_t function, const void *from,
                      void *to, int64_t n);

#endif
