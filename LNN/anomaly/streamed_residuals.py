"""Residuals of rows that come one by one; they equal those of all rows at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from LNN.anomaly.arrivals import DetectorRow
from LNN.anomaly.direct import Direct
from LNN.anomaly.missing_steps import missing_steps
from LNN.anomaly.queried import Queried
from LNN.anomaly.recordings import Recordings
from LNN.anomaly.residuals import ResidualEngine, Residuals
from LNN.streaming import LiquidStream

__all__ = ["streamed_residuals_of"]


def streamed_residuals_of(engine: ResidualEngine) -> AtEqualSteps | AtOddTimes:
    """Return what computes the residuals of a stream's rows, one row at a time."""
    if isinstance(engine, Queried):
        return AtOddTimes(engine)
    assert isinstance(engine, Direct)
    return AtEqualSteps(engine)


class _Past(NamedTuple):
    """A row that came, and what was predicted from it.

    Attributes
    ----------
    step : float
        Its time, in steps.
    held : ndarray of shape (n_channels,)
        The last value of each channel that was seen until then.
    seen : ndarray of shape (n_channels,)
        When that was, in steps.
    warm : bool
        Whether there were enough rows before it to predict from.
    answer : ndarray of shape (n_channels, n_horizons)
        The changes that are predicted for the rows after it.
    """

    step: float
    held: np.ndarray
    seen: np.ndarray
    warm: bool
    answer: np.ndarray


class AtEqualSteps:
    """Keeps the predictions made from earlier rows until the row they are about comes.

    Parameters
    ----------
    engine : Direct
    """

    def __init__(self, engine: Direct):
        self._engine, self._stream = engine, LiquidStream(engine.model, "window")
        self._past: list[_Past] = []
        self._last: _Past | None = None
        self._calendar = np.empty(0)
        self._count = 0

    def residuals(self, row: DetectorRow) -> Residuals:
        """Return the residuals of a row, and foresee the next ones."""
        horizons = self._engine.plan.horizons
        values = np.full((1, len(row.values), len(horizons)), np.nan)
        origins = np.full((1, len(horizons)), -1)
        steps = np.array([past.step for past in self._past])
        for number, horizon in enumerate(horizons):
            if not len(steps):
                break
            place = int(np.argmin(np.abs(steps - (row.step - horizon))))
            past = self._past[place]
            if not past.warm or abs(past.step - (row.step - horizon)) >= 0.5:
                continue
            change = row.values - past.held
            known = past.step - past.seen <= max(horizon, 1.0)
            values[0, :, number] = np.where(
                known, change - past.answer[:, number], np.nan
            )
            origins[0, number] = place
        self._remember(row, horizons[-1])
        return Residuals(values, origins, np.array(horizons)[None])

    def _remember(self, row: DetectorRow, furthest: float) -> None:
        seen = np.isfinite(row.values)
        when = np.where(seen, row.step, np.nan)
        held = row.values
        if self._last is not None:
            held = np.where(seen, held, self._last.held)
            when = np.where(seen, when, self._last.seen)
            self._bridge(row.step - self._last.step)
        self._count += 1
        self._calendar = row.calendar
        warm = self._count >= self._engine.plan.least
        inputs = np.concatenate([row.values, row.calendar])
        answer = np.asarray(self._stream.step(inputs), dtype=float)
        shape = len(row.values), -1
        self._last = _Past(row.step, held, when, warm, answer.reshape(shape))
        self._past.append(self._last)
        begin = next(
            k
            for k, past in enumerate(self._past)
            if past.step >= row.step - furthest - 1
        )
        del self._past[:begin]

    def _bridge(self, gap: float) -> None:
        """Take in unseen rows at the steps where none came."""
        assert self._last is not None
        nothing = np.full(len(self._last.held), np.nan)
        n = int(missing_steps(np.array(gap), self._engine.plan.window_length))
        for _ in range(n):
            self._stream.step(np.concatenate([nothing, self._calendar]))


class AtOddTimes:
    """Predicts each row when it comes, from the rows before it.

    Parameters
    ----------
    engine : Queried
    """

    def __init__(self, engine: Queried):
        self._engine = engine
        self._rows: list[DetectorRow] = []

    def residuals(self, row: DetectorRow) -> Residuals:
        """Return the residuals of a row."""
        self._rows.append(row)
        plan = self._engine.plan
        # A window has to end at the row that lies furthest back.
        steps = np.array([each.step for each in self._rows])
        reach = int(np.searchsorted(steps, row.step - plan.horizons[-1], "right"))
        kept = reach - 1 - max(plan.window_length, plan.least)
        if kept > 0:
            # A value that is not older than the horizon still counts there.
            furthest = max(plan.horizons[-1], 1.0)
            seen = int(np.searchsorted(steps, steps[reach - 1] - furthest))
            del self._rows[: min(kept, seen)]
        found = self._engine.residuals(_as_recording(self._rows, plan.unit), last=1)
        return Residuals(*(part[-1:] for part in found))


def _as_recording(rows: list[DetectorRow], unit: float) -> Recordings:
    """Return rows as one recording; its calendar is known already."""
    values = np.stack([row.values for row in rows])
    steps = np.array([row.step for row in rows])
    elapsed = np.diff(steps, prepend=np.nan) * unit
    n = np.arange(len(rows))
    calendar = np.stack([row.calendar for row in rows])
    times = pd.Index(n)
    return Recordings(values, np.zeros(len(n), int), elapsed, times, times, n, calendar)
