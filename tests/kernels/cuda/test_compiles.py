"""NVIDIA's compiler takes the kernels, and they fit a GPU's registers and memory."""

import re

import pytest
import torch
from cell_cases import CELLS, rng

from LNN.cells import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell
from LNN.kernels.cuda import nvrtc, trainer
from LNN.kernels.cuda.ltc import SOLVERS
from LNN.kernels.cuda.plans import plan_of
from LNN.kernels.cuda.program import Program, compiled
from LNN.wiring import Wiring

# Registers a block may use, and memory that its threads share without asking for more.
REGISTERS, SHARED = 65536, 48 * 1024
# Bytes that a thread may spill: a pointer or two that no loop needs are parked there.
PARKED = 16
# The kernels of step.cu.
KERNELS = ("prepare", "gather", "drive", "sensory", "read_out", "products")
KERNELS += ("sensory_back", "finish", "adam")


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


def resources(program, architecture):
    """Registers, spilled and shared bytes of each kernel, off the compiler's log."""
    code, log = compiled(program, architecture, "--ptxas-options=-v")
    assert code[:4] == b"\x7fELF"
    found = {}
    for part in log.split("Compiling entry function")[1:]:
        name = re.search(r"'(\w+)'", part)[1]
        spilled = int(re.search(r"(\d+) bytes spill stores", part)[1])
        registers = int(re.search(r"Used (\d+) registers", part)[1])
        shared = re.search(r"(\d+) bytes smem", part)
        found[name] = (registers, spilled, int(shared[1]) if shared else 0)
    return found


def assert_fit(found, threads):
    """Check that kernels fit in a block's registers and memory; spills are parked."""
    assert found.keys() == threads.keys()
    for kernel, (registers, spilled, shared) in found.items():
        assert spilled <= PARKED, kernel
        # The hardware gives out registers by eight.
        assert -(-registers // 8) * 8 * threads[kernel] <= REGISTERS
        assert shared <= SHARED


# Wider ones on the oldest and the newest alone.
SHAPES = [
    pytest.param(
        name, architecture, marks=[] if name.endswith("32") else pytest.mark.slow
    )
    for name in MAIN
    for architecture in ("sm_75", "sm_80", "sm_90")
    if name.endswith("32") or architecture != "sm_80"
]


@pytest.mark.parametrize(("name", "architecture"), SHAPES)
def test__nvrtc__main_shapes__fit_without_spilling_what_is_used(
    name, architecture, compiler
):
    plan = plan_of(MAIN[name]())
    threads = dict(zip(("forward", "backward"), plan.threads, strict=True))
    assert_fit(resources(plan.program(torch.float32), architecture), threads)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("architecture", ["sm_75", "sm_80", "sm_90"])
def test__nvrtc__kernels_around_the_passes__fit(architecture, dtype, compiler):
    threads = dict.fromkeys(KERNELS, trainer.THREADS)
    threads |= dict.fromkeys(("gather", "read_out"), trainer.READERS)
    program = Program("step.cu", (("ACTIVATION", 0),), dtype)
    assert_fit(resources(program, architecture), threads)


# What else compiles other code: sizes and wirings do not.
CODE = ("MODE", "SOLVER", "MEMORY", "ACTIVATION")


def kind_of(plan):
    """What decides which code of a source is compiled."""
    known = tuple(plan.defines.get(name) for name in CODE)
    is_deep = plan.source == "backbone.cu" and plan.defines["LAYERS"] > 1
    return plan.source, known, is_deep


def kinds():
    """One cell of each kind in each precision, but those of `MAIN`."""
    plans = {name: plan_of(cell()) for name, cell in CELLS.items()}
    done = {(kind_of(plan_of(cell())), torch.float32) for cell in MAIN.values()}
    for name, plan in plans.items():
        for dtype in (torch.float32, torch.float64):
            if plan is not None and (kind_of(plan), dtype) not in done:
                done.add((kind_of(plan), dtype))
                yield name, dtype


@pytest.mark.slow
@pytest.mark.parametrize(("name", "dtype"), list(kinds()))
def test__nvrtc__every_kind_of_cell__compiles(name, dtype, compiler):
    found = resources(plan_of(CELLS[name]()).program(dtype), "sm_90")
    assert found.keys() == {"forward", "backward"}
    for _, _, shared in found.values():
        assert shared <= SHARED


def test__nvrtc__an_error__is_told(compiler):
    with pytest.raises(nvrtc.CompileError, match="no_such_type"):
        nvrtc.load().compile("no_such_type x;", {}, {}, "sm_90")
