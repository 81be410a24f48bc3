"""Time constants are those that the cells decay with, in units of the clock."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch

from LNN import LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.inspection import neuron_activity, time_constants
from LNN.network_state import flat_state

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(40, 2))
TIME = RANDOM.exponential(size=40).cumsum()
QUICK = {"epochs": 3, "random_state": 0}


def fitted(time=TIME, **parameters):
    model = LiquidRegressor(8, window_length=None, max_step=None, **QUICK, **parameters)
    return model.fit(X, X[:, 0], timestamps=time)


def moments(model):
    """Return the cell in float64, and what it reads at every row."""
    states = torch.tensor(neuron_activity(model, X, timestamps=TIME).states)
    before = torch.cat([torch.zeros(1, 8, dtype=torch.float64), states[:-1]])
    network = copy.deepcopy(model.model_.network).double()
    inputs = torch.tensor(model.model_.scaler.transform_rows(X)).double()
    return network.layers[0].cell, inputs, before


@pytest.mark.parametrize(
    ("solver", "unfolds", "dt", "tolerance"),
    [("exponential", 1, 0.3, 1e-9), ("semi-implicit", 6, 1e-6, 1e-3)],
)
@torch.no_grad()
def test__ltc__decays_by_the_time_constants(solver, unfolds, dt, tolerance):
    options = {"model_type": "LTC", "solver": solver, "ode_unfolds": unfolds}
    model = fitted(**options)
    found = time_constants(model, X, timestamps=TIME)
    assert found.kind == "exact"
    cell, inputs, before = moments(model)
    _, after = cell(inputs, before, dt)
    exact = copy.copy(cell)
    exact.solver, exact.ode_unfolds = "exponential", 1
    _, goal = exact(inputs, before, 1e9)
    left = ((after - goal) / (before - goal)).numpy()
    rates = -np.log(left) / dt
    np.testing.assert_allclose(1 / found.time_constants, rates, rtol=tolerance)


@torch.no_grad()
def test__full_exponential_cfc__decays_by_the_time_constants():
    model = fitted(wiring="full")
    found = time_constants(model, X, timestamps=TIME)
    cell, inputs, before = moments(model)
    after, goal = (cell(inputs, before, dt)[1] for dt in (0.3, 1e9))
    left = ((after - goal) / (before - goal)).numpy()
    np.testing.assert_allclose(np.exp(-0.3 / found.time_constants), left, rtol=1e-9)


@torch.no_grad()
def test__wired_exponential_cfc__decays_by_the_time_constants_layer_by_layer():
    model = fitted()
    taus = time_constants(model, X, timestamps=TIME).time_constants
    cell, inputs, before = moments(model)
    spans = torch.tensor(np.diff(TIME, prepend=np.nan) / model.time_unit_)[:, None]
    spans[0] = 1.0
    state, drive, constants = cell.enter(before), cell.drive(inputs), cell.constants()
    order = cell.order.numpy()
    for number, (a, b) in enumerate(cell.slices):
        maps = cell.values_of_maps(number, drive, state, constants)
        ends = [
            cell.with_layer(
                number, maps, state, torch.tensor([[dt]]).double(), constants
            )
            for dt in (0.25, 1e9)
        ]
        after, goal, start = (s[:, a:b].numpy() for s in (*ends, state))
        expected = np.exp(-0.25 / taus[:, order[a:b]])
        np.testing.assert_allclose((after - goal) / (start - goal), expected, 1e-8)
        state = cell.with_layer(number, maps, state, spans, constants)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@torch.no_grad()
def test__gates_to_the_power_of_time__keep_what_the_time_constants_say(kind):
    model = fitted(model_type=kind, time_gates=True)
    rnn = model.model_.network.layers[0].rnn
    # What a neuron keeps of its memory is then the slope of its step by this memory.
    rnn.weight_hh_l0.zero_()
    found = time_constants(model, X, timestamps=TIME)
    assert found.kind == "proxy"
    layer = copy.deepcopy(model.model_.network.layers[0]).double()
    inputs = torch.tensor(model.model_.scaler.transform_rows(X)).double()
    span = (TIME[1] - TIME[0]) / model.time_unit_
    spans = torch.tensor([[span]])
    memory = slice(8, 16) if kind == "LSTM" else slice(0, 8)
    ends = []
    for value in (0.0, 1e-3):
        state = torch.zeros(1, layer.state_size).double()
        state[:, memory] = value
        state = layer.unflatten_state(state)
        _, last = layer.run(inputs[None, 1:2], state, spans, None)
        ends.append(flat_state(last)[0, memory])
    kept = (ends[1] - ends[0]).numpy() / 1e-3
    expected = np.exp(-span / found.time_constants[1])
    np.testing.assert_allclose(kept, expected, rtol=1e-6)


def test__minimum_median_and_maximum__are_over_the_lines():
    found = time_constants(fitted(), X, timestamps=TIME)
    taus = found.time_constants
    np.testing.assert_array_equal(found.minimum, taus.min(axis=0))
    np.testing.assert_array_equal(found.median, np.median(taus, axis=0))
    np.testing.assert_array_equal(found.maximum, taus.max(axis=0))


def test__unit__is_that_of_the_time_stamps():
    found = time_constants(fitted(), X, timestamps=TIME)
    assert found.unit == pytest.approx(np.median(np.diff(TIME)))
    assert found.unit_name == "units of the time stamps"
    stamps = pd.Timestamp("2026-01-01") + pd.to_timedelta(TIME, unit="min")
    found = time_constants(fitted(stamps), X, timestamps=stamps)
    assert found.unit == pytest.approx(60 * np.median(np.diff(TIME)), rel=1e-6)
    assert found.unit_name == "seconds"
    found = time_constants(fitted(None), X)
    assert (found.unit, found.unit_name) == (1.0, "steps")


def test__patches__time_constants_are_in_rows():
    cube = RANDOM.normal(size=(10, 12, 2))
    model = LiquidRegressor(8, patch=4, **QUICK).fit(cube, cube[:, -1, 0])
    layer = model.model_.network.layers[0]
    with torch.no_grad():
        # Driven by the bias alone, all time constants are known.
        for name in ("sensory", "recurrent"):
            getattr(layer.cell, f"time_a_{name}").zero_()
        expected = 4 / torch.nn.functional.softplus(layer.cell.time_a_bias).numpy()
    found = time_constants(model, cube)
    np.testing.assert_allclose(found.median, expected, rtol=1e-6)


def test__gates__say_nothing_where_no_time_passes():
    model = fitted(mode="default")
    still = TIME.copy()
    still[7] = still[6]
    found = time_constants(model, X, timestamps=still)
    assert found.kind == "proxy"
    assert np.isnan(found.time_constants).all(axis=1).nonzero()[0].tolist() == [7]
    assert np.isfinite(found.median).all()


def test__model_without_gates__is_refused_by_name():
    model = fitted(model_type="CT-RNN")
    with pytest.raises(InvalidInputError, match="CTRNN"):
        time_constants(model, X, timestamps=TIME)
