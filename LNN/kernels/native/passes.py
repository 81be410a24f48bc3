"""A cell's two passes over batches without autograd, on memory that is kept."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from LNN.cells.base import Cell
from LNN.kernels.native import threads
from LNN.kernels.native.ability import can_run, probe
from LNN.kernels.native.description import CellDescription, description_of
from LNN.kernels.native.library import functions, load
from LNN.kernels.native.mirror import ISAS
from LNN.kernels.native.problem import (
    Memory,
    address,
    make_problem,
    place_all,
    place_data,
)


class Passes:
    """Runs one cell forward and backward, from zeros, batch after batch.

    `Call` makes its problem, results and gradients anew each time, as autograd may keep
    them. Here they are those of the batch before, while batches have one shape.

    Parameters
    ----------
    cell : Cell
        One that the library has a kernel for. Its weights may change between batches,
        in place.
    gradients : mapping from int to Tensor
        Where the gradient of each parameter goes, by the parameter's `id`.
    needs_inputs : bool
        Whether the gradient of the inputs is wanted.
    """

    def __init__(self, cell: Cell, gradients: Mapping[int, Tensor], needs_inputs: bool):
        description = description_of(cell)
        assert description is not None
        self._cell, self._description = cell, description
        self._probe = probe(cell, next(cell.parameters()).dtype)
        self._needs_inputs = needs_inputs
        own = description.parameters(cell)
        self._weights = [None if p is None else p.detach() for p in own]
        self._targets = [None if p is None else gradients[id(p)] for p in own]
        self._room: _Room | None = None

    def holds(self) -> bool:
        """Tell whether the cell still is what this was made for."""
        cell = self._cell
        return description_of(cell) is self._description and can_run(cell, *self._probe)

    def forward(
        self, inputs: Tensor, timespans: Tensor | None, lengths: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return all states (B, T, S) and the final ones; the next batch takes both.

        All arguments contiguous, lengths of int64; time spans may be None for ones.
        """
        # With and without lengths, the library takes the same memory.
        if self._room is None or self._room.shape != inputs.shape:
            self._room = None  # before there is another one beside it
            self._room = self._make_room(inputs, lengths)
        room = self._room
        spans = room.ones if timespans is None else timespans
        place_data(room.problem, inputs, room.start, spans, lengths)
        if room.joined is not None:
            # Copies of the weights, which are others at each step.
            room.joined = list(self._description.pack(self._weights))
            place_all(room.problem.parameters, room.joined, room.problem.memory)
        room.run(backward=0)
        return room.states, room.final

    def backward(
        self, grad_states: Tensor | None, grad_final: Tensor | None
    ) -> Tensor | None:
        """Fill in the gradients of the batch; return that of the inputs if wanted."""
        room = self._room
        assert room is not None
        problem = room.problem
        problem.grad_states, problem.grad_final = (
            address(grad_states),
            address(grad_final),
        )
        room.run(backward=1)
        if room.joined is not None:
            found = self._description.unpack(room.gradients)
            for target, gradient in zip(self._targets, found, strict=True):
                if target is not None and gradient is not None:
                    target.copy_(gradient)
        return room.grad_inputs

    def _make_room(self, inputs: Tensor, lengths: Tensor | None) -> _Room:
        packed = list(self._description.pack(self._weights))
        # Some cells' weights go to the library one by one, those of others joined.
        same = len(packed) == len(self._weights)
        same = same and all(map(_is, packed, self._weights))
        gradients = self._targets
        if not same:
            gradients = [None if p is None else torch.empty_like(p) for p in packed]
        room = _Room(self._cell, self._description, inputs, lengths, packed, gradients)
        room.joined = None if same else packed
        if self._needs_inputs:
            room.grad_inputs = torch.empty_like(inputs)
            room.problem.grad_inputs = address(room.grad_inputs)
        return room


def _is(a: object, b: object) -> bool:
    return a is b


class _Room:
    """One problem, and the memory for batches of its shape."""

    joined: list[Tensor | None] | None = None
    grad_inputs: Tensor | None = None

    def __init__(
        self,
        cell: Cell,
        description: CellDescription,
        inputs: Tensor,
        lengths: Tensor | None,
        parameters: list[Tensor | None],
        gradients: Sequence[Tensor | None],
    ):
        library = functions()
        batch, steps, _ = inputs.shape
        self.shape = inputs.shape
        self.start = cell.zero_state(inputs)
        self.ones = inputs.new_ones(batch, steps)
        self.states = inputs.new_empty(batch, steps, cell.state_size)
        self.final = torch.empty_like(self.start)
        self.gradients = gradients
        data = (inputs, self.start, self.ones, lengths)
        problem = make_problem(description.problem, ISAS[load().isa], *data, parameters)
        problem.states, problem.final = address(self.states), address(self.final)
        place_all(problem.grad_parameters, list(gradients), problem.memory)
        self.problem, self._pointer = problem, ctypes.byref(problem)
        pointer = self._pointer
        n_bytes = library.lnn_record_bytes(pointer)
        self._record = Memory(n_bytes)
        problem.record = self._record.address if n_bytes else None
        # One for both ways: neither needs what the other one leaves in it.
        sizes = [library.lnn_scratch_bytes(pointer, backward) for backward in (0, 1)]
        self._scratch = Memory(max(sizes))
        problem.scratch = self._scratch.address
        self._groups = library.lnn_groups(pointer)
        self._work = batch * steps * problem.neurons

    def run(self, backward: int) -> None:
        """Do a pass over what the problem points to now."""
        library, pointer = functions(), self._pointer
        library.lnn_prepare(pointer, backward)

        def run(group: int) -> None:
            # It holds `self`, and with it all memory: a thread may be late.
            library.lnn_run(self._pointer, backward, group)

        threads.run_all(run, self._groups, threads.thread_count(self._work))
        if backward:
            library.lnn_finish(pointer)
