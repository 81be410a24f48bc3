"""`backend`: it may change after a fit, and `backend_` says what trained."""

import copy
import pickle

import numpy as np
import pytest

from LNN import LiquidRegressor, kernels
from LNN.kernels import torch_loop

X = np.random.default_rng(0).normal(size=(12, 5, 2))
Y = X[:, 0, 0]


@pytest.fixture(autouse=True)
def native(monkeypatch):
    monkeypatch.delenv("LNN_BACKEND", raising=False)
    try:
        kernels.resolve_backend("native")
    except ValueError:
        pytest.skip("the native library is not there")


def fitted(**settings):
    settings = {"epochs": 1, "device": "cpu", "random_state": 0} | settings
    return LiquidRegressor(4, **settings).fit(X, Y)


@pytest.mark.parametrize("further", ["partial_fit", "warm_start"])
@pytest.mark.parametrize("layers", [1, 2])
def test__training_that_goes_on__other_backend__is_what_ran(further, layers):
    model = fitted(n_layers=layers)
    assert model.backend_ == "native"
    for backend, told in {"torch": "torch", "auto": "native"}.items():
        model.set_params(backend=backend, warm_start=True)
        (model.fit if further == "warm_start" else model.partial_fit)(X, Y)
        assert model.backend_ == told
        assert [layer.backend for layer in model.network_.layers] == [backend] * layers
        assert told in model.summary()


def test__partial_fit__backend_of_the_environment__is_what_ran(monkeypatch):
    model = fitted()
    monkeypatch.setenv("LNN_BACKEND", "torch")
    assert model.partial_fit(X, Y).backend_ == "torch"
    monkeypatch.delenv("LNN_BACKEND")
    assert model.partial_fit(X, Y).backend_ == "native"


def test__partial_fit__baseline__is_torch_whatever_is_asked_for():
    model = fitted(model_type="GRU").set_params(backend="torch")
    assert model.partial_fit(X, Y).backend_ == "torch"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda m: m])
def test__predict__backend_changed__runs_on_it_with_the_same_weights(
    copied, monkeypatch
):
    model = fitted(dtype="float64")
    expected, network, ran = model.predict(X), model.network_, []
    run = torch_loop.TorchLoop.run
    monkeypatch.setattr(
        torch_loop.TorchLoop,
        "run",
        lambda self, *given, **how: (ran.append(1), run(self, *given, **how))[1],
    )
    model.predict(X)
    assert not ran
    other = copied(model).set_params(backend="torch")
    np.testing.assert_allclose(other.predict(X), expected, rtol=1e-12)
    assert ran
    assert model.network_ is network
    assert network.layers[0].backend == "auto"
    again = pickle.loads(pickle.dumps(other))
    np.testing.assert_array_equal(again.predict(X), other.predict(X))
