/* Doubles, NEON. */
#include "engines.h"

#ifdef LNN_ARM64
#define LNN_DOUBLE
#define LNN_VECTOR_NEON 1
#define ENGINE lnn_neon_double
#include "engine.h"
#endif
