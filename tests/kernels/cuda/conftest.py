"""Fixtures for the tests of the CUDA kernels."""

import sys
from pathlib import Path

import pytest

from LNN.kernels.cuda import CudaBackend, program

sys.path.insert(0, str(Path(__file__).parent))  # for what follows

import emulator  # noqa: E402


@pytest.fixture
def cuda(monkeypatch):
    """The backend on tensors of the CPU, its kernels emulated."""
    if emulator.COMPILER is None:
        pytest.skip("there is no g++, which compiles the kernels for the emulator")
    monkeypatch.setitem(program.LOADERS, "cpu", emulator.load)
    return CudaBackend()


@pytest.fixture
def order(monkeypatch):
    """A function that makes the emulated threads run in rising or falling order."""

    def choose(name):
        monkeypatch.setattr(emulator.Emulated, "reversed", name == "falling")

    return choose
