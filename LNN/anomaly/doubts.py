"""Warnings of rows that say little about what is usual."""

from __future__ import annotations

import numpy as np

from LNN._warnings import warn
from LNN.anomaly.tail import Tail

__all__ = ["warn_of_doubts"]

# Fewer rows have no tail that reaches to one in ten thousand.
FEW = 500
# The last part of the rows of a fit, and how many times as far off it may be.
LATE, DRIFTED = 0.2, 1.5


def warn_of_doubts(sizes: np.ndarray, last: Tail, n_sequences: int | None) -> None:
    """Warn of too few rows, of drift, and of anomalies that were taken for usual.

    Parameters
    ----------
    sizes : ndarray of shape (n,)
        Of the residuals of a fit in time order; NaN does not count.
    last : Tail
        Of its scores.
    n_sequences : int or None
        How many sequences there are, where one score is for a sequence.
    """
    known = sizes[np.isfinite(sizes)]
    n, what = len(known), "rows"
    if n_sequences is not None:
        n, what = n_sequences, "sequences"
    if n < FEW:
        warn(
            f"The threshold is set by {n} {what} (at least {FEW} are better): how "
            f"often it is exceeded by chance is a guess. Fit on more {what}, or take "
            "scores for an order only."
        )
        return
    cut = int((1 - LATE) * len(known))
    early, late = np.median(known[:cut]), np.median(known[cut:])
    if late > DRIFTED * early:
        warn(
            f"The last fifth of the rows is {late / early:.1f} times as far from what "
            "was foreseen as those before: they drift, or something went wrong there. "
            "Later rows will score higher than they should. Fit on rows like those to "
            "come, mark what is abnormal with y=1, or open stream(), which adapts."
        )
    if last.too_heavy:
        warn(
            "A few rows of the fit are so much further off than all others that they "
            "look abnormal themselves, which raises the threshold. Look at "
            "events(X) of these rows, and mark what is abnormal with y=1."
        )
