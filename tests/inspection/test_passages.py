"""What enters through neurons, and what leaves through them, adds up to the answer."""

from functools import cache

import numpy as np
import pytest

from LNN import LiquidClassifier, LiquidRegressor
from LNN.estimators.fitted import as_fitted
from LNN.inspection.integration_path import IntegrationPath
from LNN.inspection.passages import (
    Entries,
    can_tell_entries,
    chain,
    left_through,
    way_through,
)
from LNN.inspection.passes import Passes, scaled_baseline, spans_of_answers

X = np.random.default_rng(0).normal(size=(24, 10, 3))
Y = X[:, -1, 0]
HOLED = np.where(np.random.default_rng(1).random(X.shape) < 0.3, np.nan, X)
RAGGED = [x[: 4 + k % 5] for k, x in enumerate(X)]
FITS = {
    "CfC": ({}, X, Y),
    "LTC": ({"model_type": "LTC"}, X, Y),
    "LTC exponential": ({"model_type": "LTC", "solver": "exponential"}, X, Y),
    "default mode": ({"mode": "default"}, X, Y),
    "pure": ({"mode": "pure"}, X, Y),
    "motor": ({"readout": "motor", "pooling": "last"}, X, Y),
    "motor of an LTC": ({"readout": "motor", "model_type": "LTC"}, X, Y),
    "two layers": ({"n_layers": 2}, X, Y),
    "memory": ({"mixed_memory": True}, X, Y),
    "attention": ({"pooling": "attention"}, X, Y),
    "patches": ({"patch": 4}, X, Y),
    "own scale": ({"scale": "sequence"}, X, Y),
    "classes": ({}, X, Y > 0),
    "three classes": ({}, X, np.digitize(Y, [-0.5, 0.5])),
    "per step": ({"return_sequences": True}, X, X[:, :, 0]),
    "hold": ({"missing": "hold"}, HOLED, Y),
    "mask": ({"missing": "mask"}, HOLED, Y),
    "ragged": ({}, RAGGED, Y),
    "rows": ({"window_length": 5}, X[0], X[0, :, 0]),
    "whole": ({"window_length": None}, X[0], X[0, :, 0]),
    "full": ({"wiring": "full"}, X, Y),
    "full LTC": ({"wiring": "full", "model_type": "LTC"}, X, Y),
    "random": ({"wiring": "random"}, X, Y),
    "LSTM": ({"model_type": "LSTM"}, X, Y),
    "GRU": ({"model_type": "GRU"}, X, Y),
    "backbone": ({"wiring": "full", "backbone_layers": 1}, X, Y),
}
WITHOUT_ENTRIES = ("LSTM", "GRU", "backbone")


@cache
def case(name):
    """Return passes of one answer and a scaled baseline of a model that was fitted."""
    parameters, X, y = FITS[name]
    kind = LiquidClassifier if "classes" in name else LiquidRegressor
    model = kind(6, epochs=3, random_state=0, **parameters).fit(X, y)
    fitted = as_fitted(model)
    sequences = fitted.read(X)
    spans = spans_of_answers(sequences, [3], -1, fitted.targets.per_step)
    passes = Passes(fitted, sequences, spans, None)
    return passes, scaled_baseline(fitted, sequences, "mean")


@pytest.mark.quick_cases("CfC", "LTC", "memory", "ragged")
@pytest.mark.parametrize("name", FITS)
def test__entered_and_left__of_any_model__add_up_to_the_difference(name):
    passes, baseline = case(name)
    assert can_tell_entries(passes.network) == (name not in WITHOUT_ENTRIES)
    path = IntegrationPath(passes, np.array([0]), baseline)
    left = left_through(passes, path)
    whole, end, begin = path.integrated(1e-6)
    difference = end - begin
    assert abs(difference[0]) > 1e-5
    np.testing.assert_allclose(left.sum(), difference[0], rtol=0, atol=1e-9)
    if name in WITHOUT_ENTRIES:
        return
    entries = Entries(passes)
    path = IntegrationPath(passes, np.array([0]), baseline, entries)
    entered, end, begin = path.integrated(1e-6)
    assert entered.shape[1] == len(entries.names)
    np.testing.assert_allclose(entered.sum(), end - begin, rtol=1e-6)
    # Divided by neuron they are the shares of the values: at the same points.
    np.testing.assert_allclose(entered.sum(axis=1), whole[:, 0], atol=1e-6)


@pytest.mark.parametrize("name", ["CfC", "LTC", "motor"])
def test__entered__only_through_neurons_that_inputs_are_wired_to(name):
    passes, baseline = case(name)
    wiring = passes.network.wirings[0]
    path = IntegrationPath(passes, np.array([0]), baseline, Entries(passes))
    entered = np.abs(path.integrated(1e-4)[0][0]).sum(axis=1)  # (neurons, F)
    wired = wiring.adjacency()[0].T != 0
    np.testing.assert_array_equal(entered > 0, wired)


def test__left__with_a_motor_readout__is_all_the_motor_neuron():
    passes, baseline = case("motor")
    left = left_through(passes, IntegrationPath(passes, np.array([0]), baseline))[0]
    assert left[0] != 0
    assert (left[1:] == 0).all()
    ways = way_through(passes.network, left)
    assert [way[:2] for way in ways] == [
        ("inputs", "inter"),
        ("inter", "command"),
        ("command", "motor"),
    ]
    assert [way[2] for way in ways] == [left[0]] * 3


def test__left__of_a_linear_readout__is_weight_times_way():
    passes, baseline = case("CfC")
    path = IntegrationPath(passes, np.array([0]), baseline)
    begin, end = (passes.features(path.batch, at) for at in (path.begin, path.values))
    weight = passes.network.readout[1].weight[0] * passes._scale
    expected = (weight * (end - begin)[0]).reshape(3, -1).sum(0)
    np.testing.assert_allclose(left_through(passes, path)[0], expected, rtol=1e-12)


def test__way__first_link_is_the_whole_and_others_what_comes_later():
    passes, baseline = case("CfC")
    left = left_through(passes, IntegrationPath(passes, np.array([0]), baseline))[0]
    ways = way_through(passes.network, left)
    groups = dict(chain(passes.network))
    assert list(groups) == ["inter", "command", "motor"]
    assert ways[0][2] == pytest.approx(left.sum())
    assert ways[1][2] == pytest.approx(left.sum() - left[groups["inter"]].sum())
    assert ways[2][2] == pytest.approx(left[groups["motor"]].sum())


@pytest.mark.parametrize("name", ["full", "random", "memory", "two layers", "LSTM"])
def test__way__without_a_chain_of_groups__is_not_told(name):
    passes, baseline = case(name)
    left = left_through(passes, IntegrationPath(passes, np.array([0]), baseline))[0]
    assert way_through(passes.network, left) == []


def test__watched_parts__are_not_looked_into():
    passes, _ = case("full LTC")
    handle = passes.network.layers[0].cell.sensory.register_forward_hook(print)
    try:
        assert not can_tell_entries(passes.network)
    finally:
        handle.remove()
