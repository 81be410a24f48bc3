"""Filling in the struct that the library reads."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from LNN.kernels.native.mirror import (
    ABI,
    MAX_PARAMETERS,
    OPTIONS,
    STRUCTURE,
    Problem,
)


def cell_problem(
    structure: Sequence[np.ndarray], options: list[int], epsilon: float
) -> Problem:
    """Return what is the same in all problems of a cell.

    `structure` holds the arrays that csrc/problem.h names, of int64.
    """
    problem = Problem(abi=ABI, epsilon=epsilon)
    for name, value in zip(OPTIONS, options, strict=True):
        setattr(problem, name, value)
    for name, array in zip(STRUCTURE, structure, strict=False):
        setattr(problem, name, array.ctypes.data)
    if structure:
        problem.n_sensory, problem.n_recurrent = len(structure[0]), len(structure[2])
    if len(structure) > 4:
        problem.n_layers = len(structure[5])
    problem.owned = structure
    return problem


def make_problem(
    cell: Problem,
    isa: int,
    inputs: Tensor,
    state: Tensor,
    timespans: Tensor,
    lengths: Tensor | None,
    parameters: list[Tensor | None],
) -> Problem:
    """Add data and parameters to what `cell_problem` returned for a cell.

    All tensors must be contiguous. The problem keeps them, and the cell's structure;
    results, scratch and record are the caller's to keep.
    """
    problem = Problem.from_buffer_copy(cell)
    # The copy has addresses only: what they point to must live as long as it does.
    problem.owned = cell, parameters
    problem.isa, problem.precision = isa, 8 * inputs.element_size()
    problem.batch, problem.steps, problem.inputs = inputs.shape
    problem.neurons = state.shape[1] // 2 if problem.memory else state.shape[1]
    place_data(problem, inputs, state, timespans, lengths)
    place_all(problem.parameters, parameters, problem.memory)
    return problem


def place_data(
    problem: Problem,
    inputs: Tensor,
    state: Tensor,
    timespans: Tensor,
    lengths: Tensor | None,
) -> None:
    """Enter the addresses of data, and keep it."""
    problem.data = inputs, state, timespans, lengths
    problem.inputs_data, problem.start = inputs.data_ptr(), state.data_ptr()
    problem.timespans, problem.lengths = timespans.data_ptr(), address(lengths)


def place_all(table: ctypes.Array, tensors: list[Tensor | None], memory: int) -> None:
    """Enter addresses; with mixed memory the last three go to the table's end."""
    places = [None if tensor is None else tensor.data_ptr() for tensor in tensors]
    # The inner cell's parameters then have the places that they have without memory.
    if memory:
        table[MAX_PARAMETERS - 3 :] = places[-3:]
        del places[-3:]
    table[: len(places)] = places


def address(tensor: Tensor | None) -> int | None:
    """Return where a tensor's numbers lie; None if there is none."""
    return None if tensor is None else tensor.data_ptr()


class Memory:
    """Memory for the kernels, aligned to cache lines.

    Parameters
    ----------
    n_bytes : int
    """

    def __init__(self, n_bytes: int):
        # Not on torch's default device: the library reads and writes here.
        self._memory = torch.empty(n_bytes + 64, dtype=torch.uint8, device="cpu")
        start = self._memory.data_ptr()
        self.address = start + (-start) % 64
