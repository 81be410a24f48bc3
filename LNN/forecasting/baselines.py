"""What every forecast has to beat: the last value, and the value a season ago."""

from __future__ import annotations

import numpy as np

from LNN.forecasting.rows import Cutoffs, TrackRows

__all__ = ["naive", "season_ago", "seasonal_naive"]


def naive(past: np.ndarray, horizon: int) -> np.ndarray:
    """Return the last value of windows (n, window_length), `horizon` times."""
    return np.repeat(past[:, -1:], horizon, axis=1)


def seasonal_naive(past: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """Return the last season of windows, over and over.

    Examples
    --------
    >>> import numpy as np
    >>> seasonal_naive(np.array([[9, 1, 2, 3]]), 4, season=3).tolist()
    [[1, 2, 3, 1]]
    """
    season = min(season, past.shape[1])
    return past[:, past.shape[1] - season + np.arange(horizon) % season]


def season_ago(
    rows: TrackRows, cutoffs: Cutoffs, past: np.ndarray, horizon: int, season: int
) -> np.ndarray:
    """Return what came a season before, of seasons longer than a window too.

    Parameters
    ----------
    rows : TrackRows
        At equal steps.
    cutoffs : Cutoffs
    past : ndarray of shape (n, window_length)
        Their windows.
    horizon, season : int

    Returns
    -------
    ndarray of shape (n, horizon)
        The last value where no row is a season before.
    """
    if season <= past.shape[1]:
        return seasonal_naive(past, horizon, season)
    place = cutoffs.row[:, None] - season + np.arange(horizon) % season
    there = place >= rows.begin[cutoffs.track][:, None]
    found = rows.filled[np.maximum(place, 0), cutoffs.column[:, None]]
    return np.where(there & np.isfinite(found), found, past[:, -1:])
