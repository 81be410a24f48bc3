"""Fixtures for the tests of the native backend."""

import sys
from pathlib import Path

import pytest
import torch

from LNN.kernels import dispatch, torch_loop
from LNN.kernels.native import library

sys.path.insert(0, str(Path(__file__).parent))  # for what follows

from kernel_cases import rng  # noqa: E402
from layer_cases import LAYERS, SOME, F  # noqa: E402


@pytest.fixture
def native():
    """The native backend; the test is skipped where there is no library."""
    if not library.load():
        pytest.skip(library.load().reason)
    (backend,) = [b for b in dispatch.REGISTRY if b.name == "native"]
    return backend


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


@pytest.fixture(params=["plain", "avx2", "avx512", "neon"])
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


@pytest.fixture(params=LAYERS)
def layer(request, native):
    """A layer of each kind in turn."""
    return LAYERS[request.param]()


@pytest.fixture(
    params=[
        pytest.param(name, marks=[] if name in SOME else pytest.mark.slow)
        for name in LAYERS
    ]
)
def traced(request, native):
    """A layer to trace, which takes long: of each operator, in slow tests each kind."""
    return LAYERS[request.param]()


@pytest.fixture
def x():
    """Inputs, (4, 6, F)."""
    return torch.randn(4, 6, F, generator=rng(7))


@pytest.fixture
def dt():
    """Elapsed times, (4, 6)."""
    return 0.1 + torch.rand(4, 6, generator=rng(8))


@pytest.fixture
def ran(native, monkeypatch):
    """Which backends ran, in order."""
    names = []

    def watch(place, name):
        original = place.run

        def run(*args, **kwargs):
            names.append(name)
            return original(*args, **kwargs)

        monkeypatch.setattr(place, "run", run)

    watch(native, "native")
    watch(torch_loop, "torch")  # the backend and second derivatives call it there
    return names
