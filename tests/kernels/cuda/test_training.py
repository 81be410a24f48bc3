"""A fit whose batches stay on the device, its kernels emulated."""

import numpy as np
import pytest
import torch
from emulator import Emulated
from unreadable import unreadable

from LNN import LiquidRegressor
from LNN.kernels import dispatch
from LNN.kernels.cuda import backend
from LNN.training import graphs


def call_again(run, device):
    """What replays a function by calling it, if a graph could hold what it does."""
    with unreadable():
        run()
    return run


@pytest.mark.parametrize(
    "how",
    [
        {"mode": "exponential"},
        pytest.param(
            {"wiring": "full", "mode": "default", "backbone_units": 6},
            marks=pytest.mark.slow,
        ),
        pytest.param({"model_type": "LTC"}, marks=pytest.mark.slow),
        pytest.param({"mixed_memory": True}, marks=pytest.mark.slow),
    ],
)
def test__fit__on_the_device__resident_equals_ordinary(how, cuda, monkeypatch):
    # The CPU stands for the device.
    monkeypatch.setattr(cuda, "missing", lambda: None)
    monkeypatch.setattr(dispatch, "REGISTRY", (cuda, dispatch.REGISTRY[-1]))
    X = np.random.RandomState(0).normal(size=(14, 2))
    y = X.sum(axis=1)

    def fitted():
        fixed = {"window_length": 3, "batch_size": 6, "dtype": "float64"}
        model = LiquidRegressor(8, random_state=0, **fixed, **how)
        return model.fit(X, y, epochs=2)

    ordinary = fitted()
    assert ordinary.backend_ == "cuda"
    monkeypatch.setenv("LNN_CUDA_GRAPH", "1")
    monkeypatch.setitem(graphs.RECORDERS, "cpu", call_again)
    # What looks whether a graph could hold the step is no reason to leave the kernels.
    monkeypatch.setattr(backend, "is_watched", lambda *tensors: False)
    resident = fitted()
    assert "each batch as one CUDA graph" in resident.summary()
    assert {"prepare", "finish", "adam"} <= set(Emulated.launched)
    curves = resident.loss_curve_, ordinary.loss_curve_
    np.testing.assert_allclose(*curves, rtol=1e-9)
    other = ordinary.network_.state_dict()
    for name, value in resident.network_.state_dict().items():
        torch.testing.assert_close(value, other[name], rtol=1e-7, atol=1e-9)
