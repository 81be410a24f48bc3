"""Backtests as a tidy frame: each forecast with what came, one row a step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from LNN.forecasting.adaptive import adapted
from LNN.forecasting.fitted import FittedForecaster
from LNN.forecasting.intervals import widths
from LNN.forecasting.rolling import Rolled, continued, roll

__all__ = ["backtest", "backtest_rolled", "skill", "tidy"]


def backtest(
    model: FittedForecaster,
    y: Any,
    X: Any,
    start: Any,
    step: int,
    coverage: float | None,
    adaptive: bool,
) -> pd.DataFrame:
    """Forecast from many cutoffs with one model; see `LiquidForecaster.backtest`."""
    rolled = roll(model, continued(model, y, X), start, step)
    return backtest_rolled(model, rolled, coverage, adaptive)


def backtest_rolled(
    model: FittedForecaster, rolled: Rolled, coverage: float | None, adaptive: bool
) -> pd.DataFrame:
    """Return forecasts as a tidy frame, with intervals if there is a coverage."""
    if coverage is None:
        return tidy(model, rolled, None)
    units = widths(model.judged.residuals, coverage)
    if adaptive:
        units = _adapted(model, rolled, coverage)
    return tidy(model, rolled, units * rolled.spreads[:, None])


def _adapted(model: FittedForecaster, rolled: Rolled, coverage: float) -> np.ndarray:
    """Return widths that follow what came, of each series and target by itself."""
    errors = np.abs(rolled.goals - rolled.forecasts) / rolled.spreads[:, None]
    found = np.empty_like(errors)
    owner = np.stack([rolled.cutoffs.track, rolled.cutoffs.column])
    for key in np.unique(owner, axis=1).T:
        own = (owner == key[:, None]).all(axis=0)
        found[own] = adapted(
            model.judged.residuals, coverage, rolled.place[own], errors[own]
        )
    return found


def tidy(
    model: FittedForecaster, rolled: Rolled, reach: np.ndarray | None
) -> pd.DataFrame:
    """Return one row for each step of each forecast.

    Parameters
    ----------
    model : FittedForecaster
    rolled : Rolled
    reach : ndarray of shape (n, horizon) or None
        How far intervals reach on both sides.
    """
    form, horizon = model.form, model.plan.horizon
    columns: dict[Any, Any] = {}
    if form.is_panel or form.container == "list":
        names = pd.Series([h.name for h in rolled.histories], dtype=object)
        named = [n for n in (form.group_column, form.levels[0]) if n is not None]
        group = named[0] if form.is_panel and named else "group"
        columns[group] = names.iloc[np.repeat(rolled.cutoffs.track, horizon)].array
    if rolled.histories[0].values.shape[1] > 1:
        targets = form.columns
        targets = pd.RangeIndex(model.plan.horizon) if targets is None else targets
        columns["target"] = targets[np.repeat(rolled.cutoffs.column, horizon)]
    cutoff, time = _times(rolled, horizon)
    columns["cutoff"], columns["time"] = form.as_given(cutoff), form.as_given(time)
    columns["step"] = np.tile(np.arange(1, horizon + 1), len(rolled.place))
    columns["y"] = rolled.goals.ravel()
    columns["prediction"] = rolled.forecasts.ravel()
    if reach is not None:
        columns["lower"] = (rolled.forecasts - reach).ravel()
        columns["upper"] = (rolled.forecasts + reach).ravel()
    return pd.DataFrame(columns)


def _times(rolled: Rolled, horizon: int) -> tuple[pd.Index, pd.Index]:
    """Return the cutoff and the time of each step of each forecast."""
    lengths = np.array([len(h.times) for h in rolled.histories])
    begin = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    first, *others = (h.times for h in rolled.histories)
    times = first.append(others) if others else first
    at = begin[rolled.cutoffs.track] + rolled.place
    steps = at[:, None] + np.arange(horizon)
    return times[np.repeat(at - 1, horizon)], times[steps.ravel()]


def skill(model: FittedForecaster, y: Any, X: Any) -> float:
    """Return 1 - error / error of the seasonal naive method, over all cutoffs."""
    rolled = roll(model, continued(model, y, X))
    seen = np.isfinite(rolled.goals)
    error = np.abs(rolled.forecasts - rolled.goals) / rolled.spreads[:, None]
    naive = np.abs(rolled.seasonal - rolled.goals) / rolled.spreads[:, None]
    total = naive[seen].sum()
    if total == 0:
        return float(error[seen].sum() == 0)
    return float(1 - error[seen].sum() / total)
