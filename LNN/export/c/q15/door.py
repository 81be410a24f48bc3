"""The numbers that a model in integers takes and gives, in the units of the data.

Each column of X, the time and each answer is a number times a power of 2 of its own, so
that a step of it is a small part of the column's scale.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.exceptions import InvalidInputError
from LNN.export.c.q15.formats import ROW_BITS

# Steps of an answer in the unit of its scale, as a power of 2; of probabilities.
_ANSWER_BITS, _PROBABILITY_BITS = 14, 15
TIME_BITS = 16
# What levels and the centres of answers are below.
_MOST = 2.0**29


class Door:
    """Points of what comes in and goes out.

    Attributes
    ----------
    of_x, of_y : ndarray of int
        X and answers times 2 to the power of these are integers.
    of_time : int
        As is the time since the row before.
    center, gain : ndarray of int
        Of columns: (integer - center) * gain / 65536 is the scaled value in 1/2048.
    time_gain : int
        Of times: integer * gain / 65536 is in 1/65536 of the usual gap.
    y_center : ndarray of int
        Answers where the network says 0.
    """

    def __init__(self, values: dict[str, Any], arrays: dict[str, np.ndarray]):
        center, scale = arrays["scaler.center"], arrays["scaler.scale"]
        if not center.any() and (scale == 1).all():
            raise InvalidInputError(
                "Expected columns with a scale, which tells integers their range, got "
                'scale="none". Fit with scale="standard", or export with '
                'dtype="float32".'
            )
        self.of_x = np.ceil(ROW_BITS - np.log2(scale)).astype(int)
        self.center = np.round(center * 2.0**self.of_x).astype(int)
        self.gain = _gain(2.0**ROW_BITS / scale, self.of_x)
        unit = values["clock"]["unit"]
        self.of_time = int(np.ceil(TIME_BITS - np.log2(unit)))
        self.time_gain = int(_gain(2.0**TIME_BITS / unit, self.of_time))
        answer, n = values["answer"], values["answer"]["n_outputs"]
        self.of_y = np.full(n, _PROBABILITY_BITS)
        self.y_center = np.zeros(n, dtype=int)
        if answer["classes"] is None:
            self._answers(values, arrays)

    def _answers(self, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        levels = len(values["answer"]["quantiles"] or [0])
        scale, center = (
            np.repeat(arrays[f"target_scaler.{name}"], levels)
            for name in ("scale", "center")
        )
        self.of_y = np.floor(_ANSWER_BITS - np.log2(scale)).astype(int)
        # Room for what else is added to an answer.
        room = np.log2(_MOST / np.maximum(np.abs(center), 1e-30))
        self.of_y = np.minimum(self.of_y, np.floor(room).astype(int))
        anchors = values["input"]["anchors"]
        if anchors:
            # What an answer is a change of has to be shifted to its unit.
            before = np.repeat(self.of_x[anchors], levels if len(anchors) > 1 else 1)
            self.of_y = np.minimum(self.of_y, before)
        self.y_center = np.round(center * 2.0**self.of_y).astype(int)


def _gain(factor: Any, bits: Any) -> Any:
    """Return a factor of what has this point, in 1/65536."""
    return np.round(65536 * factor / 2.0**bits).astype(int)
