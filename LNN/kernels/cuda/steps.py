"""The loop over time steps as one node of autograd's graph, whatever the cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from LNN.cells.base import Cell
from LNN.kernels import torch_loop
from LNN.kernels.cuda.plan import Data, Plan
from LNN.kernels.watching import are_transformed

# How many bytes one chunk of a record takes where the whole one has no room.
CHUNK_BYTES = 2**26


def most_bytes(device: torch.device) -> int:
    """Return how large the record of one call may be: a quarter of the memory."""
    if device.type != "cuda":
        return 2**30
    return torch.cuda.get_device_properties(device).total_memory // 4


@dataclass(frozen=True, eq=False)
class Loop:
    """The steps of one cell, from its drive and constants to states.

    Attributes
    ----------
    plan : Plan
    cell : Cell
    """

    plan: Plan
    cell: Cell

    def run(
        self,
        drive: Tensor,
        state: Tensor,
        timespans: Tensor,
        lengths: Tensor | None,
        constants: Sequence[Tensor],
        all_states: bool,
    ) -> tuple[Tensor | None, Tensor]:
        """Return all states, or None if not wanted, and the final one."""
        tensors = (drive, state, timespans, *constants)
        if torch.is_grad_enabled() and any(t.requires_grad for t in tensors):
            states, final = _Steps.apply(self, lengths, *tensors)
            return (states if all_states else None), final
        data = _as_read(lengths, *tensors)
        states = _states(self.plan, data) if all_states else None
        final = data.start.new_empty(data.start.shape)
        self.plan.forward(data, states, None, final, 0, data.steps)
        return states, final

    def through_torch(
        self,
        lengths: Tensor | None,
        tensors: Sequence[Tensor],
        wanted: Sequence[bool],
        gradients: Sequence[Tensor | None],
    ) -> list[Tensor | None]:
        """Differentiate the torch cell's steps, differentiably if someone wants that.

        Parameters
        ----------
        lengths : Tensor or None
        tensors : sequence of Tensor
            Drive, state, timespans and constants.
        wanted : sequence of bool
            Of which of them gradients are wanted.
        gradients : sequence of Tensor or None
            Of all states and of the final one.
        """
        twice = torch.is_grad_enabled()
        with torch.enable_grad():
            # Views: seen from them, no argument is made from another.
            views = [t.view_as(t) for t in tensors]
            drive, state, spans, *constants = views
            given = self.plan.step_constants(self.cell, constants)
            how = self.plan.on_torch(self.cell)
            results = torch_loop.steps(how, drive, state, spans, lengths, given)
        pairs = [
            (r, g)
            for r, g in zip(results, gradients, strict=True)
            if r is not None and g is not None
        ]
        chosen = [v for v, want in zip(views, wanted, strict=True) if want]
        found = torch.autograd.grad(
            [r for r, _ in pairs],
            chosen,
            [g for _, g in pairs],
            create_graph=twice,
            allow_unused=True,
        )
        left = iter(found)
        return [next(left) if want else None for want in wanted]


class _Steps(torch.autograd.Function):
    """The two passes over all steps."""

    @staticmethod
    def forward(
        ctx: Any,
        loop: Loop,
        lengths: Tensor | None,
        *tensors: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return all states and the final one, and keep what `backward` needs."""
        data = _as_read(lengths, *tensors)
        states = _states(loop.plan, data)
        final = torch.empty_like(data.start)
        record = _whole_record(loop.plan, data)
        loop.plan.forward(data, states, record, final, 0, data.steps)
        ctx.loop = loop
        # Missing gradients stay None.
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(lengths, states, record, *tensors)
        return states, final

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients of all arguments of `forward`."""
        lengths, states, record, *tensors = ctx.saved_tensors
        wanted = ctx.needs_input_grad[2:]
        # Someone wants the gradient's gradient, or more than one gradient.
        if torch.is_grad_enabled() or are_transformed(*gradients):
            found = ctx.loop.through_torch(lengths, tensors, wanted, gradients)
        else:
            data = _as_read(lengths, *tensors)
            found = _backward(ctx.loop.plan, data, states, record, gradients, wanted)
        pairs = zip(found, wanted, strict=True)
        return (None, None, *(g if want else None for g, want in pairs))


def _backward(
    plan: Plan,
    data: Data,
    states: Tensor,
    record: Tensor | None,
    gradients: Sequence[Tensor | None],
    wanted: Sequence[bool],
) -> list[Tensor | None]:
    """Return the gradients of drive, state, timespans and constants."""
    into, last = (None if g is None else g.contiguous() for g in gradients)
    carry = torch.zeros_like(data.start) if last is None else last.clone()
    found = plan.gradients(data, spans_too=wanted[2])
    n_chunk = data.steps if record is not None else _chunk(plan, data)
    for first in reversed(range(0, data.steps, n_chunk)):
        end = min(first + n_chunk, data.steps)
        part = data if first == 0 else data.from_state(states[:, first - 1])
        kept = record
        if kept is None:
            # The way there again, from the state before the chunk, for its record.
            kept = _record(plan, data, end - first)
            plan.forward(part, None, kept, torch.empty_like(carry), first, end)
        plan.backward(part, states, kept, into, carry, found, first, end)
    constants = plan.finish(data, states, found)
    spans = None if found.spans is None else found.spans.sum(-1)
    return [found.drive, carry, spans, *constants]


def _as_read(
    lengths: Tensor | None,
    drive: Tensor,
    state: Tensor,
    timespans: Tensor,
    *constants: Tensor,
) -> Data:
    """Return data as the kernels read it: rows without gaps, lengths in 32 bits."""
    if lengths is not None:
        lengths = lengths.to(device=drive.device, dtype=torch.int32).contiguous()
    return Data(
        drive.contiguous(),
        state.contiguous(),
        timespans.contiguous(),
        lengths,
        [c.contiguous() for c in constants],
    )


def _states(plan: Plan, data: Data) -> Tensor:
    batch, width = data.start.shape
    return data.start.new_empty(batch, data.steps, width)


def _bytes_a_step(plan: Plan, data: Data) -> int:
    numbers = plan.n_record + plan.n_work
    return numbers * data.batch * data.drive.element_size()


def _record(plan: Plan, data: Data, steps: int) -> Tensor:
    return data.drive.new_empty(plan.n_record * data.batch * steps)


def _whole_record(plan: Plan, data: Data) -> Tensor | None:
    """Return memory for the record of all steps; None if there is not enough."""
    if _bytes_a_step(plan, data) * data.steps > most_bytes(data.drive.device):
        return None
    try:
        return _record(plan, data, data.steps)
    except torch.cuda.OutOfMemoryError:
        return None


def _chunk(plan: Plan, data: Data) -> int:
    return max(1, CHUNK_BYTES // _bytes_a_step(plan, data))
