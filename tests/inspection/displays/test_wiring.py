"""The trained wiring: signs and widths of lines are those of the weights."""

import sys

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgba
from sklearn.exceptions import NotFittedError

from LNN import LiquidRegressor
from LNN.exceptions import InvalidInputError, MissingDependencyError
from LNN.inspection import WiringDisplay
from LNN.wiring.plot import EXCITATORY, INHIBITORY

matplotlib.use("Agg")
import matplotlib.pyplot as plt

CUBE = np.random.default_rng(0).normal(size=(10, 6, 3))
QUICK = {"epochs": 2, "random_state": 0}


def fitted(**parameters):
    return LiquidRegressor(9, **QUICK, **parameters).fit(CUBE, CUBE[:, -1, :2])


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def drawn(display):
    """Return colours and widths of the lines, sensory ones first."""
    lines = [c for c in display.ax_.collections if hasattr(c, "get_segments")]
    assert len(lines) == 2
    colours = np.vstack([part.get_colors()[:, :3] for part in lines])
    return colours, [np.asarray(part.get_linewidths()) for part in lines]


@torch.no_grad()
def test__ltc__signs_are_the_trained_reversal_potentials():
    model = fitted(model_type="LTC")
    synapses = model.model_.network.layers[0].cell.sensory
    first = -float(synapses.erev[0])
    synapses.erev[0] = first  # as if training had turned it
    display = WiringDisplay.from_estimator(model)
    w, erev = torch.nn.functional.softplus(synapses.w), synapses.erev
    np.testing.assert_allclose(display.sensory, (w * erev).numpy(), rtol=1e-6)
    assert np.sign(display.sensory[0]) == np.sign(first)
    assert np.sign(first) != model.wiring_.sensory.polarity[0]
    colours, widths = drawn(display)
    n = len(display.sensory)
    strengths = display.sensory[np.argsort(np.abs(display.sensory), kind="stable")]
    for strength, colour in zip(strengths, colours[:n], strict=True):
        expected = to_rgba(EXCITATORY if strength > 0 else INHIBITORY)[:3]
        np.testing.assert_allclose(colour, expected)
    assert (np.diff(widths[0]) >= 0).all()


@pytest.mark.parametrize("mode", ["exponential", "default", "no_gate", "pure"])
@torch.no_grad()
def test__wired_cfc__weights_are_those_of_what_it_goes_to(mode):
    model = fitted(mode=mode)
    display = WiringDisplay.from_estimator(model)
    cell = model.model_.network.layers[0].cell
    names = [name for name in cell.maps if name.startswith("ff")]
    expected = sum(getattr(cell, f"{name}_sensory") for name in names) / len(names)
    edges = model.wiring_.sensory
    if mode == "pure":
        expected = -cell.A[edges.target.copy()] * expected
    np.testing.assert_allclose(display.sensory, expected.numpy(), rtol=1e-6)
    assert len(display.recurrent) == model.wiring_.n_recurrent_synapses


def test__full_cfc__is_drawn_without_a_backbone_alone():
    model = fitted(wiring="full")
    display = WiringDisplay.from_estimator(model)
    weight = model.model_.network.layers[0].cell.ff1.weight.detach().numpy()
    edges = model.wiring_.sensory
    np.testing.assert_allclose(display.sensory, weight[edges.target, edges.source])
    for other in ({"wiring": "full", "mode": "default"}, {"model_type": "LSTM"}):
        with pytest.raises(InvalidInputError, match="InfluenceDisplay"):
            WiringDisplay.from_estimator(fitted(**other))


def test__layers_and_names__are_those_of_the_model():
    model = fitted(n_layers=2, readout="motor", pooling="last")
    first = WiringDisplay.from_estimator(model)
    assert first.input_names == ["0", "1", "2"]
    assert first.output_names is None
    second = WiringDisplay.from_estimator(model, layer=-1)
    assert second.input_names[0] == "layer 1 motor 0"
    assert second.output_names == ["y 0", "y 1"]
    with pytest.raises(InvalidInputError, match="from 0 to 1, got 2"):
        WiringDisplay.from_estimator(model, layer=2)


def test__axes__that_are_given_are_drawn_on():
    _, ax = plt.subplots()
    display = WiringDisplay.from_estimator(fitted(), ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert display.plot().ax_ is not ax


def test__plot_wiring__of_an_estimator_is_the_display():
    model = fitted(n_layers=2)
    _, ax = plt.subplots()
    display = model.plot_wiring(layer=1, ax=ax)
    expected = WiringDisplay.from_estimator(model, layer=1)
    assert display.ax_ is ax
    np.testing.assert_array_equal(display.recurrent, expected.recurrent)
    with pytest.raises(NotFittedError):
        LiquidRegressor().plot_wiring()


def test__without_matplotlib__the_error_says_what_to_install(monkeypatch):
    model = fitted()
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingDependencyError, match=r"pip install LNN\[plot\]"):
        model.plot_wiring()
