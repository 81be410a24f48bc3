"""One problem of the library: its forward and its backward pass, and their memory."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from LNN.kernels.native import threads
from LNN.kernels.native.library import functions, load
from LNN.kernels.native.mirror import ISAS, Problem
from LNN.kernels.native.problem import (
    Memory,
    address,
    make_problem,
    place_all,
    place_data,
)

# Inputs, state, timespans and lengths.
Data = tuple[Tensor, Tensor, Tensor, Tensor | None]


def _as_read(
    inputs: Tensor, state: Tensor, timespans: Tensor, lengths: Tensor | None
) -> Data:
    """Return data as the library reads it."""
    if lengths is not None:
        lengths = lengths.to(torch.int64).contiguous()
    return inputs.contiguous(), state.contiguous(), timespans.contiguous(), lengths


class Call:
    """One problem of the library: its two passes, and the memory that they share.

    Parameters
    ----------
    cell : Problem
        What `problem.cell_problem` says of the cell.
    data : tuple of Tensor
        Inputs, state, timespans and lengths (or None).
    parameters : sequence of Tensor or None
        As `CellDescription.pack` orders them.
    """

    def __init__(self, cell: Problem, data: Data, parameters: Sequence[Tensor | None]):
        # The library reads plain rows of memory and knows no strides.
        self.parameters = [None if p is None else p.contiguous() for p in parameters]
        isa = ISAS[load().isa]
        self.problem = make_problem(cell, isa, *_as_read(*data), self.parameters)
        self.record: Tensor | None = None

    def let_go(self) -> Tensor | None:
        """Drop data and record, and return the record."""
        record, self.record = self.record, None
        self.problem.data = self.problem.record = None
        return record

    def take(self, data: Data, record: Tensor | None) -> None:
        """Go on with the same data, and with the record that `let_go` returned."""
        place_data(self.problem, *_as_read(*data))
        if record is not None:
            self._use(record)

    def _use(self, record: Tensor) -> None:
        # It has to start with a line of the cache, as torch's memory does; what a hook
        # of autograd brings back may not. Without a record `backward` replays.
        if record.data_ptr() % 64 == 0:
            self.record, self.problem.record = record, address(record)

    def forward(self, all_states: bool, keep_record: bool) -> tuple[Tensor, Tensor]:
        """Return all states (B, T, S), or (B, 0, S) if not wanted, and the final ones.

        With `keep_record` what was computed on the way is kept for `backward`, if
        that is worth its memory.
        """
        inputs, state, _, _ = self.problem.data
        steps = inputs.shape[1] if all_states else 0
        states = inputs.new_empty(inputs.shape[0], steps, state.shape[1])
        final = torch.empty_like(state)
        self.problem.states = address(states) if all_states else None
        self.problem.final = address(final)
        if keep_record:
            n_bytes = functions().lnn_record_bytes(ctypes.byref(self.problem))
            if n_bytes:
                # Not on torch's default device: the library reads and writes here.
                self._use(torch.empty(n_bytes, dtype=torch.uint8, device="cpu"))
        self._execute(0, states, final, self.record)
        return states, final

    def backward(
        self,
        states: Tensor,
        grad_states: Tensor | None,
        grad_final: Tensor | None,
        wanted: tuple[bool, ...] = (True, True, True),
    ) -> tuple:
        """Return gradients of inputs, state, timespans, and a list of parameters'."""
        problem = self.problem
        states = states.contiguous()
        incoming = [
            g if g is None else g.contiguous() for g in (grad_states, grad_final)
        ]
        pairs = zip(problem.data[:3], wanted, strict=False)
        data = [torch.empty_like(t) if want else None for t, want in pairs]
        grads = [None if p is None else torch.empty_like(p) for p in self.parameters]
        problem.states = address(states)
        problem.grad_states, problem.grad_final = map(address, incoming)
        targets = map(address, data)
        problem.grad_inputs, problem.grad_start, problem.grad_timespans = targets
        place_all(problem.grad_parameters, grads, problem.memory)
        self._execute(1, states, incoming, data, grads, self.record)
        return (*data, grads)

    def _execute(self, backward: int, *buffers: Any) -> None:
        """Do a pass over what the problem points to now, `buffers` among it."""
        library, problem = functions(), self.problem
        pointer = ctypes.byref(problem)
        # The library allocates nothing itself: no pass can fail half way.
        scratch = Memory(library.lnn_scratch_bytes(pointer, backward))
        problem.scratch = scratch.address
        library.lnn_prepare(pointer, backward)
        groups = library.lnn_groups(pointer)
        work = problem.batch * problem.steps * problem.neurons

        def run(group: int, _kept: Any = (buffers, scratch)) -> None:
            # It keeps all memory, the problem what is read: a thread may be late.
            library.lnn_run(pointer, backward, group)

        threads.run_all(run, groups, threads.thread_count(work))
        if backward:
            library.lnn_finish(pointer)
