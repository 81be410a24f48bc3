/* Doubles, AVX2 and FMA. */
#define LNN_DOUBLE
#define ENGINE lnn_avx2_double
#include "engine_avx2.h"
