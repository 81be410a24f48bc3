"""Forecasts from many cutoffs at once, with what came after them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from LNN.exceptions import InvalidInputError
from LNN.forecasting.baselines import season_ago
from LNN.forecasting.fitted import FittedForecaster
from LNN.forecasting.history import SeriesHistory
from LNN.forecasting.irregular import in_units
from LNN.forecasting.reading import refuse_nothing_seen
from LNN.forecasting.rows import Cutoffs
from LNN.forecasting.stray import LONG, MOST_PLACES, LoneRow

__all__ = ["Rolled", "continued", "moved_on", "roll"]


@dataclass(frozen=True, eq=False)
class Rolled:
    """One forecast a cutoff and target.

    Attributes
    ----------
    histories : list of SeriesHistory
    cutoffs : Cutoffs
    place : ndarray of int, shape (n,)
        Row of its history at which each begins.
    goals, forecasts, seasonal : ndarray of shape (n, horizon)
        What came, the forecast, and that of the seasonal naive method.
    spreads : ndarray of shape (n,)
        Local spread of each window.
    """

    histories: list[SeriesHistory]
    cutoffs: Cutoffs
    place: np.ndarray
    goals: np.ndarray
    forecasts: np.ndarray
    seasonal: np.ndarray
    spreads: np.ndarray


def continued(
    model: FittedForecaster, y: Any, X: Any, refused: Mapping[Any, Any] | None = None
) -> list[SeriesHistory]:
    """Return the rows of y, after the rows of the fit where they go on from them.

    Parameters
    ----------
    model : FittedForecaster
    y, X : as in `LiquidForecaster.fit`
    refused : mapping of names of series to times, default=None
        Refuse a single row that comes long after the others, unless a row that was
        refused here before came shortly before it. None refuses no row.
    """
    histories, _ = model.read(y, X, unseen=True)
    known = {history.name: history for history in model.context}
    whole = []
    for history in histories:
        before = known.get(history.name)
        if before is not None and model.form.container in ("array", "list"):
            # An array has no times: it is what came next.
            n = len(history.times)
            history = history._replace(times=model.engine.future(before, n))
        if before is not None and history.times[0] > before.times[-1]:
            gap = _gap(model, before, history)
            if refused is not None and gap > LONG:
                _refuse_lone(model, before, history, gap, refused)
            # After so long a pause a forecast sees nothing of what was before it.
            if refused is None or gap <= MOST_PLACES or not model.engine.forgets:
                history = before.followed_by(history)
        # Rows that go on from others may hold nothing that was seen.
        refuse_nothing_seen([history])
        whole.append(model.engine.prepared(history))
    return whole


def _gap(model: FittedForecaster, before: SeriesHistory, later: SeriesHistory) -> float:
    """Return how many steps lie between two parts of a series."""
    ends = before.times[-1:].append(later.times[:1])
    return float(in_units(ends, model.engine.gap)[-1])


def _refuse_lone(
    model: FittedForecaster,
    before: SeriesHistory,
    later: SeriesHistory,
    gap: float,
    refused: Mapping[Any, Any],
) -> None:
    """Refuse a single row after a long pause, unless another came shortly before it."""
    if len(later.times) > 1:
        return
    time, last = later.times[0], before.times[-1]
    earlier = refused.get(later.name)
    if earlier is not None and earlier < time:
        both = pd.Index([earlier, time])
        if in_units(both, model.engine.gap)[-1] <= LONG:
            return
    raise LoneRow(later.name, time, last, gap)


def moved_on(
    model: FittedForecaster, y: Any, X: Any, refused: Mapping[Any, Any] | None = None
) -> FittedForecaster:
    """Return the model after more rows; series that y does not have stay as they are.

    Parameters
    ----------
    model : FittedForecaster
    y, X : as in `LiquidForecaster.fit`
    refused : mapping of names of series to times, default=None
        The single rows that were refused before, as in `continued`; None is that there
        were none.

    Raises
    ------
    InvalidInputError
        If a series has no row after the last one that is known.
    LoneRow
        If it has a single one that comes very much later.
    """
    found = continued(model, y, X, refused or {})
    later = {history.name: history for history in found}
    context, kept = [], max(model.engine.needed, model.plan.season)
    for history in model.context:
        new = later.pop(history.name, history)
        if new is not history and not new.times[-1] > history.times[-1]:
            raise InvalidInputError(
                f"Expected rows after the last one that is known, "
                f"{history.times[-1]}, got rows until {new.times[-1]}. To forecast "
                "from earlier rows pass them to predict as y=. If a wrong time was "
                "taken before (a clock that jumped ahead), go on in a new stream: "
                "forecaster.stream(), and step with all good rows since the fit."
            )
        context.append(_tail(new, kept))
    context += [_tail(new, kept) for new in later.values()]
    return replace(model, context=tuple(context))


def _tail(history: SeriesHistory, least: int) -> SeriesHistory:
    """Return the last rows, and those back to a value that is held at their begin."""
    begin = max(0, len(history.times) - least)
    # Seen rows up to there, the latest first.
    seen = np.isfinite(history.values[: begin + 1][::-1])
    back = np.where(seen.any(axis=0), seen.argmax(axis=0), 0)
    return history.tail(len(history.times) - begin + int(back.max()))


def roll(
    model: FittedForecaster,
    histories: list[SeriesHistory],
    start: Any = None,
    step: int = 1,
) -> Rolled:
    """Forecast from every `step`-th row in one pass; nothing is learnt.

    Parameters
    ----------
    model : FittedForecaster
    histories : list of SeriesHistory
        Prepared.
    start : time, default=None
        The first cutoff; None is the end of the fit.
    step : int
    """
    engine, horizon = model.engine, model.plan.horizon
    rows = engine.rows(histories)
    places = [_places(model, history, start, step) for history in histories]
    if not sum(map(len, places)):
        raise InvalidInputError(
            f"Expected at least {horizon} rows of y after the last one of the fit, "
            f"{model.context[0].times[-1]}, to judge forecasts by, got fewer. Pass "
            "later rows, or fit on fewer."
        )
    # Rows of a track end at `end`; shorter ones have unseen rows in front.
    first = rows.end - np.array([len(h.times) for h in histories])
    at = [first[k] + own for k, own in enumerate(places)]
    cutoffs = rows.cutoffs(at)
    windows = rows.windows(cutoffs, engine.needed, 0)
    season, regular = model.plan.season, rows.times is None
    return Rolled(
        histories,
        cutoffs,
        cutoffs.row - first[cutoffs.track],
        rows.goals(cutoffs, horizon),
        engine.roll(histories, rows, cutoffs),
        # At odd times there is no row a season ago.
        season_ago(rows, cutoffs, windows.past, horizon, season if regular else 1),
        engine.model.normaliser.local_spread(windows)[:, 0],
    )


def _places(
    model: FittedForecaster, history: SeriesHistory, start: Any, step: int
) -> np.ndarray:
    """Return the rows of a history at which forecasts begin."""
    known = {h.name: h.times[-1] for h in model.context}
    n, horizon = len(history.times), model.plan.horizon
    end = known.get(history.name)
    first = model.engine.needed if end is None else _row_after(history, end)
    if start is not None:
        wanted = _row_after(history, start)
        if end is not None and wanted < first:
            raise InvalidInputError(
                f"Expected start at or after the end of the fit, {end}, got {start}: "
                "the model has seen what came after it, and would be judged by that. "
                "Fit on rows up to start, or pass refit=True."
            )
        first = max(first, wanted)
    return np.arange(first, n - horizon + 1, step)


def _row_after(history: SeriesHistory, time: Any) -> int:
    try:
        return int(history.times.searchsorted(time, side="right"))
    except TypeError as error:
        raise InvalidInputError(
            f"Expected start as a time like those of y ({history.times.dtype}), got "
            f"{time!r}."
        ) from error
