"""The `native` backend: whole sequences in C, forward and backward."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor
from torch.func import functional_call

from LNN.cells.base import Cell
from LNN.kernels import threads, torch_loop
from LNN.kernels.fused import Fused, fused, has_dropout
from LNN.kernels.library import ISAS, load
from LNN.kernels.problem import Problem, Scratch, address, make_problem, place_all

# Neuron updates (of a batch, over all steps) below which more threads cost time.
WORTH_THREADS = 50_000

_library = torch.library.Library("lnn", "DEF")
_ARGUMENTS = (
    "Tensor inputs, Tensor state, Tensor timespans, Tensor? lengths, "
    "Tensor?[] parameters, Tensor[] structure, int[] options, float epsilon"
)
_library.define(f"sequence({_ARGUMENTS}, bool all_states) -> (Tensor, Tensor)")
_library.define(
    f"sequence_backward({_ARGUMENTS}, Tensor states, Tensor? grad_states, "
    "Tensor? grad_final) -> (Tensor, Tensor, Tensor, Tensor[])"
)


def run(
    cell: Cell,
    inputs: Tensor,
    state: Tensor,
    timespans: Tensor,
    lengths: Tensor | None,
    all_states: bool = True,
) -> tuple[Tensor | None, Tensor]:
    """Return all states (B, T, S), or None if not wanted, and the final one (B, S)."""
    plan = fused(cell)
    assert plan is not None
    parameters = plan.parameters()
    if torch.compiler.is_compiling():
        states, final = torch.ops.lnn.sequence(
            inputs,
            state,
            timespans,
            lengths,
            plan.pack(parameters),
            [torch.from_numpy(array) for array in plan.structure],
            plan.options,
            plan.epsilon,
            True,
        )
    elif torch.is_grad_enabled() and _needs_gradient(
        inputs, state, timespans, *parameters
    ):
        states, final = _Sequence.apply(
            cell, plan, lengths, inputs, state, timespans, *parameters
        )
    else:
        states, final = _forward(
            inputs,
            state,
            timespans,
            lengths,
            plan.pack(parameters),
            plan.places,
            plan.options,
            plan.epsilon,
            all_states,
        )
    return (states if all_states else None), final


def can_run(cell: Cell, inputs: Tensor, state: Tensor, timespans: Tensor) -> bool:
    """Tell whether the library has a kernel for this call (`fused.NOT_FUSED`)."""
    # First of all: a transform would get into what is remembered of a cell.
    if torch._C._are_functorch_transforms_active():
        return False
    plan = fused(cell)
    if plan is None or has_dropout(cell) or not inputs.numel() or not state.numel():
        return False
    tensors = (inputs, state, timespans, *plan.parameters())
    dtype = inputs.dtype
    return (
        dtype in (torch.float32, torch.float64)
        and all(
            t is None or (t.device.type == "cpu" and t.dtype == dtype) for t in tensors
        )
        and not torch.is_autocast_enabled("cpu")
        and torch.autograd.forward_ad._current_level < 0
    )


def _needs_gradient(*tensors: Tensor | None) -> bool:
    return any(t is not None and t.requires_grad for t in tensors)


class _Sequence(torch.autograd.Function):
    """The library's two passes as one node of autograd's graph."""

    @staticmethod
    def forward(ctx, cell, plan, lengths, inputs, state, timespans, *parameters):
        ctx.cell, ctx.plan = cell, plan
        packed = plan.pack(list(parameters))
        states, final = _forward(
            inputs,
            state,
            timespans,
            lengths,
            packed,
            plan.places,
            plan.options,
            plan.epsilon,
            True,
        )
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(lengths, inputs, state, timespans, states, *parameters)
        return states, final

    @staticmethod
    def backward(ctx, grad_states, grad_final):
        lengths, inputs, state, timespans, states, *parameters = ctx.saved_tensors
        wanted = ctx.needs_input_grad[3:]
        if torch.is_grad_enabled():  # someone wants the gradient's gradient
            gradients = _through_torch(
                ctx.cell,
                ctx.plan,
                lengths,
                (inputs, state, timespans, *parameters),
                wanted,
                (grad_states, grad_final),
            )
            return (None, None, None, *gradients)
        plan: Fused = ctx.plan
        *data, packed = _backward(
            inputs,
            state,
            timespans,
            lengths,
            plan.pack(parameters),
            plan.places,
            plan.options,
            plan.epsilon,
            states,
            grad_states,
            grad_final,
            wanted,
        )
        gradients = [*data, *plan.unpack(packed)]
        pairs = zip(gradients, wanted, strict=True)
        return (None, None, None, *(g if want else None for g, want in pairs))


def _through_torch(cell, plan: Fused, lengths, tensors, wanted, gradients):
    """Differentiate the torch cell's run of the same sequence, differentiably."""
    inputs, state, timespans, *parameters = tensors
    named = {
        f"cell.{name}": p
        for name, p in zip(plan.names, parameters, strict=True)
        if p is not None
    }
    outputs = functional_call(_Runner(cell), named, (inputs, state, timespans, lengths))
    pairs = [(o, g) for o, g in zip(outputs, gradients, strict=True) if g is not None]
    chosen = [t for t, want in zip(tensors, wanted, strict=True) if want]
    found = iter(
        torch.autograd.grad(
            [o for o, _ in pairs],
            chosen,
            [g for _, g in pairs],
            create_graph=True,
            allow_unused=True,
        )
    )
    return [next(found) if want else None for want in wanted]


class _Runner(torch.nn.Module):
    """A cell's run over a sequence as a module, for `functional_call`."""

    def __init__(self, cell: Cell):
        super().__init__()
        self.cell = cell

    def forward(self, inputs, state, timespans, lengths):
        """Run on the torch backend."""
        return torch_loop.run(self.cell, inputs, state, timespans, lengths)


def _problem(
    inputs, state, timespans, lengths, parameters, structure, options, epsilon
) -> tuple[Problem, tuple]:
    """Make everything contiguous; return the problem and what must outlive it."""
    inputs, state, timespans = (t.contiguous() for t in (inputs, state, timespans))
    parameters = [None if p is None else p.detach().contiguous() for p in parameters]
    if lengths is not None:
        lengths = lengths.to(torch.int64).contiguous()
    isa = ISAS[load().isa]
    problem = make_problem(
        isa, inputs, state, timespans, lengths, parameters, structure, options, epsilon
    )
    return problem, (inputs, state, timespans, lengths, parameters)


def _execute(problem: Problem, backward: int) -> None:
    functions = load().functions
    pointer = ctypes.byref(problem)
    scratch = Scratch(functions.lnn_scratch_bytes(pointer, backward))
    problem.scratch = scratch.address
    functions.lnn_prepare(pointer, backward)
    groups = functions.lnn_groups(pointer)
    work = problem.batch * problem.steps * problem.neurons
    n_threads = threads.thread_count() if work > WORTH_THREADS and groups > 1 else 1
    threads.run_all(
        lambda g: functions.lnn_run(pointer, backward, g), groups, n_threads
    )
    if backward:
        functions.lnn_finish(pointer)


def _forward(
    inputs,
    state,
    timespans,
    lengths,
    parameters,
    structure,
    options,
    epsilon,
    all_states,
) -> tuple[Tensor, Tensor]:
    problem, alive = _problem(
        inputs, state, timespans, lengths, parameters, structure, options, epsilon
    )
    steps = inputs.shape[1] if all_states else 0
    states = inputs.new_empty(inputs.shape[0], steps, state.shape[1])
    final = torch.empty_like(alive[1])
    problem.states = address(states) if all_states else None
    problem.final = address(final)
    _execute(problem, 0)
    return states, final


def _backward(
    inputs,
    state,
    timespans,
    lengths,
    parameters,
    structure,
    options,
    epsilon,
    states,
    grad_states,
    grad_final,
    wanted=(True, True, True),
) -> tuple:
    """Return the gradients of inputs, state and timespans, and of all parameters."""
    problem, alive = _problem(
        inputs, state, timespans, lengths, parameters, structure, options, epsilon
    )
    incoming = [g if g is None else g.contiguous() for g in (grad_states, grad_final)]
    states = states.contiguous()
    data = [
        torch.empty_like(t) if want else None
        for t, want in zip(alive[:3], wanted, strict=False)
    ]
    grads = [None if p is None else torch.empty_like(p) for p in alive[4]]
    problem.states = address(states)
    problem.grad_states, problem.grad_final = map(address, incoming)
    problem.grad_inputs, problem.grad_start, problem.grad_timespans = map(address, data)
    place_all(problem.grad_parameters, grads, problem.memory)
    _execute(problem, 1)
    return (*data, grads)


def _with_places(arguments: tuple) -> list:
    """Put address and length in place of the operator's index tensors."""
    arguments = list(arguments)
    arguments[5] = [(index.data_ptr(), len(index)) for index in arguments[5]]
    return arguments


def _operator_forward(*arguments) -> tuple[Tensor, Tensor]:
    return _forward(*_with_places(arguments))


def _operator_backward(*arguments) -> tuple:
    *data, parameters = _backward(*_with_places(arguments))
    return (*data, [g for g in parameters if g is not None])


def _fake_forward(inputs, state, *rest):
    steps = inputs.shape[1] if rest[-1] else 0
    states = inputs.new_empty(inputs.shape[0], steps, state.shape[1])
    return states, torch.empty_like(state)


def _fake_backward(inputs, state, timespans, lengths, parameters, *_):
    data = [torch.empty_like(t) for t in (inputs, state, timespans)]
    return (*data, [torch.empty_like(p) for p in parameters if p is not None])


def _remember(ctx, inputs, output) -> None:
    *data, parameters, structure, ctx.options, ctx.epsilon, _ = inputs
    ctx.counts = len(parameters), len(structure)
    ctx.save_for_backward(*data, *parameters, *structure, output[0])


def _operator_gradient(ctx, grad_states, grad_final):
    *rest, states = ctx.saved_tensors
    n, m = ctx.counts
    data, parameters, structure = rest[:4], rest[4 : 4 + n], rest[4 + n :]
    *grads, packed = torch.ops.lnn.sequence_backward(
        *data,
        parameters,
        structure,
        ctx.options,
        ctx.epsilon,
        states,
        grad_states,
        grad_final,
    )
    found = iter(packed)
    packed = [None if p is None else next(found) for p in parameters]
    return (*grads, None, packed, [None] * m, None, None, None)


# One operator for torch.compile and torch.export, which cannot look inside.
_library.impl("sequence", _operator_forward, "CPU")
_library.impl("sequence_backward", _operator_backward, "CPU")
torch.library.register_fake("lnn::sequence", _fake_forward, lib=_library)
torch.library.register_fake("lnn::sequence_backward", _fake_backward, lib=_library)
torch.library.register_autograd(
    "lnn::sequence", _operator_gradient, setup_context=_remember, lib=_library
)
