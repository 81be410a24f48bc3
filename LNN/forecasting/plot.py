"""A picture of a forecast: the last rows, what comes next, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from LNN.exceptions import InvalidInputError, MissingDependencyError
from LNN.forecasting.picture import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]


def draw(ax: Any, picture: Picture, truth: Any) -> Axes:
    """Draw one series with its forecast.

    Parameters
    ----------
    ax : Axes or None
        None makes a new figure.
    picture : Picture
    truth : Series, array-like or None
        What came, if it is known by now; without an index its values are those of the
        forecast's first times.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise MissingDependencyError(
            "plot() needs matplotlib: pip install 'LNN[plot]'."
        ) from error
    truth = None if truth is None else _truth(truth, picture.forecast)
    if ax is None:
        _, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
    past = picture.past
    seen = past[past.notna()]
    times = seen.index[-1:].append(picture.forecast.index)
    # Both begin at the last value that is known: there is no hole between them.
    line = np.append(seen.iloc[-1:], picture.forecast)
    ax.plot(past.index, past, color="0.35", lw=1.2, label="what is known")
    if picture.low is not None and picture.high is not None:
        low, high = (np.append(seen.iloc[-1:], e) for e in (picture.low, picture.high))
        label = f"interval, coverage {picture.coverage:g}"
        shade = {"color": "tab:blue", "alpha": 0.25, "lw": 0, "label": label}
        ax.fill_between(times, low, high, **shade)
    ax.plot(times, line, color="tab:blue", lw=1.6, label="forecast")
    if truth is not None:
        ax.plot(truth.index, truth, color="tab:orange", lw=1.2, label="what came")
    if isinstance(past.index, pd.DatetimeIndex):
        from matplotlib.dates import ConciseDateFormatter

        locator = ax.xaxis.get_major_locator()
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    if past.name is not None:
        ax.set_ylabel(str(past.name))
    if picture.title is not None:
        ax.set_title(str(picture.title), loc="right")
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=4)
    return ax


def _truth(truth: Any, forecast: pd.Series) -> pd.Series:
    """Return what came with times that matplotlib knows."""
    if not isinstance(truth, pd.Series):
        values = np.asarray(truth, dtype=float)
        if values.ndim != 1 or len(values) > len(forecast):
            raise InvalidInputError(
                f"Expected truth as a Series, or as at most {len(forecast)} values of "
                f"the times of the forecast, got shape {values.shape}. Pass those of "
                "the series that is drawn."
            )
        return pd.Series(values, forecast.index[: len(values)])
    if isinstance(truth.index, pd.MultiIndex):
        raise InvalidInputError(
            "Expected truth as one series with times as its index, got a MultiIndex. "
            "Pass those of the series that is drawn, truth.loc[name]."
        )
    if isinstance(truth.index, pd.PeriodIndex):
        return truth.set_axis(truth.index.to_timestamp())
    return truth
