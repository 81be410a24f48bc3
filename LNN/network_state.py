"""The states of a network's layers as callers pass them, checked and put in order."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

from LNN._warnings import warn
from LNN.cells.base import readable
from LNN.exceptions import InvalidInputError

P = ParamSpec("P")
R = TypeVar("R")


def warns_of_unnamed_spans(method: Callable[P, R]) -> Callable[P, R]:
    """Decorate a method of a network: it then warns of time spans that may be a state.

    It warns if time spans are passed by position, where other modules of torch take the
    state, and if there are as many steps as a layer has neurons: both then have the
    same shape.
    """

    @functools.wraps(method)
    def called(*arguments: P.args, **named: P.kwargs) -> R:
        answers = method(*arguments, **named)
        # Afterwards: what the method refuses needs no warning.
        if len(arguments) > 2 and named.get("state") is None:
            _warn_of_unnamed_spans(*arguments[:3])
        return answers

    return called


def _warn_of_unnamed_spans(network: Any, inputs: Any, spans: Any) -> None:
    # Code that is being compiled or exported cannot warn.
    if torch.compiler.is_compiling() or not isinstance(spans, Tensor):
        return
    steps = inputs.shape[1]
    if spans.shape != inputs.shape[:2] or all(
        steps != layer.n_neurons for layer in network.layers
    ):
        return
    warn(
        f"The second argument, of shape {tuple(spans.shape)}, is taken as time spans, "
        f"but with as many steps as neurons ({steps}) a state has this shape too. Name "
        "what it is: timespans=... or state=(h,)."
    )


def states_of_layers(state: Any, n_layers: int) -> tuple:
    """Return one state per layer; a single layer's need not stand in a tuple."""
    if state is None:
        return (None,) * n_layers
    if n_layers == 1 and (isinstance(state, Tensor) or _is_pair(state)):
        return (state,)
    if isinstance(state, tuple | list) and len(state) == n_layers:
        return tuple(state)
    got = type(state).__name__
    got += f" of {len(state)}" if isinstance(state, tuple | list) else ""
    raise InvalidInputError(
        f"state must be a tuple with one state for each of the {n_layers} layer(s), "
        f"got {got}. Hand on what return_state=True returned."
    )


def _is_pair(state: Any) -> bool:
    pair = isinstance(state, tuple | list) and len(state) == 2
    return pair and all(isinstance(part, Tensor) for part in state)


def refuse_state_as_spans(
    spans: Any, shape: tuple[int, ...], neurons: Sequence[int]
) -> None:
    """Refuse a state in the place of the time spans, the second one.

    Where there are as many steps as neurons the shape does not tell: then negative
    values do, or zeros alone, which no time passes in. Spans in a column, of shape
    (batch, time, 1), are not a state.
    """
    remedy = "Pass a state by name: state=(h,); time spans too: timespans=..."
    if isinstance(spans, tuple | list) and any(isinstance(s, Tensor) for s in spans):
        raise InvalidInputError(
            "timespans must be a number or a tensor of shape (batch, time) = "
            f"{shape}, got a {type(spans).__name__} of tensors. {remedy}"
        )
    if not isinstance(spans, Tensor) or tuple(spans.shape) == (*shape, 1):
        return
    # No set: sizes that torch.export leaves open have no hash.
    sizes = [(shape[0], n) for n in neurons]
    layered = spans.ndim == 3 and tuple(spans.shape[1:]) in sizes
    if tuple(spans.shape) not in sizes and not layered:
        return
    same = tuple(spans.shape) == shape
    odd = (
        readable(spans)
        and spans.numel()
        and bool((spans < 0).any() | (spans == 0).all())
    )
    if same and not odd:
        return
    raise InvalidInputError(
        f"timespans of shape {tuple(spans.shape)} look like a state: each is a time "
        f"elapsed, of shape (batch, time) = {shape}, and some of it must pass. {remedy}"
    )


def flat_state(state: Tensor | tuple[Tensor, Tensor]) -> Tensor:
    """Return a layer's state as (B, S); torch's own have an axis of layers in front."""
    if isinstance(state, tuple):
        return torch.cat([flat_state(part) for part in state], dim=-1)
    return state[0] if state.ndim == 3 else state


def shaped_states(layers: Iterable[Any], states: Iterable[Tensor]) -> tuple:
    """Return states (B, S), one per layer, as the layers take them."""
    pairs = zip(layers, states, strict=True)
    return tuple(layer.unflatten_state(state) for layer, state in pairs)
