"""What every forecast has to beat: the last value, and the value a season ago."""

from __future__ import annotations

import numpy as np

__all__ = ["naive", "seasonal_naive"]


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
