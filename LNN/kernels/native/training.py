"""A whole training step on the library: passes, read-out and loss, Adam."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from LNN.cells.base import Cell
from LNN.kernels.backend import SampleTable, Trained
from LNN.kernels.native.call import Call, Data
from LNN.kernels.native.descent import AdamRecord
from LNN.kernels.native.description import description_of
from LNN.kernels.native.epochs import NativeEpochs, NativeLosses
from LNN.kernels.native.library import functions
from LNN.kernels.native.passes import Passes
from LNN.kernels.native.problem import address
from LNN.kernels.native.readout import ReadoutRecord


class NativeTrainer:
    """Gradients of a network, and Adam's steps, without autograd.

    Parameters
    ----------
    network : Trained
        Of cells that the library has kernels for.

    Attributes
    ----------
    grad_inputs : Tensor of shape (B, T, F), or None
        The gradient of the last batch's inputs, if it is wanted.
    """

    def __init__(self, network: Trained):
        self._network = network
        self._passes = [
            Passes(cell, network.gradients, needs_inputs=k > 0 or network.needs_inputs)
            for k, cell in enumerate(network.cells)
        ]
        self.grad_inputs: Tensor | None = None
        self._head = _Head(network)
        self._adam = None if network.adam is None else AdamRecord(network.adam)

    def gradient(
        self,
        inputs: Tensor,
        timespans: Tensor | None,
        lengths: Tensor | None,
        target: Tensor,
        weight: Tensor | None,
    ) -> float:
        """Fill in the gradients of a batch, and return its loss."""
        states = final = inputs.contiguous()
        spans, lengths = _as_read(timespans, lengths)
        for layer in self._passes:
            states, final = layer.forward(states, spans, lengths)
        total, *above = self._head.run(states, final, lengths, target, weight)
        for layer in reversed(self._passes):
            above = [layer.backward(*above), None]
        self.grad_inputs = above[0]
        return total

    def loss(
        self,
        inputs: Tensor,
        timespans: Tensor | None,
        lengths: Tensor | None,
        target: Tensor,
        weight: Tensor | None,
    ) -> float:
        """Return the loss of a batch alone."""
        states = final = inputs.contiguous()
        spans, lengths = _as_read(timespans, lengths)
        if spans is None:
            spans = inputs.new_ones(inputs.shape[:2])
        cells, pooling = self._network.cells, self._network.pooling
        for cell in cells:
            data = states, cell.zero_state(states), spans, lengths
            # Only the last layer's states that are read are kept.
            every = cell is not cells[-1] or pooling != ("last",)
            states, final = _forward(cell, data, every)
        shape = inputs.shape[0], inputs.shape[1]
        head = _Head(self._network, goes_back=False)
        return head.loss(shape, states, final, lengths, target, weight)

    def adam_step(
        self, divisor: float, step: int, rate: float, momentum: float
    ) -> None:
        """Clip the gradients, divided by a number, and take a step of Adam."""
        assert self._adam is not None
        record = self._adam.record
        record.divisor, record.step = divisor, step
        record.rate, record.momentum = rate, momentum
        functions().lnn_adam_step(ctypes.byref(record))

    def holds(self) -> bool:
        """Tell whether the cells still are what the trainer was made for."""
        return all(layer.holds() for layer in self._passes)

    def epochs(self, table: SampleTable, batch_size: int) -> NativeEpochs | None:
        """Return what takes steps on batch after batch; None if it cannot read them."""
        network = self._network
        if network.needs_inputs or network.adam is None:
            return None
        found = NativeEpochs(network, table, batch_size)
        return found if found.fits else None

    def losses(self, table: SampleTable, batch_size: int) -> NativeLosses | None:
        """Return what adds losses up; None if it cannot read the batches."""
        if self._network.needs_inputs:
            return None
        found = NativeLosses(self._network, table, batch_size)
        return found if found.fits else None


def _as_read(
    timespans: Tensor | None, lengths: Tensor | None
) -> tuple[Tensor | None, Tensor | None]:
    """Return both as the library reads them: plain rows of memory, no strides."""
    if lengths is not None:
        lengths = lengths.to(torch.int64).contiguous()
    return None if timespans is None else timespans.contiguous(), lengths


def _forward(cell: Cell, data: Data, all_states: bool) -> tuple[Tensor, Tensor]:
    description = description_of(cell)
    assert description is not None
    weights = description.pack(description.parameters(cell))
    call = Call(description.problem, data, weights)
    return call.forward(all_states, keep_record=False)


class _Head:
    """What lies between the states of the last layer and the loss, there and back."""

    def __init__(self, network: Trained, goes_back: bool = True):
        self._readout = ReadoutRecord(network, goes_back)
        self._pooling, self._dtype = network.pooling, network.weight.dtype
        self._shape: torch.Size | None = None

    def run(
        self,
        states: Tensor,
        final: Tensor,
        lengths: Tensor | None,
        target: Tensor,
        weight: Tensor | None,
    ) -> tuple[float, Tensor | None, Tensor | None]:
        """Return the loss, and the gradients of all states and of the final ones."""
        if states.shape != self._shape:
            self._make_room(states, final)
        shape = states.shape[0], states.shape[1]
        total = self.loss(shape, states, final, lengths, target, weight)
        return total, self._grad_states, self._grad_final

    def loss(
        self,
        shape: tuple[int, int],
        states: Tensor,
        final: Tensor,
        lengths: Tensor | None,
        target: Tensor,
        weight: Tensor | None,
    ) -> float:
        """Return the loss of a batch of so many samples and steps."""
        record = self._readout.record
        record.batch, record.steps = shape
        if weight is not None:
            weight = weight.to(self._dtype).contiguous()
        target = target.contiguous()
        self._refuse_other_sizes(target, weight)
        record.lengths, record.target = address(lengths), target.data_ptr()
        record.sample_weight = address(weight)
        record.states, record.final = states.data_ptr(), final.data_ptr()
        functions().lnn_read_out(ctypes.byref(record))
        return float(record.total)

    def _refuse_other_sizes(self, target: Tensor, weight: Tensor | None) -> None:
        record = self._readout.record
        n_rows = record.batch if self._pooling else record.batch * record.steps
        found = target.numel(), n_rows if weight is None else weight.numel()
        expected = n_rows * self._readout.per_row, n_rows
        if found != expected:
            raise RuntimeError(
                f"Expected {expected} targets and weights of {n_rows} rows, "
                f"got {found}. This is a defect of LNN: please report it."
            )

    def _make_room(self, states: Tensor, final: Tensor) -> None:
        record, pooling = self._readout.record, self._pooling
        # Zeros: columns that are not read, those of a memory, stay without a gradient.
        every = pooling != ("last",)
        self._grad_states = torch.zeros_like(states) if every else None
        self._grad_final = torch.zeros_like(final) if "last" in pooling else None
        record.grad_states = address(self._grad_states)
        record.grad_final = address(self._grad_final)
        self._shape = states.shape
