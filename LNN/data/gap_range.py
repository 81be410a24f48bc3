"""Which gaps training showed: much longer or shorter ones may be in another unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .timestamps import in_words
from .weighted import weighted_quantiles

__all__ = ["ENOUGH", "FAR", "GapRange"]

# A gap is far from others if it is this many times longer or shorter; seconds taken
# for minutes are further off.
FAR = 30.0
# With at least this many gaps the median tells the unit; with fewer, each may be an
# outage.
ENOUGH = 10
# Where most gaps of training are. The rest are outages, which hide another unit: a gap
# of a minute is one of hours in milliseconds.
MOST = (0.01, 0.99)


@dataclass(frozen=True)
class GapRange:
    """The positive gaps of training, in a few numbers.

    Attributes
    ----------
    unit : float
        Their median.
    shortest, longest : float
    low, high : float
        Most of them lie between these.
    """

    unit: float
    shortest: float
    longest: float
    low: float
    high: float

    @classmethod
    def of(
        cls, gaps: np.ndarray, unit: float, weights: np.ndarray | None = None
    ) -> GapRange | None:
        """Return what to remember of training; None if no time passed in it."""
        weights = np.ones(len(gaps)) if weights is None else weights
        gaps, weights = gaps[gaps > 0], weights[gaps > 0]
        if not len(gaps):
            return None
        low, high = weighted_quantiles(gaps, MOST, weights)
        return cls(unit, float(gaps.min()), float(gaps.max()), low, high)

    @property
    def far(self) -> float:
        """A single gap that is longer than this is doubtful."""
        return FAR * self.longest

    def describe_far_gaps(
        self, gaps: np.ndarray, kind: str | None = None
    ) -> str | None:
        """Say how much longer or shorter gaps are than in training.

        Parameters
        ----------
        gaps : ndarray of float
            NaN and 0 are ignored.
        kind : str, default=None
            What the time stamps are, as `elapsed_time` returns it.

        Returns
        -------
        str or None
            None if the gaps are not far from those of training.

        Examples
        --------
        >>> import numpy as np
        >>> known = GapRange.of(np.array([1.0, 2.0, 4.0]), 2.0)
        >>> known.describe_far_gaps(np.array([0.0, 9.0]))
        >>> known.describe_far_gaps(np.array([2.0, 400.0]))
        'a gap of 400, 100 times the longest of training (4)'
        """
        gaps = gaps[gaps > 0]
        if not len(gaps):
            return None
        longest, typical = float(gaps.max()), float(np.median(gaps))
        too_short = min(self.low, self.unit / FAR)
        too_long = max(self.high, FAR * self.unit)
        if len(gaps) >= ENOUGH and not too_short <= typical <= too_long:
            return _times("gaps with a median of", typical, "that", self.unit, kind)
        if longest > self.far:
            return _times("a gap of", longest, "the longest", self.longest, kind)
        if longest < self.shortest / FAR:
            return _times(
                "gaps of at most", longest, "the shortest", self.shortest, kind
            )
        return None


def _times(what: str, gap: float, which: str, known: float, kind: str | None) -> str:
    shown, other = in_words(gap, kind), in_words(known, kind)
    return f"{what} {shown}, {gap / known:.4g} times {which} of training ({other})"
