"""Forecasts where rows come at odd times: of any time to come, one query at a time.

A forecast reads the last rows and one row more, the query, which has a time and what is
known of it, but no value. What else is asked for does not matter to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from LNN._warnings import warn
from LNN.data.gap_range import ENOUGH, FAR
from LNN.data.timestamps import in_words
from LNN.forecasting.direct import DirectModel
from LNN.forecasting.engine import ForecastEngine
from LNN.forecasting.grid import NEAR
from LNN.forecasting.history import SeriesHistory
from LNN.forecasting.inputs import Inputs
from LNN.forecasting.rows import Cutoffs, TrackRows
from LNN.forecasting.times import incomparable_error, refuse_past

__all__ = ["Irregular", "in_units", "usual_gap"]

HOUR = 3600.0


@dataclass(frozen=True, eq=False)
class Irregular(ForecastEngine):
    """All that turns histories into forecasts.

    Attributes
    ----------
    unit : float
        The usual gap between rows, in seconds or in units of the times.
    inputs : Inputs
    model : DirectModel
        It answers for one row.
    horizon : int
        So many usual gaps ahead queries were learnt.
    """

    unit: float
    inputs: Inputs
    model: DirectModel
    horizon: int

    @property
    def gap(self) -> float:
        """The usual gap between rows, in seconds or in units of the times."""
        return self.unit

    def steps(self, times: pd.Index) -> str:
        """Return the steps between rows in words."""
        return f"irregular, usually {_in_words(self.unit, times)}"

    def rhythm(self, times: pd.Index, season: int) -> str:
        """Return the cycles that forecasts know, in words."""
        calendar = self.inputs.calendar
        periods = [_in_words(period, times) for period in calendar.periods]
        known = [*calendar.cycles, *periods]
        return f"cycles: {', '.join(known)}" if known else "no cycle"

    def describe_other_rate(self, times: pd.Index) -> str | None:
        """Say how rows come at another rate than those of the fit; None if not."""
        if len(times) <= ENOUGH:
            return None
        usual = usual_gap([times]) / self.unit
        if 1 / FAR <= usual <= FAR:
            return None
        return f"are usually {usual:.3g} times as far apart"

    def prepared(self, history: SeriesHistory) -> SeriesHistory:
        """Return rows as forecasts read them."""
        return history

    def future(self, history: SeriesHistory, n: int) -> pd.Index:
        """Return times to come, the usual gap apart."""
        steps, last = self.unit * np.arange(1, n + 1), history.times[-1]
        if isinstance(history.times, pd.DatetimeIndex | pd.TimedeltaIndex):
            return last + pd.to_timedelta(steps, unit="s")
        return pd.Index(last + steps)

    def rows(
        self,
        histories: Sequence[SeriesHistory],
        asked: Sequence[pd.Index] | None = None,
        known: Sequence[np.ndarray] | None = None,
    ) -> TrackRows:
        """Put histories end to end, each followed by rows at the times asked."""
        tables, times = [], []
        for number, history in enumerate(histories):
            table = self.inputs.scaled(history.times, history.table)
            stamps = history.times
            if asked is not None:
                own = None if known is None else known[number]
                future = self.inputs.future(asked[number], own)
                table = np.concatenate([table, future])
                stamps = stamps.append(asked[number])
            tables.append(table)
            times.append(in_units(stamps, self.unit))
        return TrackRows.of(
            [history.values for history in histories],
            tables,
            self.inputs.n_future,
            self.needed,
            times,
        )

    def predict_at(
        self,
        histories: Sequence[SeriesHistory],
        asked: Sequence[pd.Index],
        known: Sequence[np.ndarray] | None = None,
    ) -> list[np.ndarray]:
        """Forecast at times to come, (n_times, n_targets) for each history."""
        rows = self.rows(histories, asked, known)
        ends, found = rows.ends(), []
        k = rows.n_targets
        for number, times in enumerate(asked):
            own = ends.subset(ends.track == number).each_ahead(len(times))
            answer = self.model.predict(rows, own)[:, 0]
            found.append(answer.reshape(k, len(times)).T)
        return found

    def wanted(
        self, histories: Sequence[SeriesHistory], asked: Sequence[pd.Index]
    ) -> list[pd.Index]:
        """Return the times whose inputs forecasts need: those that are asked."""
        return list(asked)

    def roll(
        self, histories: Sequence[SeriesHistory], rows: TrackRows, at: Cutoffs
    ) -> np.ndarray:
        """Forecast the next rows of many cutoffs, at their own times (n, horizon)."""
        found = self.model.predict(rows, at.each_ahead(self.horizon))
        return found.reshape(-1, self.horizon)

    def steps_to(self, history: SeriesHistory, times: pd.Index) -> np.ndarray:
        """Return how many usual gaps after the last row times lie.

        Raises
        ------
        InvalidInputError
            If one of them is not in the future.
        """
        last = history.times[-1:]
        try:
            both = last.append(times)
            steps = in_units(both, self.unit)[1:]
        except (TypeError, ValueError) as error:
            raise incomparable_error(history.times, times) from error
        refuse_past(times, steps <= 0, last[0])
        # Stamps are rounded: the tenth of ten usual gaps may lie a little after ten.
        near = np.round(steps)
        return np.where(np.abs(steps - near) <= NEAR, near, steps)

    def warn_if_far(self, steps: float, times: pd.Index) -> None:
        """Warn of times beyond those that were learnt."""
        if steps > self.horizon:
            learnt, asked = (
                _in_words(gaps * self.unit, times) for gaps in (self.horizon, steps)
            )
            warn(
                f"The model was fitted for {self.horizon} row(s) ahead, usually "
                f"{learnt}, and is asked for a time {asked} ahead, beyond what it "
                "learnt. Fit with a longer horizon."
            )


def _in_words(gap: float, times: pd.Index) -> str:
    dated = isinstance(times, pd.DatetimeIndex | pd.TimedeltaIndex)
    if not dated:
        return in_words(gap, None)
    # Nobody reads parts of a second of hours.
    return in_words(round(gap) if gap > HOUR else gap, "datetimes or durations")


def usual_gap(indices: Sequence[pd.Index]) -> float:
    """Return the median gap between rows, in seconds or in units of the times."""
    gaps = [np.diff(in_units(index, 1.0)) for index in indices]
    return float(np.median(np.concatenate(gaps)))


def in_units(times: pd.Index, unit: float) -> np.ndarray:
    """Return times since the first one as numbers."""
    if not isinstance(times, pd.DatetimeIndex | pd.TimedeltaIndex):
        numbers = times.to_numpy(dtype=np.float64)
        return (numbers - numbers[0]) / unit
    return np.asarray((times - times[0]).total_seconds()) / unit
