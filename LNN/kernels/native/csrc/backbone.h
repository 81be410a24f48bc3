/* The fully connected CfC: affine maps with an activation between, then the heads. */
#ifndef LNN_BACKBONE_H
#define LNN_BACKBONE_H

#include "activations.h"
#include "cfc_rows.h"
#include "sizes.h"

static INLINE void activate_rows(int64_t activation, const real *x, real *y, int64_t count,
                                 int nv) {
    for (int64_t i = 0; i < count; i++)
        for (int u = 0; u < nv; u++)
            v_store(y + i * L + u * W, activate(activation, v_load(x + i * L + u * W)));
}

/* x, the input of the activation, becomes its gradient; g is that of y. */
static INLINE void activate_rows_gradient(int64_t activation, real *x, const real *y,
                                          const real *g, int64_t count, int nv) {
    for (int64_t i = 0; i < count; i++)
        for (int u = 0; u < nv; u++) {
            int64_t at = i * L + u * W;
            vec out = v_load(y + at), in = is_invertible(activation) ? out : v_load(x + at);
            vec slope = activation_gradient(activation, in, out);
            v_store(x + at, v_mul(slope, v_load(g + at)));
        }
}

/* The heads' values, N rows a head, to new states; the rows keep what backward needs. */
static INLINE void heads_step(const lnn_problem *p, int mode, const pure_form *pure,
                              cfc_rows r, int nv) {
    real *heads = r.maps;
    /* In place: the way back needs no sums of the heads, only what they were made into. */
    const int m = n_maps_of(mode);
    for (int64_t j = 0; j < p->neurons; j++) {
        pure_lanes own = pure_of(mode, pure, j);
        for (int u = 0; u < nv; u++) {
            vec z[4];
            for (int i = 0; i < m; i++)
                z[i] = v_load(heads + (i * p->neurons + j) * L + u * W);
            store_new_state(mode, z, r, j, u, own);
            for (int i = 0; i < m; i++)
                v_store(heads + (i * p->neurons + j) * L + u * W, z[i]);
        }
    }
}

static INLINE void heads_step_gradient(const lnn_problem *p, int mode,
                                       const pure_form *pure, cfc_rows r, int nv) {
    real *heads = r.maps;
    const int m = n_maps_of(mode);
    for (int64_t j = 0; j < p->neurons; j++) {
        pure_lanes own = pure_of(mode, pure, j);

        for (int u = 0; u < nv; u++) {
            vec z[4];
            for (int i = 0; i < m; i++)
                z[i] = v_load(heads + (i * p->neurons + j) * L + u * W);
            add_state_gradients(mode, z, r, j, u, own);
            for (int i = 0; i < m; i++)
                v_store(heads + (i * p->neurons + j) * L + u * W, z[i]);
        }
    }
}

#endif
