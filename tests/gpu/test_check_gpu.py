"""The check for machines with a GPU: here its parts run on the emulated kernels."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).with_name("check_gpu.py")
KERNELS = SCRIPT.parents[1] / "kernels" / "cuda"


@pytest.fixture
def check(monkeypatch):
    """The script, with the CPU in place of the GPU."""
    sys.path.insert(0, str(KERNELS))
    emulator = pytest.importorskip("emulator")
    sys.path.remove(str(KERNELS))
    if emulator.COMPILER is None:
        pytest.skip("there is no g++, which compiles the kernels for the emulator")
    from LNN.kernels.cuda import program

    monkeypatch.setitem(program.LOADERS, "cpu", emulator.load)
    spec = importlib.util.spec_from_file_location("check_gpu", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "GPU", torch.device("cpu"))
    monkeypatch.setattr(module, "SHAPES", [(12, 1, 1), (12, 5, 7)])
    return module


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test__script__without_a_gpu__says_so():
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no CUDA device" in done.stdout


@pytest.mark.parametrize(
    "name", ["CfC exponential", pytest.param("LTC exponential", marks=pytest.mark.slow)]
)
def test__equality__right_kernels__pass(check, name):
    found = check.equality(name)()
    assert found["torch.float64"] < 1e-10


def test__equality__wrong_kernels__fail(check, monkeypatch):
    right = check.solved

    def off(backend, *problem):
        found = right(backend, *problem)
        wrong = isinstance(backend, check.CudaBackend)
        return {k: v + 1e-3 * wrong for k, v in found.items()}

    monkeypatch.setattr(check, "solved", off)
    with pytest.raises(AssertionError, match="CfC exponential, 12, 1 x 1"):
        check.equality("CfC exponential")()


@pytest.fixture
def graphs_on_cpu(check, monkeypatch):
    """The script where kernels are emulated, and a call stands for a recording."""
    from LNN.kernels import dispatch
    from LNN.training import graphs

    cuda = check.CudaBackend()
    monkeypatch.setattr(cuda, "missing", lambda: None)
    monkeypatch.setattr(dispatch, "REGISTRY", (cuda, dispatch.REGISTRY[-1]))
    monkeypatch.setenv("LNN_CUDA_GRAPH", "1")
    monkeypatch.setitem(graphs.RECORDERS, "cpu", lambda run, device: run)
    for name, size in {"ROWS": 40, "STEPS": 3, "NEURONS": 8}.items():
        monkeypatch.setattr(check, name, size)
    return check


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=pytest.mark.slow)
        for kind in ("CfC", "LTC", "mean of the states", "two layers, classes, missing")
    ],
)
def test__graphs__right_ones__pass(kind, graphs_on_cpu):
    assert graphs_on_cpu.graphs(kind)()["apart"] < 1e-4


@pytest.mark.slow
def test__many__right_ones__pass(graphs_on_cpu, monkeypatch):
    monkeypatch.setattr(graphs_on_cpu, "SEEDS", 2)
    assert graphs_on_cpu.many("CfC")()["fits"] == 4


@pytest.mark.slow
def test__models_a_launch__are_measured(graphs_on_cpu, monkeypatch):
    monkeypatch.setattr(graphs_on_cpu, "MODELS", (1, 2))
    monkeypatch.setattr(graphs_on_cpu, "ROWS", 320)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    found = graphs_on_cpu.models_a_launch("CfC")()
    assert found.keys() == {"1 models", "2 models"}
    assert min(found.values()) > 0


def test__graphs__none__fail(graphs_on_cpu, monkeypatch):
    def refuse(run, device):
        raise RuntimeError("no graph today")

    monkeypatch.setenv("LNN_CUDA_GRAPH", "1")
    monkeypatch.setitem(sys.modules["LNN.training.graphs"].RECORDERS, "cpu", refuse)
    with pytest.raises(AssertionError, match="no graph today"):
        graphs_on_cpu.graphs("CfC")()


@pytest.mark.slow
def test__not_finite__is_noticed(graphs_on_cpu):
    assert "loss became" in graphs_on_cpu.not_finite()["said"]


@pytest.mark.slow
def test__chunks__right_kernels__pass(check, monkeypatch):
    cell, problem = check.cell_of, check.problem_of
    monkeypatch.setattr(check, "cell_of", lambda name: cell(name, 8))
    monkeypatch.setattr(check, "problem_of", lambda cell, *size: problem(cell, 3, 4))
    assert max(check.chunks().values()) < 1e-5
