"""Neurons and signals: correlations by row or step, and what never changes."""

import numpy as np
import pandas as pd
import pytest
import torch

from LNN import LiquidRegressor
from LNN.exceptions import InvalidInputError, LNNWarning
from LNN.inspection import coupling, neuron_activity

RANDOM = np.random.default_rng(0)
ROWS = pd.DataFrame(RANDOM.normal(size=(40, 2)), columns=["heat", "flow"])
CUBE = RANDOM.normal(size=(10, 6, 2))
RAGGED = [x[: 3 + k % 4] for k, x in enumerate(CUBE)]
QUICK = {"epochs": 2, "random_state": 0}


@pytest.fixture(scope="module")
def of_rows():
    return LiquidRegressor(6, window_length=4, **QUICK).fit(ROWS, ROWS["heat"])


@pytest.fixture(scope="module")
def of_sequences():
    return LiquidRegressor(6, **QUICK).fit(CUBE, CUBE[:, -1, 0])


def test__signals_of_rows__are_correlated_with_each_neuron(of_rows):
    signal = RANDOM.normal(size=40)
    states = neuron_activity(of_rows, ROWS).states
    expected = [np.corrcoef(s, signal)[0, 1] for s in states.T]
    for given in (signal, {"a": signal}, pd.DataFrame({"a": signal}), signal[:, None]):
        found = coupling(of_rows, ROWS, given)
        np.testing.assert_allclose(found.correlation[:, 0], expected)
        np.testing.assert_array_equal(found.coupling, np.abs(found.correlation))
    assert found.constant == []
    itself = coupling(of_rows, ROWS, states).correlation
    np.testing.assert_allclose(np.diag(itself), 1.0)


def test__no_signals__are_the_inputs(of_rows):
    found = coupling(of_rows, ROWS)
    assert found.signals == ["heat", "flow"]
    expected = coupling(of_rows, ROWS, ROWS)
    np.testing.assert_allclose(found.correlation, expected.correlation)


def test__signals_of_steps__are_taken_in_the_layout_of_X(of_sequences):
    found = coupling(of_sequences, CUBE, CUBE)
    np.testing.assert_allclose(
        found.correlation,
        coupling(of_sequences, CUBE).coupling * np.sign(found.correlation),
    )
    flat = coupling(of_sequences, CUBE, CUBE.reshape(-1, 2))
    named = coupling(of_sequences, CUBE, {"a": CUBE[..., 0], "b": CUBE[..., 1]})
    for other in (flat, named):
        np.testing.assert_array_equal(other.correlation, found.correlation)
    ragged = coupling(of_sequences, RAGGED, RAGGED)
    inputs = coupling(of_sequences, RAGGED)
    np.testing.assert_allclose(ragged.correlation, inputs.correlation)
    states = neuron_activity(of_sequences, RAGGED).states
    joined = np.concatenate(RAGGED)[:, 0]
    expected = [np.corrcoef(s, joined)[0, 1] for s in states.T]
    np.testing.assert_allclose(ragged.correlation[:, 0], expected)


def test__patches__read_the_signal_at_their_last_step():
    model = LiquidRegressor(6, patch=4, **QUICK).fit(CUBE, CUBE[:, -1, 0])
    states = neuron_activity(model, CUBE).states
    signal = CUBE[:, [3, 5], 1].ravel()
    found = coupling(model, CUBE, {"b": CUBE[..., 1]})
    expected = [np.corrcoef(s, signal)[0, 1] for s in states.T]
    np.testing.assert_allclose(found.correlation[:, 0], expected)


def test__missing_values__are_left_out(of_rows):
    signal = RANDOM.normal(size=40)
    signal[::3] = np.nan
    states = neuron_activity(of_rows, ROWS).states
    known = ~np.isnan(signal)
    expected = [np.corrcoef(s[known], signal[known])[0, 1] for s in states.T]
    found = coupling(of_rows, ROWS, signal)
    np.testing.assert_allclose(found.correlation[:, 0], expected)


def test__what_never_changes__has_no_correlation_and_is_named(of_rows):
    found = coupling(of_rows, ROWS, {"flat": np.ones(40), "heat": ROWS["heat"]})
    assert found.constant == ["flat"]
    assert np.isnan(found.coupling[:, 0]).all()
    assert np.isfinite(found.coupling[:, 1]).all()
    X = RANDOM.normal(size=(20, 2))
    still = LiquidRegressor(6, window_length=4, **QUICK)
    still.fit(X, X[:, 0])
    cell = still.model_.network.layers[0].cell
    with torch.no_grad():
        cell.time_a_bias[2] = -1e4  # a neuron that nothing moves
    with pytest.warns(LNNWarning, match=r"1 of 6 neurons never change over X: .* 2\."):
        found = coupling(still, X)
    assert np.isnan(found.coupling).all(axis=1).nonzero()[0].tolist() == [2]


@pytest.mark.parametrize(
    ("signals", "told"),
    [
        (np.ones(39), "40, got 39"),
        ({"a": np.ones((40, 2))}, "a name of its own"),
        ({"a": np.ones(3)}, "the signal 'a'"),
    ],
)
def test__signals_of_another_size__are_refused(of_rows, signals, told):
    with pytest.raises(InvalidInputError, match=told):
        coupling(of_rows, ROWS, signals)


def test__signals_of_other_steps__are_refused(of_sequences):
    with pytest.raises(InvalidInputError, match="each step"):
        coupling(of_sequences, RAGGED, list(CUBE))
