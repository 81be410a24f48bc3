"""Times that are nearly a step apart: a clock that jitters, and the line that mends it.

Times are never changed without a word: who knows that the jitter means nothing rounds
them, and who does not keeps them as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .timestamps import in_words

__all__ = ["jitter_told"]

# Gaps jitter if so many are whole numbers of steps but for such a part of a step, and
# at least half of the steps have a row.
MOSTLY, PART, LEAST_FILLED = 0.95, 0.1, 0.5
# Fewer gaps may be alike by chance.
ENOUGH = 10
# Rounding may move a time by such a part of a step: further, it could change the order.
MOST_MOVED = 0.25
# Steps that people set, in seconds; a step is one of them if it is so near.
_UNITS = ((86_400.0, "D"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (0.001, "ms"))
_NEAR = 0.01


def jitter_told(
    times: Sequence[pd.Index], unit: float, name: str, *, plain: bool = False
) -> str | None:
    """Say by how much gaps differ from equal ones, and what makes them equal.

    Parameters
    ----------
    times : sequence of Index
        Those of each recording, in order, at irregular gaps.
    unit : float
        The usual gap, in seconds or in units of the times.
    name : str
        What holds the times in the caller's code.
    plain : bool, default=False
        Whether only the method is named, as the times are not an index of their own.

    Returns
    -------
    str or None
        None if gaps are not nearly equal.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> jitter = pd.to_timedelta(np.tile([0, 1, -1], 10), unit="s")
    >>> times = pd.date_range("2024-01-01", periods=30, freq="min") + jitter
    >>> print(jitter_told([times], 60.0, "y.index").split(". ", 1)[1])
    If that is only the clock's, write y.index = y.index.round("min") before fit.
    """
    gaps = np.concatenate([_numbers(index[1:] - index[:-1]) for index in times])
    steps = gaps / unit
    if len(steps) < ENOUGH or len(steps) < LEAST_FILLED * np.round(steps).sum():
        return None
    off = np.abs(steps - np.round(steps))
    near = (off <= PART) & (steps > 0.5)
    if near.mean() < MOSTLY:
        return None
    # Gaps of 58 and 61 seconds have the mean of a minute, and other medians.
    step = float(gaps[near].sum() / np.round(steps[near]).sum())
    clock = _is_clock(times[0])
    step = _round_steps(step)[0][0] if clock and _round_steps(step) else step
    kind = "datetimes" if clock else "numbers"
    most = float(np.abs(gaps - step * np.round(steps))[near].max())
    some = "" if near.all() else f", and {1 - near.mean():.0%} of them by more"
    return (
        f"Rows are nearly, but not quite, {in_words(step, kind)} apart: gaps are off "
        f"by up to {in_words(most, kind)} ({most / step:.2g} of a step){some}. "
        f"{_mended(times, step, name, plain)}."
    )


def _mended(times: Sequence[Any], usual: float, name: str, plain: bool) -> str:
    """Return what to write, as times allow."""
    begin = "If that is only the clock's, "
    if _is_clock(times[0]):
        zone = getattr(times[0], "tz", None)
        # By a local clock some times come twice, and cannot be rounded.
        times = [t if zone is None else t.tz_convert("UTC") for t in times]
        for step, alias in _round_steps(usual):
            rounded = [index.round(alias) for index in times]
            if all(map(_may_be, times, rounded, [step] * len(times))):
                call = f'round("{alias}")'
                if zone is not None:
                    call = f'tz_convert("UTC").{call}.tz_convert("{zone}")'
                return begin + _line(call, name, plain)
        return (
            f"{begin}take means of equal steps before fit, "
            f'resample("{max(1, round(usual))}s").mean(): rounded times would coincide '
            "or move far"
        )
    return f"{begin}round the times to whole steps before fit"


def _line(call: str, name: str, plain: bool) -> str:
    column = name.endswith("]")
    if plain and not column:
        return f"round the times before fit, with .{call}"
    if column:
        call = ".".join(f"dt.{part}" for part in call.split("."))
    return f"write {name} = {name}.{call} before fit"


def _round_steps(unit: float) -> list[tuple[float, str]]:
    """Return steps near the usual gap that people set, with their names in pandas."""
    found = []
    for size, alias in _UNITS:
        n = round(unit / size)
        if n and abs(n * size / unit - 1) <= _NEAR:
            found.append((n * size, alias if n == 1 else f"{n}{alias}"))
    return found


def _may_be(times: Any, rounded: Any, step: float) -> bool:
    """Tell whether rounding keeps the rows apart and moves them little."""
    moved = np.abs(_numbers(rounded - times)).max(initial=0.0)
    return bool(rounded.is_unique and moved <= MOST_MOVED * step)


def _is_clock(times: pd.Index) -> bool:
    return isinstance(times, pd.DatetimeIndex | pd.TimedeltaIndex)


def _numbers(gaps: Any) -> np.ndarray:
    """Return gaps in seconds, or as numbers."""
    if isinstance(gaps, pd.TimedeltaIndex):
        return gaps.total_seconds().to_numpy()
    return np.asarray(gaps, dtype=float)
