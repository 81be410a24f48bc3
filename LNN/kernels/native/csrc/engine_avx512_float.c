/* Floats, AVX-512. */
#define ENGINE lnn_avx512_float
#include "engine_avx512.h"
