"""Backtests that fit again at each cutoff, several at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import joblib
import numpy as np
import pandas as pd

from LNN._random import random_source
from LNN.exceptions import InvalidInputError
from LNN.forecasting.backtest import backtest_rolled
from LNN.forecasting.fitting import fit
from LNN.forecasting.reading import GivenSeries, read_given
from LNN.forecasting.rolling import roll

__all__ = ["backtest_with_refits"]

# Without a start, the first model learns from this part of the longest series.
FIRST_PART = 0.6


def backtest_with_refits(
    y: Any,
    X: Any,
    start: Any,
    step: int | None,
    coverage: float | None,
    adaptive: bool,
    values: Mapping[str, Any],
) -> pd.DataFrame:
    """Fit on the rows up to each cutoff, and forecast; see `backtest`."""
    given = read_given(y, X, values)
    horizon = int(values["horizon"])
    times = max((h.times for h in given.histories), key=len)
    first = int(FIRST_PART * len(times)) - 1
    if start is not None:
        first = int(times.searchsorted(start, side="right")) - 1
    places = range(first, len(times) - horizon, step or horizon)
    if not len(places) or first < 0:
        raise InvalidInputError(
            f"Expected rows before start={start} to fit on, and {horizon} after it to "
            f"judge forecasts by, got times from {times[0]} to {times[-1]}."
        )
    # Threads would share one interpreter lock; networks of this size wait for it.
    run = joblib.Parallel(n_jobs=values["n_jobs"])
    frames = run(
        joblib.delayed(_at)(given, times[place], coverage, adaptive, dict(values))
        for place in places
    )
    return pd.concat(frames, ignore_index=True)


def _at(
    given: GivenSeries,
    cutoff: Any,
    coverage: float | None,
    adaptive: bool,
    values: Mapping[str, Any],
) -> pd.DataFrame:
    """Fit on the rows up to a cutoff and forecast those after it."""
    cut = [h.until(int((h.times <= cutoff).sum())) for h in given.histories]
    kept = [h for h in cut if len(h.times) and np.isfinite(h.values).any(axis=0).all()]
    known = {h.name for h in kept}
    model = fit(
        given._replace(histories=kept), values, random_source(values["random_state"])
    )
    whole = [model.engine.prepared(h) for h in given.histories if h.name in known]
    longest = max(len(h.times) for h in whole)
    rolled = roll(model, whole, cutoff, longest)
    return backtest_rolled(model, rolled, coverage, adaptive)
