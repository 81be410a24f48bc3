/* Doubles, plain C. */
#define LNN_DOUBLE
#define ENGINE lnn_plain_double
#include "engine.h"
