"""Intervals that cover: split conformal prediction, a width for each step.

Forecasts of the validation part, made by a model that had not seen it, have errors. An
error in units of the local spread is a score; as many scores as the coverage says lie
within their quantile, which among n scores has rank ceil((n + 1) coverage).
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from LNN.exceptions import InvalidInputError

__all__ = [
    "check_coverage",
    "check_coverages",
    "check_levels",
    "highest_coverage",
    "level_offsets",
    "widths",
]

# Sums such as 0.1 * 30 are off by rounding; a rank that is this near is whole.
ROUNDING = 1e-9


def check_coverage(coverage: Any) -> float:
    """Return a coverage; refuse what is none."""
    if not isinstance(coverage, Real) or not 0 < float(coverage) < 1:
        raise InvalidInputError(
            f"Expected coverage as a number between 0 and 1, such as 0.9, got "
            f"{coverage!r}."
        )
    return float(coverage)


def check_coverages(coverage: Any) -> tuple[list[float], bool]:
    """Return coverages, and whether a list of them was asked for."""
    several = isinstance(coverage, list | tuple | np.ndarray) and np.ndim(coverage) == 1
    found = [check_coverage(c) for c in (coverage if several else [coverage])]
    if not found or len(set(found)) < len(found):
        raise InvalidInputError(
            f"Expected coverages that differ, such as [0.5, 0.9], got {coverage!r}."
        )
    return found, several


def check_levels(levels: Any) -> list[float]:
    """Return levels of quantiles; refuse what are none."""
    found = [levels] if isinstance(levels, Real) else list(levels)
    good = all(isinstance(v, Real) and 0 < float(v) < 1 for v in found)
    if not found or not good:
        raise InvalidInputError(
            f"Expected levels between 0 and 1, such as [0.1, 0.5, 0.9], got {levels!r}."
        )
    return [float(level) for level in found]


def highest_coverage(residuals: np.ndarray) -> float:
    """Return the highest coverage, in hundredths, that forecasts allow; 0 is none.

    Parameters
    ----------
    residuals : ndarray of shape (n, horizon)
        As in `widths`.

    Examples
    --------
    >>> import numpy as np
    >>> highest_coverage(np.zeros((7, 12)))
    0.87
    """
    return _highest(int(np.isfinite(residuals).sum(axis=0).min(initial=len(residuals))))


def _highest(n: int) -> float:
    """Return the highest level, in hundredths, whose rank is among n scores."""
    return float(np.floor(100 * n / (n + 1) + ROUNDING)) / 100


def widths(residuals: np.ndarray, coverage: float) -> np.ndarray:
    """Return how far from the forecast an interval reaches, (horizon,).

    Parameters
    ----------
    residuals : ndarray of shape (n, horizon)
        Errors in units of the local spread; NaN where the truth is unseen.
    coverage : float

    Raises
    ------
    InvalidInputError
        If there are too few of them for this coverage.

    Examples
    --------
    >>> import numpy as np
    >>> widths(np.arange(-9.0, 10)[:, None], 0.5).tolist()
    [5.0]
    """
    columns = np.abs(residuals).T
    return np.array([_ranked(column, coverage) for column in columns])


def level_offsets(residuals: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Return what to add to the forecast for each level, (n_levels, horizon).

    The residuals keep their signs, so that quantiles may lie askew.
    """
    found = [
        [
            _ranked(column, level) if level >= 0.5 else -_ranked(-column, 1 - level)
            for column in residuals.T
        ]
        for level in levels
    ]
    order = np.argsort(levels)
    offsets = np.array(found)
    offsets[order] = np.maximum.accumulate(offsets[order], axis=0)
    return offsets


def _ranked(scores: np.ndarray, level: float) -> float:
    """Return the score of rank ceil((n + 1) level)."""
    known = np.sort(scores[np.isfinite(scores)])
    rank = int(np.ceil((len(known) + 1) * level - ROUNDING))
    if rank > len(known):
        needed = int(np.ceil(level / (1 - level) - ROUNDING))
        raise InvalidInputError(
            f"Expected at least {needed} forecasts in the validation part for a level "
            f"of {level:g}, got {len(known)}: an interval from fewer would not cover. "
            f"Fit on longer series, set a larger validation_fraction, or ask for less"
            f"{_less(len(known))}."
        )
    return float(known[rank - 1])


def _less(n: int) -> str:
    """Return what so many scores allow, in words."""
    if not n:
        return ""
    high = _highest(n)
    return (
        f": a coverage of {high:g} at most, or quantiles from {1 - high:g} to {high:g}"
    )
