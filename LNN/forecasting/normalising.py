"""Windows as changes from their last value, in units of their own size.

A network that sees levels learns levels; the next window has another one. This choice
moves errors more than any other of the forecaster.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LNN.forecasting.rows import Windows

__all__ = ["ANCHORS", "SCALES", "Normaliser", "spread"]

ANCHORS = ("last", "mean")
SCALES = ("none", "level", "std", "balanced", "season")
# A window that hardly moves has a spread of nothing, and any error would be endless in
# units of it: this share of its level stands in.
LEAST = 1e-3
# Errors of "balanced" windows count in units of spread**(1 - BALANCE) * level**BALANCE:
# those of a relative measure and those of a scaled one then are small alike.
BALANCE = 0.65


@dataclass(frozen=True, eq=False)
class Normaliser:
    """What is subtracted from windows, and what divides them.

    Attributes
    ----------
    anchor : {"last", "mean"}
    scale : {"none", "level", "std", "balanced", "season"}
        "none" divides each target by one number of the training part. "balanced" are
        standard deviations whose part of the level is told to the network.
    season : int
    sizes : ndarray of shape (n_targets,)
        These numbers.
    usual : ndarray of shape (n_targets,)
        The local spread of the usual window of the training part.
    """

    anchor: str
    scale: str
    season: int
    sizes: np.ndarray
    usual: np.ndarray

    def of(self, windows: Windows) -> tuple[np.ndarray, np.ndarray]:
        """Return centre and scale of each window, both (n, 1)."""
        past = windows.past
        centre = past[:, -1:] if self.anchor == "last" else past.mean(1, keepdims=True)
        return centre, self._scale(windows)

    def _scale(self, windows: Windows) -> np.ndarray:
        past = windows.past
        if self.scale == "none":
            return self.sizes[windows.column][:, None]
        level = _level(past)
        if self.scale == "level":
            found = level
        elif self.scale == "season":
            found = spread(past, self.season)
        else:
            found = np.maximum(past.std(axis=1, keepdims=True), LEAST * level)
        return np.where(found > 0, found, 1.0)

    def local_spread(self, windows: Windows) -> np.ndarray:
        """Return the unit of errors at each window, (n, 1).

        It is the mean change over a season; in one series by itself the geometric mean
        of that of the window and the usual one. After a wild year the next is wilder
        than usual, but by less.
        """
        found = spread(windows.past, self.season)
        if self.scale != "none":
            return found
        return np.sqrt(found * self.usual[windows.column][:, None])

    def told(self, windows: Windows) -> np.ndarray:
        """Return what the network is told of the size of windows, (n, 0) or (n, 1)."""
        if self.scale != "balanced":
            return np.empty((len(windows.past), 0))
        level = _level(windows.past)
        return self._scale(windows) / np.where(level > 0, level, 1.0)

    def weights(self, windows: Windows) -> np.ndarray:
        """Return how much the errors of windows count, (n,), their mean 1."""
        if self.scale != "balanced":
            return np.ones(len(windows.past))
        past, level = windows.past, _level(windows.past)
        unit = spread(past, self.season) ** (1 - BALANCE) * level**BALANCE
        found = (self._scale(windows) / np.where(unit > 0, unit, 1.0))[:, 0]
        return found / found.mean()


def _level(past: np.ndarray) -> np.ndarray:
    return np.abs(past).mean(axis=1, keepdims=True)


def spread(past: np.ndarray, season: int) -> np.ndarray:
    """Return the mean change over a season inside of windows (n, 1), never 0.

    Parameters
    ----------
    past : ndarray of shape (n, window_length)
    season : int
        1 where the window holds no whole season more than once.
    """
    lag = season if season < past.shape[1] else 1
    level = _level(past)
    if past.shape[1] < 2:
        return np.where(level > 0, level, 1.0)
    change = np.abs(past[:, lag:] - past[:, :-lag]).mean(axis=1, keepdims=True)
    found = np.maximum(change, LEAST * level)
    return np.where(found > 0, found, 1.0)
