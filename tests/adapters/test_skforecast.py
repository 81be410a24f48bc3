"""Lags of skforecast reach a network through `LagsAsSequence` in their order."""

import numpy as np
import pandas as pd
import pytest
from tiny import TINY

pytest.importorskip("skforecast", reason="make check-adapters runs these tests")

from skforecast.direct import ForecasterDirect
from skforecast.model_selection import TimeSeriesFold, backtesting_forecaster
from skforecast.recursive import ForecasterRecursive, ForecasterRecursiveMultiSeries

from LNN import LiquidRegressor
from LNN.adapters import LagsAsSequence

STEPS = np.arange(130)
DAYS = pd.date_range("2024", periods=130, freq="D")
NOISE = np.random.default_rng(0).normal(size=130)
VALUES = np.sin(STEPS * 2 * np.pi / 12) + 0.1 * NOISE
SERIES = pd.Series(VALUES, index=DAYS, name="y")
PROMO = pd.DataFrame({"promo": (STEPS % 5 == 0).astype(float)}, index=DAYS)
PAST, AFTER = slice(0, 120), slice(120, 130)


def wrapped(lags):
    return LagsAsSequence(LiquidRegressor(**TINY), lags=lags)


def window(lags):
    """Return the last lags of the past as one sequence, the oldest first."""
    return SERIES.to_numpy()[120 - np.sort(lags)[::-1]][None, :, None]


@pytest.mark.parametrize("lags", [range(1, 9), [1, 2, 3, 12]])
def test__recursive__next_value__is_that_of_the_sequence(lags):
    model = ForecasterRecursive(estimator=wrapped(lags), lags=list(lags))
    model.fit(y=SERIES[PAST])
    inner = model.estimator
    times = -inner.lags_[None] if len(lags) == 4 else None
    expected = inner.estimator_.predict(window(lags), timestamps=times)
    assert model.predict(steps=3).iloc[0] == pytest.approx(expected[0])


def test__direct__exogenous__stands_beside_every_step():
    lags = range(1, 9)
    model = ForecasterDirect(estimator=wrapped(lags), lags=8, steps=2)
    model.fit(y=SERIES[PAST], exog=PROMO[PAST])
    found = model.predict(exog=PROMO[AFTER])
    inner = model.estimators_[1]
    promo = np.full((1, 8, 1), PROMO["promo"].iloc[120])
    sequence = np.concatenate([window(lags), promo], axis=2)
    expected = inner.estimator_.predict(sequence)
    assert found.iloc[0] == pytest.approx(expected[0])


def test__several_series__and_backtests__run():
    both = {"a": SERIES[PAST], "b": SERIES[PAST] ** 2}
    model = ForecasterRecursiveMultiSeries(
        estimator=wrapped(range(1, 9)), lags=8, encoding="ordinal"
    )
    model.fit(series=both)
    assert np.isfinite(model.predict(steps=2)["pred"]).all()
    single = ForecasterRecursive(estimator=wrapped(range(1, 9)), lags=8)
    folds = TimeSeriesFold(steps=5, initial_train_size=110, refit=False)
    metric, _ = backtesting_forecaster(
        forecaster=single,
        y=SERIES,
        cv=folds,
        metric="mean_absolute_error",
        show_progress=False,
    )
    assert np.isfinite(metric.to_numpy()).all()
