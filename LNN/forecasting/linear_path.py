"""The linear path: ridge regression from the window to all steps at once.

It is the baseline that hardly anything beats by much, so the network learns only what
it leaves over. Squares would let a few wild windows rule it: it is fitted again with
less weight for windows that it was far off at, and so comes near least absolute errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["ALPHAS", "LinearPath", "weighted_error"]

# In units of the mean square of the inputs and of the number of windows: what suits one
# series then suits it in other units and lengths.
ALPHAS = tuple(10.0**power for power in (-6, -5, -4, -3, -2, -1, 0))
# So many times the mean square of the usual window is wild.
WILD = 20.0
# How often it is fitted again, and which part of the usual error counts as none.
ROUNDS, LEAST_ERROR = 2, 0.1


@dataclass(frozen=True, eq=False)
class LinearPath:
    """A linear map of windows.

    Attributes
    ----------
    coefficients : ndarray of shape (n_inputs, horizon)
    intercept : ndarray of shape (horizon,)
    alpha : float or None
        Strength of the penalty, as in `ALPHAS`. None is a path that answers 0.
    """

    coefficients: np.ndarray
    intercept: np.ndarray
    alpha: float | None

    @classmethod
    def none(cls, n_inputs: int, horizon: int) -> LinearPath:
        """Return the path that leaves everything to the network."""
        return cls(np.zeros((n_inputs, horizon)), np.zeros(horizon), None)

    @classmethod
    def fit(
        cls, inputs: np.ndarray, goals: np.ndarray, weights: np.ndarray, alpha: float
    ) -> LinearPath:
        """Fit to windows (n, n_inputs), what came after (n, horizon) and weights (n,).

        A weight of 2 counts an absolute error twice.
        """
        path = cls._least_squares(inputs, goals, weights, alpha)
        for _ in range(ROUNDS):
            error = np.abs(path(inputs) - goals).mean(axis=1)
            error = np.maximum(error, LEAST_ERROR * np.median(error))
            if not error.all():
                break  # nothing is left over
            path = cls._least_squares(inputs, goals, weights / error, alpha)
        return path

    @classmethod
    def _least_squares(
        cls, inputs: np.ndarray, goals: np.ndarray, weights: np.ndarray, alpha: float
    ) -> LinearPath:
        from sklearn.linear_model import Ridge  # takes long, and not all forecast

        # Of the usual window: a wild one must not make the penalty of all, nor bend the
        # map to itself. A window of one level only has nothing to map.
        sizes = np.mean(inputs**2, axis=1)
        unit = float(np.median(sizes)) or float(sizes.mean()) or 1.0
        weights = weights / np.maximum(1.0, sizes / (WILD * unit))
        weights = weights / weights.mean()
        ridge = Ridge(alpha=alpha * len(inputs) * unit)
        ridge.fit(inputs, goals, sample_weight=weights)
        coefficients = ridge.coef_.reshape(goals.shape[1], -1).T
        intercept = np.broadcast_to(ridge.intercept_, goals.shape[1])
        return cls(np.ascontiguousarray(coefficients), np.array(intercept), alpha)

    @classmethod
    def choose(
        cls,
        training: tuple[np.ndarray, np.ndarray, np.ndarray],
        validation: tuple[np.ndarray, np.ndarray, np.ndarray],
        alphas: Sequence[float] = ALPHAS,
    ) -> LinearPath:
        """Fit with each penalty; return the best on later windows.

        Parameters
        ----------
        training, validation : tuple of ndarray
            Inputs, goals and weights; unseen goals of `validation` are NaN.
        alphas : sequence of float
        """
        inputs, goals, weights = validation
        fits = [cls.fit(*training, alpha) for alpha in alphas]
        errors = [weighted_error(fit(inputs), goals, weights) for fit in fits]
        return fits[int(np.argmin(errors))]

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Return forecasts (n, horizon) in the units of the windows."""
        return inputs @ self.coefficients + self.intercept


def weighted_error(found: np.ndarray, goals: np.ndarray, weights: np.ndarray) -> float:
    """Return the mean absolute error of forecasts (n, horizon); NaN does not count."""
    return float(np.nanmean(np.abs(found - goals) * weights[:, None]))
