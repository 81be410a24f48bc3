"""Activity ends in the answers of `predict`, at the right rows, for any model."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from quick import quick

from LNN import LiquidClassifier, LiquidRegressor
from LNN.inspection import neuron_activity

QUICK = {"epochs": 2, "random_state": 0}
RANDOM = np.random.default_rng(0)
CUBE = RANDOM.normal(size=(12, 9, 3))
Y = CUBE[:, -1, 0]
RAGGED = [x[: 4 + k % 5] for k, x in enumerate(CUBE)]
HOLED = np.where(RANDOM.random(CUBE.shape) < 0.3, np.nan, CUBE)
TIMES = pd.Timestamp("2026-01-01") + pd.to_timedelta(
    RANDOM.exponential(60, 40).cumsum(), unit="s"
)
ROWS = pd.DataFrame(RANDOM.normal(size=(40, 2)), TIMES, columns=["heat", "flow"])
HEAT = ROWS["heat"].to_numpy()
FITS = {
    **{k: ({"model_type": k}, CUBE, Y) for k in ("LTC", "LSTM", "GRU", "CT-RNN")},
    **{m: ({"mode": m}, CUBE, Y) for m in ("exponential", "default", "pure")},
    "full": ({"wiring": "full"}, CUBE, Y),
    "motor": ({"readout": "motor", "pooling": "mean"}, CUBE, Y),
    "two layers": ({"n_layers": 2}, CUBE, Y),
    "memory": ({"mixed_memory": True}, CUBE, Y),
    "attention": ({"pooling": "attention"}, CUBE, Y),
    "patches": ({"patch": 4}, CUBE, Y),
    "ragged patches": ({"patch": 4}, RAGGED, Y),
    "own scale": ({"scale": "sequence"}, CUBE, Y),
    "classes": ({}, CUBE, Y > 0),
    "three classes": ({}, CUBE, np.digitize(Y, [-0.5, 0.5])),
    "two targets": ({}, CUBE, CUBE[:, -1, :2]),
    "per step": ({"return_sequences": True}, CUBE, CUBE[:, :, 0]),
    "mask": ({"missing": "mask"}, HOLED, Y),
    "ragged": ({}, RAGGED, Y),
    "rows": ({"window_length": 5, "max_step": 1}, ROWS, HEAT),
    "whole": ({"window_length": None, "max_step": 1}, ROWS, HEAT),
    "anchor": ({"window_length": 5, "anchor": "heat"}, ROWS, HEAT),
}
# Every cell, pooling, layout of data and kind of answer.
EACH = (
    "LTC",
    "CT-RNN",
    "default",
    "full",
    "motor",
    "two layers",
    "memory",
    "attention",
)
EACH += ("ragged patches", "own scale", "three classes", "two targets", "per step")
EACH += ("mask", "ragged", "rows", "anchor")


@cache
def case(name):
    """Return a fitted model, its data, and its activity over them."""
    parameters, X, y = FITS[name]
    kind = LiquidClassifier if "classes" in name else LiquidRegressor
    model = kind(6, **QUICK, **parameters).fit(X, y)
    return model, X, neuron_activity(model, X)


def answers(model, X):
    respond = getattr(model, "predict_proba", model.predict)
    found = np.asarray(respond(X))
    return found.reshape(-1, 1 if found.ndim < 2 else found.shape[-1])


@pytest.mark.parametrize("name", quick(FITS, *EACH))
def test__outputs__at_the_end__are_those_of_predict(name):
    model, X, found = case(name)
    ends = np.arange(len(found.outputs))
    if found.row[0] < 0 and name != "per step":
        ends = np.flatnonzero(np.diff(found.sequence, append=-1))
    outputs = found.outputs[ends]
    expected = answers(model, X).reshape(outputs.shape)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
    n = 6 * (2 if name == "two layers" else 1)
    assert found.states.shape == found.time_constants.shape == (len(found.row), n)
    assert len(set(found.neurons)) == n
    assert np.isnan(found.time_constants).all() == (name == "CT-RNN")
    assert name == "CT-RNN" or (found.time_constants > 0).all()


@pytest.mark.parametrize("name", ["exponential", "LSTM", "attention", "mask"])
def test__outputs__before_the_end__are_those_of_a_sequence_cut_there(name):
    model, X, found = case(name)
    for step in (0, 3):
        expected = answers(model, X[:, : step + 1])
        here = found.outputs[found.step == step]
        np.testing.assert_allclose(here, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["patches", "ragged patches"])
def test__patches__stand_at_the_last_step_that_they_hold(name):
    model, X, found = case(name)
    for k, x in enumerate(X):
        ends = [min(end, len(x)) - 1 for end in range(4, len(x) + 4, 4)]
        assert found.step[found.sequence == k].tolist() == ends
    cut = [x[:4] for x in X]
    here = found.outputs[found.step == 3]
    np.testing.assert_allclose(here, answers(model, cut), rtol=1e-4, atol=1e-5)


def test__time__of_stamped_rows__is_seconds_since_the_first():
    for name in ("rows", "whole"):
        found = case(name)[2]
        assert found.row.tolist() == found.step.tolist() == list(range(40))
        expected = (TIMES - TIMES[0]).total_seconds()
        np.testing.assert_allclose(found.time, expected, rtol=1e-9)
        assert found.names == ["heat", "flow"]
    assert case("ragged")[2].time[:5].tolist() == [0.0, 1.0, 2.0, 3.0, 0.0]


@pytest.mark.parametrize("window_length", [4, None])
def test__recordings_between_each_other__lines_are_in_the_order_of_the_rows(
    window_length,
):
    X = RANDOM.normal(size=(30, 2))
    groups = np.arange(30) % 2
    model = LiquidRegressor(6, window_length=window_length, **QUICK)
    model.fit(X, X[:, 0], groups=groups)
    found = neuron_activity(model, X, groups=groups)
    assert found.row.tolist() == list(range(30))
    assert found.sequence.tolist() == groups.tolist()
    assert found.step.tolist() == (np.arange(30) // 2).tolist()
    alone = neuron_activity(model, X[1::2], groups=np.zeros(15))
    np.testing.assert_array_equal(found.states[1::2], alone.states)


def test__names__tell_the_place_in_the_wiring():
    model = case("two layers")[0]
    names = case("two layers")[2].neurons
    for number, wiring in enumerate(model.model_.network.wirings):
        kinds = [name.split()[2] for name in names[6 * number : 6 * number + 6]]
        assert kinds == [wiring.neuron_type(j) for j in range(6)]
    assert case("full")[2].neurons == [f"neuron {j}" for j in range(6)]


def test__states__of_a_walked_gap__are_those_after_its_last_part():
    X, time = np.sin(np.arange(20.0))[:, None], np.arange(20.0)
    model = LiquidRegressor(6, window_length=None, max_step=1, **QUICK)
    model.fit(X, X[:, 0], timestamps=time)
    late = neuron_activity(model, X, timestamps=np.where(time > 9, time + 4, time))
    # A gap of five, walked, is five rows that hold the values of the last one.
    held = X[[*range(10), *[10] * 5, *range(11, 20)]]
    expected = neuron_activity(model, held, timestamps=np.arange(24.0))
    kept = [*range(10), *range(14, 24)]
    np.testing.assert_allclose(late.states, expected.states[kept], atol=1e-12)
    np.testing.assert_allclose(late.time, expected.time[kept])
