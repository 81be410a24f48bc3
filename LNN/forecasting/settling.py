"""What "auto" stands for: season, window, patch and scale, decided by the series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from LNN._warnings import warn
from LNN.forecasting.calendar import CYCLES, Calendar, calendar_for, numbers
from LNN.forecasting.grid import Grid
from LNN.forecasting.history import SeriesHistory
from LNN.forecasting.parameters import network_options
from LNN.forecasting.periods import find_periods
from LNN.forecasting.plan import ForecastPlan
from LNN.forecasting.seasons import find_seasons
from LNN.forecasting.splitting import validation_rows

__all__ = ["settle", "settle_calendar", "settle_irregular", "with_periods"]

# Windows hold two of the longest cycles and at least so many rows.
LEAST_WINDOW, MOST_WINDOW = 36, 1024
IRREGULAR_WINDOW = 48
# A series is at least so many windows long, and leaves so many cutoffs to train on.
WINDOWS_IN_SERIES, LEAST_CUTOFFS = 2.5, 8
# A period so near to one of the calendar is that one.
NEAR_A_CYCLE = 0.02
# A cell reads a season at a step where a window has so many.
SEASONS_IN_WINDOW = 7


def settle(
    values: Mapping[str, Any], histories: Sequence[SeriesHistory], grid: Grid
) -> ForecastPlan:
    """Decide what the parameters leave open.

    Parameters
    ----------
    values : mapping of str
        The parameters.
    histories : sequence of SeriesHistory
        On the grid.
    grid : Grid
    """
    horizon, fraction = int(values["horizon"]), float(values["validation_fraction"])
    seasons = _seasons(values["season"], histories, grid)
    length = values["window_length"]
    if length == "auto":
        rows = int(np.median([len(h.times) for h in histories]))
        length = _window(rows, horizon, seasons, fraction, len(histories))
        _warn_of_lost_season(length, seasons[0], rows, horizon, fraction)
    patch = values["patch"]
    if patch == "auto":
        many = seasons[0] > 1 and length >= SEASONS_IN_WINDOW * seasons[0]
        patch = seasons[0] if many else 1
    return _plan(
        values,
        histories,
        at_once=horizon,
        window_length=int(length),
        patch=min(int(patch), int(length)),
        season=seasons[0],
    )


def settle_irregular(
    values: Mapping[str, Any], histories: Sequence[SeriesHistory]
) -> ForecastPlan:
    """Decide what the parameters leave open where rows come at odd times.

    There a season is no number of rows: it comes from the calendar.
    """
    horizon, fraction = int(values["horizon"]), float(values["validation_fraction"])
    length = values["window_length"]
    if length == "auto":
        rows = int(np.median([len(h.times) for h in histories]))
        length = min(IRREGULAR_WINDOW, _window(rows, horizon, (1,), fraction, 1))
    return _plan(
        values, histories, at_once=1, window_length=int(length), patch=1, season=1
    )


def _plan(
    values: Mapping[str, Any], histories: Sequence[SeriesHistory], **shape: int
) -> ForecastPlan:
    """Return what the data have settled in `shape`, with what they leave alone."""
    return ForecastPlan(
        horizon=int(values["horizon"]),
        anchor=values["anchor"],
        scale=_scale(values["normalise"], histories),
        stride=_stride(values["stride"]),
        linear=bool(values["linear"]),
        validation_fraction=float(values["validation_fraction"]),
        options=network_options(values),
        n_seeds=int(values["n_seeds"]),
        **shape,
    )


def _seasons(
    wanted: Any, histories: Sequence[SeriesHistory], grid: Grid
) -> tuple[int, ...]:
    if wanted == "auto":
        columns = [h.values[:, k] for h in histories for k in range(h.values.shape[1])]
        return find_seasons(grid, columns)
    if wanted is None:
        return (1,)
    longest = max(len(h.times) for h in histories)
    if int(wanted) >= longest > 1:
        warn(
            f"No row of y has another one a season of {wanted} rows before it: the "
            f"longest series has {longest}. Nothing is learnt of the season. Pass "
            'more rows, or season="auto" or None.'
        )
    return (int(wanted),)


def _window(
    rows: int, horizon: int, seasons: tuple[int, ...], fraction: float, n_series: int
) -> int:
    """Return how many rows a forecast sees."""
    wanted = max(2 * seasons[-1], LEAST_WINDOW, min(horizon, MOST_WINDOW // 2))
    held = validation_rows(rows, horizon, fraction)
    room = min((rows - horizon) / WINDOWS_IN_SERIES, rows - held - horizon)
    # One cutoff each will do where many series are learnt from together.
    spare = LEAST_CUTOFFS if n_series < LEAST_CUTOFFS else 0
    longest = min(max(2, int(room) - spare), MOST_WINDOW)
    if wanted <= room and wanted <= MOST_WINDOW:
        return wanted
    # As many whole seasons as there is room for.
    season = seasons[0] if seasons[0] <= longest else 1
    return longest // season * season


def _warn_of_lost_season(
    length: int, season: int, rows: int, horizon: int, fraction: float
) -> None:
    """Warn of windows that are shorter than a season because the series are short."""
    if length >= min(season, MOST_WINDOW):
        return
    held = validation_rows(rows, horizon, fraction)
    left = rows - season - held - horizon + 1
    how = "Forecast fewer steps or pass longer series"
    if left > 0:
        how += (
            f", or set window_length={season}, which leaves {left} window(s) of such a "
            "series to train on"
        )
    warn(
        f"Windows of {length} rows are shorter than the season of {season}: no "
        f"forecast sees a whole one. Longer ones would leave too little to learn from "
        f"series of {rows} rows (the median) for horizon={horizon}. {how}."
    )


def _stride(wanted: Any) -> int | str:
    return "auto" if isinstance(wanted, str) else int(wanted)


def _scale(wanted: str, histories: Sequence[SeriesHistory]) -> str:
    """Return what divides windows."""
    if wanted != "auto":
        return wanted
    if len(histories) == 1:
        # The size of its own changes says something; other series would say nothing.
        return "none"
    positive = all((h.values[np.isfinite(h.values)] > 0).all() for h in histories)
    return "balanced" if positive else "std"


def settle_calendar(
    wanted: Any, indices: Sequence[pd.Index], step: float, window: float
) -> Calendar:
    """Return the calendar's cycles that become inputs."""
    if wanted is None:
        return Calendar(())
    if wanted == "auto":
        return Calendar(calendar_for(indices, step, window))
    return Calendar(tuple(wanted))


def with_periods(calendar: Calendar, histories: Sequence[SeriesHistory]) -> Calendar:
    """Add the periods that rows at odd times show, unless the calendar has them."""
    origin = min(history.times[0] for history in histories)
    columns = [
        (numbers(h.times, origin), h.values[:, k])
        for h in histories
        for k in range(h.values.shape[1])
    ]
    known = [CYCLES[cycle] for cycle in calendar.cycles]
    found = [
        period
        for period in find_periods(*zip(*columns, strict=True))
        if all(abs(period / length - 1) > NEAR_A_CYCLE for length in known)
    ]
    return replace(calendar, periods=tuple(found), origin=origin)
