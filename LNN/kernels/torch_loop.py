"""The `torch` backend: the cell's own step, one time step after another."""

from __future__ import annotations

import torch
from torch import Tensor

from LNN.cells.base import Cell, past_end
from LNN.cells.exporting import refuse_free_time
from LNN.kernels.backend import Backend


class TorchLoop(Backend):
    """Runs every cell, on every device and in every dtype that torch has."""

    name = "torch"

    def missing(self) -> None:
        """Return None: LNN depends on torch."""

    def describe(self) -> str:
        """Tell on which devices torch runs."""
        return "available on CPU" + (" and CUDA" if torch.cuda.is_available() else "")

    def supports(self, cell: Cell, device: torch.device, dtype: torch.dtype) -> bool:
        """Return True."""
        return True

    def can_run(
        self, cell: Cell, inputs: Tensor, state: Tensor, timespans: Tensor
    ) -> bool:
        """Return True."""
        return True

    def run(
        self,
        cell: Cell,
        inputs: Tensor,
        state: Tensor,
        timespans: Tensor,
        lengths: Tensor | None,
        all_states: bool = True,
    ) -> tuple[Tensor | None, Tensor]:
        """Run the cell's own step over the sequences (see `Backend.run`)."""
        return run(cell, inputs, state, timespans, lengths, all_states)


def run(
    cell: Cell,
    inputs: Tensor,
    state: Tensor,
    timespans: Tensor,
    lengths: Tensor | None,
    all_states: bool = True,
) -> tuple[Tensor | None, Tensor]:
    """Return all states (B, T, S), or None if not wanted, and the final one (B, S)."""
    refuse_free_time(inputs.shape[1])
    if lengths is not None:
        # Whatever stands in the padding, NaN included, must reach no gradient.
        padded = past_end(lengths, inputs.shape[1])
        inputs = inputs.masked_fill(padded.unsqueeze(-1), 0)
    # All steps at once: only what depends on the state is left to the loop. unbind, as
    # the gradient of an index per step would be a tensor of all steps, T times.
    drive = cell.drive(inputs).unbind(1)
    spans = timespans.unsqueeze(-1).unbind(1)
    constants = cell.constants()
    state = cell.enter(state)
    states = []
    for t in range(inputs.shape[1]):
        new = cell.step(drive[t], state, spans[t], constants)
        # A sequence that has ended keeps its state.
        state = (
            new if lengths is None else torch.where((lengths > t)[:, None], new, state)
        )
        if all_states:
            states.append(state)
    if not all_states:
        return None, cell.leave(state)
    every = cell.leave(torch.stack(states, dim=1))
    # Not a view, which torch.export would take for the layout of every state.
    return every, every[:, -1].contiguous()
