"""river's own checks of the adapters, and what they leave open."""

import doctest
import inspect

import numpy as np
import pytest

pytest.importorskip("river", reason="make check-adapters runs these tests")

from river import checks, preprocessing

from LNN import InvalidInputError, LiquidForecaster, LiquidRegressor
from LNN.adapters import river as adapters

TINY = {"n_neurons": 6, "epochs": 2, "random_state": 0}
ONLINE = TINY | {"grace_period": 40, "window_length": 4, "device": "cpu"}
X = np.random.default_rng(0).normal(size=(80, 2))
ROWS = [{"a": a, "b": b} for a, b in X]
Y = X[:, 0] - X[:, 1]
MODELS = [
    adapters.LiquidClassifier(**ONLINE),
    adapters.LiquidRegressor(**ONLINE),
    adapters.LiquidRegressor(**ONLINE, adapt="sgd", missing="mask"),
    adapters.LiquidForecaster(**TINY),
    adapters.LiquidForecaster(3, **TINY, grace_period=7, window_length=1),
]


@pytest.mark.parametrize(
    ("model", "check"),
    [(model, check) for model in MODELS for check in checks.yield_checks(model)],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test__river_checks__all_pass(model, check):
    check(model.clone())


def test__docstrings__examples__run():
    found = doctest.testmod(adapters)
    assert found.attempted
    assert not found.failed


def fed(model, rows=ROWS, y=Y):
    for x, truth in zip(rows, y, strict=True):
        model.learn_one(x, truth)
    return model


def test__regressor__after_the_first_rows__is_a_stream_of_the_estimator():
    model = fed(adapters.LiquidRegressor(**ONLINE))
    how = TINY | {"window_length": 4, "missing": "hold", "device": "cpu"}
    stream = LiquidRegressor(**how).fit(X[:40], Y[:40])
    stream = stream.stream(adapt="readout", context="fit")
    for x, truth in zip(X[40:], Y[40:], strict=True):
        stream.learn_one(x, truth)
    assert model.predict_one(ROWS[0]) == stream.predict_one(X[0])


def test__regressor__in_the_first_rows__predicts_the_mean():
    model = adapters.LiquidRegressor(**ONLINE)
    assert model.predict_one(ROWS[0]) == 0.0
    fed(model, ROWS[:10], Y[:10])
    assert model.predict_one(ROWS[0]) == pytest.approx(Y[:10].mean())


def test__regressor__learns_what_changes():
    model = fed(adapters.LiquidRegressor(**ONLINE, forgetting=0.95))
    before = abs(model.predict_one(ROWS[0]) - 50)
    fed(model, ROWS, np.full(80, 50.0))
    assert abs(model.predict_one(ROWS[0]) - 50) < 0.2 * before


def test__time_column__tells_the_gaps():
    times = np.cumsum(np.random.default_rng(1).exponential(size=80))
    rows = [{"t": t, **x} for t, x in zip(times, ROWS, strict=True)]
    model = fed(adapters.LiquidRegressor(**ONLINE, time_column="t"), rows)
    near, far = (model.predict_one({"t": times[-1] + dt, **ROWS[0]}) for dt in (0.1, 3))
    assert near != far
    with pytest.raises(InvalidInputError, match="time of each row as 't'"):
        model.predict_one(ROWS[0])


def test__classifier__new_class__trains_anew_and_forgets_none():
    labels = np.where(Y > 0, "up", "down").tolist()
    model = fed(adapters.LiquidClassifier(**ONLINE), y=labels)
    assert set(model.predict_proba_one(ROWS[0])) == {"up", "down"}
    fed(model, ROWS[:40], ["new"] * 39 + ["up"])
    found = model.predict_proba_one(ROWS[0])
    assert set(found) == {"up", "down", "new"}
    assert sum(found.values()) == pytest.approx(1)
    assert model.predict_one(ROWS[1]) in ("up", "new")


def test__classifier__one_class__waits_for_another():
    model = fed(adapters.LiquidClassifier(**ONLINE), y=["only"] * 80)
    assert model.stream is None
    assert model.predict_one(ROWS[0]) == "only"
    assert adapters.LiquidClassifier(**ONLINE).predict_one(ROWS[0]) is None


def test__text__is_refused_with_the_encoder_to_use():
    with pytest.raises(InvalidInputError, match="OneHotEncoder"):
        fed(adapters.LiquidRegressor(**ONLINE), [{"a": "red"}] * 80)


def test__pipeline__scaler_of_river__goes_in_front():
    model = preprocessing.StandardScaler() | adapters.LiquidRegressor(**ONLINE)
    assert np.isfinite(fed(model).predict_one(ROWS[0]))


WAVE = np.sin(np.arange(80) * 2 * np.pi / 12)


def test__forecaster__forecasts_from_the_last_rows():
    model = adapters.LiquidForecaster(3, **TINY, grace_period=60)
    assert model.forecast(2) == [0.0, 0.0]
    for value in WAVE[:59]:
        model.learn_one(value)
    assert model.forecast(2) == [WAVE[58]] * 2
    for value in WAVE[59:]:
        model.learn_one(value)
    reference = LiquidForecaster(3, **TINY).fit(WAVE[:60])
    np.testing.assert_allclose(model.forecast(3), reference.predict(y=WAVE[20:]))


def test__forecaster__refit__learns_from_later_rows():
    models = [
        adapters.LiquidForecaster(3, **TINY, grace_period=60, refit_every=n)
        for n in (None, 20)
    ]
    for model in models:
        for value in WAVE:
            model.learn_one(value)
    kept, anew = (model.forecast(3) for model in models)
    assert kept != anew
    reference = LiquidForecaster(3, **TINY).fit(WAVE[20:])
    np.testing.assert_allclose(anew, reference.predict())


def test__forecaster__known_inputs__are_used_and_may_be_left_out():
    model = adapters.LiquidForecaster(2, **TINY, grace_period=60)
    promo = np.random.default_rng(0).integers(0, 2, size=62)
    for k in range(60):
        model.learn_one(WAVE[k] + 5 * promo[k], {"promo": float(promo[k])})
    low, high = (model.forecast(2, [{"promo": v}] * 2) for v in (0.0, 1.0))
    assert np.mean(high) > np.mean(low) + 2
    assert np.isfinite(model.forecast(2)).all()
    assert np.isfinite(model.forecast(2, [{"promo": 1.0}])).all()


def test__parameters__are_those_of_the_estimators():
    names = set(inspect.signature(adapters.LiquidRegressor).parameters)
    assert {"n_neurons", "missing", "grace_period", "adapt"} <= names
    assert not {"callback", "layout"} & names
    with pytest.raises(TypeError, match="n_neuron"):
        adapters.LiquidRegressor(n_neuron=3)
