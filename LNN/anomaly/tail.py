"""How rare a value is: a rank among known ones, and beyond them a Pareto tail.

The largest of a few hundred known values says little of what comes once in ten thousand
rows. What exceeds a high quantile follows a generalised Pareto law (peaks over
threshold), which reaches as far as one asks.

References
----------
Siffer et al., Anomaly detection in streams with extreme value theory, KDD 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Tail"]

# Values above this quantile are the tail, if they are so many.
QUANTILE, LEAST_IN_TAIL = 0.98, 10
# A law with an end (a shape below 0) would call all beyond it equally impossible. A
# heavier tail than the heaviest has no spread: what was seen holds anomalies itself.
LIGHTEST, HEAVIEST = 0.0, 0.5
# Ranks are kept of so many values.
KEPT = 1000


@dataclass(frozen=True, eq=False)
class Tail:
    """The law of values that are not abnormal.

    Attributes
    ----------
    known, rarity : ndarray of shape (n_kept,)
        Values that increase, and how rare each is.
    level, share : float
        Where the tail begins, and which part of the values lies beyond.
    shape, scale : float
        Of the tail.
    too_heavy : bool
        Whether the tail was heavier than is believed.
    """

    known: np.ndarray
    rarity: np.ndarray
    level: float
    share: float
    shape: float
    scale: float
    too_heavy: bool = False

    @classmethod
    def fit(
        cls, values: np.ndarray, steps: np.ndarray | None = None, span: float = 0.0
    ) -> Tail:
        """Learn from values that are not abnormal, or hardly any of which are.

        Parameters
        ----------
        values : ndarray of shape (n,)
            NaN does not count.
        steps : ndarray of shape (n,), default=None
            When they were. None takes all for independent.
        span : float, default=0
            Values that are so many steps apart, or fewer, have much in common.

        Notes
        -----
        Means over a season are a few independent values, however many rows there are. A
        scale that is known from k of them only makes a tail with a shape of 1 / k of an
        exponential one (the predictive distribution).
        """
        known = np.isfinite(values)
        ordered = np.sort(values[known])
        n = len(ordered)
        if n < 2:
            only = float(ordered[0]) if n else 0.0
            return cls(np.array([only]), np.zeros(1), only, 1.0, 0.0, 1.0)
        beyond = max(int((1 - QUANTILE) * n), min(LEAST_IN_TAIL, n // 2), 1)
        level = float(ordered[n - beyond - 1])
        independent = beyond
        if steps is not None:
            above = steps[known & (values > level)]
            independent = 1 + int((np.diff(above) > max(span, 1.0)).sum())
        found, shape, scale = _pareto(ordered[n - beyond :] - level, independent)
        rank = np.unique(np.linspace(0, n - beyond - 1, KEPT).astype(int))
        rarity = np.log10(n / (n - 1 - rank))
        heavy = found > HEAVIEST
        return cls(ordered[rank], rarity, level, beyond / n, shape, scale, heavy)

    def rarity_of(self, values: np.ndarray) -> np.ndarray:
        """Return zeros of the rate: 3 is seen once in a thousand rows. NaN stays."""
        values = np.asarray(values, dtype=float)
        inside = np.interp(values, self.known, self.rarity)
        away = np.maximum(values - self.level, 0.0) / self.scale
        decay = np.log1p(self.shape * away) / self.shape if self.shape else away
        beyond = decay / np.log(10) - np.log10(self.share)
        found = np.where(values > self.level, beyond, inside)
        return np.where(np.isnan(values), np.nan, found)


def _pareto(excess: np.ndarray, independent: int) -> tuple[float, float, float]:
    """Return the shape that was found, the one that is believed, and the scale."""
    mean = float(excess.mean())
    if mean <= 0:
        return 0.0, 0.0, 1.0
    from scipy.stats import genpareto  # takes long to import

    found = 0.0
    if len(excess) >= LEAST_IN_TAIL:
        found = float(genpareto.fit(excess / mean, floc=0)[0])
    shape = float(np.clip(found, max(LIGHTEST, 1 / independent), HEAVIEST))
    _, _, scale = genpareto.fit(excess / mean, f0=shape, floc=0)
    return found, shape, float(scale) * mean
