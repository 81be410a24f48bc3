"""When the CUDA kernels run, and what is said where they do not."""

import copy

import pytest
import torch
from cell_cases import CELLS
from kernel_cases import make_problem, rng

import LNN
from LNN.cells import CfCCell, MixedMemoryCell, WiredCfCCell
from LNN.exceptions import InvalidInputError, LNNWarning
from LNN.kernels import dispatch, torch_loop
from LNN.kernels.cuda import CudaBackend, nvrtc, plans, program, trial
from LNN.kernels.cuda.plans import plan_of

GPU = torch.device("cuda")


@pytest.fixture
def with_gpu(monkeypatch):
    """A machine that has a GPU, as far as torch's questions go."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda k: "a test's GPU")


def test__missing__no_gpu__is_no_warning(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    missing = CudaBackend().missing()
    assert "no CUDA device" in missing.reason
    assert not missing.warns_on
    with pytest.raises(InvalidInputError, match="no CUDA device.*NVIDIA GPU"):
        dispatch.resolve_backend("cuda")
    assert "no CUDA device" in LNN._show_versions.versions()["Backends"]["cuda"]


def test__missing__no_compiler__says_what_to_install(with_gpu, monkeypatch):
    monkeypatch.setattr(nvrtc, "load", lambda: None)
    missing = CudaBackend().missing()
    assert "NVRTC" in missing.reason
    assert "pip install" in missing.remedy
    assert missing.warns_on == "cuda"


def test__missing__torch_for_amd__says_so(with_gpu, monkeypatch):
    monkeypatch.setattr(torch.version, "hip", "7.0")
    assert "AMD" in CudaBackend().missing().reason


def test__describe__names_device_and_compiler(with_gpu, monkeypatch):
    found = nvrtc.Nvrtc(None, (13, 1), "libnvrtc.so.13")
    monkeypatch.setattr(nvrtc, "load", lambda: found)
    backend = CudaBackend()
    assert backend.missing() is None
    assert "a test's GPU" in backend.describe()
    assert "NVRTC 13.1" in backend.describe()


def test__supports__kernel_that_does_not_compile__warns_once_and_leaves_it_to_torch(
    with_gpu, monkeypatch
):
    def refuse(program, device):
        raise nvrtc.CompileError("no such architecture")

    monkeypatch.setitem(program.LOADERS, "cuda", refuse)
    found = nvrtc.Nvrtc(None, (13, 1), "libnvrtc.so.13")
    monkeypatch.setattr(nvrtc, "load", lambda: found)
    backend, cell = CudaBackend(), CELLS["wired exponential ncp"]()
    with pytest.warns(LNNWarning, match="no such architecture"):
        assert not backend.supports(cell, GPU, torch.float32)
    assert not backend.supports(cell, GPU, torch.float32)
    assert "wired.cu does not run on cuda: no such arch" in backend.describe()


@pytest.mark.parametrize("wrong", ["the states", "the gradient of state"])
def test__supports__kernel_that_is_wrong_on_the_device__is_never_used(
    cuda, monkeypatch, wrong
):
    right = trial._solved

    def off(run, *problem):
        found = right(run, *problem)
        if run is not torch_loop.run:
            found[wrong] = found[wrong] * 1.01
        return found

    monkeypatch.setattr(trial, "_solved", off)
    cell, cpu = CELLS["wired exponential ncp"](), torch.device("cpu")
    with pytest.warns(LNNWarning, match=f"{wrong} of a small problem is .* off"):
        assert not cuda.supports(cell, cpu, torch.float32)
    assert not cuda.supports(cell, cpu, torch.float32)


@pytest.mark.slow
def test__trial__leaves_cell_and_generators_alone(cuda):
    cell, cpu = CELLS["wired exponential ncp"](), torch.device("cpu")
    before, drawn = copy.deepcopy(cell.state_dict()), torch.get_rng_state()
    assert trial.fault_of(cuda.run, cell, cpu, torch.float64) is None
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(before[k], v) for k, v in cell.state_dict().items())
    assert all(p.grad is None for p in cell.parameters())


def test__supports__without_compiling__tells_cells_devices_and_types(cuda):
    cpu, cell = torch.device("cpu"), CELLS["wired exponential ncp"]()
    assert cuda.supports(cell, cpu, torch.float32)
    assert not cuda.supports(cell, torch.device("meta"), torch.float32)
    assert not cuda.supports(cell, cpu, torch.bfloat16)

    class Mine(WiredCfCCell):
        """Its equations may be others."""

    assert plan_of(Mine(cell.wiring)) is None


def test__plan_of__another_mode__is_another_plan():
    cell = CELLS["wired default ncp"]()
    plan = plan_of(cell)
    assert plan_of(cell) is plan
    cell.mode = "no_gate"
    assert plan_of(cell) is not plan


@pytest.mark.parametrize("name", ["CfC default 2", "memory CfC default 1"])
def test__supports__dropout_in_the_backbone__is_torchs_while_it_trains(name, cuda):
    cell, cpu = CELLS[name](), torch.device("cpu")
    getattr(cell, "cell", cell).dropout.p = 0.1
    assert not cuda.supports(cell.train(), cpu, torch.float32)
    assert cuda.supports(cell.eval(), cpu, torch.float32)


def test__supports__features_too_many_for_a_block__are_torchs(cuda):
    cpu = torch.device("cpu")
    wide = CfCCell(3, 8, backbone_units=7000)
    assert not cuda.supports(wide, cpu, torch.float32)
    plan = plan_of(CfCCell(3, 8, backbone_units=4000))
    assert plans.fits(plan, torch.float32)
    assert not plans.fits(plan, torch.float64)


def test__plan_of__backbone_of_the_users_own__is_none():
    for other in (torch.nn.Identity(), torch.nn.Linear(11, 11, bias=False)):
        cell = CELLS["CfC default 2"]()
        assert plan_of(cell) is not None
        cell.backbone[1] = other
        assert plan_of(cell) is None
        assert plan_of(MixedMemoryCell(cell)) is None


def test__plan_of__other_activation__is_another_plan():
    cell = CELLS["CfC default 2"]()
    plan = plan_of(cell)
    cell.backbone_activation = "relu"
    assert plan_of(cell) is not plan


def test__plan_of__mixed_memory__leaves_the_cells_own_plan_alone():
    cell = CELLS["memory wired default ncp"]()
    before = plan_of(cell.cell)
    assert plan_of(cell).defines["MEMORY"] == 1
    assert plan_of(cell.cell) is before
    assert before.defines["MEMORY"] == 0


def test__can_run__what_kernels_do_not_see__is_left_to_torch(cuda):
    problem = make_problem(CELLS["wired exponential ncp"](), 2, 3)
    data = (problem.cell, problem.inputs, problem.state, problem.timespans)
    assert cuda.can_run(*data)
    assert not cuda.can_run(data[0], data[1].double(), *data[2:])
    assert not cuda.can_run(data[0], data[1][:, :0], data[2], data[3][:, :0])
    with torch.autocast("cpu"):
        assert not cuda.can_run(*data)
    with torch.autograd.forward_ad.dual_level():
        assert not cuda.can_run(*data)
    handle = problem.cell.ff1_recurrent_index.register_forward_hook(print)
    assert not cuda.can_run(*data)
    handle.remove()
    assert cuda.can_run(*data)


def test__auto__on_the_device__takes_the_kernels(cuda, monkeypatch):
    # The CPU stands for the device: native is not asked.
    monkeypatch.setattr(cuda, "missing", lambda: None)
    monkeypatch.setattr(dispatch, "REGISTRY", (cuda, dispatch.REGISTRY[-1]))
    layer = LNN.CfC(3, 8, mode="exponential", generator=rng())
    x = torch.randn(2, 5, 3, generator=rng(1))
    assert layer.backend_for(x.device, x.dtype) == "cuda"
    layer(x)[0].square().sum().backward()
    found = {name: p.grad for name, p in layer.named_parameters()}
    other = LNN.CfC(3, 8, mode="exponential", backend="torch", generator=rng())
    other(x)[0].square().sum().backward()
    for name, parameter in other.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad)
