"""Wirings of the wrong size: estimators have no `n_inputs`, `n_outputs`, `sensory`."""

import numpy as np
import pytest

from LNN import LiquidRegressor, Wiring
from LNN.exceptions import InvalidInputError

ROWS = np.random.default_rng(0).normal(size=(40, 2))


def message_of(wiring, y=ROWS[:, 0], **parameters):
    with pytest.raises(InvalidInputError) as caught:
        LiquidRegressor(wiring=wiring, epochs=1, **parameters).fit(ROWS, y)
    return str(caught.value)


def test__inputs__that_differ__speak_of_columns():
    message = message_of(Wiring.random(3, 8, 1))
    assert "columns of X" in message
    assert "build the wiring with n_inputs=2" in message
    assert "Set n_inputs" not in message


def test__outputs__that_differ__speak_of_targets():
    message = message_of(Wiring.random(2, 8, 1), ROWS, readout="motor")
    assert "targets or classes of y" in message
    assert "build the wiring with n_outputs=2" in message


def test__neurons__that_differ__name_the_parameter():
    message = message_of(Wiring.random(2, 8, 1), n_neurons=9)
    assert "Change n_neurons, or leave it out" in message


def test__matrix__not_square__says_what_it_holds():
    message = message_of(np.ones((3, 4)))
    assert "must be square" in message
    assert "sensory=" not in message
