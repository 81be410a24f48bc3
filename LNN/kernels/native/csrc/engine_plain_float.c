/* Floats, plain C. */
#include "engines.h"

enum { BLOCK = 2 };
#define ENGINE lnn_plain_float
#include "vec_plain.h"

#include "engine.h"
