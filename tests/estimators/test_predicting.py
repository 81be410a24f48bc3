"""Predictions depend on what was fitted, and on nothing else."""

import numpy as np
import pytest

from LNN import LiquidRegressor

X = np.random.default_rng(0).normal(size=(60, 3))


@pytest.fixture
def model():
    options = {"dropout": 0.5, "window_length": 5, "epochs": 1, "random_state": 0}
    return LiquidRegressor(8, **options).fit(X, X[:, 0])


def test__predict__network_set_to_train__is_as_after_fit(model):
    expected = model.predict(X)
    model.network_.train()
    model.network_.layers.eval()
    modes = [module.training for module in model.network_.modules()]
    assert len(set(modes)) == 2
    np.testing.assert_array_equal(model.predict(X), expected)
    assert [module.training for module in model.network_.modules()] == modes


def test__predict__fails_in_the_network__puts_the_mode_back(model):
    def fail(module, inputs):
        raise ZeroDivisionError

    model.network_.train().readout.register_forward_pre_hook(fail)
    with pytest.raises(ZeroDivisionError):
        model.predict(X)
    assert all(module.training for module in model.network_.modules())


@pytest.mark.parametrize("mode", ["window", "carry"])
def test__stream__network_set_to_train__is_as_after_fit(mode, model):
    expected = [model.stream(mode).step(row) for row in X[:3]]
    model.network_.train()
    found = [model.stream(mode).step(row) for row in X[:3]]
    np.testing.assert_array_equal(found, expected)
    assert model.network_.training
