"""The emulator finds the faults that it is there for."""

import shutil

import pytest
import torch
from cell_cases import CELLS
from emulator import COMPILER, build
from kernel_cases import Oracle, make_problem, rng, shaken

from LNN.kernels import torch_loop
from LNN.kernels.cuda import program
from LNN.kernels.cuda.plans import plan_of
from LNN.kernels.cuda.program import CSRC

BARRIER = "__syncthreads();\n"


@pytest.fixture
def with_source(tmp_path, cuda, monkeypatch):
    """A function that runs the wired CfC with a source that a test has changed."""
    if COMPILER is None:
        pytest.skip("there is no g++")

    def make(change):
        csrc = tmp_path / "csrc"
        shutil.copytree(CSRC, csrc)
        text = (csrc / "wired.cu").read_text()
        changed = change(text)
        assert changed != text
        (csrc / "wired.cu").write_text(changed)
        monkeypatch.setattr(program, "_loaded", {})
        monkeypatch.setitem(program.LOADERS, "cpu", lambda p, device: build(p, csrc))
        return cuda

    return make


def oracle():
    cell = shaken(CELLS["wired exponential ncp"](), rng(3))
    assert plan_of(cell).defines["IN_LANES"] > 1
    return Oracle(torch_loop, make_problem(cell, 2, 4))


@pytest.mark.parametrize("which", [1, 2])
def test__emulator__missing_barrier__shows_in_one_order(which, with_source, order):
    def without(text):
        parts = text.split(BARRIER)
        parts[which : which + 2] = [parts[which] + parts[which + 1]]
        return BARRIER.join(parts)

    backend, expected = with_source(without), oracle()
    results = []
    for falling in ("rising", "falling"):
        order(falling)
        results.append(expected.far(backend, torch.float64)[0])
    assert any(results)


def test__emulator__barrier_for_some_threads__is_a_fault(with_source):
    def some(text):
        return text.replace(BARRIER, "if (neuron) __syncthreads();\n", 1)

    with pytest.raises(AssertionError, match="different barriers"):
        oracle().far(with_source(some), torch.float64)


@pytest.mark.slow
def test__emulator__one_argument_less__is_a_fault(with_source):
    def more(text):
        return text.replace("int steps,\n", "int other, int steps,\n", 1)

    with pytest.raises(AssertionError, match="number of arguments"):
        oracle().far(with_source(more), torch.float64)
