"""Forecasts of rows at equal steps: a model with its grid and its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from LNN._warnings import warn
from LNN.exceptions import InvalidInputError
from LNN.forecasting.direct import DirectModel
from LNN.forecasting.engine import ForecastEngine
from LNN.forecasting.grid import LEAST_FILLED, NEAR, Grid
from LNN.forecasting.history import SeriesHistory, on_grid
from LNN.forecasting.inputs import Inputs
from LNN.forecasting.rows import Cutoffs, TrackRows
from LNN.forecasting.times import incomparable_error, refuse_past

__all__ = ["Regular", "between_steps"]


@dataclass(frozen=True, eq=False)
class Regular(ForecastEngine):
    """All that turns histories into forecasts.

    Attributes
    ----------
    grid : Grid
    inputs : Inputs
    model : DirectModel
    """

    grid: Grid
    inputs: Inputs
    model: DirectModel
    forgets: ClassVar[bool] = True

    @property
    def horizon(self) -> int:
        """Steps that were learnt."""
        return self.model.horizon

    @property
    def gap(self) -> float:
        """How far apart rows are, in seconds or in units of the times."""
        return self.grid.length

    def steps(self, times: pd.Index) -> str:
        """Return the steps between rows in words."""
        return self.grid.in_words()

    def rhythm(self, times: pd.Index, season: int) -> str:
        """Return after which time rows look alike, in words."""
        return "no season" if season == 1 else f"season {season}"

    def describe_other_rate(self, times: pd.Index) -> str | None:
        """Say how rows come at another rate than those of the fit; None if not."""
        if len(times) < 3:
            return None
        gaps = np.diff(self.grid.positions(times, times[0]))
        usual = float(np.median(gaps))
        # Where some rows lack, most others are still a step apart.
        if not usual > 1.5 or len(gaps) > LEAST_FILLED * gaps.sum():
            return None
        return (
            f"are usually {usual:g} steps of {self._step()} apart. The steps between "
            "count as unseen, and forecasts are for each of them"
        )

    def _step(self) -> str:
        kind = self.grid.kind
        return kind if kind == "weekdays" else self.grid.in_words().split(", ", 1)[1]

    def prepared(self, history: SeriesHistory) -> SeriesHistory:
        """Return rows as forecasts read them."""
        return on_grid(history, self.grid)

    def future(self, history: SeriesHistory, n: int) -> pd.Index:
        """Return the times of the next rows."""
        return self.grid.after(history.times[-1], n)

    def rows(
        self,
        histories: Sequence[SeriesHistory],
        known: Sequence[np.ndarray | None] | None = None,
        horizon: int = 0,
    ) -> TrackRows:
        """Put histories end to end, each followed by what is known of its future.

        Parameters
        ----------
        histories : sequence of SeriesHistory
            Prepared.
        known : sequence of ndarray or None
            Known columns of the next `horizon` rows (n, n_known), in the units of X.
        horizon : int
        """
        tables = []
        for number, history in enumerate(histories):
            past = self.inputs.scaled(history.times, history.table)
            times = self.future(history, horizon)
            table = None if known is None else known[number]
            tables.append(np.concatenate([past, self.inputs.future(times, table)]))
        return TrackRows.of(
            [history.values for history in histories],
            tables,
            self.inputs.n_future,
            self.needed,
        )

    def predict_at(
        self,
        histories: Sequence[SeriesHistory],
        asked: Sequence[pd.Index],
        known: Sequence[np.ndarray] | None = None,
    ) -> list[np.ndarray]:
        """Forecast at times to come, (n_times, n_targets) for each history.

        Between two places of the grid a forecast lies on a line.
        """
        steps = [
            self.steps_to(history, times)
            for history, times in zip(histories, asked, strict=True)
        ]
        n = _last_step(steps)
        paths = self.predict(histories, n, known)
        return [
            between_steps(path, _last_seen(history.values), own)
            for path, history, own in zip(paths, histories, steps, strict=True)
        ]

    def wanted(
        self, histories: Sequence[SeriesHistory], asked: Sequence[pd.Index]
    ) -> list[pd.Index]:
        """Return the times whose inputs forecasts at other times need."""
        steps = [
            self.steps_to(history, times)
            for history, times in zip(histories, asked, strict=True)
        ]
        return [self.future(history, _last_step(steps)) for history in histories]

    def roll(
        self, histories: Sequence[SeriesHistory], rows: TrackRows, at: Cutoffs
    ) -> np.ndarray:
        """Forecast the next rows of many cutoffs (n, horizon)."""
        return self.model.predict(rows, at)

    def predict(
        self,
        histories: Sequence[SeriesHistory],
        horizon: int,
        known: Sequence[np.ndarray | None] | None = None,
    ) -> np.ndarray:
        """Return the next rows (n_histories, horizon, n_targets).

        Beyond the horizon that was learnt, forecasts are taken for what happened, and
        the next ones are made from them.
        """
        steps, parts = self.model.horizon, []
        done = 0
        while done < horizon:
            block = None
            if known is not None:
                block = [_part(table, done, steps) for table in known]
            rows = self.rows(histories, block, steps)
            found = self.model.predict(rows, rows.ends())
            found = found.reshape(len(histories), -1, steps).transpose(0, 2, 1)
            parts.append(found)
            done += steps
            if done < horizon:
                histories = [
                    self._went_on(history, values, None if block is None else block[k])
                    for k, (history, values) in enumerate(
                        zip(histories, found, strict=True)
                    )
                ]
        return np.concatenate(parts, axis=1)[:, :horizon]

    def _went_on(
        self, history: SeriesHistory, values: np.ndarray, known: np.ndarray | None
    ) -> SeriesHistory:
        table = np.full((len(values), history.table.shape[1]), np.nan)
        if known is not None and known.shape[1]:
            table[:, -known.shape[1] :] = known
        times = self.future(history, len(values))
        later = SeriesHistory(history.name, times, values, table)
        return history.followed_by(later)

    def steps_to(self, history: SeriesHistory, times: pd.Index) -> np.ndarray:
        """Return how many steps after the last row times lie; fractions are allowed.

        Raises
        ------
        InvalidInputError
            If one of them is not in the future.
        """
        try:
            steps = self.grid.positions(times, history.times[-1])
        except TypeError as error:
            raise incomparable_error(history.times, times) from error
        if not np.isfinite(steps).all():
            odd = times[int(np.argmin(np.isfinite(steps)))]
            raise InvalidInputError(
                f"Expected times on the calendar of y ({self.grid.kind}), got {odd}. "
                "Ask for times on it."
            )
        refuse_past(times, steps <= NEAR, history.times[-1])
        near = np.round(steps)
        return np.where(np.abs(steps - near) <= NEAR, near, steps)

    def warn_if_far(self, horizon: float, times: pd.Index) -> None:
        """Warn of steps beyond those that were learnt."""
        if horizon > self.model.horizon:
            warn(
                f"The model was fitted for a horizon of {self.model.horizon} steps, "
                f"and is asked for {int(np.ceil(horizon))}: from there on it forecasts "
                "from its own forecasts, whose errors add up. Fit with "
                f"horizon={int(np.ceil(horizon))} to have them at once."
            )


def _last_step(steps: Sequence[np.ndarray]) -> int:
    return int(np.ceil(max(own.max() for own in steps if len(own))))


def _last_seen(values: np.ndarray) -> np.ndarray:
    """Return the last value of each column that was seen."""
    seen = np.isfinite(values)
    last = len(values) - 1 - np.argmax(seen[::-1], axis=0)
    return values[last, np.arange(values.shape[1])]


def _part(table: np.ndarray | None, begin: int, n: int) -> np.ndarray | None:
    """Return some rows of what is known, unseen where it has ended."""
    if table is None:
        return None
    part = table[begin : begin + n]
    short = n - len(part)
    return np.concatenate([part, np.full((short, table.shape[1]), np.nan)])


def between_steps(path: np.ndarray, last: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return a forecast (horizon, K) at steps; between two of them on a line.

    Parameters
    ----------
    path : ndarray of shape (horizon, n_targets)
    last : ndarray of shape (n_targets,)
        The last value that was seen, at step 0.
    steps : ndarray of shape (n,)
    """
    table = np.concatenate([last[None], path])
    low = np.floor(steps).astype(int)
    high = np.minimum(low + 1, len(path))
    share = (steps - low)[:, None]
    exact = table[low]
    return np.where(share > 0, exact + share * (table[high] - exact), exact)
