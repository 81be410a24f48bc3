/* The closed form on rows: a step of one neuron for all samples of a tile. */
#ifndef LNN_CFC_ROWS_H
#define LNN_CFC_ROWS_H

#include "closed_form.h"
#include "sizes.h"

/* The rows of a step that the form reads and writes; backwards those of gradients too. */
typedef struct {
    const real *dt, *before; /* before: old states */
    real *maps;              /* values of the maps, then their gradients */
    real *states;            /* new states */
    const real *g_new;       /* their gradients */
    real *g_before, *g_dt;
    int64_t next; /* from these maps to those that are read next */
} cfc_rows;

/* The new state of neuron j from its maps, in the lanes of vector u. As in `closed_form`,
 * z becomes what the way back needs. */
static INLINE void store_new_state(int mode, vec *z, cfc_rows r, int64_t j, int u,
                                   pure_lanes pure) {
    const int64_t at = j * L + u * W;
    vec old = v_set(0);
    if (mode == LNN_EXPONENTIAL) old = v_load(r.before + at);
    v_store(r.states + at, closed_form(mode, z, old, v_load(r.dt + u * W), pure));
}

/* The gradients by the new state: of the maps into z, the others to where they are summed.
 */
static INLINE void add_state_gradients(int mode, vec *z, cfc_rows r, int64_t j, int u,
                                       pure_lanes pure) {
    const int64_t at = j * L + u * W;
    step_lanes lanes = {v_set(0), v_load(r.dt + u * W), v_set(0), v_load(r.g_dt + u * W)};
    if (mode == LNN_EXPONENTIAL) {
        lanes.old = v_load(r.before + at);
        lanes.g_old = v_load(r.g_before + at);
    }
    closed_form_gradient(mode, v_load(r.g_new + at), z, &lanes, pure);
    /* Other modes read the old state through the maps alone. */
    if (mode == LNN_EXPONENTIAL) v_store(r.g_before + at, lanes.g_old);
    v_store(r.g_dt + u * W, lanes.g_dt);
}

#endif
