"""The forecaster as an estimator: parameters, copies, searches, words and pictures."""

import pickle
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from forecast_cases import quick, wave
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from LNN import LiquidForecaster
from LNN.exceptions import InvalidInputError, LNNWarning


def test__clone__keeps_all_parameters():
    model = quick(5, season=7, n_seeds=2, network={"mode": "default"})
    assert clone(model).get_params() == model.get_params()
    assert not hasattr(clone(model), "model_")


def test__predict__before_fit__is_refused():
    for call in ("predict", "predict_interval", "summary", "stream", "plot"):
        with pytest.raises(NotFittedError):
            getattr(quick(), call)()


def test__pickle__forecasts_alike(panel):
    model = quick().fit(panel)
    blob = pickle.dumps(model)
    assert b"torch" not in blob
    again = pickle.loads(blob)
    np.testing.assert_array_equal(again.predict(), model.predict())
    np.testing.assert_array_equal(again.predict_interval(), model.predict_interval())


def test__fit__same_seed__same_bits(series):
    one, two = (quick().fit(series).predict() for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test__fit__several_seeds__is_the_mean_of_networks(series):
    model = quick(n_seeds=3).fit(series)
    network = model.model_.engine.model.network
    assert network is None or len(network.models) == 3


def test__fit__that_fails__leaves_the_forecaster_as_it_was(series):
    model = quick().fit(series)
    before = model.predict()
    with pytest.raises(InvalidInputError):
        model.fit(series[:5])
    np.testing.assert_array_equal(model.predict(), before)


def test__grid_search__over_time__runs_as_it_is(series):
    search = GridSearchCV(
        quick(2), {"normalise": ["none", "std"]}, cv=TimeSeriesSplit(2, test_size=20)
    )
    search.fit(series, None)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test__backtest__with_refits__is_a_fit_at_each_cutoff(series):
    model = quick(linear=True)
    tested = model.backtest(series, start=series.index[109], step=10, refit=True)
    assert tested.cutoff.unique().tolist() == [series.index[k] for k in (109, 119, 129)]
    for cutoff, part in tested.groupby("cutoff"):
        alone = quick().fit(series[:cutoff]).predict()
        np.testing.assert_allclose(part.prediction, alone, rtol=1e-6)
    assert not hasattr(model, "model_")


@pytest.mark.slow  # starts worker processes, which import everything
def test__backtest__with_refits__does_not_depend_on_n_jobs(series):
    how = {"start": series.index[119], "step": 8, "refit": True, "coverage": 0.8}
    one, two = (quick(n_jobs=n).backtest(series, **how) for n in (1, 2))
    pd.testing.assert_frame_equal(one, two)


def test__predict__beyond_the_horizon__goes_on_and_warns(series):
    model = quick().fit(series)
    with pytest.warns(LNNWarning, match="horizon of 3 steps, and is asked for 8"):
        found = model.predict(8)
    assert len(found) == 8
    np.testing.assert_array_equal(found[:3], model.predict())


def test__summary__names_every_baseline(series):
    model = quick().fit(series)
    text = model.summary()
    names = ("naive", "seasonal naive", "linear path alone", "LiquidForecaster")
    assert list(model.baseline_errors_) == list(names)
    for name, error in model.baseline_errors_.items():
        assert f"{error:.4g}" in text.split(f"    {name} ")[1].split("\n")[0]


def test__fit__season_and_window__are_found(series):
    model = LiquidForecaster(3, epochs=1, random_state=0).fit(series)
    assert (model.season_, model.window_length_) == (12, 36)
    numbers = LiquidForecaster(3, epochs=1, random_state=0).fit(series.to_numpy())
    assert numbers.season_ == 12


def test__fit__constant_series__forecasts_the_constant():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LNNWarning)
        found = quick().fit(np.full(140, 5.0)).predict()
    np.testing.assert_allclose(found, 5.0, atol=1e-6)


def test__fit__a_line__goes_on(series):
    found = quick().fit(np.arange(140.0)).predict()
    np.testing.assert_allclose(found, [140, 141, 142], atol=0.2)


def test__fit__one_outlier__does_not_rule_the_linear_path():
    y = wave(300)
    wild = y.copy()
    wild[60] = 1000.0
    how = {"n_seeds": 0}
    clean, other = (quick(**how).fit(v).predict(y=y) for v in (y, wild))
    np.testing.assert_allclose(other, clean, atol=0.5)


def test__plot__draws_past_and_forecast(series):
    pytest.importorskip("matplotlib").use("Agg")
    ax = quick().fit(series).plot(coverage=0.8, truth=series[-3:])
    assert [line.get_label() for line in ax.lines] == [
        "what is known",
        "forecast",
        "what came",
    ]
    ax.figure.clear()


def test__summary__times_of_a_clock__are_durations(series):
    hours = pd.date_range("2024-01-01", periods=140, freq="h")
    shown = quick(n_seeds=0).fit(pd.Series(wave(), hours)).summary()
    assert "equal, 1:00:00\n" in shown
    assert "season 24" in shown
    shown = quick(n_seeds=0).fit(series).summary()
    assert "equal, 1 month(s), on the same day\n" in shown


def test__summary__odd_times__say_their_cycle():
    passed = np.random.default_rng(0).exponential(2.0, 300).cumsum()
    index = pd.Timestamp("2024-01-01") + pd.to_timedelta(passed, unit="h")
    odd = pd.Series(np.sin(2 * np.pi * passed / 24), index)
    assert "cycles: day" in quick(n_seeds=0).fit(odd).summary()
    shown = quick(n_seeds=0, calendar=None).fit(odd).summary()
    assert re.search(r"irregular, usually 1:\d\d:\d\d", shown)
    assert re.search(r"cycles: (1 day, 0|23):\d\d:\d\d", shown)
    shown = quick(n_seeds=0).fit(odd.set_axis(passed)).summary()
    assert re.search(r"irregular, usually 1\.\d+\n", shown)
    assert re.search(r"cycles: (24|23)", shown)
