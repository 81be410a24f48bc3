/* Doubles, plain C. */
#include "engines.h"

#define LNN_DOUBLE
enum { BLOCK = 2 };
#define ENGINE lnn_plain_double
#include "vec_plain.h"

#include "engine.h"
