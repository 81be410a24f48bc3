""" "auto" is settled once, when a network is built, and a stored model keeps it."""

import pickle

import numpy as np
import pytest

from LNN import LiquidClassifier, LiquidRegressor
from LNN.estimators import building

CUBE = np.random.default_rng(0).normal(size=(12, 5, 2))
ROWS = CUBE.reshape(60, 2)


def fitted(X, y, **options):
    """Return a small model."""
    settings = {"n_neurons": 8, "epochs": 1, "random_state": 0}
    return LiquidRegressor(**settings | options).fit(X, y)


def test__mode__auto__is_the_exponential_form():
    model = fitted(CUBE, CUBE[:, 0, 0])
    assert model.network_.mode == "exponential"
    assert "mode exponential" in model.summary()
    assert model.get_params()["mode"] == "auto"


@pytest.mark.parametrize(
    ("X", "y", "options", "pooling"),
    [
        pytest.param(CUBE, CUBE[:, 0, 0], {}, "last+mean+max", id="one target"),
        pytest.param(ROWS, ROWS[:, 0], {}, "last", id="windows"),
        pytest.param(ROWS, ROWS[:, 0], {"window_length": None}, "last", id="whole"),
        pytest.param(CUBE, CUBE[:, 0, 0], {"readout": "motor"}, "last", id="motor"),
        pytest.param(
            CUBE, CUBE[:, :, 0], {"return_sequences": True}, "last", id="per step"
        ),
        pytest.param(CUBE, CUBE[:, 0, 0], {"pooling": "max"}, "max", id="given"),
    ],
)
def test__pooling__auto__depends_on_what_is_asked(X, y, options, pooling):
    assert fitted(X, y, **options).network_.pooling == pooling


@pytest.mark.parametrize(
    ("options", "unfolds"),
    [
        ({}, 1),
        ({"readout": "motor"}, 3),
        ({"solver": "semi-implicit"}, 6),
        ({"solver": "rk4", "ode_unfolds": 2}, 2),
    ],
    ids=["dense", "motor", "semi-implicit", "given"],
)
def test__ode_unfolds__auto__depends_on_solver_and_readout(options, unfolds):
    model = fitted(CUBE, CUBE[:, 0, 0], model_type="LTC", **options)
    assert model.network_.ode_unfolds == unfolds
    assert model.network_.layers[0].cell.ode_unfolds == unfolds
    assert f"{unfolds} unfolds" in model.summary()


def test__motor_readout__one_step__reaches_the_output():
    """Three unfolds carry an input over inter and command neurons to the output."""
    model = fitted(CUBE, CUBE[:, 0, 0], model_type="LTC", readout="motor")
    one, other = CUBE[:, :1], CUBE[:, :1] + 1.0
    assert (model.predict(one) != model.predict(other)).any()


@pytest.mark.parametrize("kind", ["CfC", "LTC"])
def test__pickle__auto_means_something_else_later__predicts_the_same(kind, monkeypatch):
    model = fitted(CUBE, CUBE[:, 0, 0], model_type=kind)
    want, stored = model.predict(CUBE), pickle.dumps(model)
    monkeypatch.setattr(building, "_settled_mode", lambda _: "default")
    monkeypatch.setattr(building, "_settled_unfolds", lambda _: 4)
    monkeypatch.setattr(building, "_settled_pooling", lambda *_: "mean")
    np.testing.assert_array_equal(pickle.loads(stored).predict(CUBE), want)


@pytest.mark.parametrize(
    ("options", "steps", "patch"),
    [
        ({}, 250, 8),
        ({"pooling": "mean"}, 300, 8),
        ({}, 249, 1),
        ({"readout": "motor"}, 250, 1),
        ({"missing": "mask"}, 250, 1),
    ],
)
def test__patch__auto__is_for_long_sequences(options, steps, patch):
    X = np.random.default_rng(0).normal(size=(6, steps, 2))
    model = fitted(X, X[:, 0, 0], patch="auto", **options)
    assert model.network_.patch == patch
    assert ("patches of 8 rows" in model.summary()) == (patch == 8)


def test__patch__auto_in_irregular_time__is_one():
    X = np.random.default_rng(0).normal(size=(6, 260, 2))
    times = np.random.default_rng(0).exponential(size=(6, 260)).cumsum(axis=1)
    model = LiquidRegressor(8, epochs=1, patch="auto")
    assert model.fit(X, X[:, 0, 0], timestamps=times).network_.patch == 1


@pytest.mark.slow
def test__epochs__auto_with_patches__has_more_steps():
    X = np.random.default_rng(0).normal(size=(6, 20, 2))
    model = LiquidRegressor(4, patch=8).fit(X, X[:, 0, 0])
    assert model.n_iter_ == 1500


@pytest.mark.parametrize("name", ["mode", "pooling", "ode_unfolds", "patch"])
def test__auto__in_a_search__is_a_value_like_others(name):
    kind = "LTC" if name == "ode_unfolds" else "CfC"
    model = LiquidClassifier(8, model_type=kind, epochs=1, **{name: "auto"})
    assert model.fit(CUBE, np.arange(12) % 2).predict(CUBE).shape == (12,)
