"""A picture of a forecast: the last rows, what comes next, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from LNN.exceptions import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]


def draw(
    ax: Any, past: pd.Series, forecast: pd.Series, band: pd.DataFrame | None, truth: Any
) -> Axes:
    """Draw one series with its forecast.

    Parameters
    ----------
    ax : Axes or None
        None makes a new figure.
    past, forecast : Series
    band : DataFrame with the columns lower and upper, or None
    truth : Series or None
        What came, if it is known by now.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise MissingDependencyError(
            "plot() needs matplotlib: pip install 'LNN[plot]'."
        ) from error
    if ax is None:
        _, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
    past, forecast = _with_times(past), _with_times(forecast)
    ax.plot(past.index, past, color="0.35", lw=1.2, label="what is known")
    if band is not None:
        low, high = (np.asarray(band[name], dtype=float) for name in band.columns)
        ax.fill_between(forecast.index, low, high, color="tab:blue", alpha=0.25, lw=0)
    ax.plot(forecast.index, forecast, color="tab:blue", lw=1.6, label="forecast")
    if truth is not None:
        truth = _with_times(truth)
        ax.plot(truth.index, truth, color="tab:orange", lw=1.2, label="what came")
    if isinstance(past.index, pd.DatetimeIndex):
        from matplotlib.dates import ConciseDateFormatter

        locator = ax.xaxis.get_major_locator()
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    return ax


def _with_times(series: pd.Series) -> pd.Series:
    """Return a series with times that matplotlib knows."""
    if isinstance(series.index, pd.PeriodIndex):
        return series.set_axis(series.index.to_timestamp())
    return series
