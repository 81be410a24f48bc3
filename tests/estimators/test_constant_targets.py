"""A target that does not vary is predicted exactly, and beside it others learn."""

import numpy as np
import pytest
from quick import quick

from LNN import LiquidRegressor

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 9, 2))
VARIES = X[:, 0, 0]
SETTINGS = [
    {},
    {"readout": "motor"},
    {"model_type": "GRU"},
    {"loss": "absolute_error"},
    {"loss": "huber"},
    {"loss": "quantile", "quantile": 0.1},
    {"loss": "quantile", "quantile": [0.1, 0.5, 0.9]},
    {"weight_decay": 0.1, "dropout": 0.2},
    {"optimizer": "sgd"},
    {"early_stopping": True, "epochs": 30},
]


def regressor(**settings):
    return LiquidRegressor(8, **{"epochs": 3, "random_state": 0} | settings)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("level", quick([0.0, 3.3, -1e9], 3.3))
def test__constant_target__alone_and_beside_others__is_exact(settings, level):
    alone = regressor(**settings).fit(X, np.full(60, level))
    np.testing.assert_array_equal(alone.predict(X), level)
    both = regressor(**settings).fit(X, np.column_stack([VARIES, np.full(60, level)]))
    predicted = both.predict(X)
    np.testing.assert_array_equal(predicted[:, 1], level)
    assert np.ptp(predicted[:, 0]) > 0


def test__constant_target__unscaled__is_as_exact_as_the_dtype():
    for dtype, tolerance in {"float64": 0.0, "float32": 1e-7}.items():
        model = regressor(scale_target=False, dtype=dtype)
        y = np.column_stack([VARIES, np.full(60, 3.3)])
        predicted = model.fit(X, y).predict(X)[:, 1]
        np.testing.assert_allclose(predicted, 3.3, rtol=tolerance)


def test__constant_target__per_step_with_gaps__is_exact():
    y = np.stack([X[:, :, 0], np.full((60, 9), 7.1)], axis=2)
    y[:5, 2] = np.nan
    predicted = regressor().fit(X, y).predict(X)
    np.testing.assert_array_equal(predicted[:, :, 1], 7.1)
    assert np.ptp(predicted[:, :, 0]) > 0


def test__constant_target__where_weights_are_positive__is_exact():
    y = np.where(np.arange(60) < 6, VARIES, 5.0)
    model = regressor().fit(X, y, sample_weight=np.arange(60) >= 6)
    np.testing.assert_array_equal(model.predict(X), 5.0)


def test__constant_change_from_an_anchor__windows_and_streams__is_exact():
    rows = RANDOM.integers(0, 99, (60, 2)) * 1.0
    model = regressor(window_length=4, anchor=0).fit(rows, rows[:, 0] + 3)
    np.testing.assert_array_equal(model.predict(rows), rows[:, 0] + 3)
    stream = model.stream()
    answers = np.ravel([stream.step(row) for row in rows])
    np.testing.assert_array_equal(answers, rows[:, 0] + 3)


@pytest.mark.parametrize("further", ["partial_fit", "warm_start"])
def test__constant_target__that_varies_later__is_learnt(further):
    """The first part of a stream of data may be a single row."""
    y = X[:, -1, 0]
    model = regressor(epochs=120, warm_start=further == "warm_start")
    model.partial_fit(X[:1], y[:1])
    assert model.predict(X[:1]) == y[0]
    for _ in range(60 if further == "partial_fit" else 1):
        (model.fit if further == "warm_start" else model.partial_fit)(X, y)
    assert model.score(X, y) > 0.5


def test__varying_target__beside_a_constant_one__same_as_with_two():
    """Nothing of the constant target's error reaches the others."""
    curves = [
        regressor().fit(X, np.column_stack([VARIES, np.full(60, level)])).loss_curve_
        for level in (0.0, 1e6)
    ]
    assert curves[0] == curves[1]
