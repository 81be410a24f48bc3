"""Rows at odd times: each row is asked for, with its own gap, from rows before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from LNN.anomaly.past import held, origins_at_odd_times
from LNN.anomaly.plan import Plan
from LNN.anomaly.recordings import Recordings
from LNN.anomaly.residuals import Engine, Residuals, no_residuals
from LNN.anomaly.training import train
from LNN.data.examples import Given
from LNN.exceptions import InvalidInputError

__all__ = ["Queried"]

# More queries teach little, and so many are in memory at a time.
MOST_QUERIES, BLOCK = 20_000, 4_096
# The part of each recording, its last rows, that says when to stop.
HELD_OUT, LEAST_TO_HOLD_OUT = 0.1, 200


@dataclass(frozen=True, eq=False)
class Queried(Engine):
    """A network that reads rows and one more, which has a time but no values."""

    @classmethod
    def fit(
        cls,
        rows: Recordings,
        plan: Plan,
        clean: np.ndarray,
        options: Mapping[str, Any],
        random: np.random.RandomState,
    ) -> Queried:
        """Learn from rows; see `Direct.fit`."""
        origins, past = _origins(rows, plan), held(rows)
        row, number = np.nonzero((origins >= 0) & clean[:, None])
        origin = origins[row, number]
        change = rows.values[row] - past[origin]
        used = clean[origin] & np.isfinite(change).any(axis=1)
        row, origin, change = row[used], origin[used], change[used]
        if len(row) < 2:
            raise InvalidInputError(
                f"Expected rows that others before them foresee, got {len(row)} of "
                f"n_samples = {len(rows)}. Fit on more rows, or set shorter horizons."
            )
        each = -(-len(row) // MOST_QUERIES)
        row, origin, change = row[::each], origin[::each], change[::each]
        goals = np.where(np.isfinite(change), change, 0.0)
        late = _late(rows, row)
        parts = []
        for chosen in (~late, late):
            if not chosen.any():
                parts.append(Given(None, None))
                continue
            cube, times = _queries(rows, plan, row[chosen], origin[chosen])
            parts.append(Given(cube, goals[chosen], None, times))
        how = {"missing": "mask", "return_sequences": False, "layout": "sequences"}
        how |= {"early_stopping": bool(late.any())}
        model = train(parts[0], {**options, **how}, random, parts[1])
        return cls(plan, model)

    def residuals(self, rows: Recordings, last: int | None = None) -> Residuals:
        """Foresee all rows from those before them, or only the last ones."""
        origins, past, steps = (
            _origins(rows, self.plan),
            held(rows),
            self.plan.steps(rows),
        )
        values = no_residuals(rows, self.plan)
        if last is not None:
            origins[:-last] = -1
        row, number = np.nonzero(origins >= 0)
        origin = origins[row, number]
        for begin in range(0, len(row), BLOCK):
            part = slice(begin, begin + BLOCK)
            cube, times = _queries(rows, self.plan, row[part], origin[part])
            answers = np.asarray(self.model.predict(cube, timestamps=times))
            change = rows.values[row[part]] - past[origin[part]]
            values[row[part], :, number[part]] = change - answers.reshape(change.shape)
        gaps = np.where(origins >= 0, steps[:, None] - steps[origins], np.nan)
        return Residuals(values, origins, gaps)


def _origins(rows: Recordings, plan: Plan) -> np.ndarray:
    steps, first = plan.steps(rows), rows.first
    found = [origins_at_odd_times(steps, first, h) for h in plan.horizons]
    return np.stack(found, axis=1)


def _late(rows: Recordings, row: np.ndarray) -> np.ndarray:
    """Return which rows are among the last of their recording."""
    if len(row) < LEAST_TO_HOLD_OUT:
        return np.zeros(len(row), dtype=bool)
    size = np.bincount(rows.recording)
    rank = np.arange(len(rows)) - np.repeat(np.cumsum(size) - size, size)
    late = rank >= np.repeat((1 - HELD_OUT) * size, size)
    return late[row]


def _queries(
    rows: Recordings, plan: Plan, row: np.ndarray, origin: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows up to an origin, then the row that is asked for, unseen.

    Returns
    -------
    cube : ndarray of shape (n, window_length + 1, n_channels + n_calendar)
    times : ndarray of shape (n, window_length + 1)
        In steps.
    """
    steps, inputs = plan.steps(rows), plan.inputs(rows)
    place = np.arange(len(rows))
    begin = np.maximum.accumulate(np.where(rows.first, place, 0))[origin][:, None]
    back = origin[:, None] + np.arange(1 - plan.window_length, 1)
    # Before the first row of a recording it stands in, a step apart.
    lacking = np.maximum(begin - back, 0)
    back = np.maximum(back, begin)
    asked = inputs[row][:, None].copy()
    asked[:, :, : rows.values.shape[1]] = np.nan
    cube = np.concatenate([inputs[back], asked], axis=1)
    times = np.concatenate([steps[back] - lacking, steps[row][:, None]], axis=1)
    return cube, times
