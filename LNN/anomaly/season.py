"""The season of rows: how long it takes until they look alike again.

It sets how far ahead rows are foreseen and over how much time scores are averaged, so a
season that is about right will do, and a beat that comes a little early or late has one
too.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from LNN.anomaly.recordings import Recordings
from LNN.forecasting.grid import Grid
from LNN.forecasting.periods import find_periods
from LNN.forecasting.seasons import find_seasons

__all__ = ["find_season"]

# A season that the longest recording does not hold so often may be chance.
LEAST_SEASONS = 4
# Rows over which sizes of changes are averaged, so that bursts show.
BURST = 16


def find_season(rows: Recordings, unit: float, regular: bool) -> float | None:
    """Return the season in steps; None where there is none.

    Parameters
    ----------
    rows : Recordings
    unit : float
        The usual gap, in seconds where there is a clock.
    regular : bool
        Whether rows come at equal steps.
    """
    begins = np.flatnonzero(rows.first)[1:]
    parts = np.split(rows.values, begins)
    most = max(map(len, parts)) / LEAST_SEASONS
    if not regular:
        assert rows.elapsed is not None
        times = np.split(np.cumsum(np.where(rows.first, 0, rows.elapsed)), begins)
        return _irregular(times, parts, unit, most)
    columns = [part[:, k] for part in parts for k in range(part.shape[1])]
    columns = [c for c in columns if np.isfinite(c).sum() >= LEAST_SEASONS]
    if not columns:
        return None
    counted = Grid("numbers", 1)
    ways = [(counted, columns), (counted, [_bursts(column) for column in columns])]
    if rows.stamps is not None:
        ways.insert(0, (Grid("clock", pd.Timedelta(seconds=unit)), columns))
    for grid, series in ways:
        found = [s for s in find_seasons(grid, series) if 1 < s <= most]
        if found:
            return float(found[0])
    return None


def _bursts(column: np.ndarray) -> np.ndarray:
    """Return a series whose changes are the mean sizes of those of another."""
    sizes = pd.Series(np.abs(np.diff(column, prepend=column[0])))
    return np.cumsum(sizes.rolling(BURST, min_periods=1).mean().fillna(0.0).to_numpy())


def _irregular(
    times: list[np.ndarray], parts: list[np.ndarray], unit: float, most: float
) -> float | None:
    """Return the strongest period of rows at odd times, in steps."""
    pairs = [
        (own / unit, part[:, k])
        for own, part in zip(times, parts, strict=True)
        for k in range(part.shape[1])
    ]
    found = find_periods(*zip(*pairs, strict=True))
    usable = [period for period in found if 1 < period <= most]
    return usable[0] if usable else None
