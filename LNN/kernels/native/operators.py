"""The library's passes as operators of torch, for torch.compile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from LNN.kernels.native.call import Call
from LNN.kernels.native.description import CellDescription
from LNN.kernels.native.problem import cell_problem

_library = torch.library.Library("lnn", "DEF")
_ARGUMENTS = (
    "Tensor inputs, Tensor state, Tensor timespans, Tensor? lengths, "
    "Tensor[] parameters, Tensor[] structure, int[] options, int missing, float epsilon"
)
_library.define(f"sequence({_ARGUMENTS}, bool all_states) -> (Tensor, Tensor)")
_library.define(
    f"sequence_backward({_ARGUMENTS}, Tensor states, Tensor? grad_states, "
    "Tensor? grad_final) -> (Tensor, Tensor, Tensor, Tensor[])"
)


def operator_arguments(
    description: CellDescription, packed: Sequence[Tensor | None]
) -> tuple:
    """Return what the operator takes after its data.

    Parameters that are not there are bits of a number, since operators with gradients
    take no lists with gaps.
    """
    missing = sum(1 << place for place, p in enumerate(packed) if p is None)
    present = [p for p in packed if p is not None]
    structure = [torch.from_numpy(array) for array in description.structure]
    return present, structure, description.options, missing, description.epsilon


def _call_of(
    inputs: Tensor,
    state: Tensor,
    timespans: Tensor,
    lengths: Tensor | None,
    present: Sequence[Tensor],
    structure: Sequence[Tensor],
    options: list[int],
    missing: int,
    epsilon: float,
) -> Call:
    parameters: list[Tensor | None] = list(present)
    for place in range(missing.bit_length()):
        if missing >> place & 1:
            parameters.insert(place, None)
    cell = cell_problem([index.numpy() for index in structure], options, epsilon)
    return Call(cell, (inputs, state, timespans, lengths), parameters)


def _operator_forward(*arguments: Any) -> tuple[Tensor, Tensor]:
    *of_call, all_states = arguments
    # No record, as torch.compile keeps only what an operator returns: the way back
    # replays.
    return _call_of(*of_call).forward(all_states, keep_record=False)


def _operator_backward(*arguments: Any) -> tuple:
    *of_call, states, grad_states, grad_final = arguments
    *data, parameters = _call_of(*of_call).backward(states, grad_states, grad_final)
    return (*data, [g for g in parameters if g is not None])


# Shapes alone, for tracing: torch.compile asks for them before there are numbers.
def _fake_forward(inputs: Tensor, state: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    steps = inputs.shape[1] if rest[-1] else 0
    states = inputs.new_empty(inputs.shape[0], steps, state.shape[1])
    return states, state.new_empty(state.shape)


def _fake_backward(
    inputs: Tensor,
    state: Tensor,
    timespans: Tensor,
    lengths: Tensor | None,
    parameters: Sequence[Tensor],
    *_: Any,
) -> tuple:
    data = [t.new_empty(t.shape) for t in (inputs, state, timespans)]
    return (*data, [p.new_empty(p.shape) for p in parameters])


def _remember(ctx: Any, inputs: tuple, output: tuple[Tensor, Tensor]) -> None:
    *data, parameters, structure, options, missing, epsilon, _ = inputs
    ctx.settings = options, missing, epsilon
    ctx.counts = len(parameters), len(structure)
    ctx.save_for_backward(*data, *parameters, *structure, output[0])


def _operator_gradient(
    ctx: Any, grad_states: Tensor | None, grad_final: Tensor | None
) -> tuple:
    *rest, states = ctx.saved_tensors
    n, m = ctx.counts
    data, parameters, structure = rest[:4], rest[4 : 4 + n], rest[4 + n :]
    *grads, packed = torch.ops.lnn.sequence_backward(
        *data, parameters, structure, *ctx.settings, states, grad_states, grad_final
    )
    return (*grads, None, packed, [None] * m, None, None, None, None)


# One operator for torch.compile, which cannot look inside.
_library.impl("sequence", _operator_forward, "CPU")
_library.impl("sequence_backward", _operator_backward, "CPU")
# What `torch.library.register_fake` does for shapes, without its look at all modules
# that Python has loaded: 45 ms, a fifth of `import LNN`.
_library.impl("sequence", _fake_forward, "Meta")
_library.impl("sequence_backward", _fake_backward, "Meta")
torch.library.register_autograd(
    "lnn::sequence", _operator_gradient, setup_context=_remember, lib=_library
)
