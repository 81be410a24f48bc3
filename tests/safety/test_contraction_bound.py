from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.testing import assert_allclose
from quick import quick

from LNN import LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.safety import contraction_bound, contraction_rate
from LNN.safety.cell_growth import _most_open, _most_turned
from LNN.safety.intervals import Interval

KINDS = {
    "CfC": {},
    "CfC default": {"mode": "default"},
    "CfC no_gate": {"mode": "no_gate"},
    "CfC pure": {"mode": "pure"},
    "CfC full": {"wiring": "full"},
    "CfC backbone": {"wiring": "full", "mode": "default", "backbone_units": 12},
    "CfC backbone, pure": {
        "wiring": "full",
        "mode": "pure",
        "backbone_units": 12,
        "backbone_activation": "tanh",
    },
    "CfC backbone, silu": {
        "wiring": "full",
        "mode": "exponential",
        "backbone_layers": 2,
        "backbone_units": 8,
        "backbone_activation": "silu",
    },
    "LTC": {"model_type": "LTC"},
    "LTC semi-implicit": {"model_type": "LTC", "solver": "semi-implicit"},
    "LTC unfolds": {"model_type": "LTC", "solver": "exponential", "ode_unfolds": 3},
    "two layers": {"n_layers": 2},
}


def fitted(seed=0, irregular=True, **how):
    random = np.random.default_rng(seed)
    X = random.uniform(-1, 1, size=(120, 2))
    y = X[:, 0] + np.roll(X[:, 1], 1)
    given = {"n_neurons": 6, "window_length": 12, "epochs": 1, "random_state": seed}
    lnn = LiquidRegressor(**(given | how))
    stamps = np.cumsum(random.uniform(0.5, 1.5, len(X))) if irregular else None
    return lnn.fit(X, y, timestamps=stamps), X


def random_weights(lnn, size, seed):
    """Move the weights far from what training makes of them."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in lnn.network_.parameters():
            weights += size * torch.randn(weights.shape, generator=generator)


def jacobians(lnn, found, box, gaps, n, seed):
    """Return Jacobians of single steps within the set, layer by layer, in float64."""
    network = copy.deepcopy(lnn.network_).double().eval()
    fitted_model, random = lnn.model_, np.random.default_rng(seed)
    low, high = (
        fitted_model.scaler.transform_rows(np.full((1, 2), end))[0] for end in box
    )
    unit = fitted_model.clock.unit
    for layer, own in zip(network.layers, found.layers, strict=True):
        # "pure" has no set: any states will do.
        least, most = (np.clip(side, -3, 3) for side in own.states)
        # Of later layers only the states before are known to be inputs.
        if layer.input_size != 2:
            low, high = found.layers[0].states
        x = torch.tensor(random.uniform(low, high, size=(n, 1, len(low))))
        # States at the corners of the set, as well as inside of it.
        h = random.uniform(least, most, size=(n, len(least)))
        corner = random.random(h.shape) < random.random((n, 1))
        h = np.where(corner, np.where(random.random(h.shape) < 0.5, least, most), h)
        dt = torch.tensor(random.uniform(*gaps, size=(n, 1)) / unit)

        def step(state, layer=layer, x=x, dt=dt):
            # No sample acts on another: slopes of a sum over them are those of each.
            return layer(x, state, timespans=dt)[1].sum(0)

        slopes = torch.autograd.functional.jacobian(step, torch.tensor(h))
        assert slopes.shape == (h.shape[1], *h.shape)
        yield from ((own, each) for each in slopes.transpose(0, 1).numpy())


@pytest.mark.parametrize("size", quick([0.0, 0.5], 0.5))
@pytest.mark.parametrize("kind", KINDS)
def test__contraction_bound__jacobians_of_random_steps__never_exceed_it(kind, size):
    for seed in range(2):
        lnn, _ = fitted(seed, **KINDS[kind])
        random_weights(lnn, size, seed)
        gaps = (0.4, 2.0)
        found = contraction_bound(lnn, (-1, 1), gaps=gaps)
        assert np.isfinite(found.factor)
        assert found.proved == (found.factor < 1)
        for own, jacobian in jacobians(lnn, found, (-1.0, 1.0), gaps, 60, seed):
            norm = np.max(np.abs(jacobian) @ own.weights / own.weights)
            assert norm <= own.factor


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "CfC" in kind])
def test__contraction_bound__without_a_box__holds_for_far_inputs(kind):
    lnn, _ = fitted(**KINDS[kind])
    found = contraction_bound(lnn)
    gaps = (0.5, 1.5)
    for own, jacobian in jacobians(lnn, found, (-30.0, 30.0), gaps, 60, 0):
        norm = np.max(np.abs(jacobian) @ own.weights / own.weights)
        assert norm <= own.factor


def test__contraction_bound__a_leak_alone__is_its_decay():
    """Neurons that read nothing forget with cm / gleak, so that the bound is exact."""
    lnn, _ = fitted(irregular=False, model_type="LTC", solver="exponential")
    cell = lnn.network_.layers[0].cell
    with torch.no_grad():
        for part in (cell.recurrent, cell.sensory):
            part.w.fill_(-40.0)  # softplus: no conductance
        cell.cm.fill_(3.0)
        cell.gleak.fill_(1.0)
    rate = F.softplus(torch.tensor(1.0)) / F.softplus(torch.tensor(3.0))
    found = contraction_bound(lnn)
    assert found.proved
    assert_allclose(found.factor, torch.exp(-rate).item(), rtol=1e-5)


def test__contraction_bound__proved__two_states_come_together_that_fast():
    lnn, X = fitted(irregular=False, model_type="LTC")
    found = contraction_bound(lnn, (-1, 1))
    assert found.proved
    assert found.factor > 0.3
    own, network = found.layers[0], copy.deepcopy(lnn.network_).double().eval()
    rows = torch.tensor(lnn.model_.scaler.transform_rows(X))[None]
    runs = [
        network.states(rows, state=(torch.tensor(start)[None],))[0][0].detach().numpy()
        for start in own.states
    ]
    apart = np.abs(runs[0] - runs[1]) / own.weights
    start = np.max(np.abs(own.states[0] - own.states[1]) / own.weights)
    steps = np.arange(1, 31)
    assert (apart.max(axis=1)[:30] <= start * found.factor**steps).all()
    # What is measured is faster than what is proved.
    assert np.exp(-contraction_rate(lnn, X).slowest) < found.factor + 1e-6


def test__contraction_bound__smaller_box_or_shorter_gaps__is_no_looser():
    lnn, _ = fitted()
    wide = contraction_bound(lnn, (-1, 1), gaps=(0.5, 1.5))
    small = contraction_bound(lnn, (-0.1, 0.1), gaps=(0.5, 1.5))
    narrow = contraction_bound(lnn, (-1, 1), gaps=(0.9, 1.1))
    assert small.factor < wide.factor < contraction_bound(lnn, gaps=(0.5, 1.5)).factor
    assert narrow.factor < wide.factor
    # As training showed, which was from 0.5 to 1.5.
    assert_allclose(contraction_bound(lnn, (-1, 1)).factor, wide.factor, rtol=0.05)


def test__contraction_bound__gap_of_zero__proves_nothing():
    lnn, _ = fitted(model_type="LTC")
    assert contraction_bound(lnn, (-1, 1), gaps=(1, 1)).proved
    found = contraction_bound(lnn, (-1, 1), gaps=(0, 1))
    assert not found.proved
    assert found.factor >= 1
    assert "contraction_rate" in found.reason


@pytest.mark.parametrize(
    "how",
    [
        {"model_type": "LSTM"},
        {"model_type": "GRU"},
        {"mixed_memory": True},
        {"model_type": "LTC", "solver": "rk4"},
    ],
    ids=str,
)
def test__contraction_bound__other_cells__say_that_no_bound_is_written(how):
    lnn, _ = fitted(irregular=False, **how)
    found = contraction_bound(lnn, (-1, 1))
    assert (found.factor, found.proved) == (np.inf, False)
    assert "no bound is written" in found.reason
    assert found.layers[0].weights is None


def test__contraction_bound__long_gaps__are_walked_in_steps():
    """`max_step` walks a gap of 100 in steps, for each of which the bound holds."""
    lnn, _ = fitted(irregular=False, model_type="LTC", max_step=2.0)
    assert lnn.model_.clock.max_step == 2.0
    found = contraction_bound(lnn, (-1, 1), gaps=(1, 100))
    within = contraction_bound(lnn, (-1, 1), gaps=(1, 2))
    assert_allclose(found.factor, within.factor, rtol=1e-3)


def test__contraction_bound__gaps_or_box_that_are_none__are_refused():
    lnn, _ = fitted()
    for gaps in ((-1, 1), (2, 1), (np.nan, 1)):
        with pytest.raises(InvalidInputError, match="gaps"):
            contraction_bound(lnn, gaps=gaps)
    with pytest.raises(InvalidInputError, match="input_box"):
        contraction_bound(lnn, (1, -1))


def test__most_turned__grid__is_its_largest_value():
    random = np.random.default_rng(0)
    for _ in range(200):
        low = random.uniform(-8, 6)
        rate = Interval(np.array([low]), np.array([low + random.exponential(4)]))
        ends = np.sort(random.exponential(2, size=2))
        dt = Interval(np.array(ends[0]), np.array(ends[1]))
        a, t = np.meshgrid(np.linspace(*rate, 80), np.linspace(*dt, 80))
        value = t / (1 + np.exp(-a)) * np.exp(-t * np.logaddexp(0, a))
        (found,) = _most_turned(rate, dt)
        assert value.max() <= found * (1 + 1e-12)
        assert found <= value.max() * 1.01 + 1e-9


def test__most_open__grid__is_its_largest_value():
    random = np.random.default_rng(0)
    for _ in range(200):
        weight, leak = random.exponential(1, size=2)
        low, high = np.sort(random.uniform(size=2))
        s = np.linspace(low, high, 500)
        value = weight * s * (1 - s) / (leak + weight * s)
        opened = Interval(np.array([low]), np.array([high]))
        found = _most_open(np.array([weight]), opened, np.array([leak + weight * low]))
        assert value.max() <= found[0] * (1 + 1e-12)
        assert found[0] <= value.max() * 1.001
