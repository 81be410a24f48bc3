"""Fixtures for the tests of the native backend."""

import sys
from pathlib import Path

import pytest

from LNN.kernels import library

sys.path.insert(0, str(Path(__file__).parent))  # for kernel_cases


@pytest.fixture
def native():
    """The native backend; the test is skipped where there is no library."""
    if not library.load():
        pytest.skip(library.load().reason)
    from LNN.kernels import native

    return native


@pytest.fixture
def choose_isa(native, monkeypatch):
    """A function that makes the library use one instruction set."""

    def choose(isa):
        monkeypatch.setenv("LNN_ISA", isa)
        library.forget()
        assert library.load().isa == isa

    yield choose
    monkeypatch.undo()
    library.forget()


@pytest.fixture(params=["plain", "avx2", "avx512"])
def isa(request, choose_isa):
    """Each instruction set in turn; those that the machine lacks are skipped."""
    from kernel_cases import available

    if request.param not in available():
        pytest.skip(f"this machine or this build has no {request.param}")
    choose_isa(request.param)
    return request.param


@pytest.fixture
def set_threads():
    """`torch.set_num_threads`, undone at the end."""
    import torch

    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)
