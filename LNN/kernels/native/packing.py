"""Where the library's own arrangement of weights comes from, as copies of memory."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from LNN.kernels.native.description import CellDescription
from LNN.kernels.native.mirror import Copy

# Numbers that belong to no parameter are 0, and no number follows on it.
FIRST = 2


class PackedWeights:
    """A cell's weights as the library reads them, and their gradients.

    The library gets most weights where they lie. Where it reads several as one, or on
    more synapses than they have, they have a second place: `pack` says what has to be
    copied there before a pass, `unpack` what back from the gradients after it.

    Parameters
    ----------
    description : CellDescription
    weights : sequence of Tensor or None
        The parameters in the description's order.
    gradients : sequence of Tensor or None, or None
        Where theirs go; None if there is no way back.

    Attributes
    ----------
    weights, gradients : list of Tensor or None
        In the library's order.
    pack, unpack : list of Copy
    """

    def __init__(
        self,
        description: CellDescription,
        weights: Sequence[Tensor | None],
        gradients: Sequence[Tensor | None] | None,
    ):
        self.pack: list[Copy] = []
        self.unpack: list[Copy] = []
        self.weights = list(description.pack(weights))
        self.gradients = list(gradients or [None] * len(weights))
        same = len(self.weights) == len(weights)
        if same and all(a is b for a, b in zip(self.weights, weights, strict=True)):
            return
        sources = _numbered(weights)
        if gradients is not None:
            empty = (None if w is None else torch.zeros_like(w) for w in self.weights)
            self.gradients = list(empty)
        for place, numbers in enumerate(description.pack(sources)):
            for begin, first, count in _runs(numbers):
                own, at = _owner(sources, first)
                part = slice(begin, begin + count), slice(at, at + count)
                self.pack.append(_copy(weights[own], self.weights[place], part[::-1]))
                if gradients is not None:
                    pair = self.gradients[place], gradients[own]
                    self.unpack.append(_copy(*pair, part))


def _numbered(tensors: Sequence[Tensor | None]) -> list[Tensor | None]:
    """Return whole numbers in the shapes of tensors, all different."""
    numbered: list[Tensor | None] = []
    first = FIRST
    for tensor in tensors:
        if tensor is None:
            numbered.append(None)
            continue
        numbers = torch.arange(first, first + tensor.numel(), device="cpu")
        numbered.append(numbers.view(tensor.shape))
        first += tensor.numel() + 1  # a gap: no run goes on from one to the next
    return numbered


def _runs(numbers: Tensor | None) -> list[tuple[int, int, int]]:
    """Return begin, first number and length of each run n, n + 1, ... of numbers."""
    if numbers is None:
        return []
    flat = numbers.flatten().numpy()
    begins = np.flatnonzero(np.diff(flat, prepend=-1) != 1)
    lengths = np.diff(begins, append=len(flat))
    runs = zip(begins.tolist(), flat[begins].tolist(), lengths.tolist(), strict=True)
    return [run for run in runs if run[1] >= FIRST]


def _owner(sources: Sequence[Tensor | None], number: int) -> tuple[int, int]:
    """Return which of the sources a number is in, and where."""
    for k, source in enumerate(sources):
        if source is not None and source.numel():
            first = int(source.flatten()[0])
            if first <= number < first + source.numel():
                return k, number - first
    raise AssertionError(number)


def _copy(source: Tensor | None, target: Tensor | None, parts: tuple) -> Copy:
    assert source is not None
    assert target is not None
    read, written = source.flatten()[parts[0]], target.flatten()[parts[1]]
    n_bytes = read.numel() * read.element_size()
    return Copy(read.data_ptr(), written.data_ptr(), n_bytes)


def table_of(copies: Sequence[Copy]) -> ctypes.Array:
    """Return copies as one table."""
    return (Copy * len(copies))(*copies)
