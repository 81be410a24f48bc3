"""Columns that tell where in a day, a week, a year or another period a time lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["CYCLES", "Calendar", "calendar_for", "numbers", "waves"]

# In seconds.
CYCLES = {"day": 86_400.0, "week": 604_800.0, "year": 365.2425 * 86_400.0}
HARMONICS = (1, 2, 3)


@dataclass(frozen=True)
class Calendar:
    """Waves in the rhythm of some cycles.

    Attributes
    ----------
    cycles : tuple of str
        Names of `CYCLES`.
    periods : tuple of float
        Lengths of others, in seconds or in units of the times.
    origin : object
        The time that these are counted from.

    Examples
    --------
    >>> import pandas as pd
    >>> noon = pd.DatetimeIndex(["2024-06-01 12:00"])
    >>> Calendar(("day",)).of(noon).round(3).tolist()
    [[0.0, -1.0, -0.0, 1.0, 0.0, -1.0]]
    """

    cycles: tuple[str, ...]
    periods: tuple[float, ...] = ()
    origin: Any = None

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return 2 * len(HARMONICS) * (len(self.cycles) + len(self.periods))

    def of(self, times: pd.Index) -> np.ndarray:
        """Return the columns (n, n_columns) of times; none without a clock."""
        shares = self._calendar_shares(times) if self.cycles else []
        if self.periods:
            passed = numbers(times, self.origin)
            shares += [passed / period for period in self.periods]
        return waves(shares, len(times))

    def _calendar_shares(self, times: pd.Index) -> list[np.ndarray]:
        """Return which part of each cycle has gone by."""
        assert isinstance(times, pd.DatetimeIndex)
        # By the clock on the wall: people follow summer time.
        times = times.tz_localize(None)
        day = np.asarray((times - times.normalize()) / pd.Timedelta(days=1))
        length = np.where(times.is_leap_year, 366, 365)
        share = {
            "day": day,
            "week": np.asarray((times.day_of_week + day) / 7),
            "year": np.asarray((times.day_of_year - 1 + day) / length),
        }
        return [share[cycle] for cycle in self.cycles]


def waves(shares: Sequence[np.ndarray], n: int) -> np.ndarray:
    """Return sines and cosines (n, n_columns) of parts of cycles, each (n,)."""
    found = [np.empty((n, 0))]
    for share in shares:
        for harmonic in HARMONICS:
            angle = 2 * np.pi * harmonic * share
            found += [np.sin(angle)[:, None], np.cos(angle)[:, None]]
    return np.concatenate(found, axis=1)


def numbers(times: pd.Index, origin: Any) -> np.ndarray:
    """Return the time since an origin, in seconds or in units of the times."""
    if not isinstance(times, pd.DatetimeIndex | pd.TimedeltaIndex):
        return times.to_numpy(dtype=np.float64) - float(origin)
    return np.asarray((times - origin).total_seconds())


def calendar_for(
    indices: Sequence[pd.Index], step: float, window: float
) -> tuple[str, ...]:
    """Return the cycles that the times show, but a window does not.

    Parameters
    ----------
    indices : sequence of Index
        Times of each recording.
    step : float
        Usual gap between rows, in seconds.
    window : float
        Time that a window covers, in seconds; 0 where rows come at odd times.
    """
    if not isinstance(indices[0], pd.DatetimeIndex):
        return ()
    longest = max((index[-1] - index[0]).total_seconds() for index in indices)
    return tuple(
        name
        for name, length in CYCLES.items()
        # Twice at least: a cycle that was seen once cannot be told from a trend.
        if 2 * step <= length and 2 * length <= longest and window < 0.99 * length
    )
