"""The steps of `fit`, in their order: grid, what "auto" means, rows, learning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from LNN.exceptions import InvalidInputError
from LNN.forecasting.calendar import Calendar
from LNN.forecasting.fitted import FittedForecaster
from LNN.forecasting.grid import Grid
from LNN.forecasting.history import SeriesHistory, on_grid
from LNN.forecasting.inputs import Inputs
from LNN.forecasting.irregular import Irregular, in_units, usual_gap
from LNN.forecasting.learning import learn
from LNN.forecasting.plan import ForecastPlan
from LNN.forecasting.reading import GivenSeries
from LNN.forecasting.regular import Regular
from LNN.forecasting.rows import TrackRows
from LNN.forecasting.settling import (
    settle,
    settle_calendar,
    settle_irregular,
    with_periods,
)
from LNN.forecasting.stray import refuse_stray
from LNN.forecasting.weak_rows import warn_of_jitter, warn_of_short

__all__ = ["fit"]


def fit(
    given: GivenSeries, values: Mapping[str, Any], random: np.random.RandomState
) -> FittedForecaster:
    """Learn from series.

    Parameters
    ----------
    given : GivenSeries
    values : mapping of str
        The parameters of the forecaster, checked.
    random : numpy.random.RandomState
    """
    _refuse_known_without_inputs(given, values)
    _refuse_stray(given)
    grid = Grid.of([h.times for h in given.histories])
    if grid is None:
        return _fit_irregular(given, values, random)
    return _fit_regular(given, values, grid, random)


def _fit_regular(
    given: GivenSeries,
    values: Mapping[str, Any],
    grid: Grid,
    random: np.random.RandomState,
) -> FittedForecaster:
    histories = [on_grid(history, grid) for history in given.histories]
    plan = settle(values, histories, grid)
    n_short = warn_of_short(histories, plan)
    step = _seconds(histories)
    calendar = settle_calendar(
        values["calendar"],
        [h.times for h in histories],
        step,
        plan.window_length * step,
    )
    inputs, rows = _inputs_and_rows(given, histories, calendar, plan)
    model, judged = learn(rows, plan, random)
    engine = Regular(grid, inputs, model)
    # Forecasts are judged by what came a season before, too.
    kept = max(engine.needed, plan.season)
    context = tuple(h.tail(kept) for h in histories)
    return FittedForecaster(
        dict(values), given.form, plan, engine, judged, context, n_short
    )


def _fit_irregular(
    given: GivenSeries, values: Mapping[str, Any], random: np.random.RandomState
) -> FittedForecaster:
    histories = list(given.histories)
    unit = usual_gap([h.times for h in histories])
    warn_of_jitter(histories, unit, given.form)
    plan = settle_irregular(values, histories)
    n_short = warn_of_short(histories, plan)
    step = unit if hasattr(histories[0].times, "tz") else 0.0
    calendar = settle_calendar(
        values["calendar"], [h.times for h in histories], step, 0.0
    )
    if values["season"] == "auto":
        calendar = with_periods(calendar, histories)
    places = [in_units(h.times, unit) for h in histories]
    inputs, rows = _inputs_and_rows(given, histories, calendar, plan, places)
    model, judged = learn(rows, plan, random)
    engine = Irregular(unit, inputs, model, plan.horizon)
    context = tuple(h.tail(engine.needed) for h in histories)
    return FittedForecaster(
        dict(values), given.form, plan, engine, judged, context, n_short
    )


def _inputs_and_rows(
    given: GivenSeries,
    histories: list[SeriesHistory],
    calendar: Calendar,
    plan: ForecastPlan,
    times: list[NDArray] | None = None,
) -> tuple[Inputs, TrackRows]:
    """Learn how inputs are scaled; lay out what is learnt from."""
    tables = [h.table for h in histories]
    inputs = Inputs.fit(given.columns, given.n_known, tables, calendar)
    rows = TrackRows.of(
        [h.values for h in histories],
        [inputs.scaled(h.times, h.table) for h in histories],
        inputs.n_future,
        plan.window_length,
        times,
    )
    return inputs, rows


def _seconds(histories: list[SeriesHistory]) -> float:
    """Return the usual gap in seconds; 0 without a clock."""
    times = max((h.times for h in histories), key=len)
    gaps = times[1:] - times[:-1]
    if not len(gaps) or not hasattr(gaps, "total_seconds"):
        return 0.0
    return float(np.median(gaps.total_seconds()))


def _refuse_stray(given: GivenSeries) -> None:
    """Refuse rows of a clock that was reset."""
    longer = [h.times for h in given.histories if len(h.times) > 1]
    if longer:
        unit = usual_gap(longer)
        for history in given.histories:
            refuse_stray(history.times, in_units(history.times, unit), history.name)


def _refuse_known_without_inputs(given: GivenSeries, values: Mapping[str, Any]) -> None:
    known = values["known_future"]
    if known is not None and len(known) and not given.columns:
        raise InvalidInputError(
            f"known_future={known!r} names columns of X, but there is no X. Pass "
            "fit(y, X), or a frame with target=."
        )
