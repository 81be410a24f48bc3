/* Floats, AVX2 and FMA. */
#define ENGINE lnn_avx2_float
#include "engine_avx2.h"
