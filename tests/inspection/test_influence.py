"""Influence goes along the wiring, and is what interventions on the network do."""

from functools import cache

import numpy as np
import pytest
import torch
from quick import quick
from scipy.stats import spearmanr

from LNN import LiquidClassifier, LiquidRegressor
from LNN.datasets import fetch_occupancy
from LNN.exceptions import InvalidInputError
from LNN.inspection import attribution, influence_graph, neuron_activity

RANDOM = np.random.default_rng(0)
CUBE = RANDOM.normal(size=(10, 6, 3))
RAGGED = [x[: 2 + k % 5] for k, x in enumerate(CUBE)]
ROWS = RANDOM.normal(size=(30, 3))
Y = CUBE[:, -1, 0]
QUICK = {"epochs": 2, "random_state": 0}
LTC = {"model_type": "LTC"}
FITS = {
    **{
        mode: ({"mode": mode}, CUBE, Y)
        for mode in ("exponential", "default", "no_gate", "pure")
    },
    "LTC once": ({**LTC, "solver": "exponential", "ode_unfolds": 1}, CUBE, Y),
    **{
        f"LTC {s}": ({**LTC, "solver": s}, CUBE, Y)
        for s in ("exponential", "semi-implicit", "explicit")
    },
    "LSTM": ({"model_type": "LSTM"}, CUBE, Y),
    "GRU": ({"model_type": "GRU"}, CUBE, Y),
    "full": ({"wiring": "full"}, CUBE, Y),
    "full default": ({"wiring": "full", "mode": "default"}, CUBE, Y),
    "full LTC": ({**LTC, "wiring": "full"}, CUBE, Y),
    "random": ({"wiring": "random", "sparsity": 0.5}, CUBE, Y),
    "strict": ({"layer_recurrence": False}, CUBE, Y),
    "strict LTC": ({**LTC, "layer_recurrence": False}, CUBE, Y),
    "motor": ({"readout": "motor", "pooling": "last"}, CUBE, CUBE[:, -1, :2]),
    "two layers": ({"n_layers": 2}, CUBE, Y),
    "two layers LTC": ({**LTC, "n_layers": 2}, CUBE, Y),
    "memory": ({"mixed_memory": True}, CUBE, Y),
    "memory LTC": ({**LTC, "mixed_memory": True}, CUBE, Y),
    "attention": ({"pooling": "attention"}, CUBE, Y),
    "patches": ({"patch": 3}, CUBE, Y),
    "ragged": ({}, RAGGED, Y),
    "classes": ({}, CUBE, np.digitize(Y, [-0.5, 0.5])),
    "per step": ({"return_sequences": True}, CUBE, CUBE[:, :, 0]),
    "mask": ({"missing": "mask"}, np.where(CUBE > 1, np.nan, CUBE), Y),
    "rows": ({"window_length": 5, "max_step": 1}, ROWS, ROWS[:, 0]),
    "whole": ({"window_length": None}, ROWS, ROWS[:, 0]),
}
# Every cell, wiring, layout of data and place of the outputs.
EACH = ("exponential", "GRU", "full LTC", "random", "strict", "motor", "two layers LTC")
EACH += (
    "memory",
    "attention",
    "patches",
    "ragged",
    "classes",
    "per step",
    "mask",
    "rows",
)
PAIRS = ("inputs_to_neurons", "neurons_to_neurons", "neurons_to_outputs")


@cache
def case(name):
    """Return a fitted model and its data."""
    parameters, X, y = FITS[name]
    kind = LiquidClassifier if "classes" in name else LiquidRegressor
    return kind(9, **QUICK, **parameters).fit(X, y), X


@pytest.mark.parametrize("name", quick(FITS, *EACH))
def test__jacobian__is_over_the_wiring_and_all_of_it(name):
    model, X = case(name)
    found = influence_graph(model, X)
    for pair in PAIRS:
        alive = found.mean_absolute[pair] > 0
        np.testing.assert_array_equal(alive, found.wired_mask[pair], pair)
        assert (np.abs(found.mean[pair]) <= found.mean_absolute[pair] + 1e-12).all()
    n = len(found.neurons)
    assert found.wired_mask.inputs_to_neurons.shape == (len(found.inputs), n)
    assert found.wired_mask.neurons_to_outputs.shape == (n, len(found.outputs))
    wirings = model.model_.network.wirings
    if "memory" in name or not wirings:
        assert found.wired_mask.inputs_to_neurons.all()
    else:
        synapses = wirings[0].n_sensory_synapses
        assert found.wired_mask.inputs_to_neurons.sum() == synapses


def test__jacobian__of_rk4_is_that_of_its_first_stage():
    model, X = case("LTC explicit")
    cell = model.model_.network.layers[0].cell
    expected = influence_graph(model, X[:, :1]).mean
    cell.solver = "rk4"
    try:
        found = influence_graph(model, X[:, :1]).mean
    finally:
        cell.solver = "explicit"
    for pair in PAIRS:
        np.testing.assert_array_equal(found[pair], expected[pair])


@pytest.mark.parametrize("name", ["exponential", "full", "LTC once", "GRU"])
@torch.no_grad()
def test__jacobian__is_the_slope_of_the_step(name):
    X = CUBE[:, :1]  # one step, from zeros: all is known
    model = case(name)[0]
    moved = X.copy()
    moved[..., 1] += 1e-5 * model.model_.scaler.scale_[1]
    change = neuron_activity(model, moved).states - neuron_activity(model, X).states
    slopes = change.mean(axis=0) / 1e-5
    direct = np.ones(9, dtype=bool)
    if name == "exponential":
        # Later layers of the circuit move through earlier ones as well.
        direct = model.model_.network.wiring.layer_of == 0
    found = influence_graph(model, X).mean.inputs_to_neurons[1]
    np.testing.assert_allclose(found[direct], slopes[direct], rtol=1e-3, atol=1e-8)


@pytest.mark.parametrize(
    "name",
    [
        "exponential",
        "LTC semi-implicit",
        "LSTM",
        "two layers",
        "memory",
        "ragged",
        "motor",
        "rows",
        "whole",
        "attention",
        "per step",
    ],
)
def test__ablation__of_an_input_is_that_of_holding_the_column(name):
    model, X = case(name)
    found = influence_graph(model, X, kind="ablation", max_samples=None)
    held = [x.copy() for x in X] if isinstance(X, list) else X.copy()
    rows = np.concatenate(X) if isinstance(X, list) else X.reshape(-1, 3)
    for x in held if isinstance(X, list) else [held]:
        x[..., 1] = rows[:, 1].mean()
    fall = neuron_activity(model, X).states - neuron_activity(model, held).states
    fallen = found.mean.inputs_to_neurons[1]
    np.testing.assert_allclose(fallen, fall.mean(axis=0), atol=1e-8)
    fall = np.concatenate(
        [np.reshape(model.predict(x), (-1, len(found.outputs))) for x in (X, held)]
    )
    fall = (fall[: len(fall) // 2] - fall[len(fall) // 2 :]).mean(axis=0)
    np.testing.assert_allclose(found.mean.inputs_to_outputs[1], fall, atol=1e-5)


@pytest.mark.parametrize("name", ["exponential", "LTC semi-implicit", "full", "GRU"])
def test__ablation__of_a_neuron_leaves_those_alone_that_do_not_hear_of_it(name):
    model, X = case(name)
    found = influence_graph(model, X, kind="ablation")
    ways = found.wired_mask.neurons_to_neurons.astype(int)
    heard = np.linalg.matrix_power(ways, 9) > 0
    moves = found.mean_absolute.neurons_to_neurons > 1e-15
    assert not (moves & ~heard).any()
    assert moves.diagonal().all()
    # A neuron that is held at its mean falls by nothing on average.
    np.testing.assert_allclose(found.mean.neurons_to_neurons.diagonal(), 0, atol=1e-12)


@pytest.mark.parametrize("name", ["exponential", "two layers"])
@torch.no_grad()
def test__ablation__of_a_neuron_is_that_of_a_neuron_that_always_goes_to_its_mean(name):
    parameters, X, y = FITS[name]
    model = LiquidRegressor(9, **QUICK, **parameters).fit(X, y)
    found = influence_graph(model, X, kind="ablation")
    before, answers = neuron_activity(model, X).states, model.predict(X)
    cell, j = model.model_.network.layers[0].cell, 7
    for kind in ("sensory", "recurrent"):
        own = getattr(cell, f"ff1_{kind}_index").target == j
        for of in ("ff1", "time_a"):
            getattr(cell, f"{of}_{kind}")[own] = 0.0
    cell.ff1_bias[j] = np.arctanh(before[:, j].mean())
    cell.time_a_bias[j] = 1e4  # at once
    fall = (before - neuron_activity(model, X).states).mean(axis=0)
    np.testing.assert_allclose(found.mean.neurons_to_neurons[j], fall, atol=1e-6)
    fall = (answers - model.predict(X)).mean()
    np.testing.assert_allclose(found.mean.neurons_to_outputs[j, 0], fall, atol=1e-6)


@torch.no_grad()
def test__ablation__of_all_but_one_motor_neuron_is_that_of_the_readout():
    model, X = case("motor")
    found = influence_graph(model, X, kind="ablation")
    ends = neuron_activity(model, X).states.reshape(10, 6, 9)
    weight = model.model_.network.readout.weight.numpy()
    scale = model.model_.target_scaler.scale_
    fall = (ends[:, -1] - ends.mean(axis=(0, 1))).mean(axis=0)[:2] * weight * scale
    np.testing.assert_allclose(found.mean.neurons_to_outputs[[0, 1], [0, 1]], fall)


@pytest.mark.parametrize(
    "name",
    [
        "exponential",
        "LTC semi-implicit",
        "LSTM",
        "two layers",
        "memory",
        "ragged",
        "rows",
        "whole",
        "per step",
    ],
)
def test__integrated__of_an_input_is_that_of_shifting_the_column(name):
    model, X = case(name)
    found = influence_graph(model, X, kind="integrated")
    unit = 1e-4
    ends = []
    for sign in (-1, 1):
        moved = [x.copy() for x in X] if isinstance(X, list) else X.copy()
        for x in moved if isinstance(X, list) else [moved]:
            x[..., 1] += sign * unit * np.asarray(model.model_.scaler.scale_)[1]
        activity = neuron_activity(model, moved)
        last = np.ones(len(activity.row), dtype=bool)
        if name != "rows":
            last = np.diff(activity.sequence, append=-1) != 0
        ends.append((activity.states[last], activity.outputs[last]))
    slopes = [((b - a) / (2 * unit)).mean(axis=0) for a, b in zip(*ends, strict=True)]
    here = found.mean.inputs_to_neurons[1], found.mean.inputs_to_outputs[1]
    for expected, got in zip(slopes, here, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-6)


def test__integrated__of_a_neuron_at_the_last_step_is_the_slope_of_the_readout():
    X = CUBE[:, :1]  # one step: what is pushed is read, and nothing else
    model = case("strict")[0]
    pushed = influence_graph(model, X, kind="integrated").mean
    direct = influence_graph(model, X).mean
    motor = np.flatnonzero(model.model_.network.wiring.layer_of == 2)
    np.testing.assert_allclose(
        pushed.neurons_to_outputs[motor], direct.neurons_to_outputs[motor]
    )
    np.testing.assert_allclose(pushed.neurons_to_neurons[motor][:, motor], 1.0)


def test__max_samples__are_spread_over_X():
    model, X = case("exponential")
    found = influence_graph(model, X, kind="integrated", max_samples=4)
    chosen = influence_graph(model, X[[0, 3, 6, 9]], kind="integrated")
    for pair in PAIRS:
        np.testing.assert_allclose(found.mean[pair], chosen.mean[pair], atol=1e-12)


def test__planted_rule__is_found_with_its_signs_and_sizes():
    X = RANDOM.normal(size=(300, 8, 4))
    y = 2 * X[:, -1, 1] - X[:, -3, 0]
    model = LiquidRegressor(16, epochs=100, random_state=0).fit(X, y)
    pushed = influence_graph(model, X[:100], kind="integrated").mean
    slopes = pushed.inputs_to_outputs[:, 0]
    np.testing.assert_allclose(slopes, [-1.0, 2.0, 0.0, 0.0], atol=0.2)
    held = influence_graph(model, X[:100], kind="ablation").mean_absolute
    order = np.argsort(-held.inputs_to_outputs[:, 0])
    assert order[:2].tolist() == [1, 0]


@pytest.mark.parametrize("kind", ["CfC", "LTC"])
def test__ablation__orders_the_columns_of_real_data_as_attribution_does(
    kind, data_home
):
    data = fetch_occupancy(data_home=data_home, download_if_missing=False)
    X, y = data.data[:2400], data.target[:2400]
    model = LiquidClassifier(
        12, model_type=kind, window_length=8, epochs=8, random_state=0
    ).fit(X, y)
    shares = attribution(model, X, rows=range(0, 2400, 12)).attributions
    of_columns = np.abs(np.nansum(shares, axis=1)).mean(axis=0)
    held = influence_graph(model, X, kind="ablation").mean_absolute
    lost = held.inputs_to_outputs.sum(axis=1)
    assert spearmanr(of_columns, lost).statistic >= 0.9


def test__quantiles__are_told_in_the_unit_of_their_target():
    y = CUBE[:, -1, :2] * [1.0, 100.0]
    model = LiquidRegressor(6, loss="quantile", quantile=[0.1, 0.9], **QUICK)
    found = influence_graph(model.fit(CUBE, y), CUBE, kind="ablation")
    assert found.outputs == ["y 0 at 0.1", "y 0 at 0.9", "y 1 at 0.1", "y 1 at 0.9"]
    held = CUBE.copy()
    held[..., 1] = CUBE[..., 1].mean()
    fall = (model.predict(CUBE) - model.predict(held)).mean(axis=0).ravel()
    np.testing.assert_allclose(found.mean.inputs_to_outputs[1], fall, rtol=1e-3)


def test__kinds_and_models_that_are_not_known__are_refused_by_name():
    with pytest.raises(InvalidInputError, match="jacobian.*'gradient'"):
        influence_graph(*case("exponential"), kind="gradient")
    model = LiquidRegressor(4, model_type="CT-RNN", **QUICK).fit(CUBE, Y)
    with pytest.raises(InvalidInputError, match="CTRNN"):
        influence_graph(model, CUBE)
