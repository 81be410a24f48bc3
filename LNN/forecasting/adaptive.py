"""Widths that follow what came: adaptive conformal inference (ACI).

Where the world changes, intervals from the validation part cover too much or too
little. After each truth the level moves against the error: a miss widens what follows,
a hit narrows it a little, so that in the long run the part of misses is the one wanted.

Gibbs and Candès, Adaptive conformal inference under distribution shift, NeurIPS 2021.
"""

from __future__ import annotations

import numpy as np

from LNN.forecasting.intervals import widths

__all__ = ["AdaptiveWidths", "adapted"]

RATE = 0.02


class AdaptiveWidths:
    """Widths of one series, a level for each step.

    Parameters
    ----------
    residuals : ndarray of shape (n, horizon)
        Errors of the validation part, in units of the local spread.
    coverage : float
    """

    def __init__(self, residuals: np.ndarray, coverage: float):
        widths(residuals, coverage)  # refuses too few
        scores = np.abs(residuals)
        self.scores = [np.sort(own[np.isfinite(own)]) for own in scores.T]
        self.missed = 1 - coverage
        self.levels = np.full(len(self.scores), self.missed)

    def now(self) -> np.ndarray:
        """Return how far intervals reach at each step, in units of the spread.

        A level beyond all scores has the width of the largest.
        """
        found = []
        for own, level in zip(self.scores, self.levels, strict=True):
            rank = int(np.ceil((len(own) + 1) * (1 - level) - 1e-9))
            found.append(own[min(max(rank, 1), len(own)) - 1])
        return np.array(found)

    def learn(self, step: int, inside: bool) -> None:
        """Take in whether a truth of this step (0 is the first) lay inside."""
        self.levels[step] += RATE * (self.missed - (not inside))


def adapted(
    residuals: np.ndarray, coverage: float, place: np.ndarray, errors: np.ndarray
) -> np.ndarray:
    """Return the widths of consecutive forecasts of one series, (n, horizon).

    A forecast knows the truths of earlier ones that had come by then, and no others.

    Parameters
    ----------
    residuals : ndarray of shape (n_scores, horizon)
    coverage : float
    place : ndarray of int, shape (n,)
        The row at which each forecast begins, rising.
    errors : ndarray of shape (n, horizon)
        |truth - forecast| in units of the local spread; NaN where nothing was seen.
    """
    tracker = AdaptiveWidths(residuals, coverage)
    found = np.empty(errors.shape)
    horizon = errors.shape[1]
    taken = np.zeros(len(place), dtype=int)
    first = 0
    for number, here in enumerate(place):
        for before in range(first, number):
            known = min(here - place[before], horizon)
            for step in range(taken[before], known):
                error = errors[before, step]
                if np.isfinite(error):
                    tracker.learn(step, error <= found[before, step])
            taken[before] = known
        while first < number and taken[first] == horizon:
            first += 1
        found[number] = tracker.now()
    return found
