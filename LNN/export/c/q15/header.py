"""How C calls a model in integers: what its header says, and the door of floats."""

from __future__ import annotations

import numpy as np

from LNN.export.c.q15.door import Door
from LNN.export.c.source import constants

_DOOR = """\
#ifdef LNN_FLOAT
$guard
static int32_t lnn_integer(float x, float unit)
{
    x *= unit;
    if (x != x) return LNN_MISSING;
    if (x > 1e9f) return 1000000000;
    if (x < -1e9f) return -1000000000;
    return (int32_t)(x < 0.0f ? x - 0.5f : x + 0.5f);
}

void lnn_step(lnn_state *s, const float *x, float dt, float *y)
{
    static const float of_x[] = {
$of_x
    };
    static const float of_y[] = {
$of_y
    };
    int32_t row[LNN_CHANNELS], answer[LNN_ANSWERS];
    int j;
    for (j = 0; j < LNN_CHANNELS; j++) row[j] = lnn_integer(x[j], of_x[j]);
    /* Of a NaN it is false. */
    lnn_step_q15(s, row, dt >= 0.0f ? lnn_integer(dt, $of_time) : -1, answer);
    for (j = 0; j < LNN_ANSWERS; j++) y[j] = (float)answer[j] * of_y[j];
}
#endif
"""


def macros(door: Door) -> str:
    """Return the macros that tell what integers stand for."""
    return f"""\
/* Numbers are integers: a value times 2 to the power of these, rounded. */
#define LNN_X_BITS {_braces(door.of_x)} /* of each number in x */
#define LNN_Y_BITS {_braces(door.of_y)} /* of each number in y */
#define LNN_TIME_BITS {door.of_time} /* of dt */
#define LNN_MISSING INT32_MIN /* a missing value, where x may have such */
"""


def prototypes(x: str, dt: str, y: str) -> str:
    """Return the functions that take a step; what is given is told."""
    return f"""\
/* Take in a row and write the answer; integers alone.

   x   {x}; LNN_X_BITS
   dt  {dt}; LNN_TIME_BITS
   y   {y}; LNN_Y_BITS

   What is further than 16 scales from the centre of its column is taken for 16. */
void lnn_step_q15(lnn_state *s, const int32_t *x, int32_t dt, int32_t *y);

#ifdef LNN_FLOAT
/* The same for floats, NAN where missing. Define LNN_FLOAT for both files. */
void lnn_step(lnn_state *s, const float *x, float dt, float *y);
#endif
"""


def float_door(door: Door, guard: str) -> str:
    """Return the function that takes floats."""
    powers = {
        "$of_x": constants(2.0**door.of_x),
        "$of_y": constants(2.0**-door.of_y),
        "$of_time": constants(np.array([2.0**door.of_time])).strip(),
        "$guard": guard,
    }
    text = _DOOR
    for place, value in powers.items():
        text = text.replace(place, value)
    return text


def _braces(values: np.ndarray) -> str:
    return "{" + ", ".join(map(str, values)) + "}"
