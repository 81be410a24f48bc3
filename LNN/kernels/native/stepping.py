"""One step at a time on the native library, for streams: weights are packed once."""

from __future__ import annotations

import ctypes
from typing import Any

import torch

from LNN.cells.base import Cell
from LNN.kernels.native import threads
from LNN.kernels.native.description import description_of
from LNN.kernels.native.library import functions, load
from LNN.kernels.native.mirror import ISAS
from LNN.kernels.native.problem import Memory, make_problem


class NativeStepper:
    """Carries the states of many streams through one cell.

    A call of `run` describes the problem, packs the weights and makes its outputs
    anew each time, which takes ten times as long as one step of one stream. Here all of
    that is kept: a step writes its inputs where the library reads them.

    Parameters
    ----------
    cell : Cell
        One that the library has a kernel for. Its weights are those of now: make
        another stepper when they have changed.
    n_streams : int
    dtype : torch.dtype

    Attributes
    ----------
    inputs : ndarray of shape (n_streams, input_size)
        Fill in before `advance`.
    timespans : ndarray of shape (n_streams,)
        Fill in before `advance`.
    state : ndarray of shape (n_streams, state_size)
        The state after the last `advance`; may be written.
    """

    def __init__(self, cell: Cell, n_streams: int, dtype: torch.dtype):
        how: dict[str, Any] = {"dtype": dtype, "device": "cpu"}
        inputs = torch.zeros(n_streams, 1, cell.input_size, **how)
        timespans = torch.ones(n_streams, 1, **how)
        state = cell.zero_state(inputs)
        self.inputs = inputs.numpy()[:, 0]
        self.timespans = timespans.numpy()[:, 0]
        self.state = state.numpy()
        description = description_of(cell)
        assert description is not None
        # Copies: some weights are read at every step, not packed, and may change.
        parameters = [
            None
            if p is None
            else p.detach().clone(memory_format=torch.contiguous_format)
            for p in description.pack(list(description.parameters(cell)))
        ]
        library = functions()
        data = (inputs, state, timespans, None)
        problem = make_problem(description.problem, ISAS[load().isa], *data, parameters)
        # The final state takes the place of the first one: a kernel has read all of a
        # sample's state before it writes any.
        problem.final = problem.start
        pointer = ctypes.byref(problem)
        scratch = Memory(library.lnn_scratch_bytes(pointer, 0))
        problem.scratch = scratch.address
        library.lnn_prepare(pointer, 0)
        self._run, self._pointer = library.lnn_run, pointer
        self._groups = library.lnn_groups(pointer)
        self._work = n_streams * cell.state_size
        # What the library reads by address must live as long as this.
        self._kept = (problem, scratch)

    def advance(self) -> None:
        """Take one step of all streams."""
        # The usual case; asking for threads takes longer than such a step.
        if self._groups == 1:
            self._run(self._pointer, 0, 0)
            return
        threads.run_all(
            lambda group: self._run(self._pointer, 0, group),
            self._groups,
            threads.thread_count(self._work),
        )
