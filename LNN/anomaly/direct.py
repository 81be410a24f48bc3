"""Rows at equal steps: each row foresees all horizons at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from LNN.anomaly.missing_steps import Bridged
from LNN.anomaly.origins import changes, origins_at_equal_steps
from LNN.anomaly.plan import DetectorPlan
from LNN.anomaly.recordings import Recordings
from LNN.anomaly.residuals import ResidualEngine, Residuals, no_residuals
from LNN.anomaly.training import train
from LNN.data.examples import Given
from LNN.exceptions import InvalidInputError

__all__ = ["Direct"]

# With fewer rows of which all horizons are known, one that is known is enough.
LEAST_ROWS = 20


@dataclass(frozen=True, eq=False)
class Direct(ResidualEngine):
    """A network on windows of rows; its outputs are channels by horizons."""

    @classmethod
    def fit(
        cls,
        rows: Recordings,
        plan: DetectorPlan,
        clean: np.ndarray,
        options: Mapping[str, Any],
        random: np.random.RandomState,
    ) -> Direct:
        """Learn from rows.

        Parameters
        ----------
        rows : Recordings
        plan : DetectorPlan
        clean : ndarray of bool, shape (n,)
            Rows that are not marked; others are read, but nothing is learnt of them.
        options : mapping of str
            Parameters of `LiquidRegressor`.
        random : numpy.random.RandomState
        """
        found = _goals(rows, plan, clean)
        seen = np.isfinite(found)
        known = seen.any(axis=1) & clean[:, None]
        used = known.all(axis=1)
        if used.sum() < LEAST_ROWS:
            used = known.any(axis=1)
        if not used.any():
            raise InvalidInputError(
                f"Expected rows whose next ones, up to {plan.horizons[-1]:g} steps "
                f"ahead, are known and not marked by y, got none of "
                f"n_samples = {len(rows)}. Fit on more rows, or set shorter horizons."
            )
        # A channel that was not seen then did not move, for all that is known.
        goals = np.where(seen, found, 0.0).reshape(len(rows), -1)
        whole = Bridged.of(rows, plan)
        goals, weight = whole.spread(goals), whole.spread(used.astype(float))
        several = whole.recording if rows.recording[-1] else None
        model = train(
            Given(whole.inputs, goals, weight, None, several),
            {**options, "window_length": plan.window_length, "missing": _policy(rows)},
            random,
        )
        return cls(plan, model)

    def residuals(self, rows: Recordings) -> Residuals:
        """Foresee all rows from those before them."""
        several, whole = None, Bridged.of(rows, self.plan)
        if self.model.layout.recordings or rows.recording[-1]:
            several = whole.recording
        answers = np.asarray(self.model.predict(whole.inputs, groups=several))
        shape = len(rows), rows.values.shape[1], -1
        return self.compared(rows, answers[whole.place].astype(float).reshape(shape))

    def compared(self, rows: Recordings, answers: np.ndarray) -> Residuals:
        """Compare rows with the changes that earlier ones foresaw (n, K, H)."""
        values, origins = no_residuals(rows, self.plan), []
        for number, row, origin, change in _changes(rows, self.plan):
            values[row, :, number] = change - answers[origin, :, number]
            place = np.full(len(rows), -1)
            place[row] = origin
            origins.append(place)
        gaps = np.broadcast_to(np.array(self.plan.horizons), (len(rows), len(origins)))
        return Residuals(values, np.stack(origins, axis=1), gaps)


def _changes(
    rows: Recordings, plan: DetectorPlan
) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Go through the horizons: its number, rows, their origins, and the changes."""
    steps, warm = plan.steps(rows), plan.warm(rows)
    for number, horizon in enumerate(plan.horizons):
        origin = origins_at_equal_steps(steps, horizon)
        row = np.flatnonzero((origin >= 0) & warm[origin])
        before = origin[row]
        yield number, row, before, changes(rows, steps, row, before, horizon)


def _goals(rows: Recordings, plan: DetectorPlan, clean: np.ndarray) -> np.ndarray:
    """Return how much channels change after each row (n, n_channels, n_horizons)."""
    found = no_residuals(rows, plan)
    for number, row, origin, change in _changes(rows, plan):
        found[origin, :, number] = np.where(clean[row][:, None], change, np.nan)
    return found


def _policy(rows: Recordings) -> str:
    """Return what the network does where a value is missing."""
    # Masks are worth their inputs only where training shows what they mean.
    return "hold" if np.isfinite(rows.values).all() else "mask"
