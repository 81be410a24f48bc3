"""Currents and drives of synapses add up to what the cells compute."""

import copy

import numpy as np
import pytest
import torch

from LNN import LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.inspection import currents, neuron_activity

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(30, 3))
CUBE = RANDOM.normal(size=(8, 6, 2))
QUICK = {"epochs": 3, "random_state": 0}


def whole(**parameters):
    model = LiquidRegressor(8, window_length=None, **QUICK, **parameters)
    return model.fit(X, X[:, 0])


def moments(model):
    """Return the first cell in float64, and what it reads at every row."""
    states = torch.tensor(neuron_activity(model, X).states)
    before = torch.cat([torch.zeros(1, 8, dtype=torch.float64), states[:-1]])
    network = copy.deepcopy(model.model_.network).double()
    inputs = torch.tensor(model.model_.scaler.transform_rows(X)).double()
    return network.layers[0].cell, inputs, before


def summed(found):
    """Return leak and synapses summed for each neuron."""
    total = found.leak.copy()
    np.add.at(total.T, found.target_index, found.currents.T)
    return total


@pytest.mark.parametrize("solver", ["exponential", "semi-implicit", "explicit", "rk4"])
@torch.no_grad()
def test__currents_of_ltc__add_up_to_the_slope_of_the_cell(solver):
    model = whole(model_type="LTC", solver=solver)
    found = currents(model, X)
    assert found.kind == "current"
    np.testing.assert_allclose(summed(found), found.total, atol=1e-12)
    cell, inputs, before = moments(model)
    _, after = cell(inputs, before, 1e-7)
    capacitance = torch.nn.functional.softplus(cell.cm)
    slope = (capacitance * (after - before) / 1e-7).numpy()
    np.testing.assert_allclose(found.total, slope, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test__a_current__vanishes_with_its_synapse():
    model = whole(model_type="LTC")
    found = currents(model, X, rows=[4])
    k = int(np.abs(found.currents[0]).argmax())
    wiring = model.model_.network.wiring
    n = wiring.n_sensory_synapses
    cell = model.model_.network.layers[0].cell
    synapses, k = (cell.sensory, k) if k < n else (cell.recurrent, k - n)
    synapses.w[k] = -200.0  # softplus: no conductance
    # The first step starts from zeros whatever the synapses do.
    without = currents(model, X, rows=[0])
    place = k if synapses is cell.sensory else n + k
    small = np.abs(without.currents[0]) < 1e-20
    assert small.nonzero()[0].tolist() == [place]


@torch.no_grad()
def test__drives_of_cfc__add_up_to_the_value_that_it_goes_to():
    model = whole()
    found = currents(model, X)
    assert found.kind == "drive"
    np.testing.assert_allclose(summed(found), found.total, atol=1e-12)
    cell, inputs, before = moments(model)
    state = cell.enter(before)
    drive, constants, one = cell.drive(inputs), cell.constants(), torch.ones(30, 1)
    for number, (a, b) in enumerate(cell.slices):
        maps = cell.values_of_maps(number, drive, state, constants)
        own = cell.order[a:b].numpy()
        np.testing.assert_allclose(found.total[:, own], maps[0].numpy(), atol=1e-12)
        state = cell.with_layer(number, maps, state, one.double(), constants)


@pytest.mark.parametrize("kind", ["LTC", "CfC"])
@torch.no_grad()
def test__mixed_memory_and_layers__add_up_too(kind):
    model = LiquidRegressor(6, model_type=kind, mixed_memory=True, n_layers=2, **QUICK)
    found = currents(model.fit(CUBE, CUBE[:, -1, 0]), CUBE)
    np.testing.assert_allclose(summed(found), found.total, atol=1e-12)
    assert found.total.shape == (48, 12)
    assert found.source[0].isdigit()  # a column of X
    second = found.target_index >= 6
    assert {s.split()[1] for s, k in zip(found.source, second, strict=True) if k} == {
        "1",
        "2",
    }


def test__rows__choose_rows_or_sequences():
    model = whole(model_type="LTC")
    every, some = currents(model, X), currents(model, X, rows=[3, -1])
    np.testing.assert_allclose(some.currents, every.currents[[3, 29]], rtol=1e-12)
    assert some.row.tolist() == [3, 29]
    cube = LiquidRegressor(6, model_type="LTC", **QUICK).fit(CUBE, CUBE[:, -1, 0])
    some = currents(cube, CUBE, rows=[2])
    assert some.step.tolist() == list(range(6))
    assert set(some.sequence) == {2}
    with pytest.raises(InvalidInputError, match="from -30 to 29"):
        currents(model, X, rows=[30])


@pytest.mark.parametrize(
    "parameters", [{"model_type": "LSTM"}, {"mode": "default"}, {"wiring": "full"}]
)
def test__models_without_such_synapses__are_refused_by_name(parameters):
    with pytest.raises(InvalidInputError, match=r"(LSTM|CfCCell).*\."):
        currents(whole(**parameters), X)
