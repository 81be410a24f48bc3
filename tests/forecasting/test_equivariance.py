"""What forecasts must not depend on, or must follow exactly."""

import numpy as np
import pandas as pd
import pytest
from forecast_cases import quick, wave


def test__predict__of_a_shifted_context__is_shifted(series):
    model = quick().fit(series)
    found = model.predict(y=series + 1000.0)
    np.testing.assert_allclose(found, model.predict() + 1000.0, atol=1e-4)


@pytest.mark.parametrize("normalise", ["level", "std", "balanced", "season"])
def test__predict__of_a_scaled_context__is_scaled(series, normalise):
    model = quick(normalise=normalise).fit(series)
    np.testing.assert_allclose(
        model.predict(y=64.0 * series), 64.0 * model.predict(), rtol=1e-5
    )


@pytest.mark.parametrize("normalise", ["std", "season"])
def test__predict__of_windows_that_are_divided__follows_shifts(series, normalise):
    model = quick(normalise=normalise).fit(series)
    np.testing.assert_allclose(
        model.predict(y=series + 64.0), model.predict() + 64.0, atol=1e-4
    )


def test__fit__of_scaled_data__scales_forecasts(series):
    once, more = quick().fit(series), quick().fit(64.0 * series)
    np.testing.assert_allclose(more.predict(), 64.0 * once.predict(), rtol=1e-3)


def test__fit__at_other_times__forecasts_the_same(series):
    later = series.set_axis(pd.date_range("1990-01-01", periods=140, freq="D"))
    how = {"season": 12, "calendar": None}
    np.testing.assert_array_equal(
        quick(**how).fit(later).predict(), quick(**how).fit(series).predict()
    )


def test__predict__groups_in_another_order__permutes_forecasts(panel):
    model = quick().fit(panel)
    other = pd.concat({name: panel.loc[name] for name in "cab"}, names=["shop"])
    found = model.predict(y=other)
    for name in "abc":
        np.testing.assert_allclose(
            found.loc[name], model.predict().loc[name], rtol=1e-6
        )


def test__predict__one_recording_alone__is_as_among_others(panel):
    model = quick().fit(panel)
    alone = model.predict(y=panel.loc[["b"]])
    np.testing.assert_allclose(alone, model.predict().loc[["b"]], rtol=1e-6)


def test__predict__some_of_the_times__are_those_of_all(series):
    model = quick().fit(series)
    whole = model.predict()
    some = model.predict(times=whole.index[[2, 0]])
    assert some.index.tolist() == whole.index[[2, 0]].tolist()
    np.testing.assert_array_equal(some, whole.iloc[[2, 0]])
    np.testing.assert_array_equal(model.predict(1), whole[:1])


def test__predict__rows_before_the_window__do_not_matter(series):
    model = quick().fit(series)
    found = model.predict(y=series[-24:])
    np.testing.assert_array_equal(found, model.predict())


def test__predict__does_not_change_the_forecaster(series):
    model = quick().fit(series)
    first = model.predict()
    model.predict(y=series[:-20])
    model.backtest(pd.Series(wave(), index=series.index + pd.DateOffset(years=12)))
    np.testing.assert_array_equal(model.predict(), first)
