"""The entry of the native library in the registry of backends."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor

from LNN.cells.base import Cell
from LNN.cells.hooks import is_hooked
from LNN.kernels.backend import Backend, Missing, Trained
from LNN.kernels.native import library, operators
from LNN.kernels.native.ability import can_run, has_kernel, probe
from LNN.kernels.native.autograd import SequenceFunction
from LNN.kernels.native.call import Call
from LNN.kernels.native.description import LIMITS, description_of
from LNN.kernels.native.stepping import NativeStepper
from LNN.kernels.native.training import NativeTrainer


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
        return device.type == "cpu" and has_kernel(cell, dtype)

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
        dtype = network.weight.dtype
        # Asked here, once for many batches, what `run` asks at each call.
        if not all(can_run(cell, *probe(cell, dtype)) for cell in network.cells):
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


def _needs_gradient(*tensors: Tensor | None) -> bool:
    return any(t is not None and t.requires_grad for t in tensors)
