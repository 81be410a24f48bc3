"""Equal steps of time: what an index says about the rows that come next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from LNN.data.timestamps import in_words

__all__ = ["LEAST_FILLED", "NEAR", "Grid"]

# Less of a grid than this is filled where rows come at odd times, not where some lack.
LEAST_FILLED = 0.5
# How far from a whole number of steps a gap may be and still be one, in steps.
NEAR = 1e-3
DAY, MONTH = pd.Timedelta(days=1), pd.Timedelta(days=365.2425 / 12)


@dataclass(frozen=True)
class Grid:
    """Times a step apart.

    Attributes
    ----------
    kind : {"numbers", "clock", "wall clock", "days of months", "month ends", \
"weekdays"}
        What is equal about the steps: "wall clock" are times of day whose distance
        changes with summer time.
    step : float, Timedelta or int
        Length of one; months or weekdays are counted.

    Examples
    --------
    >>> import pandas as pd
    >>> months = pd.to_datetime(["2024-01-31", "2024-02-29", "2024-03-31"])
    >>> grid = Grid.of([months])
    >>> grid.kind, grid.after(months[-1], 1)[0].day
    ('month ends', 30)
    """

    kind: str
    step: Any

    @classmethod
    def of(cls, indices: Sequence[pd.Index]) -> Grid | None:
        """Return the grid that all indices lie on; None if times are irregular.

        Parameters
        ----------
        indices : sequence of Index
            Numbers, datetimes or durations, in order.
        """
        first = indices[0]
        if not isinstance(first, pd.DatetimeIndex):
            kind = "clock" if isinstance(first, pd.TimedeltaIndex) else "numbers"
            return _fixed(kind, indices)
        return (
            _weekdays(indices)
            or _fixed("clock", indices)
            or _months(indices)
            or _wall_clock(indices)
        )

    def positions(self, times: pd.Index, origin: Any) -> np.ndarray:
        """Return how many steps times lie after an origin; fractions are off the grid.

        Parameters
        ----------
        times : Index
        origin : object
            A time on the grid.

        Returns
        -------
        ndarray of float
        """
        if self.kind == "wall clock":
            times, origin = times.tz_localize(None), origin.tz_localize(None)
        if self.kind in ("numbers", "clock", "wall clock"):
            return np.asarray((times - origin) / self.step, dtype=float)
        if self.kind == "weekdays":
            days = times.tz_localize(None).to_numpy().astype("datetime64[D]")
            begin = np.datetime64(origin.tz_localize(None), "D")
            count = np.busday_count(begin, days).astype(float)
            return np.where(np.is_busday(days), count, np.nan)
        month = (times.year - origin.year) * 12 + times.month - origin.month
        found = np.asarray(month / self.step, dtype=float)
        return np.where(times == self._at(origin, found), found, np.nan)

    def after(self, last: Any, n: int) -> pd.Index:
        """Return the next `n` times after one on the grid.

        Parameters
        ----------
        last : object
        n : int
        """
        steps = np.arange(1, n + 1)
        if self.kind == "numbers":
            whole = float(self.step).is_integer() and float(last).is_integer()
            if not whole:
                return pd.Index(last + self.step * steps)
            step, begin = int(self.step), int(last)
            return pd.RangeIndex(begin + step, begin + step * (n + 1), step)
        return self._at(last, steps)

    @property
    def length(self) -> float:
        """About how long a step is, in seconds or in units of the times."""
        if self.kind == "numbers":
            return float(self.step)
        if self.kind == "weekdays":
            return DAY.total_seconds()
        if self.kind in ("days of months", "month ends"):
            return float(self.step) * MONTH.total_seconds()
        return pd.Timedelta(self.step).total_seconds()

    def in_words(self) -> str:
        """Return how far apart the times are, for people."""
        if self.kind == "weekdays":
            return "weekdays"
        if self.kind in ("days of months", "month ends"):
            ends = self.kind == "month ends"
            which = "at their end" if ends else "on the same day"
            return f"equal, {self.step} month(s), {which}"
        if self.kind == "numbers":
            return f"equal, {self.step:g}"
        local = " by the local clock" if self.kind == "wall clock" else ""
        return f"equal, {in_words(self.length, self.kind)}{local}"

    def _steps(self, steps: np.ndarray) -> pd.TimedeltaIndex:
        return pd.TimedeltaIndex(steps * self.step.to_timedelta64())

    def _at(self, origin: Any, steps: np.ndarray) -> pd.Index:
        """Return the times that lie so many steps after an origin."""
        if self.kind == "clock":
            return origin + self._steps(steps)
        if self.kind == "wall clock":
            naive = origin.tz_localize(None) + self._steps(steps)
            return naive.tz_localize(origin.tz, ambiguous=True, nonexistent="NaT")
        if self.kind == "weekdays":
            offsets: Any = pd.tseries.offsets.BDay
        else:
            ends = self.kind == "month ends"
            offsets = pd.tseries.offsets.MonthEnd if ends else _months_later
        known = np.isfinite(steps)
        times = [
            origin + offsets(int(round(step)) * self.step) if round(step) else origin
            for step in np.where(known, steps, 0)
        ]
        return pd.DatetimeIndex(times)


def _months_later(n: int) -> pd.DateOffset:
    return pd.DateOffset(months=n)


def _fixed(kind: str, indices: Sequence[pd.Index]) -> Grid | None:
    """Return a grid of one length of step, if there is one."""
    gaps = [index[1:] - index[:-1] for index in indices if len(index) > 1]
    if not gaps:
        return Grid(kind, pd.Timedelta(seconds=1) if kind != "numbers" else 1)
    if kind != "numbers":
        seconds = np.concatenate([gap.total_seconds() for gap in gaps])
    else:
        seconds = np.concatenate([np.asarray(gap, dtype=float) for gap in gaps])
    # The smallest gap, where rows lack so often that the usual one is two steps.
    for unit in (float(np.median(seconds)), float(seconds.min())):
        steps = seconds / unit
        if np.abs(steps - np.round(steps)).max() > NEAR:
            continue
        if len(steps) >= LEAST_FILLED * np.round(steps).sum():
            step = unit if kind == "numbers" else pd.Timedelta(seconds=unit)
            return Grid(kind, step)
    return None


def _weekdays(indices: Sequence[pd.Index]) -> Grid | None:
    """Return the grid of Mondays to Fridays, if the times are such days."""
    few = max(len(index) for index in indices) < 6
    for index in indices:
        if few or (index.day_of_week > 4).any() or (index.normalize() != index).any():
            return None
        gaps = index[1:] - index[:-1]
        if len(gaps) and np.median(gaps.total_seconds()) != DAY.total_seconds():
            return None
    return Grid("weekdays", 1)


def _months(indices: Sequence[pd.Index]) -> Grid | None:
    """Return the grid of months, quarters or years, if the times are such dates."""
    ends = all(index.is_month_end.all() for index in indices)
    if not ends and any(len(set(index.day)) > 1 for index in indices):
        return None
    if any(len(set(index - index.normalize())) > 1 for index in indices):
        return None  # at other times of the day
    step = 0
    for index in indices:
        step = math.gcd(step, *np.diff(index.year * 12 + index.month).tolist())
    return Grid("month ends" if ends else "days of months", step) if step else None


def _wall_clock(indices: Sequence[pd.Index]) -> Grid | None:
    """Return a grid of local times, if a zone's summer time is all that is unequal."""
    if any(getattr(index, "tz", None) is None for index in indices):
        return None
    found = _fixed("clock", [index.tz_localize(None) for index in indices])
    return found and Grid("wall clock", found.step)
