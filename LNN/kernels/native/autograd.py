"""The library's two passes as one node of autograd's graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

from LNN.cells.base import Cell
from LNN.kernels import torch_loop
from LNN.kernels.native.call import Call
from LNN.kernels.native.description import CellDescription
from LNN.kernels.watching import are_transformed


class SequenceFunction(torch.autograd.Function):
    """The library's two passes as one node of autograd's graph."""

    @staticmethod
    def forward(
        ctx: Any,
        cell: Cell,
        description: CellDescription,
        lengths: Tensor | None,
        inputs: Tensor,
        state: Tensor,
        timespans: Tensor,
        *parameters: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Return all states and the final one, and keep what `backward` needs."""
        ctx.cell, ctx.description = cell, description
        data = (inputs, state, timespans, lengths)
        ctx.call = Call(description.problem, data, description.pack(parameters))
        # All states, wanted or not: the way back replays its chunks from them.
        states, final = ctx.call.forward(all_states=True, keep_record=True)
        # Missing gradients stay None, for which the library does nothing.
        ctx.set_materialize_grads(False)
        # All that is large is autograd's to keep: checkpoints and hooks know of it
        # then, and it does not live as long as a loss that is kept.
        record = ctx.call.let_go()
        ctx.record_is_new = record is not None
        ctx.save_for_backward(*data, states, record, *parameters)
        return states, final

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients of all arguments of `forward`."""
        # Unpacking them refuses what was changed in place since.
        saved = ctx.saved_tensors
        *data, lengths, states, record = saved[:6]
        wanted = ctx.needs_input_grad[3:]
        # Someone wants the gradient's gradient, or more than one gradient.
        if torch.is_grad_enabled() or are_transformed(*gradients):
            tensors = (*data, *saved[6:])
            found = _through_torch(
                ctx.cell, ctx.description, lengths, tensors, wanted, gradients
            )
        else:
            # A way back uses the record up: another one has to replay.
            given = record if ctx.record_is_new else None
            ctx.call.take((*data, lengths), given)
            # Before the pass, which may be interrupted half way through the record.
            ctx.record_is_new = False
            *data, packed = ctx.call.backward(states, *gradients, wanted)
            ctx.call.let_go()
            found = [*data, *ctx.description.unpack(packed)]
        pairs = zip(found, wanted, strict=True)
        return (None, None, None, *(g if want else None for g, want in pairs))


def _through_torch(
    cell: Cell,
    description: CellDescription,
    lengths: Tensor | None,
    tensors: Sequence[Tensor | None],
    wanted: Sequence[bool],
    gradients: Sequence[Tensor | None],
) -> list[Tensor | None]:
    """Differentiate the torch cell's run, differentiably if someone wants that."""
    twice = torch.is_grad_enabled()
    with torch.enable_grad():
        # One view of each tensor: seen from it, no argument is made from another, and
        # one that stands in two places counts once. The graph around adds the rest.
        views = {id(t): t.view_as(t) for t in tensors if t is not None}
        data, parameters = (
            [None if t is None else views[id(t)] for t in part]
            for part in (tensors[:3], tensors[3:])
        )
        named = _named(cell, description, parameters)
        outputs = functional_call(
            _Runner(cell), named, (*data, lengths), tie_weights=False
        )
    pairs = [(o, g) for o, g in zip(outputs, gradients, strict=True) if g is not None]
    chosen = {
        id(t): views[id(t)] for t, want in zip(tensors, wanted, strict=True) if want
    }
    found = torch.autograd.grad(
        [o for o, _ in pairs],
        list(chosen.values()),
        [g for _, g in pairs],
        create_graph=twice,
        allow_unused=True,
    )
    left = dict(zip(chosen, found, strict=True))
    return [left.pop(id(t), None) for t in tensors]


def _named(
    cell: Cell, description: CellDescription, parameters: Sequence[Tensor | None]
) -> dict[str, Tensor]:
    """Name parameters for `functional_call`, each place of a cell once.

    A module may have two names; given both, torch does not find the way back.
    """
    places = {}
    for name, parameter in zip(description.names, parameters, strict=True):
        path, _, own = name.rpartition(".")
        if parameter is not None:
            places[cell.get_submodule(path), own] = f"cell.{name}", parameter
    return dict(places.values())


class _Runner(torch.nn.Module):
    """A cell's run over a sequence as a module, for `functional_call`."""

    def __init__(self, cell: Cell):
        super().__init__()
        self.cell = cell

    def forward(
        self,
        inputs: Tensor,
        state: Tensor,
        timespans: Tensor,
        lengths: Tensor | None,
    ) -> tuple[Tensor | None, Tensor]:
        """Run on the torch backend."""
        return torch_loop.run(self.cell, inputs, state, timespans, lengths)
