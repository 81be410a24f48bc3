"""The origin of a prediction: the row that lies a horizon before the predicted row."""

from __future__ import annotations

import numpy as np
import pandas as pd

from LNN.anomaly.recordings import Recordings

__all__ = ["changes", "held", "origins_at_equal_steps", "origins_at_odd_times"]


def origins_at_equal_steps(steps: np.ndarray, horizon: float) -> np.ndarray:
    """Return the row a horizon before each row, (n,); -1 where there is none.

    Parameters
    ----------
    steps : ndarray of shape (n,)
        As `DetectorPlan.steps`; a row counts that is less than half a step off.
    horizon : float

    Examples
    --------
    >>> import numpy as np
    >>> origins_at_equal_steps(np.array([9.0, 10, 12, 13]), 1).tolist()
    [-1, 0, -1, 2]
    """
    wanted = steps - horizon
    after = np.minimum(np.searchsorted(steps, wanted), len(steps) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(steps[before] - wanted) < np.abs(steps[after] - wanted)
    found = np.where(nearer, before, after)
    known = (np.abs(steps[found] - wanted) < 0.5) & (found < np.arange(len(steps)))
    return np.where(known, found, -1)


def origins_at_odd_times(
    steps: np.ndarray, first: np.ndarray, horizon: float
) -> np.ndarray:
    """Return the last row that lies at least a horizon back; -1 where there is none.

    Up to a horizon of one step it is the row before.

    Parameters
    ----------
    steps : ndarray of shape (n,)
        As `DetectorPlan.steps`.
    first : ndarray of bool, shape (n,)
        Whether each row is the first of its recording.
    horizon : float
    """
    place = np.arange(len(steps))
    begin = np.maximum.accumulate(np.where(first, place, 0))
    found = np.searchsorted(steps, steps - horizon, side="right") - 1
    if horizon <= 1:
        found = place - 1
    return np.where((found >= begin) & (found < place), found, -1)


def held(rows: Recordings, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the last value of each channel that was seen, and how long ago it was.

    Both are (n, n_channels), ages in steps; NaN before the first value.
    """
    seen = np.isfinite(rows.values)
    if seen.all():
        return rows.values, np.zeros(rows.values.shape)
    when = np.where(seen, steps[:, None], np.nan)
    both = pd.DataFrame(np.concatenate([rows.values, when], axis=1))
    last = both.groupby(rows.recording).ffill().to_numpy()
    values, when = np.split(last, 2, axis=1)
    return values, steps[:, None] - when


def changes(
    rows: Recordings,
    steps: np.ndarray,
    row: np.ndarray,
    origin: np.ndarray,
    horizon: np.ndarray | float,
) -> np.ndarray:
    """Return how much channels have changed from origins to rows (n, n_channels).

    A value that was held for longer than the horizon says little, so nothing is known
    of the change then.

    Parameters
    ----------
    rows : Recordings
    steps : ndarray of shape (n_rows,)
    row, origin : ndarray of int, shape (n,)
    horizon : ndarray of shape (n,), or float
        In steps.
    """
    past, age = held(rows, steps)
    found = rows.values[row] - past[origin]
    longest = np.maximum(np.broadcast_to(horizon, len(row)), 1.0)
    return np.where(age[origin] <= longest[:, None], found, np.nan)
