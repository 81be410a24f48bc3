"""Warnings of rows that are too few or too odd to learn from, or are not judged."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from LNN._warnings import warn
from LNN.anomaly.plan import DetectorPlan
from LNN.anomaly.recordings import Recordings
from LNN.anomaly.tail import Tail
from LNN.data.jitter import jitter_told
from LNN.data.timestamps import in_words, time_unit
from LNN.forecasting.stray import refuse_stray

__all__ = [
    "refuse_stray_rows",
    "warn_of_another_rate",
    "warn_of_constant",
    "warn_of_jitter",
    "warn_of_weak_fit",
    "warn_of_unjudged",
]

# With fewer rows the tail cannot tell an event of one in ten thousand.
FEW = 500
# Residuals of the last fifth of the rows of a fit are compared with those before: if
# their size is more than 1.5 times as large, the rows have drifted.
LATE, DRIFTED = 0.2, 1.5
# Largest share of the rows with enough rows before them that may be left unjudged
# without a warning.
MOST_UNJUDGED = 0.1


def refuse_stray_rows(rows: Recordings) -> None:
    """Refuse recordings that begin or end with the time of a clock that was reset.

    Parameters
    ----------
    rows : Recordings
        Rows that are steps of time.
    """
    if rows.elapsed is None or len(rows) < 3:
        return
    first = rows.first
    steps = rows.elapsed / time_unit(rows.elapsed[~first])
    several = bool(rows.recording[-1])
    begins = np.flatnonzero(first)
    for begin, end in zip(begins, [*begins[1:], len(rows)], strict=True):
        own = np.cumsum(np.append(0.0, steps[begin + 1 : end]))
        name = rows.names[begin] if several else None
        refuse_stray(rows.times[begin:end], own, name)


def warn_of_weak_fit(sizes: np.ndarray, last: Tail, n_sequences: int | None) -> None:
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


def warn_of_jitter(rows: Recordings, unit: float, name: str | None) -> None:
    """Warn of times that would be regular if their clock did not jitter.

    Parameters
    ----------
    rows : Recordings
        At irregular gaps.
    unit : float
        The usual gap.
    name : str or None
        What holds the times in the caller's code, if it is one index or column.
    """
    begins = [*np.flatnonzero(rows.first), len(rows)]
    times = [rows.times[a:b] for a, b in pairwise(begins)]
    told = jitter_told(times, unit, name or "X.index", plain=name is None)
    if told is not None:
        warn(
            f"{told} Rows count as irregular, so fit and scores take several times "
            "as long, and odd seasons may be found."
        )


def warn_of_constant(values: np.ndarray, channels: Sequence[Any]) -> None:
    """Warn of channels that never change: nothing says how much change is usual.

    Parameters
    ----------
    values : ndarray of shape (n, n_channels)
        Rows of a fit that count; NaN is unseen.
    channels : sequence
        What they are called.
    """
    seen = np.isfinite(values)
    low = np.where(seen, values, np.inf).min(axis=0)
    high = np.where(seen, values, -np.inf).max(axis=0)
    flat = [c for c, same in zip(channels, low == high, strict=True) if same]
    if flat:
        shown = ", ".join(map(repr, flat[:5])) + (", ..." if len(flat) > 5 else "")
        warn(
            f"{len(flat)} of {len(channels)} channel(s) are constant in the rows of "
            f"the fit ({shown}): nothing says how much change is usual there, so "
            "that any change will be an anomaly. Leave them out, or fit on rows in "
            "which they change."
        )


def warn_of_another_rate(
    rows: Recordings, plan: DetectorPlan, kind: str | None
) -> None:
    """Warn of rows that come at equal steps, but seldom at each of them.

    Parameters
    ----------
    rows : Recordings
    plan : DetectorPlan
    kind : str or None
        What the time stamps of the fit were.
    """
    gaps = np.diff(plan.steps(rows))[~rows.first[1:]]
    if not plan.regular or not len(gaps):
        return
    usual = float(np.median(gaps))
    if usual > 1.5:
        known, here = in_words(plan.unit, kind), in_words(usual * plan.unit, kind)
        warn(
            f"LiquidAnomalyDetector was fitted on rows {known} apart, but those of X "
            f"are usually {here} apart: what it reads is mostly unseen, and scores "
            "say little. Fit on rows at this rate, or pass all rows."
        )


def warn_of_unjudged(
    rows: Recordings, plan: DetectorPlan, ready: np.ndarray, sizes: np.ndarray
) -> None:
    """Warn where many rows are not judged: their scores are 0.

    Parameters
    ----------
    rows : Recordings
    plan : DetectorPlan
    ready : ndarray of bool, shape (n,)
        Whether each row lies late enough in its recording.
    sizes : ndarray of shape (n,)
        Of residuals; NaN if a row is not judged.
    """
    if not len(rows):
        return
    if not ready.any():
        longest = int(np.bincount(rows.recording).max())
        warn(
            "None of the rows can be judged, so all scores are 0: a row needs "
            f"{plan.first_judged:g} steps of its recording before it, and the longest "
            f"has {longest} rows. Hand over earlier rows, too."
        )
        return
    expected = ready & np.isfinite(rows.values).any(axis=1)
    lacking = expected & ~np.isfinite(sizes)
    if lacking.sum() <= MOST_UNJUDGED * expected.sum():
        return
    share = lacking.sum() / expected.sum()
    how = "None" if share == 1 else f"{1 - share:.0%}"
    ahead = ", ".join(f"{h:g}" for h in plan.horizons)
    warn(
        f"{how} of the rows that have enough before them can be judged. The others "
        'have the score 0, which is "no news" and not "healthy": too few of the rows '
        f"that they are foreseen from were seen, {ahead} steps before. judged(X) tells "
        "which rows are judged."
    )
