/* Floats, NEON. */
#include "engines.h"

#ifdef LNN_ARM64
#define LNN_VECTOR_NEON 1
#define ENGINE lnn_neon_float
#include "engine.h"
#endif
