"""A cell's two passes over batches without autograd, on memory that is kept."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

import torch
from torch import Tensor

from LNN.cells.base import Cell
from LNN.kernels.native import threads
from LNN.kernels.native.description import description_of
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

    `Call` makes its problem, results and gradients anew, as autograd may keep them.
    Here they are those of the batch before, while batches have one shape.

    Parameters
    ----------
    cell : Cell
        One that the library has a kernel for. Its weights may change between batches,
        in place.
    gradients : mapping from int to Tensor
        Where the gradient of each parameter goes, by its `id`.
    needs_inputs : bool
        Whether the gradient of the inputs is wanted.
    """

    def __init__(self, cell: Cell, gradients: Mapping[int, Tensor], needs_inputs: bool):
        description = description_of(cell)
        assert description is not None
        self._cell, self._description = cell, description
        self._needs_inputs = needs_inputs
        own = description.parameters(cell)
        self._targets = [None if p is None else gradients[id(p)] for p in own]
        self._weights = [None if p is None else p.detach() for p in own]
        packed = description.pack(self._weights)
        # Some cells' weights are joined for the library: copies, made at each pass.
        pairs = zip(packed, self._weights, strict=False)
        self._joins = len(packed) != len(own) or any(a is not b for a, b in pairs)
        self._shape: tuple | None = None

    def forward(
        self, inputs: Tensor, timespans: Tensor | None, lengths: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return all states (B, T, S) and the final ones, until the next batch."""
        shape = (*inputs.shape, lengths is None)
        if shape != self._shape:
            self._make_room(inputs, lengths)
            self._shape = shape
        spans = self._ones if timespans is None else timespans
        problem = self._problem
        place_data(problem, inputs, self._start, spans, lengths)
        if self._joins:
            self._join()
        problem.grad_states = problem.grad_final = None
        self._run(0)
        return self._states, self._final

    def backward(
        self, grad_states: Tensor | None, grad_final: Tensor | None
    ) -> Tensor | None:
        """Fill in the gradients of the batch; return that of the inputs if wanted."""
        problem = self._problem
        problem.grad_states, problem.grad_final = map(
            address, (grad_states, grad_final)
        )
        self._run(1)
        functions().lnn_finish(self._pointer)
        if self._joins:
            found = self._description.unpack(self._gradients)
            for target, gradient in zip(self._targets, found, strict=True):
                if target is not None:
                    target.copy_(gradient)
        return self._grad_inputs

    def _make_room(self, inputs: Tensor, lengths: Tensor | None) -> None:
        """Lay out the problem of batches of one shape."""
        library, cell = functions(), self._cell
        batch, steps, _ = inputs.shape
        self._start = cell.zero_state(inputs)
        self._ones = inputs.new_ones(batch, steps)
        self._states = inputs.new_empty(batch, steps, cell.state_size)
        self._final = torch.empty_like(self._start)
        self._grad_inputs = torch.empty_like(inputs) if self._needs_inputs else None
        packed = self._description.pack(self._weights)
        self._gradients = (
            [None if p is None else torch.empty_like(p) for p in packed]
            if self._joins
            else self._targets
        )
        problem = make_problem(
            self._description.problem,
            ISAS[load().isa],
            inputs,
            self._start,
            self._ones,
            lengths,
            list(packed),
        )
        problem.states, problem.final = map(address, (self._states, self._final))
        problem.grad_inputs = address(self._grad_inputs)
        place_all(problem.grad_parameters, self._gradients, problem.memory)
        self._problem, self._pointer = problem, ctypes.byref(problem)
        pointer = self._pointer
        self._record = Memory(library.lnn_record_bytes(pointer))
        if library.lnn_record_bytes(pointer):
            problem.record = self._record.address
        # Either pass finds nothing there that the other one needs.
        sizes = [library.lnn_scratch_bytes(pointer, way) for way in (0, 1)]
        self._scratch = Memory(max(sizes))
        problem.scratch = self._scratch.address
        self._groups = library.lnn_groups(pointer)
        self._work = problem.batch * problem.steps * problem.neurons

    def _join(self) -> None:
        packed = list(self._description.pack(self._weights))
        place_all(self._problem.parameters, packed, self._problem.memory)
        self._packed = packed  # the problem holds addresses only

    def _run(self, backward: int) -> None:
        library, pointer = functions(), self._pointer
        library.lnn_prepare(pointer, backward)
        # The usual case; asking for threads takes longer than the call.
        if self._groups == 1:
            library.lnn_run(pointer, backward, 0)
            return

        def run(group: int) -> None:
            # It holds `self`, and with it all memory: a thread may be late.
            library.lnn_run(self._pointer, backward, group)

        threads.run_all(run, self._groups, threads.thread_count(self._work))
