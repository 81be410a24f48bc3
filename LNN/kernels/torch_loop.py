"""The `torch` backend: the cell's own step, one time step after another."""

from __future__ import annotations

from typing import Protocol

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
    inputs = without_padding(inputs, lengths)
    # All steps at once: only what depends on the state is left to the loop.
    drive, state, constants = cell.drive(inputs), cell.enter(state), cell.constants()
    states, final = steps(cell, drive, state, timespans, lengths, constants, all_states)
    return (None if states is None else cell.leave(states)), cell.leave(final)


def without_padding(inputs: Tensor, lengths: Tensor | None) -> Tensor:
    """Return inputs with zeros past each sequence's end.

    Whatever stands there, NaN included, must reach no gradient.
    """
    if lengths is None:
        return inputs
    return inputs.masked_fill(past_end(lengths, inputs.shape[1]).unsqueeze(-1), 0)


class Steps(Protocol):
    """What steps are taken with, a cell for example."""

    def step(
        self, drive: Tensor, state: Tensor, dt: Tensor, constants: tuple
    ) -> Tensor:
        """Advance the state (B, S) by dt (B, 1)."""


def steps(
    cell: Steps,
    drive: Tensor,
    state: Tensor,
    timespans: Tensor,
    lengths: Tensor | None,
    constants: tuple,
    all_states: bool = True,
) -> tuple[Tensor | None, Tensor]:
    """Take one step after another; states are in the order in which `step` works."""
    # unbind, as the gradient of an index per step would be a tensor of all steps, T
    # times.
    parts, spans = drive.unbind(1), timespans.unsqueeze(-1).unbind(1)
    states = []
    for t, (part, span) in enumerate(zip(parts, spans, strict=True)):
        new = cell.step(part, state, span, constants)
        # A sequence that has ended keeps its state.
        state = (
            new if lengths is None else torch.where((lengths > t)[:, None], new, state)
        )
        if all_states:
            states.append(state)
    if not all_states:
        return None, state
    every = torch.stack(states, dim=1)
    # Not a view, which torch.export would take for the layout of every state.
    return every, every[:, -1].contiguous()
