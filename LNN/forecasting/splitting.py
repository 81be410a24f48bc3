"""Which windows train and which validate: the late rows of each series are held out."""

from __future__ import annotations

import numpy as np

from LNN.exceptions import InvalidInputError
from LNN.forecasting.plan import ForecastPlan
from LNN.forecasting.rows import Cutoffs, TrackRows

__all__ = ["MOST_VALIDATION", "MOST_WINDOWS", "split", "thinned", "validation_rows"]

# More windows than these teach little: they overlap. Those that are many steps of the
# cell take long, so that fewer of them train.
MOST_WINDOWS, MOST_STEPS, MOST_VALIDATION = 50_000, 1_000_000, 4_000


def validation_rows(n: int, horizon: int, fraction: float) -> int:
    """Return how many of a track's rows are held out."""
    return max(horizon, int(np.ceil(fraction * n)))


def split(rows: TrackRows, plan: ForecastPlan) -> tuple[Cutoffs, Cutoffs]:
    """Return cutoffs that train, and later ones that validate.

    No row that is forecast in the validation part is forecast in training.
    """
    length, horizon = plan.window_length, plan.horizon
    early, late = [], []
    for begin, end in zip(rows.begin, rows.end, strict=True):
        held = validation_rows(end - begin, horizon, plan.validation_fraction)
        first = begin + length
        early.append(np.arange(first, end - held - horizon + 1))
        late.append(np.arange(max(first, end - held), end - horizon + 1))
    if not sum(map(len, early)):
        longest = int((rows.end - rows.begin).max())
        held = validation_rows(longest, horizon, plan.validation_fraction)
        raise InvalidInputError(
            f"Expected a series of at least {length + horizon + held} rows for "
            f"horizon={horizon} and windows of {length} rows ({held} rows to "
            f"validate), got {longest} at most. Forecast fewer steps, pass longer "
            f"series{', or set a shorter window_length' if length > 2 else ''}."
        )
    total = sum(map(len, early)) * rows.n_targets
    stride = plan.stride
    if not isinstance(stride, int):
        steps = plan.window_length // plan.patch
        stride = -(-total // min(MOST_WINDOWS, MOST_STEPS // steps))
    parts = []
    for name, found in (("first", early), ("last", late)):
        # Counted from the end: the last window is that of the forecast to come.
        found = [
            own[(end - horizon - own) % stride == 0]
            for own, end in zip(found, rows.end, strict=True)
        ]
        usable = _usable(rows, rows.cutoffs(found), horizon)
        if not len(usable.row):
            raise InvalidInputError(
                f"Expected rows of the {name} part whose next {horizon} values were "
                "mostly seen, got none: nothing can be learnt from them. Leave series "
                "out that end unseen, or set a smaller stride."
            )
        parts.append(usable)
    return parts[0], parts[1]


def _usable(rows: TrackRows, cutoffs: Cutoffs, horizon: int) -> Cutoffs:
    """Leave out cutoffs before which nothing was seen, or little after."""
    goals = rows.goals(cutoffs, horizon)
    after = np.isfinite(goals).mean(axis=1) >= 0.5
    before = np.isfinite(rows.filled[cutoffs.row - 1, cutoffs.column])
    return cutoffs.subset(after & before)


def thinned(cutoffs: Cutoffs, most: int) -> Cutoffs:
    """Return at most so many cutoffs, evenly and with the last one."""
    each = -(-len(cutoffs.row) // most)
    return cutoffs.subset(np.arange(len(cutoffs.row))[::-1][:: max(1, each)][::-1])
