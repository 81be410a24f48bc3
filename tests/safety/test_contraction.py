from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from LNN import LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.safety import contraction_rate


def data(n=120, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, 2))
    return X, X[:, 0] + np.roll(X[:, 1], 1)


def fitted(**how):
    X, y = data()
    given = {"n_neurons": 6, "window_length": 12, "epochs": 1, "random_state": 0}
    return LiquidRegressor(**(given | how)).fit(X, y), X


def test__contraction_rate__a_leak_alone__is_its_rate():
    """Neurons that read nothing decay with cm / gleak, which is known."""
    lnn, X = fitted(model_type="LTC", solver="exponential")
    cell = lnn.network_.layers[0].cell
    with torch.no_grad():
        for part in (cell.recurrent, cell.sensory):
            part.w.fill_(-40.0)  # softplus: no conductance
        cell.cm.fill_(3.0)
        cell.gleak.fill_(1.0)
    wanted = F.softplus(torch.tensor(1.0)) / F.softplus(torch.tensor(3.0))
    found = contraction_rate(lnn, X)
    np.testing.assert_allclose(found.rate, wanted.item(), rtol=1e-5)
    assert found.slowest == found.rate.min()
    np.testing.assert_allclose(found.half_life, np.log(2) / wanted.item(), rtol=1e-5)


def test__contraction_rate__neurons_that_hold_on__never_halve():
    """A strong loop of a neuron to itself has two states that it stays in."""
    lnn, X = fitted(mode="default", wiring="full", backbone_layers=0, n_neurons=3)
    cell = lnn.network_.layers[0].cell
    with torch.no_grad():
        for name in cell.maps:
            getattr(cell, name).weight.zero_()
            getattr(cell, name).bias.zero_()
        for name in ("ff1", "ff2"):
            getattr(cell, name).weight[:, 2:] = 8 * torch.eye(3)
    # Against the usual start, at 0, which is the point between both.
    found = contraction_rate(lnn, X)
    assert found.slowest < 0
    assert found.half_life == np.inf


@pytest.mark.parametrize(
    "how",
    [
        {"mixed_memory": True},
        {"n_layers": 2},
        {"model_type": "LSTM"},
        {"pooling": "mean", "patch": 2},
        {"mode": "pure"},
    ],
    ids=str,
)
def test__contraction_rate__all_kinds_of_states__are_measured(how):
    lnn, X = fitted(**how)
    found = contraction_rate(lnn, X, n_starts=2)
    assert found.rate.shape == (len(X),)
    assert np.isfinite(found.rate).all()
    assert np.median(found.rate) > 0


def test__contraction_rate__time_stamps__set_the_unit_of_time():
    X, y = data()
    t = np.cumsum(np.random.default_rng(0).uniform(1, 3, len(X)))
    rates = []
    for unit in (1.0, 60.0):
        lnn = LiquidRegressor(6, window_length=12, epochs=1, random_state=0)
        lnn.fit(X, y, timestamps=unit * t)
        rates.append(contraction_rate(lnn, X, timestamps=unit * t).slowest)
    np.testing.assert_allclose(rates[0], 60 * rates[1], rtol=1e-3)


def test__contraction_rate__sequences_of_different_lengths__count_to_their_ends():
    random = np.random.default_rng(0)
    X = [random.normal(size=(n, 2)) for n in (5, 40, 12)]
    lnn = LiquidRegressor(6, epochs=1, random_state=0).fit(X, [0.0, 1.0, 2.0])
    together = contraction_rate(lnn, X, n_starts=1)
    alone = contraction_rate(lnn, X[:1], n_starts=1)
    assert together.rate.shape == (3,)
    assert np.isfinite(together.rate).all()
    assert alone.rate.shape == (1,)


def test__contraction_rate__no_starts__is_refused():
    lnn, X = fitted()
    with pytest.raises(InvalidInputError, match="n_starts"):
        contraction_rate(lnn, X, n_starts=0)
