"""Where "auto" runs a network."""

import numpy as np
import pytest
import torch
from tiny import TINY

from LNN import LiquidRegressor
from LNN.kernels import resolve_backend
from LNN.training.device import device_for

CPU, GPU = torch.device("cpu"), torch.device("cuda")


class Network:
    """It says what runs it, as a network does."""

    def __init__(self, on_gpu, on_cpu="native"):
        self.backends = {"cuda": on_gpu, "cpu": on_cpu}

    def backend_for(self, device, dtype):
        return self.backends[device.type]


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)


@pytest.mark.parametrize(
    ("device", "network", "expected"),
    [
        ("auto", Network("torch"), CPU),
        ("auto", Network("torch", "torch"), GPU),
        ("auto", Network("cuda"), CPU),
        ("cuda", Network("torch"), GPU),
        ("cpu", Network("cuda"), CPU),
    ],
)
def test__auto__is_where_the_kernels_are(gpu, device, network, expected):
    assert device_for(device, network, torch.float32) == expected


def test__auto__without_a_gpu__is_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_for("auto", Network("cuda", "torch"), torch.float32) == CPU


@pytest.mark.skipif(resolve_backend() != "native", reason="needs the native library")
def test__fit__on_a_machine_with_a_gpu__keeps_to_the_kernels_and_says_so(gpu):
    rows = np.random.default_rng(0).normal(size=(40, 2))
    model = LiquidRegressor(**(TINY | {"device": "auto"})).fit(rows, rows[:, 0])
    model.predict(rows)
    assert "native (of the CPU, though there is a GPU)" in model.summary()
