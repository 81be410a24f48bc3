/* One engine: every cell over whole sequences, forward and backward, for one vector type.
 *
 * An engine_*.c says which vector type (vector.h) and includes this. Many samples lie one
 * in each lane (batch.h). A few samples are taken one at a time, with neurons in the lanes
 * (sample_ltc.h, sample_cfc.h).
 *
 * The way back goes from chunk to chunk of steps, the last one first: a chunk is
 * replayed from the stored state before it, with what its steps leave for the way back,
 * and then undone step by step. So only states are stored between the two passes. The
 * forward pass may keep what a replay would leave (`record`), to save it.
 */
#ifndef LNN_ENGINE_H
#define LNN_ENGINE_H

#include "batch.h"
#include "calibration.h"
#include "descent.h"
#include "engines.h"
#include "gather.h"
#include "readout_pass.h"
#include "sample_cfc.h"
#include "sample_ltc.h"

/* The name that engine_*.c gives the engine. */
#ifndef ENGINE
#define ENGINE lnn_plain_float
#endif

/* The first one that takes a problem runs it; the last one takes all. */
static const lnn_schedule *const schedules[] = {&sample_ltc, &sample_cfc, &batch};

static const lnn_schedule *schedule_of(const lnn_problem *p) {
    const lnn_schedule *const *schedule = schedules;
    while (!(*schedule)->takes(p)) schedule++;
    return *schedule;
}

#define TEXT_OF(name) #name
#define NAME_OF(engine) TEXT_OF(engine)
const lnn_engine ENGINE = {NAME_OF(ENGINE), W, schedule_of, calibrate, apply_function,
                           readout_pass, adam_step, gather_batch};

#endif
