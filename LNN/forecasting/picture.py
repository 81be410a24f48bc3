"""What a picture of a forecast shows: one series, what comes next, how sure it is."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from LNN._warnings import warn
from LNN.exceptions import InvalidInputError
from LNN.forecasting.fitted import FittedForecaster
from LNN.forecasting.intervals import check_coverage, highest_coverage, widths

__all__ = ["Picture", "picture_of"]

# So many names are in an error that asks for one of them.
MOST_NAMES = 5


class Picture(NamedTuple):
    """What is drawn of one series.

    Attributes
    ----------
    past, forecast : Series
        Their name is that of the values.
    low, high : ndarray of shape (horizon,) or None
        Ends of the interval.
    coverage : float or None
        That of the interval.
    title : hashable or None
        Which one of several series it is.
    """

    past: pd.Series
    forecast: pd.Series
    low: np.ndarray | None
    high: np.ndarray | None
    coverage: float | None
    title: Hashable | None


def picture_of(
    model: FittedForecaster, series: Any, coverage: float | None, X: Any
) -> Picture:
    """Forecast the series that is drawn.

    Parameters
    ----------
    model : FittedForecaster
    series : hashable or None
        As in `LiquidForecaster.plot`.
    coverage : float or None
        Of the interval. Where the validation part has too few forecasts for it, the
        highest one that they allow is taken, with a warning.
    X : as in `LiquidForecaster.predict`
    """
    place, k = _chosen(model, series)
    history = model.context[place]
    one = replace(model, context=(history,))
    names = model.form.columns
    name = None if names is None else names[k]
    cover = None if coverage is None else _allowed(model, check_coverage(coverage))
    (times,), (found,) = one.forecasts(None, None, X)
    low = high = None
    if cover is not None:
        reach = widths(model.judged.residuals, cover)
        reach = reach * one.engine.spreads(one.context)[0, k]
        low, high = found[:, k] - reach, found[:, k] + reach
    return Picture(
        pd.Series(history.values[:, k], history.times, name=name),
        pd.Series(found[:, k], times, name=name),
        low,
        high,
        cover,
        history.name if len(model.context) > 1 else None,
    )


def _chosen(model: FittedForecaster, series: Any) -> tuple[int, int]:
    """Return the place of a series in the panel, and its column."""
    n_columns = model.context[0].values.shape[1]
    names = model.form.columns
    columns = list(range(n_columns) if names is None else names)
    known: dict[Any, tuple[int, int]] = {}
    for place, history in enumerate(model.context):
        for k, column in enumerate(columns):
            parts = [history.name] if len(model.context) > 1 else []
            parts += [column] if n_columns > 1 else []
            known[tuple(parts) if len(parts) > 1 else (parts or [None])[0]] = place, k
    if series is None and len(known) == 1:
        return next(iter(known.values()))
    if series in known:
        return known[series]
    shown = ", ".join(repr(name) for name in list(known)[:MOST_NAMES])
    more = f", ... ({len(known)} in all)" if len(known) > MOST_NAMES else ""
    if len(known) == 1:
        raise InvalidInputError(
            f"Expected no series=, as the model was fitted on one series, got "
            f"{series!r}. Leave it out."
        )
    raise InvalidInputError(
        f"Expected series= as one of {shown}{more}, got {series!r}: a picture shows "
        "one series. Pass plot(series=...)."
    )


def _allowed(model: FittedForecaster, coverage: float) -> float | None:
    """Return this coverage, or the highest one below it that forecasts allow."""
    highest = highest_coverage(model.judged.residuals)
    if coverage <= highest:
        return coverage
    few = "The validation part has too few forecasts for an interval of "
    longer = "Fit on a longer series, or set a larger validation_fraction."
    if highest == 0:
        warn(f"{few}any coverage, so the picture has none. {longer}")
        return None
    warn(
        f"{few}coverage {coverage:g}: the picture shows the highest that they allow, "
        f"{highest:g}. Pass coverage={highest:g}, or None for no interval. {longer}"
    )
    return highest
