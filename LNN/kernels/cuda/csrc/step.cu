// A training step around the two passes over the cell's steps: nine launches in all.
//
// prepare, gather, drive (or sensory), [forward], read_out, [backward], products (and
// sensory_back), finish, adam. Sizes are read, not compiled in: one program serves all
// networks of a precision and an activation.
#include "constants.cuh"
#include "gather.cuh"
#include "sensory.cuh"
#include "read_out.cuh"
#include "products.cuh"
#include "adam.cuh"
