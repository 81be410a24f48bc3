"""skops: every estimator, its model, the scaler, and what a stream knows."""

import numpy as np
import pytest
from tiny import TINY

from LNN import (
    LiquidClassifier,
    LiquidNeuralNetwork,
    LiquidRegressor,
    SequenceScaler,
)
from LNN.models import MODELS

io_of = pytest.importorskip("skops.io")
ROWS = np.random.default_rng(0).normal(size=(40, 2))
UP = (ROWS[:, 0] > 0).astype(int)
SETTINGS = TINY | {"epochs": 1, "window_length": 4}


def through_skops(value):
    """Write and read; nothing but LNN's own classes has to be trusted."""
    blob = io_of.dumps(value)
    unknown = io_of.get_untrusted_types(data=blob)
    assert len(unknown) <= 1
    assert all(name.startswith("LNN.") for name in unknown)
    return io_of.loads(blob, trusted=unknown)


@pytest.mark.parametrize(
    "kind", [LiquidRegressor, LiquidClassifier, LiquidNeuralNetwork]
)
def test__estimators__fitted_or_not__come_back(kind):
    model = kind(**SETTINGS)
    assert through_skops(model).get_params() == model.get_params()
    model.fit(ROWS, UP)
    again = through_skops(model)
    np.testing.assert_array_equal(again.predict(ROWS), model.predict(ROWS))
    alone = through_skops(model.model_)
    np.testing.assert_array_equal(alone.predict(ROWS), model.predict(ROWS))


@pytest.mark.parametrize("model_type", MODELS)
def test__model_types__come_back(model_type):
    model = LiquidRegressor(**SETTINGS, model_type=model_type).fit(ROWS, ROWS[:, 0])
    again = through_skops(model)
    np.testing.assert_array_equal(again.predict(ROWS), model.predict(ROWS))


def test__numpy_parameters__come_back():
    model = LiquidRegressor(
        np.int64(6), epochs=np.int64(1), learning_rate=np.float32(1e-2)
    )
    again = through_skops(model.fit(ROWS, ROWS[:, 0]))
    np.testing.assert_array_equal(again.predict(ROWS), model.predict(ROWS))


@pytest.mark.parametrize("method", ["standard", "robust", "minmax", "none"])
def test__scaler__comes_back(method):
    scaler = SequenceScaler(method).fit(ROWS)
    found = through_skops(scaler).transform(ROWS)
    np.testing.assert_array_equal(found, scaler.transform(ROWS))


@pytest.mark.parametrize("mode", ["window", "carry"])
def test__stream__its_state_comes_back_beside_the_estimator(mode):
    model = LiquidRegressor(**SETTINGS).fit(ROWS, ROWS[:, 0])
    stream = model.stream(mode)
    for row in ROWS[:10]:
        stream.step(row)
    other = through_skops(model).stream(mode)
    other.state = through_skops(stream.state)
    for row in ROWS[10:15]:
        assert other.step(row) == stream.step(row)
