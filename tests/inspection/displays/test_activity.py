"""The picture of activity holds what `neuron_activity` returns."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

from LNN import LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.inspection import NeuronActivityDisplay, neuron_activity

matplotlib.use("Agg")
import matplotlib.pyplot as plt

RANDOM = np.random.default_rng(0)
CUBE = RANDOM.normal(size=(6, 9, 8))
STAMPS = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(30), unit="min")
ROWS = pd.DataFrame(RANDOM.normal(size=(30, 2)), STAMPS, columns=["heat", "flow"])
QUICK = {"epochs": 2, "random_state": 0}


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def of_rows():
    return LiquidRegressor(6, window_length=4, **QUICK).fit(ROWS, ROWS["heat"])


@pytest.fixture(scope="module")
def of_sequences():
    return LiquidRegressor(6, **QUICK).fit(CUBE, CUBE[:, -1, 0])


def test__rows__are_drawn_over_their_time(of_rows):
    display = NeuronActivityDisplay.from_estimator(of_rows, ROWS)
    found = neuron_activity(of_rows, ROWS)
    drawn = np.asarray(display.image_.get_array()).reshape(6, 30)
    np.testing.assert_array_equal(drawn, found.states.T)
    inputs, neurons, answers = display.axes_
    assert answers.get_xlabel() == "Time, in minutes"
    assert [line.get_label() for line in inputs.lines] == ["heat", "flow"]
    np.testing.assert_allclose(answers.lines[0].get_xdata(), np.arange(30))
    np.testing.assert_allclose(answers.lines[0].get_ydata(), found.outputs[:, 0])
    assert [t.get_text() for t in neurons.get_yticklabels()] == found.neurons
    assert display.ax_ is neurons


def test__a_sequence__is_drawn_alone_and_many_inputs_as_a_map(of_sequences):
    display = NeuronActivityDisplay.from_estimator(of_sequences, CUBE, sequence=2)
    found = neuron_activity(of_sequences, CUBE)
    np.testing.assert_array_equal(display.states, found.states[18:27])
    np.testing.assert_array_equal(display.inputs, CUBE[2])
    inputs, _, answers = display.axes_
    assert not inputs.lines
    assert answers.get_xlabel() == "Step"
    assert inputs.get_title("left").startswith("Sequence 2 (of 6, from 0): Inputs")
    with pytest.raises(InvalidInputError, match="from 0 to 5, got 6"):
        NeuronActivityDisplay.from_estimator(of_sequences, CUBE, sequence=6)


@pytest.mark.parametrize("in_grid", [True, False])
def test__axes__give_their_room_to_three(of_rows, in_grid):
    figure = plt.figure()
    ax = (
        figure.add_subplot(1, 2, 2)
        if in_grid
        else figure.add_axes((0.5, 0.1, 0.4, 0.8))
    )
    display = NeuronActivityDisplay.from_estimator(of_rows, ROWS, ax=ax)
    assert display.ax_ is ax
    assert all(part.figure is figure for part in display.axes_)
    assert all(part.get_position().x0 > 0.4 for part in display.axes_)
    figure.savefig("/dev/null", format="png")


def test__a_single_step_with_missing_values__is_drawn():
    X = CUBE[:, :1].copy()
    model = LiquidRegressor(6, missing="hold", **QUICK).fit(CUBE, CUBE[:, -1, 0])
    X[0, 0, 3] = np.nan
    display = NeuronActivityDisplay.from_estimator(model, X)
    assert display.states.shape == (1, 6)
    display.figure_.savefig("/dev/null", format="png")


def test__plot_activity__of_an_estimator_is_the_display(of_sequences):
    display = of_sequences.plot_activity(CUBE, sequence=2)
    expected = NeuronActivityDisplay.from_estimator(of_sequences, CUBE, sequence=2)
    np.testing.assert_array_equal(display.states, expected.states)
