"""aeon's own checks of the adapters, and what they leave open."""

import doctest

import numpy as np
import pytest

pytest.importorskip("aeon", reason="make check-adapters runs these tests")

from aeon.datasets import load_airline, load_basic_motions, load_japanese_vowels
from aeon.testing.estimator_checking import parametrize_with_checks

import LNN
from LNN.adapters import aeon as adapters

TINY = {"n_neurons": 6, "epochs": 2, "random_state": 0, "n_jobs": 1}
PANEL = TINY | {"device": "cpu"}
ALL = [
    adapters.LiquidClassifier,
    adapters.LiquidRegressor,
    adapters.LiquidForecaster,
    adapters.LiquidAnomalyDetector,
]
AIRLINE = load_airline()


# aeon's checks run what it deprecates itself, and short data on purpose.
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(ALL)
def test__aeon_checks__all_pass(check):
    check()


def test__docstrings__examples__run():
    found = doctest.testmod(adapters)
    assert found.attempted
    assert not found.failed


def test__classifier__collection__is_the_estimator_on_sequences():
    X, y = load_basic_motions(split="train")
    model = adapters.LiquidClassifier(**PANEL).fit(X, y)
    cube = X.transpose(0, 2, 1)
    own = LNN.LiquidClassifier(**PANEL, layout="sequences").fit(cube, y)
    np.testing.assert_array_equal(model.predict_proba(X), own.predict_proba(cube))
    assert (model.classes_ == own.classes_).all()


def test__classifier__unequal_lengths__are_a_list():
    X, y = load_japanese_vowels(split="train")
    X, y = X[::9], y[::9]
    model = adapters.LiquidClassifier(**PANEL).fit(X, y)
    sequences = [series.T for series in X]
    own = LNN.LiquidClassifier(**PANEL).fit(sequences, y)
    np.testing.assert_allclose(model.predict_proba(X), own.predict_proba(sequences))


def test__regressor__gaps__need_a_missing_policy():
    X = np.random.default_rng(0).normal(size=(20, 2, 9))
    X[3, 1, 4] = np.nan
    y = np.nansum(X, axis=(1, 2))
    with pytest.raises(ValueError, match="missing"):
        adapters.LiquidRegressor(**PANEL).fit(X, y)
    model = adapters.LiquidRegressor(**PANEL, missing="mask").fit(X, y)
    assert np.isfinite(model.predict(X)).all()


def test__forecaster__predict__is_the_step_of_the_horizon_and_learns_nothing():
    model = adapters.LiquidForecaster(3, **TINY).fit(AIRLINE[:120])
    own = LNN.LiquidForecaster(3, **TINY).fit(AIRLINE[:120])
    assert model.predict(AIRLINE) == own.predict(y=AIRLINE)[2]
    assert model.predict(AIRLINE) == own.predict(y=AIRLINE)[2]


def test__forecaster__strategies__of_aeon__forecast():
    model = adapters.LiquidForecaster(**TINY)
    own = LNN.LiquidForecaster(2, **TINY).fit(AIRLINE)
    at_once = model.series_to_series_forecast(AIRLINE, 2)
    np.testing.assert_array_equal(at_once, own.predict())
    direct = model.direct_forecast(AIRLINE, 2)
    assert direct[1] == own.predict()[1]
    assert model.iterative_forecast(AIRLINE, 2)[0] == direct[0]


def test__detector__scores__are_those_of_the_estimator_and_labels_count():
    rng = np.random.default_rng(0)
    x = (
        np.sin(np.arange(900) * 2 * np.pi / 25)[:, None]
        + 0.1 * rng.normal(size=900)[:, None]
    )
    both = np.hstack([x, x**2])
    labels = np.zeros(700, dtype=int)
    labels[100:120] = 1
    quick = TINY | {"window_length": 8}
    model = adapters.LiquidAnomalyDetector(**quick).fit(both[:700], labels, axis=0)
    own = LNN.LiquidAnomalyDetector(**quick).fit(both[:700], labels)
    expected = own.anomaly_scores(both[700:])
    np.testing.assert_array_equal(model.predict(both[700:], axis=0), expected)
    np.testing.assert_array_equal(model.predict(both[700:].T, axis=1), expected)
