"""Attributions of a handful of answers, spread over the data."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from LNN._results import Result
from LNN.inspection.attribution import attribution
from LNN.inspection.report.data import ReportData

# Answers, and steps of all of them: what a page may cost.
MOST_ANSWERS, MOST_STEPS = 100, 40_000
# Whole recordings are explained from their beginning on: answers near it.
LONGEST = 256


LIMITED = (
    "Shares of columns and steps are left out: this model has output_constraints, and "
    "shares would explain what its network proposes, not what it answers within them."
)


def is_limited(data: ReportData) -> bool:
    """Tell whether limits act on the answers, which shares do not explain."""
    return data.fitted.limits is not None


def eligible_places(data: ReportData) -> NDArray[np.int64]:
    """Return the rows or sequences whose answers can be explained at little cost."""
    sequences = data.sequences
    if not sequences.whole:
        return np.arange(len(sequences))
    position = sequences.position_of_row
    sample = np.searchsorted(sequences.start, position, side="right") - 1
    return np.flatnonzero(position - sequences.start[sample] < LONGEST)


def explained_places(data: ReportData) -> NDArray[np.int64]:
    """Return the rows or sequences whose answers are explained, spread over all."""
    places, longest = eligible_places(data), data.sequences.max_length
    if data.sequences.whole:
        longest = min(LONGEST, longest)
    n = int(np.clip(MOST_STEPS // max(1, longest), 4, MOST_ANSWERS))
    if len(places) <= n:
        return places
    return places[np.linspace(0, len(places) - 1, n).astype(int)]


def attributed(
    data: ReportData,
    places: NDArray[np.int64],
    output: Any,
    tolerance: float = 1e-3,
) -> Result:
    """Return the attributions of these answers."""
    asked = {"rows": places, "output": output, "tolerance": tolerance}
    return attribution(data.fitted, data.X, **asked, **data.given)


def explained_outputs(data: ReportData) -> list[tuple[str, Any]]:
    """Return what is explained, in words, and as `attribution` takes it."""
    fitted = data.fitted
    classes = fitted.targets.classes
    if classes is not None:
        # Shares of two classes are of one size, with other signs.
        return [("the log odds of the class that is predicted", None)]
    levels = fitted.network.output_size // fitted.targets.n_targets
    names = data.target_names
    words = [f"the answer for {name}" for name in names]
    if len(names) == 1:
        words = ["the answer"]
    return [(word, k * levels + levels // 2) for k, word in enumerate(words)]
