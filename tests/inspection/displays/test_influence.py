"""The map of influence holds what `influence_graph` returns."""

import matplotlib
import numpy as np
import pytest

from LNN import LiquidRegressor
from LNN.inspection import InfluenceDisplay, influence_graph

matplotlib.use("Agg")
import matplotlib.pyplot as plt

CUBE = np.random.default_rng(0).normal(size=(10, 6, 3))
QUICK = {"epochs": 2, "random_state": 0}


@pytest.mark.parametrize("kind", ["jacobian", "ablation"])
@pytest.mark.parametrize("parameters", [{}, {"n_layers": 2}, {"model_type": "GRU"}])
def test__effects__are_drawn_with_their_signs(kind, parameters):
    model = LiquidRegressor(6, **QUICK, **parameters).fit(CUBE, CUBE[:, -1, 0])
    found = influence_graph(model, CUBE, kind=kind)
    _, ax = plt.subplots()
    display = InfluenceDisplay.from_estimator(model, CUBE, kind=kind, ax=ax)
    plt.close("all")
    assert display.ax_ is ax
    n = len(found.neurons)
    sizes, means = found.mean_absolute, found.mean
    np.testing.assert_array_equal(
        np.abs(display.on_neurons),
        np.vstack([sizes.inputs_to_neurons, sizes.neurons_to_neurons]),
    )
    signs = np.sign(np.vstack([means.inputs_to_outputs, means.neurons_to_outputs]))
    drawn_signs = np.sign(display.on_outputs)
    assert (drawn_signs[signs != 0] == signs[signs != 0]).all()
    assert (drawn_signs < 0).any()
    drawn = display.image_.get_array()
    assert drawn.shape == (3 + n, n + 1)
    assert np.abs(drawn).max() == pytest.approx(1.0)
    if kind == "jacobian":
        np.testing.assert_array_equal(
            ~drawn.mask & np.ones_like(display.wired), display.wired
        )
    dashes = np.asarray(display.negative_.get_offsets()).astype(int)
    assert (drawn[dashes[:, 1], dashes[:, 0]] < 0).all()
    assert [t.get_text() for t in ax.get_xticklabels()] == [*found.neurons, "y"]
    assert len(ax.get_yticklabels()) == 3 + n
