"""Which backend runs, and what happens without the library."""

import importlib
import warnings
from pathlib import Path

import pytest
import torch
from kernel_cases import rng

from LNN import LTC, CfC, kernels
from LNN.exceptions import InvalidInputError, LNNWarning
from LNN.kernels import dispatch, library, native, resolve_backend

MISSING = library.Library(None, "", "it was not built", "build it")


@pytest.fixture
def no_library(monkeypatch):
    for module in (dispatch, native):
        monkeypatch.setattr(module, "load", lambda: MISSING)
    dispatch._tell_once.cache_clear()
    yield
    dispatch._tell_once.cache_clear()


def test__kernels__every_file__is_a_module_under_its_name():
    for path in Path(kernels.__file__).parent.glob("[a-z]*.py"):
        module = importlib.import_module(f"LNN.kernels.{path.stem}")
        assert getattr(kernels, path.stem) is module


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
