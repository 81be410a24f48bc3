"""Backtests: one pass that equals `predict` at each cutoff and sees no later row."""

import numpy as np
import pandas as pd
import pytest
from forecast_cases import quick

from LNN.exceptions import InvalidInputError


def test__backtest__each_forecast__is_that_of_predict(series):
    model = quick().fit(series[:100])
    tested = model.backtest(series)
    assert tested.cutoff.nunique() == 38
    for cutoff, part in list(tested.groupby("cutoff"))[::9]:
        alone = model.predict(y=series[series.index <= cutoff])
        assert part.time.tolist() == alone.index.tolist()
        np.testing.assert_allclose(part.prediction, alone, rtol=1e-6)
        np.testing.assert_array_equal(part.y, series[alone.index])


def test__backtest__rows_that_follow__are_taken_as_a_continuation(series):
    model = quick().fit(series[:100])
    whole, later = model.backtest(series), model.backtest(series[100:])
    pd.testing.assert_frame_equal(whole, later)
    arrays = quick().fit(series[:100].to_numpy())
    numbers = arrays.backtest(series[100:].to_numpy())
    np.testing.assert_allclose(numbers.prediction, whole.prediction, rtol=1e-6)


def test__backtest__values_after_a_cutoff__change_nothing_before_it(series):
    model = quick().fit(series[:100])
    other = series.copy()
    other[120:] = 77.0
    before, after = (model.backtest(y).set_index("cutoff") for y in (series, other))
    seen = before.index < series.index[120]
    assert seen.any()
    np.testing.assert_array_equal(
        before.prediction[seen].to_numpy(), after.prediction[seen].to_numpy()
    )


def test__backtest__panel__names_recordings(panel):
    train = panel.groupby(level=0).head(80)
    tested = quick().fit(train).backtest(panel, step=5, coverage=0.8)
    assert list(tested.columns) == [
        *("shop", "cutoff", "time", "step", "y", "prediction", "lower", "upper"),
    ]
    assert set(tested.shop) == {"a", "b", "c"}
    assert (tested.lower < tested.upper).all()
    truth = panel.loc[list(zip(tested.shop, tested.time, strict=True))]
    np.testing.assert_array_equal(tested.y, truth)


def test__backtest__of_periods__has_periods(series):
    months = series.set_axis(series.index.to_period("M"))
    tested = quick().fit(months[:100]).backtest(months)
    assert tested.cutoff[0] == pd.Period("2018-04", "M")
    assert tested.time[0] == pd.Period("2018-05", "M")


def test__backtest__inside_of_the_training_part__is_refused(series):
    model = quick().fit(series)
    with pytest.raises(InvalidInputError, match="at least 3 rows of y after"):
        model.backtest(series)
    with pytest.raises(InvalidInputError, match="judged by that"):
        quick().fit(series[:100]).backtest(series, start=series.index[50])


def test__score__is_the_skill_against_the_seasonal_naive(series):
    model = quick().fit(series[:100])
    tested = model.backtest(series)
    naive = series.shift(12)[tested.time].to_numpy()
    windows = {
        cutoff: np.abs(series[:cutoff][-24:].diff(12).dropna()).mean()
        for cutoff in tested.cutoff.unique()
    }
    # Of one series by itself: the mean with its usual spread, which cancels out.
    unit = np.sqrt(tested.cutoff.map(windows))
    error = (np.abs(tested.y - tested.prediction) / unit).sum()
    expected = 1 - error / (np.abs(tested.y - naive) / unit).sum()
    assert model.score(series) == pytest.approx(expected)
