"""Quantiles in which a weight of 2 is the same as the value twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["weighted_median", "weighted_quantiles"]

# Sums of fractional weights are off by rounding; a share that is this close to another
# is the same.
_ROUNDING = 1e-12


def weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the median; between two values in the middle, their mean.

    Parameters
    ----------
    values, weights : ndarray of float, shape (n,)
        Weights above 0.

    Examples
    --------
    >>> import numpy as np
    >>> weighted_median(np.array([5.0, 1.0, 2.0]), np.array([2.0, 1.0, 1.0]))
    3.5
    >>> float(np.median([5.0, 5.0, 1.0, 2.0]))
    3.5
    """
    ordered, share = _ordered(values, weights)
    low = np.searchsorted(share, 0.5 - _ROUNDING)
    high = np.searchsorted(share, 0.5 + _ROUNDING)
    return float(0.5 * (ordered[low] + ordered[high]))


def weighted_quantiles(
    values: np.ndarray, levels: Sequence[float], weights: np.ndarray
) -> list[float]:
    """Return for each level the smallest value that reaches it.

    Parameters
    ----------
    values, weights : ndarray of float, shape (n,)
        Weights above 0.
    levels : sequence of float in (0, 1)

    Examples
    --------
    >>> import numpy as np
    >>> weighted_quantiles(np.array([1.0, 2.0, 9.0]), (0.1, 0.9), np.array([8, 1, 1.0]))
    [1.0, 2.0]
    """
    ordered, share = _ordered(values, weights)
    return ordered[np.searchsorted(share, np.asarray(levels) - _ROUNDING)].tolist()


def _ordered(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the values in order, and which share of the weight each closes."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return values[order], total / total[-1]
