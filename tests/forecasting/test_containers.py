"""Forecasts come back in the container of y, with the times to come."""

import numpy as np
import pandas as pd
import pytest
from forecast_cases import quick, wave

from LNN import LiquidForecaster
from LNN.exceptions import InvalidInputError


def test__predict__series__is_a_series_of_the_next_months(series):
    found = quick().fit(series).predict()
    expected = pd.date_range("2021-09-01", periods=3, freq="MS", name="month")
    assert found.index.tolist() == expected.tolist()
    assert found.index.name == "month"
    assert found.name == "sales"


def test__predict__periods__are_periods(series):
    months = series.set_axis(series.index.to_period("M"))
    found = quick().fit(months).predict()
    assert found.index.tolist() == list(pd.period_range("2021-09", periods=3, freq="M"))


def test__predict__frame__has_a_column_for_each_target(series):
    frame = pd.DataFrame({"a": series, "b": 2 * series})
    found = quick().fit(frame).predict()
    assert list(found.columns) == ["a", "b"]
    assert found.shape == (3, 2)


@pytest.mark.parametrize("shape", [(140,), (140, 2)])
def test__predict__array__is_an_array(shape):
    y = np.resize(wave(), shape[::-1]).T if len(shape) == 2 else wave()
    assert quick().fit(y).predict().shape == (3, *shape[1:])


def test__predict__list__is_a_list_of_each():
    found = quick().fit([wave(140), wave(100, 1)]).predict()
    assert [part.shape for part in found] == [(3,), (3,)]


def test__predict__panel__goes_on_where_each_recording_ended(panel):
    found = quick().fit(panel).predict()
    assert found.index.names == ["shop", "month"]
    assert found.loc["c"].index[0] == pd.Timestamp("2017-07-01")
    assert found.groupby(level=0).size().tolist() == [3, 3, 3]


def test__fit__time_in_front_of_recordings__is_told(panel):
    with pytest.raises(InvalidInputError, match=r"last level .* level 0, 'month'"):
        quick().fit(panel.swaplevel())


def test__fit__few_steps_of_many_rows__does_not_doubt_its_own_windows():
    # Long windows folded into few steps look like channels in front of time.
    rng = np.random.default_rng(0)
    hours = pd.date_range("2024-01-01", periods=500, freq="h")
    daily = np.sin(2 * np.pi * np.arange(500) / 24) + 0.1 * rng.normal(size=500)
    LiquidForecaster(12, epochs=1, random_state=0).fit(pd.Series(10 + daily, hours))


def test__predict__table__has_its_columns(panel):
    table = panel.reset_index()
    how = {"time_column": "month", "group_column": "shop"}
    found = quick(**how).fit(table).predict()
    assert list(found.columns) == ["shop", "month", "sales"]
    alone = quick().fit(panel).predict()
    np.testing.assert_array_equal(found.sales, alone)


def test__predict__polars__is_read_as_pandas(panel):
    polars = pytest.importorskip("polars")
    table = panel.reset_index()
    how = {"time_column": "month", "group_column": "shop"}
    found = quick(**how).fit(polars.from_pandas(table)).predict()
    np.testing.assert_array_equal(found.sales, quick().fit(panel).predict())


def test__fit__rows_in_another_order__are_sorted_by_time(series):
    shuffled = series.sample(frac=1, random_state=0)
    found = quick().fit(shuffled).predict()
    pd.testing.assert_series_equal(found, quick().fit(series).predict())


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (pd.Series([1.0, 2.0], index=["x", "y"]), "Expected times in the index"),
        (pd.DataFrame({"a": ["x", "y"]}), "get_dummies"),
        (np.array([1.0, np.inf] * 50), "infinite value in row 1"),
        (np.ones((2, 2, 2)), "shape"),
        (np.arange(9.0), "at least"),
        (pd.Series([1.0, 2.0], index=pd.to_datetime(["2024", "2024"])), "more than"),
        (np.full(90, np.nan), "at least one value"),
    ],
)
def test__fit__what_is_no_series__is_told(y, words):
    with pytest.raises(InvalidInputError, match=words):
        quick().fit(y)


def test__fit__parameters_that_are_not_allowed__are_told(series):
    refused = [("horizon", 0), ("season", "weekly"), ("network", {"loss": 1})]
    for name, value in [*refused, ("calendar", ["month"]), ("calendar", [["day"]])]:
        with pytest.raises(InvalidInputError, match=f"{name!r} parameter"):
            quick(**{name: value}).fit(series)


def test__fit__column_of_times_among_the_series__is_refused(series):
    table = series.reset_index()
    with pytest.raises(InvalidInputError, match="pass time_column='month'"):
        quick(n_seeds=0).fit(table)
    with pytest.raises(InvalidInputError, match="in column 'month'"):
        quick(n_seeds=0, target="sales", known_future=[]).fit(table)
    with pytest.raises(InvalidInputError, match="times, not numbers"):
        quick(n_seeds=0).fit(table["month"].to_numpy())


def test__fit__polars_frame_with_times__says_to_name_the_column(series):
    polars = pytest.importorskip("polars")
    columns = {"month": series.index.to_numpy(), "sales": series.to_numpy()}
    with pytest.raises(InvalidInputError, match="pass time_column='month'"):
        quick(n_seeds=0).fit(polars.DataFrame(columns))
