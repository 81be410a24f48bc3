"""From residuals to scores: averaged over channels, horizons and time, then ranked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from LNN.anomaly.tail import Tail

__all__ = ["Scorer", "averaged", "mean_of_known", "median_of_known", "over_time"]

# Which part of the time that is averaged over has to hold rows.
FILLED = 0.5
# Which part of the horizons has to be known.
ENOUGH = 0.5


@dataclass(frozen=True, eq=False)
class Scorer:
    """Ranks sizes of residuals among those of rows that are not abnormal.

    An anomaly of a few rows shows in the sizes as they are, one that lasts shows in
    their means over some time: each row counts as the rarest of these.

    Attributes
    ----------
    spans : tuple of float
        Steps that are averaged over; 0 is the row alone.
    tails : tuple of Tail
        One for each of them.
    last : Tail
        Of the rarest one.
    """

    spans: tuple[float, ...]
    tails: tuple[Tail, ...]
    last: Tail

    @classmethod
    def fit(
        cls,
        sizes: np.ndarray,
        steps: np.ndarray,
        spans: tuple[float, ...],
        owner: np.ndarray | None,
    ) -> tuple[Scorer, np.ndarray]:
        """Learn which sizes are usual; return also how rare the rarest mean of each is.

        Parameters
        ----------
        sizes : ndarray of shape (n,)
            NaN where they do not count.
        steps : ndarray of shape (n,)
        spans : tuple of float
        owner : ndarray of int, shape (n,), or None
            The sequence of each row, where one score is for a sequence.
        """
        known = np.isfinite(sizes)
        means = [
            np.where(known, over_time(sizes, steps, span), np.nan) for span in spans
        ]
        if not all(np.isfinite(mean).any() for mean in means):
            spans, means = spans[:1], means[:1]
        tails = tuple(
            Tail.fit(mean, steps, span) for mean, span in zip(means, spans, strict=True)
        )
        blank = cls(spans, tails, tails[0])
        rarest = _of_each(blank.rarest(means), owner)
        # How few independent values there are has been counted by the tails.
        return cls(spans, tails, Tail.fit(rarest)), rarest

    def __call__(
        self, sizes: np.ndarray, steps: np.ndarray, owner: np.ndarray | None = None
    ) -> np.ndarray:
        """Return scores, one a row or one a sequence; 0 where nothing was seen."""
        means = [over_time(sizes, steps, span) for span in self.spans]
        rarest = np.where(np.isfinite(sizes), self.rarest(means), np.nan)
        return np.nan_to_num(self.last.rarity_of(_of_each(rarest, owner)))

    def rarest(self, means: list[np.ndarray]) -> np.ndarray:
        """Return how rare the rarest of several means of a row is."""
        each = [
            tail.rarity_of(mean) for tail, mean in zip(self.tails, means, strict=True)
        ]
        return np.fmax.reduce(each)


def averaged(units: np.ndarray, aggregate: str) -> np.ndarray:
    """Return the size of residuals (n, K, H) of each row: over horizons, then channels.

    Parameters
    ----------
    units : ndarray of shape (n, n_channels, n_horizons)
    aggregate : {"mean", "max"}
        How channels are put together.
    """
    sizes = mean_of_known(np.abs(units), axis=2)
    # The mean of a few horizons varies more than that of all, and would look rarer.
    known = np.isfinite(units).any(axis=1).mean(axis=1)
    sizes[known < ENOUGH] = np.nan
    if aggregate == "mean":
        return mean_of_known(sizes, axis=1)
    return np.fmax.reduce(sizes, axis=1)


def mean_of_known(values: np.ndarray, axis: int) -> np.ndarray:
    """Return means without NaN; NaN where nothing is known."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=axis)
    count = known.sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def median_of_known(values: np.ndarray) -> np.ndarray:
    """Return medians over rows; NaN where nothing is known, without a warning."""
    ordered = np.sort(values, axis=0)  # NaN comes last
    known = np.isfinite(values).sum(axis=0)
    low, high = (np.maximum(known - 1, 0) // 2, known // 2)
    high = np.minimum(high, np.maximum(known - 1, 0))
    pair = [np.take_along_axis(ordered, k[None], axis=0)[0] for k in (low, high)]
    return (pair[0] + pair[1]) / 2


def over_time(sizes: np.ndarray, steps: np.ndarray, span: float) -> np.ndarray:
    """Return means of the last `span` steps up to each row; NaN before half of them.

    Parameters
    ----------
    sizes : ndarray of shape (n,)
        NaN does not count.
    steps : ndarray of shape (n,)
        Recordings lie further apart than a span.
    span : float

    Examples
    --------
    >>> import numpy as np
    >>> over_time(np.array([1.0, 3, 5]), np.array([1.0, 2, 3]), 2).tolist()
    [1.0, 2.0, 4.0]
    """
    if not span:
        return sizes
    # A second stands for a step.
    times = pd.to_timedelta(steps - steps[0], unit="s")
    least = max(1, int(FILLED * span))
    window = pd.Timedelta(seconds=span)
    series = pd.Series(sizes, index=times)
    return series.rolling(window, min_periods=least).mean().to_numpy()


def _of_each(scores: np.ndarray, owner: np.ndarray | None) -> np.ndarray:
    """Return the largest score of each sequence, or those of the rows as they are."""
    if owner is None:
        return scores
    begins = np.flatnonzero(np.diff(owner, prepend=-1))
    return np.fmax.reduceat(scores, begins)
