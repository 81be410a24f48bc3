"""The `native` backend: whole sequences in C, forward and backward."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.func import functional_call

from LNN.cells.base import Cell, transformed
from LNN.kernels import threads, torch_loop
from LNN.kernels.fused import Fused, has_dropout, plan_of
from LNN.kernels.library import ISAS, load
from LNN.kernels.problem import (
    Memory,
    Problem,
    address,
    describe,
    make_problem,
    place_all,
    place_data,
)

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


def run(
    cell: Cell,
    inputs: Tensor,
    state: Tensor,
    timespans: Tensor,
    lengths: Tensor | None,
    all_states: bool = True,
) -> tuple[Tensor | None, Tensor]:
    """Return all states (B, T, S), or None if not wanted, and the final one (B, S)."""
    plan = plan_of(cell)
    assert plan is not None
    parameters = plan.parameters(cell)
    if torch.compiler.is_compiling():
        states, final = torch.ops.lnn.sequence(
            inputs,
            state,
            timespans,
            lengths,
            *operator_arguments(plan, plan.pack(parameters)),
            True,
        )
    elif torch.is_grad_enabled() and _needs_gradient(
        inputs, state, timespans, *parameters
    ):
        states, final = _Sequence.apply(
            cell, plan, lengths, inputs, state, timespans, *parameters
        )
    else:
        data = (inputs, state, timespans, lengths)
        call = Call(plan.problem, data, plan.pack(parameters))
        states, final = call.forward(all_states, keep_record=False)
    return (states if all_states else None), final


def can_run(cell: Cell, inputs: Tensor, state: Tensor, timespans: Tensor) -> bool:
    """Tell whether the library has a kernel for this call (`fused.NOT_FUSED`)."""
    # First of all: a transform would get into what is remembered of a cell.
    if transformed():
        return False
    if _is_watched(inputs, state, timespans):
        return False
    dtype = inputs.dtype
    if not supports(cell, dtype) or not inputs.numel() or not state.numel():
        return False
    return (
        all(t.is_cpu and t.dtype is dtype for t in (inputs, state, timespans))
        and not torch.is_autocast_enabled("cpu")
        and torch.autograd.forward_ad._current_level < 0
    )


def _is_watched(*tensors: Tensor) -> bool:
    """Tell whether someone records or replaces torch's operators as they run.

    A tracer, a dispatch mode, or a tensor's own class (its memory may not be there).
    The library's work is no such operator; torch.compile and torch.export get one.
    """
    if torch.compiler.is_compiling():
        return False
    return (
        torch.jit.is_tracing()
        or torch._C._len_torch_dispatch_stack() > 0
        or any(
            type(t).__torch_dispatch__ is not Tensor.__torch_dispatch__ for t in tensors
        )
    )


def supports(cell: Cell, dtype: torch.dtype) -> bool:
    """Tell whether there is a kernel for the cell as it is set now, on the CPU."""
    if dtype not in (torch.float32, torch.float64) or has_dropout(cell):
        return False
    plan = plan_of(cell)
    return plan is not None and plan.takes(plan.parameters(cell), dtype)


def _needs_gradient(*tensors: Tensor | None) -> bool:
    return any(t is not None and t.requires_grad for t in tensors)


class _Sequence(torch.autograd.Function):
    """The library's two passes as one node of autograd's graph."""

    @staticmethod
    def forward(ctx, cell, plan, lengths, inputs, state, timespans, *parameters):
        ctx.cell, ctx.plan = cell, plan
        data = (inputs, state, timespans, lengths)
        ctx.call = Call(plan.problem, data, plan.pack(parameters))
        states, final = ctx.call.forward(all_states=True, keep_record=True)
        ctx.set_materialize_grads(False)
        # All that is large is autograd's to keep: checkpoints and hooks know of it
        # then, and it does not live as long as a loss that is kept.
        record = ctx.call.let_go()
        ctx.record_is_new = record is not None
        ctx.save_for_backward(*data, states, record, *parameters)
        return states, final

    @staticmethod
    def backward(ctx, *gradients):
        # Unpacking them refuses what was changed in place since.
        saved = ctx.saved_tensors
        *data, lengths, states, record = saved[:6]
        wanted = ctx.needs_input_grad[3:]
        # Someone wants the gradient's gradient, or more than one gradient.
        if torch.is_grad_enabled() or _is_transformed(*gradients):
            tensors = (*data, *saved[6:])
            found = _through_torch(
                ctx.cell, ctx.plan, lengths, tensors, wanted, gradients
            )
        else:
            # A way back uses the record up: another one has to replay.
            given = record if ctx.record_is_new else None
            ctx.call.take((*data, lengths), given)
            ctx.record_is_new = False
            *data, packed = ctx.call.backward(states, *gradients, wanted)
            ctx.call.let_go()
            found = [*data, *ctx.plan.unpack(packed)]
        pairs = zip(found, wanted, strict=True)
        return (None, None, None, *(g if want else None for g, want in pairs))


def _is_transformed(*gradients: Tensor | None) -> bool:
    """Tell whether gradients may be more than the numbers that the library reads.

    Many at once (vmap, `is_grads_batched`), or with derivatives of their own.
    """
    return (
        transformed()
        or torch.autograd.forward_ad._current_level >= 0
        or any(
            g is not None and torch._C._functorch.is_legacy_batchedtensor(g)
            for g in gradients
        )
    )


def _through_torch(cell, plan: Fused, lengths, tensors, wanted, gradients):
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
        named = _named(cell, plan, parameters)
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


def _named(cell: Cell, plan: Fused, parameters) -> dict[str, Tensor]:
    """Name parameters for `functional_call`, each place of a cell once.

    A module may have two names; given both, torch does not find the way back.
    """
    places = {}
    for name, parameter in zip(plan.names, parameters, strict=True):
        path, _, own = name.rpartition(".")
        if parameter is not None:
            places[cell.get_submodule(path), own] = f"cell.{name}", parameter
    return dict(places.values())


class _Runner(torch.nn.Module):
    """A cell's run over a sequence as a module, for `functional_call`."""

    def __init__(self, cell: Cell):
        super().__init__()
        self.cell = cell

    def forward(self, inputs, state, timespans, lengths):
        """Run on the torch backend."""
        return torch_loop.run(self.cell, inputs, state, timespans, lengths)


def _as_read(inputs, state, timespans, lengths) -> tuple:
    """Return data as the library reads it."""
    if lengths is not None:
        lengths = lengths.to(torch.int64).contiguous()
    return inputs.contiguous(), state.contiguous(), timespans.contiguous(), lengths


class Call:
    """One problem of the library: its two passes, and the memory that they share.

    Parameters
    ----------
    cell : Problem
        What `problem.describe` says of the cell.
    data : tuple of Tensor
        Inputs, state, timespans and lengths (or None).
    parameters : sequence of Tensor or None
        As `fused.Fused.pack` orders them.
    """

    def __init__(self, cell: Problem, data, parameters):
        self.parameters = [None if p is None else p.contiguous() for p in parameters]
        data = _as_read(*data)
        self.problem = make_problem(cell, ISAS[load().isa], *data, self.parameters)
        self.record: Tensor | None = None

    def let_go(self) -> Tensor | None:
        """Drop data and record, and return the record."""
        record, self.record = self.record, None
        self.problem.data = self.problem.record = None
        return record

    def take(self, data, record: Tensor | None) -> None:
        """Go on with the same data, and with the record that `let_go` returned."""
        place_data(self.problem, *_as_read(*data))
        if record is not None:
            self._use(record)

    def _use(self, record: Tensor) -> None:
        # It has to start with a line of the cache, as torch's memory does; what a hook
        # of autograd brings back may not. Without a record `backward` replays.
        if record.data_ptr() % 64 == 0:
            self.record, self.problem.record = record, address(record)

    def forward(self, all_states: bool, keep_record: bool) -> tuple[Tensor, Tensor]:
        """Return all states (B, T, S), or (B, 0, S) if not wanted, and the final ones.

        With `keep_record` what was computed on the way is kept for `backward`, if
        that is worth its memory.
        """
        inputs, state, _, _ = self.problem.data
        steps = inputs.shape[1] if all_states else 0
        states = inputs.new_empty(inputs.shape[0], steps, state.shape[1])
        final = torch.empty_like(state)
        self.problem.states = address(states) if all_states else None
        self.problem.final = address(final)
        if keep_record:
            n_bytes = load().functions.lnn_record_bytes(ctypes.byref(self.problem))
            if n_bytes:
                # Not on torch's default device: the library reads and writes here.
                self._use(torch.empty(n_bytes, dtype=torch.uint8, device="cpu"))
        self._execute(0, states, final, self.record)
        return states, final

    def backward(
        self,
        states: Tensor,
        grad_states: Tensor | None,
        grad_final: Tensor | None,
        wanted: tuple[bool, ...] = (True, True, True),
    ) -> tuple:
        """Return gradients of inputs, state, timespans, and a list of parameters'."""
        problem = self.problem
        states = states.contiguous()
        incoming = [
            g if g is None else g.contiguous() for g in (grad_states, grad_final)
        ]
        pairs = zip(problem.data[:3], wanted, strict=False)
        data = [torch.empty_like(t) if want else None for t, want in pairs]
        grads = [None if p is None else torch.empty_like(p) for p in self.parameters]
        problem.states = address(states)
        problem.grad_states, problem.grad_final = map(address, incoming)
        targets = map(address, data)
        problem.grad_inputs, problem.grad_start, problem.grad_timespans = targets
        place_all(problem.grad_parameters, grads, problem.memory)
        self._execute(1, states, incoming, data, grads, self.record)
        return (*data, grads)

    def _execute(self, backward: int, *buffers) -> None:
        """Do a pass over what the problem points to now, `buffers` among it."""
        functions, problem = load().functions, self.problem
        pointer = ctypes.byref(problem)
        scratch = Memory(functions.lnn_scratch_bytes(pointer, backward))
        problem.scratch = scratch.address
        functions.lnn_prepare(pointer, backward)
        groups = functions.lnn_groups(pointer)
        work = problem.batch * problem.steps * problem.neurons

        def run(group: int, _kept=(buffers, scratch)) -> None:
            # It keeps all memory, the problem what is read: a thread may be late.
            functions.lnn_run(pointer, backward, group)

        threads.run_all(run, groups, threads.thread_count(work))
        if backward:
            functions.lnn_finish(pointer)


def operator_arguments(plan: Fused, packed: Sequence[Tensor | None]) -> tuple:
    """Return what the operator takes after its data.

    Parameters that are not there are bits of a number, since operators with gradients
    take no lists with gaps.
    """
    missing = sum(1 << place for place, p in enumerate(packed) if p is None)
    present = [p for p in packed if p is not None]
    structure = [torch.from_numpy(array) for array in plan.structure]
    return present, structure, plan.options, missing, plan.epsilon


def _call_of(
    inputs, state, timespans, lengths, parameters, structure, options, missing, epsilon
) -> Call:
    parameters = list(parameters)
    for place in range(missing.bit_length()):
        if missing >> place & 1:
            parameters.insert(place, None)
    cell = describe([index.numpy() for index in structure], options, epsilon)
    return Call(cell, (inputs, state, timespans, lengths), parameters)


def _operator_forward(*arguments) -> tuple[Tensor, Tensor]:
    *arguments, all_states = arguments
    return _call_of(*arguments).forward(all_states, keep_record=False)


def _operator_backward(*arguments) -> tuple:
    *arguments, states, grad_states, grad_final = arguments
    *data, parameters = _call_of(*arguments).backward(states, grad_states, grad_final)
    return (*data, [g for g in parameters if g is not None])


def _fake_forward(inputs, state, *rest):
    steps = inputs.shape[1] if rest[-1] else 0
    states = inputs.new_empty(inputs.shape[0], steps, state.shape[1])
    return states, state.new_empty(state.shape)


def _fake_backward(inputs, state, timespans, lengths, parameters, *_):
    data = [t.new_empty(t.shape) for t in (inputs, state, timespans)]
    return (*data, [p.new_empty(p.shape) for p in parameters])


def _remember(ctx, inputs, output) -> None:
    *data, parameters, structure, options, missing, epsilon, _ = inputs
    ctx.settings = options, missing, epsilon
    ctx.counts = len(parameters), len(structure)
    ctx.save_for_backward(*data, *parameters, *structure, output[0])


def _operator_gradient(ctx, grad_states, grad_final):
    *rest, states = ctx.saved_tensors
    n, m = ctx.counts
    data, parameters, structure = rest[:4], rest[4 : 4 + n], rest[4 + n :]
    *grads, packed = torch.ops.lnn.sequence_backward(
        *data, parameters, structure, *ctx.settings, states, grad_states, grad_final
    )
    return (*grads, None, packed, [None] * m, None, None, None, None)


# One operator for torch.compile and torch.export, which cannot look inside.
_library.impl("sequence", _operator_forward, "CPU")
_library.impl("sequence_backward", _operator_backward, "CPU")
torch.library.register_fake("lnn::sequence", _fake_forward, lib=_library)
torch.library.register_fake("lnn::sequence_backward", _fake_backward, lib=_library)
torch.library.register_autograd(
    "lnn::sequence", _operator_gradient, setup_context=_remember, lib=_library
)
