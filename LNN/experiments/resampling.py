"""How sure a test metric is: the test part drawn again, the same draws for each model.

Seeds tell how much a training varies. They do not tell whether another test part would
have said the same: for that, the test sequences are drawn with replacement.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from LNN.experiments.metrics import Metric
from LNN.experiments.runs import Record
from LNN.experiments.task import Part

DRAWS = 200
DIGITS = 5
FIELD = "resampled"


def resampled(metric: Metric, part: Part, answers: Any) -> list[float]:
    """Score the same answers on many draws of the test sequences.

    Parameters
    ----------
    metric : Metric
    part : Part
    answers : ndarray or list of ndarray
        What a model says of all sequences of the part.

    Returns
    -------
    list of float
        The k-th number of every model is of the same draw.
    """
    random, n = np.random.default_rng(0), len(part)
    asked = Part(part.y, answers)
    found = []
    for _ in range(DRAWS):
        drawn = asked.take(random.integers(n, size=n))
        found.append(float(f"{metric.score(drawn.X, drawn.y):.{DIGITS}g}"))
    return found


def gain(
    ours: Iterable[Record], theirs: Iterable[Record], metric: Metric
) -> tuple[float, float, float] | None:
    """Return how much better one model is than another, with its 95 % interval.

    Parameters
    ----------
    ours, theirs : iterable of dict
        The records of all seeds of each, on the same test part.
    metric : Metric

    Returns
    -------
    tuple (gain, low, high) or None
        Positive where ours is better; None where runs did not keep the draws.
    """
    means = [_means(ours), _means(theirs)]
    if means[0] is None or means[1] is None:
        return None
    difference = (1 if metric.greater_is_better else -1) * (means[0] - means[1])
    # A draw of one class has no AUC, for either model.
    known = difference[1:][np.isfinite(difference[1:])]
    if not len(known):
        return None
    low, high = np.quantile(known, (0.025, 0.975))
    return float(difference[0]), float(low), float(high)


def _means(records: Iterable[Record]) -> np.ndarray | None:
    """Return the test metric and those of the draws, as means over seeds."""
    rows = [[r["test"], *r[FIELD]] for r in records if FIELD in r]
    return np.mean(rows, axis=0) if rows else None
