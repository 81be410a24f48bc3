"""Rows at odd times: each row is asked for, with its own gap, from rows before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from LNN.anomaly.origins import changes, origins_at_odd_times
from LNN.anomaly.plan import DetectorPlan
from LNN.anomaly.recordings import Recordings
from LNN.anomaly.residuals import ResidualEngine, Residuals, no_residuals
from LNN.anomaly.training import train
from LNN.data.examples import Given
from LNN.exceptions import InvalidInputError

__all__ = ["Queried"]

# More queries teach little, and so many are in memory at a time.
MOST_QUERIES, BLOCK = 20_000, 4_096
# The part of each recording, its last rows, that says when to stop.
HELD_OUT, LEAST_TO_HOLD_OUT = 0.1, 200


@dataclass(frozen=True, eq=False)
class Queried(ResidualEngine):
    """A network that reads rows and one more, which has a time but no values."""

    @classmethod
    def fit(
        cls,
        rows: Recordings,
        plan: DetectorPlan,
        clean: np.ndarray,
        options: Mapping[str, Any],
        random: np.random.RandomState,
    ) -> Queried:
        """Learn from rows; see `Direct.fit`."""
        origins, steps = _origins(rows, plan), plan.steps(rows)
        row, number = np.nonzero((origins >= 0) & clean[:, None])
        origin = origins[row, number]
        ahead = np.array(plan.horizons)[number]
        change = changes(rows, steps, row, origin, ahead)
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
        late, queries = _late(rows, row), _Queries.of(rows, plan)
        parts = []
        for chosen in (~late, late):
            if not chosen.any():
                parts.append(Given(None, None))
                continue
            cube, times = queries(row[chosen], origin[chosen])
            parts.append(Given(cube, goals[chosen], None, times))
        how = {"missing": "mask", "return_sequences": False, "layout": "sequences"}
        how |= {"early_stopping": bool(late.any())}
        model = train(parts[0], {**options, **how}, random, parts[1])
        return cls(plan, model)

    def residuals(self, rows: Recordings, last: int | None = None) -> Residuals:
        """Foresee all rows from those before them, or only the last ones."""
        origins, steps = _origins(rows, self.plan), self.plan.steps(rows)
        values = no_residuals(rows, self.plan)
        if last is not None:
            origins[:-last] = -1
        row, number = np.nonzero(origins >= 0)
        origin = origins[row, number]
        ahead = np.array(self.plan.horizons)[number]
        change = changes(rows, steps, row, origin, ahead)
        queries = _Queries.of(rows, self.plan)
        for begin in range(0, len(row), BLOCK):
            part = slice(begin, begin + BLOCK)
            cube, times = queries(row[part], origin[part])
            answers = np.asarray(self.model.predict(cube, timestamps=times))
            found = change[part] - answers.reshape(change[part].shape)
            values[row[part], :, number[part]] = found
        gaps = np.where(origins >= 0, steps[:, None] - steps[origins], np.nan)
        return Residuals(values, origins, gaps)


def _origins(rows: Recordings, plan: DetectorPlan) -> np.ndarray:
    steps, first, warm = plan.steps(rows), rows.first, plan.warm(rows)
    found = [origins_at_odd_times(steps, first, h) for h in plan.horizons]
    place = np.stack(found, axis=1)
    return np.where(warm[place], place, -1)


def _late(rows: Recordings, row: np.ndarray) -> np.ndarray:
    """Return which rows are among the last of their recording."""
    if len(row) < LEAST_TO_HOLD_OUT:
        return np.zeros(len(row), dtype=bool)
    size = np.bincount(rows.recording)
    rank = np.arange(len(rows)) - np.repeat(np.cumsum(size) - size, size)
    late = rank >= np.repeat((1 - HELD_OUT) * size, size)
    return late[row]


class _Queries(NamedTuple):
    """What queries are cut from.

    Attributes
    ----------
    inputs : ndarray of shape (n_rows, n_inputs)
        Channels first.
    n_channels, window_length : int
    steps : ndarray of shape (n_rows,)
    begin : ndarray of int, shape (n_rows,)
        The first row of the recording of each.
    """

    inputs: np.ndarray
    n_channels: int
    window_length: int
    steps: np.ndarray
    begin: np.ndarray

    @classmethod
    def of(cls, rows: Recordings, plan: DetectorPlan) -> _Queries:
        place = np.arange(len(rows))
        begin = np.maximum.accumulate(np.where(rows.first, place, 0))
        shape = rows.values.shape[1], plan.window_length
        return cls(plan.inputs(rows), *shape, plan.steps(rows), begin)

    def __call__(self, row: np.ndarray, origin: np.ndarray) -> tuple[Any, Any]:
        """Return the rows up to an origin, then the row that is asked for, unseen.

        Returns
        -------
        sequences : ndarray of shape (n, window_length + 1, n_inputs), or list
            A list where some have fewer rows before them, or begin unseen.
        times : ndarray of shape (n, window_length + 1), or list
            In steps.
        """
        begin = self.begin[origin]
        back = origin[:, None] + np.arange(1 - self.window_length, 1)
        lacking = np.maximum(begin - back[:, 0], 0)
        back = np.maximum(back, begin[:, None])
        asked = self.inputs[row][:, None]  # indexing has made a copy
        asked[:, :, : self.n_channels] = np.nan
        cube = np.concatenate([self.inputs[back], asked], axis=1)
        times = np.concatenate([self.steps[back], self.steps[row][:, None]], axis=1)
        # A cube whose sequences begin and end unseen would be taken for a padded one.
        unseen = np.isnan(cube[:, 0]).all(axis=1)
        if not (lacking.any() or unseen.any()):
            return cube, times
        parts = [(c[n:], t[n:]) for c, t, n in zip(cube, times, lacking, strict=True)]
        cubes, stamps = zip(*parts, strict=True)
        return list(cubes), list(stamps)
