/* Doubles, AVX-512. */
#define LNN_DOUBLE
#define ENGINE lnn_avx512_double
#include "engine_avx512.h"
