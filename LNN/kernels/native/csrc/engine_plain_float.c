/* Floats, plain C. */
#define ENGINE lnn_plain_float
#include "engine.h"
