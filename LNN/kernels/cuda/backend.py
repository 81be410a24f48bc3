"""The entry of the CUDA kernels in the registry of backends."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import torch
from torch import Tensor

from LNN._warnings import warn
from LNN.cells.base import Cell, transformed
from LNN.cells.exporting import exporting
from LNN.cells.hooks import are_parts_watched
from LNN.kernels.backend import (
    Backend,
    Missing,
    Resident,
    ResidentTrainer,
    Trained,
)
from LNN.kernels.cuda import nvrtc
from LNN.kernels.cuda.driver import DriverError
from LNN.kernels.cuda.plans import LIMITS, fits, has_dropout, plan_of
from LNN.kernels.cuda.program import LOADERS, Program, load
from LNN.kernels.cuda.steps import Loop
from LNN.kernels.cuda.trainer import trainer_of
from LNN.kernels.cuda.trial import fault_of
from LNN.kernels.torch_loop import without_padding
from LNN.kernels.watching import is_forward_mode, is_watched

PRECISIONS = (torch.float32, torch.float64)


class CudaBackend(Backend):
    """Whole sequences in CUDA C on NVIDIA's GPUs, forward and backward."""

    name = "cuda"

    def __init__(self) -> None:
        self._trying = threading.RLock()
        self._failed: dict[tuple[Program, torch.device], str] = {}
        self._passed: set[tuple[Program, torch.device]] = set()

    def missing(self) -> Missing | None:
        """Tell why there are no kernels: no GPU, or no compiler."""
        if not torch.cuda.is_available():
            return Missing(
                "torch finds no CUDA device",
                "use a machine with an NVIDIA GPU and a torch built for CUDA",
                warns_on="",
            )
        if torch.version.hip is not None:
            return Missing(
                "this torch is built for AMD, the kernels are for NVIDIA",
                "use an NVIDIA GPU",
                warns_on="",
            )
        if nvrtc.load() is None:
            reason = "there is no compiler (NVRTC) for them"
            return Missing(reason, nvrtc.INSTALL, warns_on="cuda")
        return None

    def describe(self) -> str:
        """Tell the devices, the compiler, and what failed to compile."""
        compiler = nvrtc.load()
        assert compiler is not None
        names = ", ".join(
            torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())
        )
        version = ".".join(map(str, compiler.version))
        text = f"available on {names}, compiled by NVRTC {version}, {compiler.file}"
        for (program, device), reason in self._failed.items():
            text += f"; {program.source} does not run on {device}: {reason}"
        return text

    def limits(self) -> Mapping[str, str]:
        """Return what stays on the torch backend, and why."""
        return LIMITS

    def supports(self, cell: Cell, device: torch.device, dtype: torch.dtype) -> bool:
        """Tell whether there are kernels for the cell as it is set now."""
        if device.type not in LOADERS or dtype not in PRECISIONS or has_dropout(cell):
            return False
        plan = plan_of(cell)
        if plan is None or not fits(plan, dtype):
            return False
        return self._works(plan.program(dtype), cell, device)

    def can_run(
        self, cell: Cell, inputs: Tensor, state: Tensor, timespans: Tensor
    ) -> bool:
        """Tell whether there are kernels for this call (`LIMITS`)."""
        # First of all: a transform would get into what is remembered of a cell.
        if transformed() or torch.compiler.is_compiling() or exporting():
            return False
        tensors = (inputs, state, timespans)
        device, dtype = inputs.device, inputs.dtype
        return (
            not is_watched(*tensors)
            and all(t.device == device and t.dtype is dtype for t in tensors)
            and inputs.numel() > 0
            and state.numel() > 0
            and not torch.is_autocast_enabled(device.type)
            and not is_forward_mode()
            and not are_parts_watched(cell)
            and self.supports(cell, device, dtype)
        )

    def run(
        self,
        cell: Cell,
        inputs: Tensor,
        state: Tensor,
        timespans: Tensor,
        lengths: Tensor | None,
        all_states: bool = True,
    ) -> tuple[Tensor | None, Tensor]:
        """Run the kernels over the sequences (see `Backend.run`)."""
        plan = plan_of(cell)
        assert plan is not None
        inputs = without_padding(inputs, lengths)
        drive, start, constants = plan.enter(cell, inputs, state)
        states, final = Loop(plan, cell).run(
            drive, start, timespans, lengths, constants, all_states
        )
        left = None if states is None else plan.leave(cell, states)
        return left, plan.leave(cell, final)

    def resident_trainer(
        self, network: Trained, data: Resident
    ) -> ResidentTrainer | None:
        """Return what takes steps in few launches, where there are kernels for all."""
        return trainer_of(network, data)

    def _works(self, program: Program, cell: Cell, device: torch.device) -> bool:
        """Tell whether a program is right on a device; if not, tell the user, once.

        It is compiled, and solves a small problem beside torch, when it is first asked
        for: no test can stand for a GPU, driver and compiler that it has not seen.
        """
        key = (program, device)
        if key in self._passed:
            return True
        with self._trying:  # one of the fits in threads, for all of them
            self._try_once(key, cell)
        return key in self._passed

    def _try_once(self, key: tuple[Program, torch.device], cell: Cell) -> None:
        program, device = key
        if key not in self._passed and key not in self._failed:
            fault = self._fault(program, cell, device)
            if fault is None:
                self._passed.add(key)
            else:
                self._failed[key] = fault
                warn(
                    f"LNN's kernels {program.source} do not run on {device}, so torch "
                    f"does their work, more slowly: {fault}. "
                    'backend="torch" ends this warning.'
                )

    def _fault(self, program: Program, cell: Cell, device: torch.device) -> str | None:
        try:
            load(program, device)
            return fault_of(self.run, cell, device, program.dtype)
        # Torch reports faults of a kernel as RuntimeError.
        except (nvrtc.CompileError, DriverError, OSError, RuntimeError) as error:
            return str(error)
