"""Which backend runs, and what happens without the library."""

import importlib
import warnings
from pathlib import Path

import pytest
import torch
from kernel_cases import rng

from LNN import LTC, CfC, kernels
from LNN._show_versions import versions
from LNN.exceptions import InvalidInputError, LNNWarning
from LNN.kernels import BACKENDS, dispatch, resolve_backend, torch_loop
from LNN.kernels.backend import Backend, Missing
from LNN.kernels.native import library
from LNN.kernels.native.mirror import ISAS

MISSING = library.Library(None, "", "it was not built", "build it")


@pytest.fixture
def no_library(monkeypatch):
    monkeypatch.setattr(library, "_found", [MISSING])
    dispatch._tell_once.cache_clear()
    yield
    dispatch._tell_once.cache_clear()


def test__kernels__every_file__is_a_module_under_its_name():
    home = Path(kernels.__file__).parent
    for path in home.rglob("[a-z]*.py"):
        *folders, name = path.relative_to(home).with_suffix("").parts
        package = importlib.import_module(".".join(["LNN.kernels", *folders]))
        module = importlib.import_module(f"{package.__name__}.{name}")
        assert getattr(package, name) is module


def test__auto__with_library__is_native(native):
    assert resolve_backend("auto") == "native"


def test__native__without_library__says_how_to_get_it(no_library):
    with pytest.raises(InvalidInputError, match="it was not built.*build it"):
        LTC(3, 4, backend="native")


def test__auto__without_library__warns_once_and_runs_on_torch(no_library):
    with pytest.warns(LNNWarning, match="it was not built.*build it"):
        layer = CfC(3, 4, generator=rng())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outputs, _ = layer(torch.randn(2, 5, 3, generator=rng()))
    assert outputs.shape == (2, 5, 4)


def test__torch__without_library__says_nothing(no_library, monkeypatch):
    assert resolve_backend("torch") == "torch"
    monkeypatch.setenv("LNN_BACKEND", "torch")
    assert resolve_backend("auto") == "torch"


def test__lnn_isa__unknown__leaves_no_library(native, monkeypatch):
    monkeypatch.setenv("LNN_ISA", "mmx")
    library.forget()
    try:
        loaded = library.load()
        assert not loaded
        assert "LNN_ISA=mmx" in loaded.reason
        assert "avx2" in loaded.remedy
    finally:
        monkeypatch.undo()
        library.forget()
    assert library.load()


def test__lnn_isa__chosen__is_used(isa):
    assert library.load().isa == isa


@pytest.mark.parametrize("precision", [32, 64])
def test__lnn_isa__chosen__has_an_engine_for_both_precisions(isa, precision):
    vector_bits = {"plain": 128, "avx2": 256, "avx512": 512, "neon": 128}
    functions, which = library.load().functions, (ISAS[isa], precision)
    name = {32: "float", 64: "double"}[precision]
    assert functions.lnn_engine_name(*which) == f"lnn_{isa}_{name}".encode()
    assert functions.lnn_lanes(*which) * precision == vector_bits[isa]


# ------------------------------------------------------------------- one more backend


class Toy(Backend):
    """A backend of the tests' own: counts its runs, which it leaves to torch."""

    name = "toy"

    def __init__(self):
        self.lacks, self.takes, self.runs, self.seen = None, True, 0, []

    def missing(self):
        return self.lacks

    def describe(self):
        return "available in the tests"

    def limits(self):
        return {"everything": "it is a toy"}

    def prepare(self, cell):
        self.seen.append(cell)

    def supports(self, cell, device, dtype):
        return self.takes and device.type == "cpu"

    def can_run(self, cell, inputs, state, timespans):
        return self.takes

    def run(self, *args):
        self.runs += 1
        return torch_loop.run(*args)

    def stepper(self, cell, n_streams, dtype):
        return self


@pytest.fixture
def toy(monkeypatch):
    backend = Toy()
    monkeypatch.setattr(dispatch, "REGISTRY", (backend, *dispatch.REGISTRY))
    return backend


@pytest.mark.parametrize("requested", ["auto", "toy"])
def test__registry__one_more_backend__runs_layers_as_torch_does(toy, requested):
    x = torch.randn(2, 5, 3, generator=rng())
    layer = CfC(3, 4, backend=requested, generator=rng())
    outputs, state = layer(x)
    assert (toy.runs, toy.seen) == (1, [layer.cell])
    assert layer.backend_for(x.device, x.dtype) == "toy"
    expected = CfC(3, 4, backend="torch", generator=rng())(x)
    assert torch.equal(outputs, expected[0])
    assert torch.equal(state, expected[1])
    assert toy.runs == 1


def test__registry__backend_declines__next_one_runs(toy):
    toy.takes = False
    cell = CfC(3, 4, backend="toy", generator=rng()).cell
    cpu, real = torch.device("cpu"), torch.float32
    assert resolve_backend("toy") == "toy"
    assert kernels.backend_for(cell, "toy", cpu, real) == "torch"
    toy.takes = True
    assert kernels.backend_for(cell, "auto", torch.device("meta"), real) == "torch"
    assert kernels.stepper_for(cell, "auto", 1, real) is toy
    assert kernels.stepper_for(cell, "torch", 1, real) is None
    assert not toy.runs


def test__registry__backend_missing__is_said_or_passed_over(toy, native):
    toy.lacks = Missing("it has no batteries", "buy some", warns_on="")
    assert resolve_backend("auto") == "native"
    with pytest.raises(InvalidInputError, match="toy.*no batteries.*buy some"):
        resolve_backend("toy")
    toy.lacks = Missing("its batteries are empty", "charge them")
    with pytest.warns(LNNWarning, match="batteries are empty.*charge them"):
        assert resolve_backend("auto") == "native"


def test__registry__unknown_name__lists_all_backends(toy):
    assert BACKENDS == ("auto", "torch", "cuda", "native")
    with pytest.raises(InvalidInputError, match="'torch', 'cuda', 'native', 'toy'"):
        resolve_backend("metal")


def test__registry__one_more_backend__is_in_show_versions(toy):
    shown = versions()
    assert list(shown["Backends"]) == ["torch", "cuda", "native", "toy"]
    assert shown["Backends"]["toy"] == "available in the tests"
    assert shown["On torch even with toy"] == {"everything": "it is a toy"}
