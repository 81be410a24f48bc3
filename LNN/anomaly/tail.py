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
# A law with an end would call all beyond it equal, and one with a heavier tail than
# this has no spread: what was seen then holds anomalies itself.
HEAVIEST = 0.5
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
    """

    known: np.ndarray
    rarity: np.ndarray
    level: float
    share: float
    shape: float
    scale: float

    @classmethod
    def fit(cls, values: np.ndarray) -> Tail:
        """Learn from values that are not abnormal, or hardly any of which are.

        Parameters
        ----------
        values : ndarray of shape (n,)
            NaN does not count.
        """
        ordered = np.sort(values[np.isfinite(values)])
        n = len(ordered)
        if not n:
            return cls(np.zeros(1), np.zeros(1), 0.0, 1.0, 0.0, 1.0)
        beyond = max(int((1 - QUANTILE) * n), min(LEAST_IN_TAIL, n // 2), 1)
        level, share = float(ordered[n - beyond - 1]) if n > beyond else 0.0, beyond / n
        shape, scale = _pareto(ordered[n - beyond :] - level)
        rank = np.unique(np.linspace(0, max(n - beyond - 1, 0), KEPT).astype(int))
        # As many as lie at or above a value, with itself: never none.
        rarity = np.log10(n / (n - rank))
        rarity = (
            rarity * min(1.0, -np.log10(share) / rarity[-1]) if rarity[-1] else rarity
        )
        return cls(ordered[rank], rarity, level, share, shape, scale)

    def rarity_of(self, values: np.ndarray) -> np.ndarray:
        """Return zeros of the rate: 3 is seen once in a thousand rows. NaN stays."""
        values = np.asarray(values, dtype=float)
        inside = np.interp(values, self.known, self.rarity)
        away = np.maximum(values - self.level, 0.0) / self.scale
        decay = away if self.shape < 1e-9 else np.log1p(self.shape * away) / self.shape
        return np.where(
            values > self.level, decay / np.log(10) - np.log10(self.share), inside
        )


def _pareto(excess: np.ndarray) -> tuple[float, float]:
    """Return shape and scale of what exceeds a threshold."""
    mean = float(excess.mean())
    if mean <= 0:
        return 0.0, 1.0
    if len(excess) < LEAST_IN_TAIL:
        return 0.0, mean
    from scipy.stats import genpareto  # takes long to import

    found = float(genpareto.fit(excess / mean, floc=0)[0])
    shape = float(np.clip(found, 0.0, HEAVIEST))
    _, _, scale = genpareto.fit(excess / mean, f0=shape, floc=0)
    return shape, float(scale) * mean
