"""A whole training step on the library: passes, read-out and loss, Adam."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from LNN.kernels.backend import AdamRule, Trained
from LNN.kernels.native.library import functions, load
from LNN.kernels.native.mirror import ISAS, LOSSES, POOLINGS, AdamStep, Readout
from LNN.kernels.native.passes import Passes
from LNN.kernels.native.problem import address


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
        self._passes = [
            Passes(cell, network.gradients, needs_inputs=k > 0 or network.needs_inputs)
            for k, cell in enumerate(network.cells)
        ]
        self.grad_inputs: Tensor | None = None
        self._head = _Head(network)
        self._adam = None if network.adam is None else _Adam(network.adam)

    def gradient(
        self,
        inputs: Tensor,
        timespans: Tensor | None,
        lengths: Tensor | None,
        target: Tensor,
        weight: Tensor | None,
    ) -> float:
        """Fill in the gradients of a batch, and return its loss."""
        # The library reads plain rows of memory and knows no strides.
        states = final = inputs.contiguous()
        spans = _contiguous(timespans)
        lengths = None if lengths is None else _contiguous(lengths.to(torch.int64))
        for layer in self._passes:
            states, final = layer.forward(states, spans, lengths)
        total, *above = self._head.run(states, final, lengths, target, weight)
        for layer in reversed(self._passes):
            above = [layer.backward(*above), None]
        self.grad_inputs = above[0]
        return total

    def adam_step(
        self, divisor: float, step: int, rate: float, momentum: float
    ) -> None:
        """Clip the gradients, divided by a number, and take a step of Adam."""
        assert self._adam is not None
        self._adam.step(divisor, step, rate, momentum)


def _contiguous(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.contiguous()


class _Head:
    """What lies between the states of the last layer and the loss, there and back."""

    def __init__(self, network: Trained):
        weight, bias = network.weight.detach(), network.bias.detach()
        gradients = [network.gradients[id(p)] for p in (network.weight, network.bias)]
        last = network.cells[-1]
        outputs, n_read = weight.shape
        levels = (ctypes.c_double * len(network.levels))(*network.levels)
        self._record = Readout(
            precision=8 * weight.element_size(),
            isa=ISAS[load().isa],
            pooling=sum(POOLINGS[part] for part in network.pooling),
            loss=LOSSES.index(network.loss),
            neurons=n_read // max(1, len(network.pooling)),
            columns=last.state_size,
            outputs=outputs,
            n_levels=max(1, len(levels)),
            levels=ctypes.addressof(levels) if levels else None,
        )
        record = self._record
        record.weight, record.bias = map(address, (weight, bias))
        record.grad_weight, record.grad_bias = map(address, gradients)
        scratch = weight.new_empty(2 * n_read + record.neurons + outputs)
        record.scratch = address(scratch)
        self._pooling, self._dtype = network.pooling, weight.dtype
        codes = network.loss == "cross_entropy"
        self._per_row = 1 if codes else outputs // record.n_levels
        # What the record points to must live as long as it does.
        self._kept = (weight, bias, gradients, levels, scratch)
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
        record = self._record
        if states.shape != self._shape:
            self._make_room(states, final)
        if weight is not None:
            weight = _contiguous(weight.to(self._dtype))
        target = target.contiguous()
        self._refuse_other_sizes(target, weight)
        record.lengths, record.target = address(lengths), target.data_ptr()
        record.sample_weight = address(weight)
        record.states, record.final = states.data_ptr(), final.data_ptr()
        functions().lnn_read_out(ctypes.byref(record))
        return record.total, self._grad_states, self._grad_final

    def _refuse_other_sizes(self, target: Tensor, weight: Tensor | None) -> None:
        found = target.numel(), self._n_rows if weight is None else weight.numel()
        expected = self._n_rows * self._per_row, self._n_rows
        if found != expected:
            raise RuntimeError(
                f"Expected {expected} targets and weights of {self._n_rows} rows, "
                f"got {found}. This is a defect of LNN: please report it."
            )

    def _make_room(self, states: Tensor, final: Tensor) -> None:
        record, pooling = self._record, self._pooling
        record.batch, record.steps, _ = states.shape
        self._n_rows = record.batch if pooling else record.batch * record.steps
        # Zeros: columns that are not read, those of a memory, stay without a gradient.
        every = pooling != ("last",)
        self._grad_states = torch.zeros_like(states) if every else None
        self._grad_final = torch.zeros_like(final) if "last" in pooling else None
        record.grad_states = address(self._grad_states)
        record.grad_final = address(self._grad_final)
        self._shape = states.shape


class _Adam:
    """Clips a gradient, and moves a vector by Adam's rule."""

    def __init__(self, rule: AdamRule):
        tensors = (rule.vector, rule.gradient, rule.mean, rule.square)
        self._kept = tensors  # the record holds addresses only
        vector, gradient, mean, square = map(address, tensors)
        self._record = AdamStep(
            precision=8 * rule.vector.element_size(),
            isa=ISAS[load().isa],
            size=rule.vector.numel(),
            clips_norm=rule.clip_by == "norm",
            decay_apart=rule.decay_apart,
            clip=rule.clip_value or 0.0,
            decay=rule.decay,
            epsilon=rule.epsilon,
            weight_decay=rule.weight_decay,
            vector=vector,
            gradient=gradient,
            mean=mean,
            square=square,
        )
        self._pointer = ctypes.byref(self._record)

    def step(self, divisor: float, step: int, rate: float, momentum: float) -> None:
        """Take a step, the first one being 1."""
        record = self._record
        record.divisor, record.step = divisor, step
        record.rate, record.momentum = rate, momentum
        functions().lnn_adam_step(self._pointer)
