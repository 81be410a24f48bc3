"""sktime's own checks of the adapters, and what they leave open."""

import doctest

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sktime", reason="make check-adapters runs these tests")

from sktime.datasets import load_airline, load_basic_motions, load_japanese_vowels
from sktime.forecasting.base import ForecastingHorizon
from sktime.forecasting.compose import make_reduction
from sktime.forecasting.model_evaluation import evaluate
from sktime.split import ExpandingWindowSplitter
from sktime.utils.estimator_checks import parametrize_with_checks

import LNN
from LNN import InvalidInputError, LNNWarning
from LNN.adapters import LagsAsSequence
from LNN.adapters import sktime as adapters

# sktime's checks run what it deprecates itself, and short data on purpose.
CHECKS = pytest.mark.filterwarnings("ignore")
TINY = {"n_neurons": 6, "epochs": 2, "random_state": 0}
PANEL = TINY | {"device": "cpu"}
ALL = [
    adapters.LiquidClassifier,
    adapters.LiquidRegressor,
    adapters.LiquidForecaster,
]
AIRLINE = load_airline()


@CHECKS
@parametrize_with_checks(ALL)
def test__sktime_checks__all_pass(obj, test_name):
    from sktime.utils.estimator_checks import check_estimator

    check_estimator(obj, tests_to_run=test_name, raise_exceptions=True, verbose=False)


@CHECKS
def test__docstrings__examples__run():
    found = doctest.testmod(adapters)
    assert found.attempted
    assert not found.failed


# ------------------------------------------------------------ panels


def test__classifier__panel__is_the_estimator_on_sequences():
    X, y = load_basic_motions(split="train", return_type="numpy3D")
    model = adapters.LiquidClassifier(**PANEL).fit(X, y)
    cube = X.transpose(0, 2, 1)
    own = LNN.LiquidClassifier(**PANEL, layout="sequences").fit(cube, y)
    np.testing.assert_array_equal(model.predict_proba(X), own.predict_proba(cube))
    assert (model.classes_ == own.classes_).all()


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test__classifier__unequal_lengths__in_any_container():
    X, y = load_japanese_vowels(split="train", return_type="nested_univ")
    rows = list(range(0, 270, 9))
    X, y = X.iloc[rows].reset_index(drop=True), y[rows]
    model = adapters.LiquidClassifier(**PANEL).fit(X, y)
    as_list = [
        pd.DataFrame({c: X[c][k].to_numpy() for c in X}) for k in range(len(rows))
    ]
    own = LNN.LiquidClassifier(**PANEL).fit([frame.to_numpy() for frame in as_list], y)
    expected = own.predict_proba([frame.to_numpy() for frame in as_list])
    np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-6)
    np.testing.assert_allclose(model.predict_proba(as_list), expected, atol=1e-6)


def test__regressor__gaps__need_a_missing_policy():
    X = np.random.default_rng(0).normal(size=(20, 2, 9))
    X[3, 1, 4] = np.nan
    y = np.nansum(X, axis=(1, 2))
    with pytest.raises(ValueError, match="missing"):
        adapters.LiquidRegressor(**PANEL).fit(X, y)
    model = adapters.LiquidRegressor(**PANEL, missing="mask").fit(X, y)
    assert np.isfinite(model.predict(X)).all()


# ------------------------------------------------------------ forecasts


def test__forecaster__steps_asked__are_those_of_the_estimator():
    model = adapters.LiquidForecaster(**TINY).fit(AIRLINE, fh=[1, 3])
    own = LNN.LiquidForecaster(3, **TINY).fit(AIRLINE).predict()
    found = model.predict()
    assert isinstance(found.index, pd.PeriodIndex)
    np.testing.assert_allclose(found, own.iloc[[0, 2]])
    months = pd.PeriodIndex(["1961-01", "1961-03"], freq="M")
    named = ForecastingHorizon(months, is_relative=False)
    model = adapters.LiquidForecaster(**TINY).fit(AIRLINE, fh=named)
    np.testing.assert_array_equal(model.predict(), found)


def test__forecaster__quantiles__are_those_of_the_estimator():
    model = adapters.LiquidForecaster(**TINY).fit(AIRLINE, fh=[1, 2])
    found = model.predict_quantiles(alpha=[0.2, 0.8])
    own = LNN.LiquidForecaster(2, **TINY).fit(AIRLINE)
    expected = own.predict_quantiles(levels=[0.2, 0.8])
    np.testing.assert_allclose(found, expected)
    interval = model.predict_interval(coverage=0.6)
    np.testing.assert_allclose(interval.to_numpy(), expected)


def test__forecaster__more_than_the_validation_part_can_tell__warns():
    model = adapters.LiquidForecaster(**TINY).fit(AIRLINE, fh=[1])
    with pytest.warns(LNNWarning, match="tell levels from .* cover less"):
        found = model.predict_interval(coverage=0.999).to_numpy()
    with pytest.warns(LNNWarning, match="tell levels"):
        assert (found == model.predict_interval(coverage=0.99).to_numpy()).all()


def test__forecaster__update__forecasts_from_the_new_rows():
    early, late = AIRLINE[:-6], AIRLINE[-6:]
    model = adapters.LiquidForecaster(**TINY).fit(early, fh=[1, 2])
    own = LNN.LiquidForecaster(2, **TINY).fit(early).update(late)
    found = model.update(late, update_params=False).predict()
    np.testing.assert_allclose(found, own.predict())


def test__forecaster__panel__is_one_model_and_known_inputs_count():
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product(
        [["a", "b"], pd.date_range("2024", periods=60, freq="D")], names=["shop", "day"]
    )
    promo = pd.DataFrame({"promo": rng.integers(0, 2, 120).astype(float)}, index=index)
    wave = np.sin(np.tile(np.arange(60), 2) * 2 * np.pi / 7)
    y = pd.DataFrame({"sold": 9 + wave + 4 * promo["promo"].to_numpy()}, index=index)
    before = index.get_level_values("day") < pd.Timestamp("2024-02-25")
    model = adapters.LiquidForecaster(**TINY)
    model.fit(y[before], X=promo[before], fh=[1, 3])
    found = model.predict(X=promo[~before])
    days = pd.to_datetime(["2024-02-25", "2024-02-27"])
    assert found.index.tolist() == [(s, d) for s in "ab" for d in days]
    own = LNN.LiquidForecaster(3, **TINY, known_future="all")
    own.fit(y[before], promo[before])
    expected = own.predict(X=promo[~before])
    np.testing.assert_allclose(found, expected.loc[found.index])
    flipped = model.predict(X=1 - promo[~before])
    assert np.abs((flipped - found).to_numpy()).min() > 1


def test__forecaster__too_short__says_what_is_expected():
    with pytest.raises(InvalidInputError, match="a series of at least"):
        adapters.LiquidForecaster(**TINY).fit(AIRLINE[:5], fh=[3])


def test__evaluate__rolling_forecasts__come_out():
    cv = ExpandingWindowSplitter(fh=[1, 2, 3], initial_window=120, step_length=12)
    table = evaluate(adapters.LiquidForecaster(**TINY), cv, AIRLINE)
    assert len(table) == 2
    assert np.isfinite(table.iloc[:, 0]).all()


# ------------------------------------------------------------ reduction


def network():
    return LNN.LiquidRegressor(**PANEL)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("strategy", ["recursive", "direct", "multioutput"])
def test__make_reduction__lags__are_sequences(strategy):
    lags = LagsAsSequence(network(), lags=range(12, 0, -1))
    model = make_reduction(lags, strategy=strategy, window_length=12)
    model.fit(AIRLINE, fh=[1, 2])
    windows = np.lib.stride_tricks.sliding_window_view(AIRLINE.to_numpy(), 12)
    # The network was trained on windows of the series, the oldest value first.
    fitted = {
        "recursive": lambda: model.estimator_,
        "direct": lambda: model.estimators_[0],
        "multioutput": lambda: model.estimator_,
    }[strategy]()
    assert fitted.lags_.tolist() == list(range(12, 0, -1))
    expected = fitted.estimator_.predict(windows[-1:, :, None]).ravel()[0]
    assert model.predict().iloc[0] == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test__make_reduction__regressor_of_sktime__needs_no_wrapper():
    model = make_reduction(adapters.LiquidRegressor(**PANEL), window_length=12)
    lags = LagsAsSequence(network(), lags=range(12, 0, -1))
    wrapped = make_reduction(lags, window_length=12)
    found = [m.fit(AIRLINE, fh=[1, 2]).predict() for m in (model, wrapped)]
    np.testing.assert_allclose(*found)
