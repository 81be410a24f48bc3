"""Columns beside the series: known in future, in the past only, static; and NaN."""

import numpy as np
import pandas as pd
import pytest
from forecast_cases import quick

from LNN.exceptions import InvalidInputError

N = 200


@pytest.fixture(scope="module")
def shop():
    """Sales that follow a price, which is planned, and a crowd, which is not."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2023-01-02", periods=N + 3, freq="D", name="day")
    price = rng.choice([1.0, 2.0, 3.0], N + 3)
    X = pd.DataFrame({"crowd": rng.normal(size=N + 3), "price": price}, index=days)
    return (20 - 3 * X.price + 0.1 * rng.normal(size=N + 3)).rename("sales"), X


@pytest.fixture(scope="module")
def model(shop):
    """A forecaster that knows the price in advance."""
    y, X = shop
    return quick(known_future=["price"], calendar=None).fit(y[:N], X[:N])


def test__predict__known_inputs__are_used(shop, model):
    y, X = shop
    found = model.predict(X=X[["price"]])
    assert np.abs(found - y[N:]).max() < 1.5
    cheap = model.predict(X=X.assign(price=1.0))
    assert (cheap > 15).all()


def test__predict__past_only_columns__are_not_read_in_future(shop, model):
    _, X = shop
    wild = X.copy()
    wild.loc[wild.index[N:], "crowd"] = 1e9
    np.testing.assert_array_equal(model.predict(X=wild), model.predict(X=X))


def test__predict__rows_are_matched_by_label(shop, model):
    _, X = shop
    shuffled = X.sample(frac=1, random_state=0)
    np.testing.assert_array_equal(model.predict(X=shuffled), model.predict(X=X))


def test__predict__unknown_values__are_allowed(shop, model):
    _, X = shop
    partly = X.copy()
    partly.loc[X.index[N + 1], "price"] = np.nan
    found = model.predict(X=partly)
    assert np.isfinite(found).all()


def test__predict__a_time_that_lacks__is_named(shop, model):
    _, X = shop
    with pytest.raises(InvalidInputError, match="none for 2023-07-22"):
        model.predict(X=X.drop(X.index[N + 1]))


def test__predict__without_known_inputs__says_what_it_needs(model):
    with pytest.raises(InvalidInputError, match=r"'price'.*2023-07-21 .*2023-07-23"):
        model.predict()


def test__fit__a_time_that_lacks__is_named(shop):
    y, X = shop
    with pytest.raises(InvalidInputError, match="none for 2023-01-05"):
        quick(known_future=[]).fit(y[:N], X.drop(X.index[3]))


@pytest.mark.parametrize(
    ("known", "words"), [(None, "known_future=\\[...\\]"), (["prize"], "spelling")]
)
def test__fit__what_is_known_in_future__has_to_be_said(shop, known, words):
    y, X = shop
    with pytest.raises(InvalidInputError, match=words):
        quick(known_future=known).fit(y[:N], X[:N])


def test__fit__everything_in_one_frame__is_the_same(shop, model):
    y, X = shop
    table = X.assign(sales=y)
    how = {"known_future": ["price"], "calendar": None, "target": "sales"}
    found = quick(**how).fit(table[:N]).predict(X=X)
    np.testing.assert_array_equal(found, model.predict(X=X))


def test__fit__arrays__are_matched_by_place(shop, model):
    y, X = shop
    arrays = quick(known_future=[1], calendar=None, season=7)
    arrays.fit(y[:N].to_numpy(), X[:N].to_numpy())
    assert arrays.predict(X=X[N:].to_numpy()).shape == (3,)
    with pytest.raises(InvalidInputError, match="row for each of the 3 times"):
        arrays.predict(X=X[N:][:2].to_numpy())


def test__backtest__inputs_of_the_future__are_those_of_predict(shop):
    y, X = shop
    model = quick(known_future=["price"], calendar=None).fit(y[:150], X[:150])
    tested = model.backtest(y, X, step=10)
    for cutoff, part in tested.groupby("cutoff"):
        alone = model.predict(X=X, y=y[:cutoff])
        np.testing.assert_allclose(part.prediction, alone, rtol=1e-5)


def test__fit__static_columns_of_a_panel__are_read(panel):
    X = pd.DataFrame({"size": panel.index.codes[0]}, index=panel.index)
    found = quick(known_future=[]).fit(panel, X.astype(float)).predict()
    assert len(found) == 9


def test__fit__unseen_values_and_rows__are_allowed(series):
    holes = series.copy()
    holes.iloc[[20, 21, 60, 139]] = np.nan
    found = quick().fit(holes).predict()
    lacking = quick().fit(holes.dropna()[:-1]).predict()
    assert np.isfinite(found).all()
    assert found.index[0] == pd.Timestamp("2021-09-01")
    assert lacking.index[0] == pd.Timestamp("2021-07-01")


def test__fit__a_series_that_begins_late_and_pauses__is_quiet():
    days = pd.date_range("2024", periods=200)
    y = pd.DataFrame({"a": np.arange(200.0), "b": np.arange(200.0) % 7}, index=days)
    y.iloc[:90, 1] = np.nan
    y.iloc[120:140, 0] = np.nan
    assert np.isfinite(quick().fit(y).predict()).all(axis=None)


def test__fit__a_series_that_ends_unseen__is_told(series):
    ended = series.where(series.index < series.index[100])
    with pytest.raises(InvalidInputError, match="last part .* mostly seen"):
        quick().fit(ended)


def test__calendar__of_a_long_cycle__becomes_an_input():
    days = pd.date_range("2019-01-01", periods=800, freq="D")
    y = pd.Series(np.sin(2 * np.pi * days.day_of_year / 365.25), index=days)
    found = quick(7, window_length=28).fit(y)
    assert found.model_.engine.inputs.calendar.cycles == ("year",)
    assert quick(7, calendar=None).fit(y).model_.engine.inputs.n_future == 0


def test__predict__inputs_that_nothing_reads__are_refused(shop, model):
    y, X = shop
    alone = quick(calendar=None).fit(y[:N])
    with pytest.raises(InvalidInputError, match="fitted without X"):
        alone.predict(X=X)
    past = quick(known_future=[], calendar=None).fit(y[:N], X[:N])
    with pytest.raises(InvalidInputError, match="none of times to come"):
        past.predict(X=X)
    past.predict(y=y[:N], X=X[:N])


def test__predict__rows_in_place_of_a_horizon__are_told_where_they_go(shop, model):
    y, X = shop
    with pytest.raises(InvalidInputError, match="got a DataFrame. .*as y="):
        model.predict(y.to_frame(), X=X)
    with pytest.raises(InvalidInputError, match="got 0.9. .*coverage="):
        model.predict_interval(0.9, X=X)
