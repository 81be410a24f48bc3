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
        self.gradients: list[Tensor | None] = [None] * len(self.weights)
        places = {id(w): k for k, w in enumerate(weights) if w is not None}
        own = [places.get(id(w)) for w in self.weights]
        if gradients is not None:
            pairs = zip(self.weights, own, strict=True)
            self.gradients = [
                gradients[k] if k is not None else _zeros_like(w) for w, k in pairs
            ]
        moved = [w for w, k in zip(self.weights, own, strict=True) if k is None]
        if any(w is not None for w in moved):
            self._copy_others(description, own, weights, gradients)

    def _copy_others(
        self,
        description: CellDescription,
        own: Sequence[int | None],
        weights: Sequence[Tensor | None],
        gradients: Sequence[Tensor | None] | None,
    ) -> None:
        """See to the weights that are none of the parameters themselves."""
        sources = _numbered(weights)
        for place, numbers in enumerate(description.pack(sources)):
            for begin, number, count in _runs(numbers) if own[place] is None else ():
                k, at = _owner(sources, number)
                here, there = slice(begin, begin + count), slice(at, at + count)
                self.pack.append(_copy(weights[k], there, self.weights[place], here))
                if gradients is not None:
                    found = self.gradients[place]
                    self.unpack.append(_copy(found, here, gradients[k], there))


def _zeros_like(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else torch.zeros_like(tensor)


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


def _copy(
    source: Tensor | None, read: slice, target: Tensor | None, written: slice
) -> Copy:
    assert source is not None
    assert target is not None
    begin, end = source.view(-1)[read], target.view(-1)[written]
    return Copy(begin.data_ptr(), end.data_ptr(), begin.numel() * begin.element_size())


def table_of(copies: Sequence[Copy]) -> ctypes.Array:
    """Return copies as one table."""
    return (Copy * len(copies))(*copies)
