"""Rows that lie far from all others in time: mostly a clock that was reset.

One row of 1970 among rows of seconds asks for a grid of two thousand million steps.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from LNN.exceptions import InvalidInputError

__all__ = ["LONG", "MOST_PLACES", "TIMES", "LoneRow", "refuse_sparse", "refuse_stray"]

# So many steps without a row are long. Rows beyond them are stray if all others lie
# within a tenth of the time, and they are a tenth of the rows at most.
LONG, TIMES, FEW = 1_000, 10, 0.1
# A grid of more places than this is filled to a hundredth at least.
MOST_PLACES, LEAST_FILLED = 1_000_000, 0.01


class LoneRow(InvalidInputError):
    """A single row came long after the one before it.

    Attributes
    ----------
    name : hashable or None
        Of its series.
    time : object
    """

    def __init__(self, name: Hashable, time: Any, before: Any, steps: float):
        self.name, self.time = name, time
        super().__init__(
            f"Expected a row within {LONG:,} steps of the one before it, {before}"
            f"{_of(name)}, got one at {time}, {steps:,.0f} steps later. Was a clock "
            "reset? Leave the row out, then. After a real pause pass two rows that "
            "follow each other: a stream takes the next one that comes soon after "
            "this one."
        )


def refuse_stray(times: pd.Index, steps: np.ndarray, name: Hashable) -> None:
    """Refuse a few rows that lie far from all others.

    Parameters
    ----------
    times : Index of length n
        In order.
    steps : ndarray of shape (n,)
        The same in usual gaps between rows.
    name : hashable or None
        Of the series, for messages.

    Raises
    ------
    InvalidInputError
        It names the row and says how far from the others it is.
    """
    if len(steps) < 3:
        return
    gaps = np.diff(steps)
    place = int(np.argmax(gaps))
    longest = float(gaps[place])
    rest = float(steps[-1] - steps[0]) - longest
    before, after = place + 1, len(steps) - place - 1
    few = min(before, after) <= max(1, FEW * len(steps))
    if longest <= LONG or longest <= TIMES * rest or not few:
        return
    n, side, row, other = after, "after", place + 1, place
    if before < after:
        n, side, row, other = before, "before", place, place + 1
    raise InvalidInputError(
        f"Expected rows that belong together, got {n} row(s) far {side} all others"
        f"{_of(name)}: that at {times[row]} is {longest:,.0f} usual gaps from the "
        f"next one, at {times[other]}, and the others span {rest:,.0f} of them. Was a "
        "clock reset? Drop or correct these rows. If they are right, pass the rows on "
        "one side of the gap only, or as two recordings."
    )


def refuse_sparse(times: pd.Index, rows: np.ndarray, step: Any, name: Hashable) -> None:
    """Refuse rows that a grid of steps would hold few of.

    Parameters
    ----------
    times : Index of length n
    rows : ndarray of int, shape (n,)
        Their places.
    step : object
        Length of a step, for messages.
    name : hashable or None
        Of the series, for messages.
    """
    places = int(rows[-1]) + 1
    if places <= MOST_PLACES or len(rows) >= LEAST_FILLED * places:
        return
    place = int(np.argmax(np.diff(rows)))
    raise InvalidInputError(
        f"Expected rows on {LEAST_FILLED:.0%} of the steps from the first to the last "
        f"at least, where these are more than {MOST_PLACES:,}{_of(name)}, got "
        f"{len(rows):,} rows on {places:,} steps of {step}: none lies between "
        f"{times[place]} and {times[place + 1]}. Pass the rows on one side of that gap "
        "only; if a clock was reset, drop or correct these rows."
    )


def _of(name: Hashable) -> str:
    return "" if name is None else f" of recording {name!r}"
