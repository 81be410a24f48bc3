"""What the library has a kernel for."""

from __future__ import annotations

import torch
from torch import Tensor

from LNN.cells.base import Cell, transformed
from LNN.cells.exporting import exporting
from LNN.kernels.native.description import description_of, has_dropout
from LNN.kernels.watching import is_forward_mode, is_watched

PRECISIONS = (torch.float32, torch.float64)


def probe(cell: Cell, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Return data of a precision on the CPU, to ask `can_run` for many batches."""
    inputs = torch.empty(1, 1, cell.input_size, dtype=dtype, device="cpu")
    return inputs, cell.zero_state(inputs), inputs[..., 0]


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
    if not has_kernel(cell, dtype) or not inputs.numel() or not state.numel():
        return False
    return (
        all(t.is_cpu and t.dtype is dtype for t in (inputs, state, timespans))
        and not torch.is_autocast_enabled("cpu")
        and not is_forward_mode()
    )


def has_kernel(cell: Cell, dtype: torch.dtype) -> bool:
    """Tell whether there is a kernel for the cell as it is set now, on the CPU."""
    if dtype not in PRECISIONS or has_dropout(cell):
        return False
    # The parameters are looked at in each call: any of them may have been replaced,
    # pruned or cast since.
    description = description_of(cell)
    return description is not None and description.takes(
        description.parameters(cell), dtype
    )
