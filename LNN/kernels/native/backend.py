"""The entry of the native library in the registry of backends."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor

from LNN.cells.base import Cell, transformed
from LNN.cells.exporting import exporting
from LNN.cells.hooks import is_hooked
from LNN.kernels.backend import Backend, Missing, Trained
from LNN.kernels.native import library, operators
from LNN.kernels.native.autograd import SequenceFunction
from LNN.kernels.native.call import Call
from LNN.kernels.native.description import LIMITS, description_of, has_dropout
from LNN.kernels.native.stepping import NativeStepper
from LNN.kernels.native.training import NativeTrainer
from LNN.kernels.watching import is_forward_mode, is_watched

PRECISIONS = (torch.float32, torch.float64)


class NativeBackend(Backend):
    """Whole sequences in C on the CPU, forward and backward."""

    name = "native"

    def missing(self) -> Missing | None:
        """Tell why there is no library; None if there is one."""
        found = library.load()
        return None if found else Missing(found.reason, found.remedy)

    def describe(self) -> str:
        """Tell the instruction set in use, and where the library lies."""
        isa = library.load().isa
        return f"available, instruction set {isa}, {library.FILE}"

    def limits(self) -> Mapping[str, str]:
        """Return what stays on the torch backend, and why."""
        return LIMITS

    def prepare(self, cell: Cell) -> None:
        """Describe a cell."""
        description_of(cell)

    def supports(self, cell: Cell, device: torch.device, dtype: torch.dtype) -> bool:
        """Tell whether there is a kernel for the cell as it is set now."""
        return device.type == "cpu" and _has_kernel(cell, dtype)

    def can_run(
        self, cell: Cell, inputs: Tensor, state: Tensor, timespans: Tensor
    ) -> bool:
        """Tell whether the library has a kernel for this call (`LIMITS`)."""
        return can_run(cell, inputs, state, timespans)

    def run(
        self,
        cell: Cell,
        inputs: Tensor,
        state: Tensor,
        timespans: Tensor,
        lengths: Tensor | None,
        all_states: bool = True,
    ) -> tuple[Tensor | None, Tensor]:
        """Run the library over the sequences (see `Backend.run`)."""
        return run(cell, inputs, state, timespans, lengths, all_states)

    def stepper(
        self, cell: Cell, n_streams: int, dtype: torch.dtype
    ) -> NativeStepper | None:
        """Return a stepper with the cell's weights as they are now.

        None for a cell with hooks that may change them at every step.
        """
        if is_hooked(cell):
            return None
        return NativeStepper(cell, n_streams, dtype)

    def trainer(self, network: Trained) -> NativeTrainer | None:
        """Return what trains a network; None if `run` would leave a cell to torch."""
        for cell in network.cells:
            inputs = network.weight.new_empty(1, 1, cell.input_size)
            data = (inputs, cell.zero_state(inputs), inputs[..., 0])
            # Asked here, once for many batches, what `run` asks at each call.
            if not can_run(cell, *data):
                return None
        # With mixed memory the next layer reads half of the columns only.
        chained = all(a.state_size == b.input_size for a, b in pairwise(network.cells))
        return NativeTrainer(network) if chained else None


def run(
    cell: Cell,
    inputs: Tensor,
    state: Tensor,
    timespans: Tensor,
    lengths: Tensor | None,
    all_states: bool = True,
) -> tuple[Tensor | None, Tensor]:
    """Return all states (B, T, S), or None if not wanted, and the final one (B, S)."""
    description = description_of(cell)
    assert description is not None
    parameters = description.parameters(cell)
    # Calls through ctypes cannot be traced: torch.compile gets an operator to put into
    # its graph. Else a node of autograd costs time, so there is one only if wanted.
    if torch.compiler.is_compiling():
        states, final = torch.ops.lnn.sequence(
            inputs,
            state,
            timespans,
            lengths,
            *operators.operator_arguments(description, description.pack(parameters)),
            True,
        )
    elif torch.is_grad_enabled() and _needs_gradient(
        inputs, state, timespans, *parameters
    ):
        states, final = SequenceFunction.apply(
            cell, description, lengths, inputs, state, timespans, *parameters
        )
    else:
        data = (inputs, state, timespans, lengths)
        call = Call(description.problem, data, description.pack(parameters))
        states, final = call.forward(all_states, keep_record=False)
    return (states if all_states else None), final


def can_run(cell: Cell, inputs: Tensor, state: Tensor, timespans: Tensor) -> bool:
    """Tell whether the library has a kernel for this call (`LIMITS`)."""
    # First of all: a transform would get into what is remembered of a cell.
    if transformed():
        return False
    # For torch.compile there is an operator.
    compiling = torch.compiler.is_compiling()
    if exporting() or (not compiling and is_watched(inputs, state, timespans)):
        return False
    # Empty arrays stay on torch: the library need not allow for them.
    dtype = inputs.dtype
    if not _has_kernel(cell, dtype) or not inputs.numel() or not state.numel():
        return False
    return (
        all(t.is_cpu and t.dtype is dtype for t in (inputs, state, timespans))
        and not torch.is_autocast_enabled("cpu")
        and not is_forward_mode()
    )


def _has_kernel(cell: Cell, dtype: torch.dtype) -> bool:
    """Tell whether there is a kernel for the cell as it is set now, on the CPU."""
    if dtype not in PRECISIONS or has_dropout(cell):
        return False
    # The parameters are looked at in each call: any of them may have been replaced,
    # pruned or cast since.
    description = description_of(cell)
    return description is not None and description.takes(
        description.parameters(cell), dtype
    )


def _needs_gradient(*tensors: Tensor | None) -> bool:
    return any(t is not None and t.requires_grad for t in tensors)
