"""`output_constraints` in integers: every rounding makes them narrower."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from LNN.exceptions import InvalidInputError
from LNN.export.c.limits import LimitsCode
from LNN.export.c.q15.door import Door
from LNN.export.c.source import Source, function

_LEAST, _MOST = -(2**31), 2**31 - 1
# Rates are numbers below this, so that 64 bits hold what they make of any time.
_LARGEST_RATE, _MOST_SHIFT = 2**30, 62
_NONE = -1


class FixedLimits(LimitsCode):
    """The function that keeps integers within boxes.

    An answer that satisfies them in integers satisfies them in numbers: lower ends are
    rounded up, upper ends and the ways that rates allow are rounded down.

    Parameters
    ----------
    values : dict of str
        With `constraints`.
    arrays : dict of str to ndarray
    door : Door
    """

    def __init__(
        self, values: dict[str, Any], arrays: dict[str, np.ndarray], door: Door
    ):
        kinds = [one["kind"] for one in values["constraints"]["limits"]]
        if "half_spaces" in kinds:
            raise InvalidInputError(
                'Expected Bounds and RateLimit with dtype="q15", got HalfSpaces: the '
                "nearest point in half-spaces is a solution of equations, and rounded "
                'to integers it may lie outside. Export with dtype="float32", or leave '
                "half-spaces out."
            )
        super().__init__(values, arrays)
        self.door = door
        self.timed = values["clock"]["kind"] is not None

    def state_fields(self) -> list[str]:
        """Return what the state of a stream keeps."""
        return [text.replace("float", "int32_t") for text in super().state_fields()]

    def write(self, source: Source) -> None:
        """Add the functions."""
        n = self.n_answers
        body = [f"int32_t low[{n}], high[{n}];", "int j, apart = 0;"]
        body += [] if self._moves and self.timed else ["(void)dt;"]
        body += [
            f"for (j = 0; j < {n}; j++) {{",
            "    low[j] = INT32_MIN;",
            "    high[j] = INT32_MAX;",
            "}",
            *(self._box(source, k, *box) for k, box in enumerate(self.boxes)),
            f"for (j = 0; j < {n}; j++) y[j] = lnn_clip(y[j], low[j], high[j]);",
            "s->feasible = !apart;",
        ]
        if self.looks_back:
            body.append(self._remembered())
        head = "static void lnn_limit(lnn_state *s, int32_t dt, int32_t *y)"
        note = "/* Replace an answer by the nearest one within its limits. */\n"
        source.function(note + function(head, "\n".join(body)))
        source.function(
            "int lnn_feasible(const lnn_state *s)\n{\n    return s->feasible;\n}\n"
        )

    def call(self) -> str:
        """Return the statement of `lnn_step_q15` that keeps its answer."""
        return "lnn_limit(s, dt, y);\n"

    def _box(
        self, source: Source, k: int, kind: str, first: np.ndarray, last: np.ndarray
    ) -> str:
        """Return the statements that narrow the box by one constraint."""
        levels = self.n_answers // self.n
        first, last = np.repeat(first, levels), np.repeat(last, levels)
        if kind == "bounds":
            low, high = self._ends(first, last)
            ends = (
                source.table(f"low{k}", low, "int32_t"),
                source.table(f"high{k}", high, "int32_t"),
            )
            own = ", ".join(f"{end}[j]" for end in ends)
            each = f"for (j = 0; j < {self.n_answers}; j++)"
            return f"{each}\n    apart |= lnn_box({own}, &low[j], &high[j]);"
        return self._rate(source, k, first)

    def _ends(self, low: np.ndarray, high: np.ndarray) -> tuple[list[int], list[int]]:
        """Return the least and the largest integers between bounds."""
        ends = []
        for j, bits in enumerate(self.door.of_y):
            unit = 2.0 ** int(bits)  # products with it are exact
            least = _LEAST if np.isnan(low[j]) else math.ceil(low[j] * unit)
            most = _MOST if np.isnan(high[j]) else math.floor(high[j] * unit)
            if least > most or least > _MOST or most < _LEAST:
                raise InvalidInputError(
                    f"Expected bounds with a number between them that is an integer "
                    f"times {1 / unit:g}, as answers are in integers, got "
                    f"{low[j]:.8g} and {high[j]:.8g}. Export with "
                    'dtype="float32", or leave room for one between them.'
                )
            ends.append((max(least, _LEAST), min(most, _MOST)))
        least_ones, most_ones = zip(*ends, strict=True)
        # The least of all integers has no literal of its own.
        return [max(end, _LEAST + 1) for end in least_ones], list(most_ones)

    def _rate(self, source: Source, k: int, rates: np.ndarray) -> str:
        """Return the statements for a rate limit: |y - before| <= rate * elapsed."""
        unit = Fraction(float(self.values["clock"]["unit"]))
        once, slopes, shifts = [], [], []
        for rate, bits in zip(rates, self.door.of_y, strict=True):
            if np.isnan(rate):
                once.append(_NONE)
                slopes.append(0)
                shifts.append(0)
                continue
            exact = Fraction(float(rate)) * Fraction(2) ** int(bits)
            once.append(min(math.floor(exact * unit), _MOST))
            slope, shift = _slope(exact / Fraction(2) ** self.door.of_time)
            slopes.append(slope)
            shifts.append(shift)
        text = f"int64_t reach = {source.table(f'once{k}', once, 'int32_t')}[j];\n"
        text += "    if (reach < 0) continue; /* no limit */\n"
        if self.timed:
            told = source.table(f"rate{k}", slopes, "int32_t")
            moved = source.table(f"rate_shift{k}", shifts, "uint8_t")
            low, high = self._usual(unit)
            text += f"""\
    if (dt >= 0) {{
        int64_t own = (int64_t){told}[j] * dt >> {moved}[j];
        /* Near to one usual gap it is taken for one: the smaller way is right. */
        if (own < reach || dt < {low} || dt > {high}) reach = own;
    }}
"""
        source.count(self.n_answers if self.timed else 0)
        return f"""\
if (s->answers) for (j = 0; j < {self.n_answers}; j++) {{
    int64_t a = s->answered[j];
    {text}    apart |= lnn_box(a - reach, a + reach, &low[j], &high[j]);
}}"""

    def _usual(self, unit: Fraction) -> tuple[int, int]:
        """Return between which times a gap may count as a usual one."""
        tolerance = Fraction(float(self.values["clock"]["tolerance"]))
        wide = unit * Fraction(2) ** self.door.of_time
        # A part of 65536 more: the clock of integers is no finer.
        slack = tolerance + Fraction(4, 65536)
        return max(0, math.floor(wide * (1 - slack))), math.ceil(wide * (1 + slack))


def _slope(exact: Fraction) -> tuple[int, int]:
    """Return a number and a shift to the right: together no more than what is given."""
    shift = 0
    while shift < _MOST_SHIFT and exact * 2 ** (shift + 1) < _LARGEST_RATE:
        shift += 1
    return min(math.floor(exact * 2**shift), _LARGEST_RATE), shift
