"""NVIDIA's compiler takes the kernels, and they fit a GPU's registers and memory."""

import re

import pytest
import torch
from cell_cases import CELLS, rng

from LNN.cells import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell
from LNN.kernels.cuda import nvrtc
from LNN.kernels.cuda.ltc import SOLVERS
from LNN.kernels.cuda.plans import plan_of
from LNN.kernels.cuda.program import compiled
from LNN.wiring import Wiring

# Registers a block may use, and memory that its threads share without asking for more.
REGISTERS, SHARED = 65536, 48 * 1024
# Bytes that a thread may spill: a pointer or two that no loop needs are parked there.
PARKED = 16


def ncp(n):
    return Wiring.ncp(8, n, 4, seed=1)


MAIN = {
    f"wired {mode} {n}": lambda mode=mode, n=n: WiredCfCCell(
        ncp(n), mode=mode, generator=rng()
    )
    for mode in ("exponential", "default")
    for n in (32, 64)
} | {
    f"LTC {solver} {n}": lambda solver=solver, n=n: LTCCell(
        ncp(n), solver=solver, generator=rng()
    )
    for solver in SOLVERS
    for n in (32, 64)
}
MAIN |= {
    f"CfC {layers} x {units} {n}": lambda n=n, u=units, k=layers: CfCCell(
        8, n, backbone_units=u, backbone_layers=k, generator=rng()
    )
    for layers, units, n in ((1, 128, 32), (2, 64, 32), (1, 128, 64), (1, 256, 128))
}
MAIN |= {
    f"memory {name}": lambda c=MAIN[name]: MixedMemoryCell(c(), generator=rng())
    for name in (
        "wired exponential 32",
        "wired exponential 64",
        "LTC semi-implicit 32",
        "LTC semi-implicit 64",
        "CfC 1 x 128 32",
    )
}


@pytest.fixture
def compiler():
    if nvrtc.load() is None:
        pytest.skip("there is no NVRTC (pip install nvidia-cuda-nvrtc)")


def resources(cell, architecture, dtype=torch.float32):
    """Registers, spilled and shared bytes of each kernel, off the compiler's log."""
    program = plan_of(cell).program(dtype)
    code, log = compiled(program, architecture, "--ptxas-options=-v")
    assert code[:4] == b"\x7fELF"
    found = {}
    for part in log.split("Compiling entry function")[1:]:
        name = re.search(r"'(\w+)'", part)[1]
        spilled = int(re.search(r"(\d+) bytes spill stores", part)[1])
        registers = int(re.search(r"Used (\d+) registers", part)[1])
        shared = re.search(r"(\d+) bytes smem", part)
        found[name] = (registers, spilled, int(shared[1]) if shared else 0)
    assert found.keys() == {"forward", "backward"}
    return found


@pytest.mark.parametrize("architecture", ["sm_75", "sm_80", "sm_90"])
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name.endswith("32") else pytest.mark.slow)
        for name in MAIN
    ],
)
def test__nvrtc__main_shapes__fit_without_spilling_what_is_used(
    name, architecture, compiler
):
    cell = MAIN[name]()
    plan = plan_of(cell)
    threads = dict(zip(("forward", "backward"), plan.threads, strict=True))
    for kernel, (registers, spilled, shared) in resources(cell, architecture).items():
        assert spilled <= PARKED, kernel
        # The hardware gives out registers by eight.
        assert -(-registers // 8) * 8 * threads[kernel] <= REGISTERS
        assert shared <= SHARED


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n, c in CELLS.items() if plan_of(c())])
def test__nvrtc__every_kind_of_cell__compiles(name, compiler):
    for dtype in (torch.float32, torch.float64):
        for _, _, shared in resources(CELLS[name](), "sm_90", dtype).values():
            assert shared <= SHARED


def test__nvrtc__an_error__is_told(compiler):
    with pytest.raises(nvrtc.CompileError, match="no_such_type"):
        nvrtc.load().compile("no_such_type x;", {}, {}, "sm_90")
