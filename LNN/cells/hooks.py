"""Hooks of modules whose `forward` is not what runs.

A layer runs whole sequences: it reads the weights of a cell's parts and does not call
the parts one by one. Pruning, `weight_norm` and `spectral_norm` compute such a weight
in a hook that torch runs before `forward`, so somebody has to run it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import BackwardHook, RemovableHandle

from LNN.exceptions import InvalidInputError


def run_before(module: nn.Module, arguments: tuple) -> tuple:
    """Run the forward pre-hooks of a module; return the arguments they leave."""
    if not module._forward_pre_hooks:
        return arguments
    for key, hook in list(module._forward_pre_hooks.items()):
        if key in module._forward_pre_hooks_with_kwargs:
            changed = hook(module, arguments, {})
            changed = None if changed is None else changed[0]
        else:
            changed = hook(module, arguments)
        if changed is not None:
            arguments = changed if isinstance(changed, tuple) else (changed,)
    return arguments


def run_after(module: nn.Module, arguments: tuple, outputs: Any) -> Any:
    """Run the forward hooks of a module; return the outputs they leave."""
    if not module._forward_hooks:
        return outputs
    for key, hook in list(module._forward_hooks.items()):
        if key in module._forward_hooks_with_kwargs:
            changed = hook(module, arguments, {}, outputs)
        else:
            changed = hook(module, arguments, outputs)
        outputs = outputs if changed is None else changed
    return outputs


def call(module: nn.Module, function: Callable, *arguments: Any) -> Any:
    """Call a function of a module with the module's hooks around it.

    As torch does it for `forward`: forward and full backward hooks, of the module.
    """
    arguments = run_before(module, arguments)
    # In the order of torch's own call: backward hooks see what the pre-hooks leave and
    # what the forward hooks leave.
    backward = None
    if module._backward_hooks or module._backward_pre_hooks:
        backward = BackwardHook(
            module,
            list(module._backward_hooks.values()),
            list(module._backward_pre_hooks.values()),
        )
        arguments = backward.setup_input_hook(arguments)
    outputs = run_after(module, arguments, function(*arguments))
    return outputs if backward is None else backward.setup_output_hook(outputs)


def hooks_of(module: nn.Module) -> tuple[Mapping, ...]:
    """Return where a module keeps its hooks, those before `forward` first."""
    after = (module._backward_hooks, module._backward_pre_hooks)
    return module._forward_pre_hooks, module._forward_hooks, *after


def hooked_parts(cell: nn.Module) -> list[nn.Module]:
    """Return the modules inside of a cell that have hooks.

    There are none most of the time, and a look at every module takes up to a tenth of
    a step. So a cell remembers where its parts keep their hooks, while every module
    that has parts has the same ones and nobody anywhere registers another hook.
    """
    if torch.compiler.is_compiling():
        # torch.compile would make the counter below a condition of what it compiled.
        return [part for part in list(cell.modules())[1:] if any(hooks_of(part))]
    # Every hook that is registered anywhere takes a number from torch's counter, and
    # one that is removed empties a dict in `known[1]`.
    last, known = RemovableHandle.next_id, cell.__dict__.get("known_parts")
    # Modules are equal only to themselves.
    if (
        known is not None
        and known[0] == last
        and not any(known[1])
        and all(list(module._modules.values()) == had for module, had in known[2])
    ):
        return []
    parts = list(cell.modules())[1:]
    hooks = [hooks for part in parts for hooks in hooks_of(part)]
    owners = [(m, list(m._modules.values())) for m in (cell, *parts) if m._modules]
    cell.__dict__["known_parts"] = (last, hooks, owners)
    return [part for part in parts if any(hooks_of(part))]


def refresh_parts(cell: nn.Module, inputs: Tensor) -> bool:
    """Run the forward pre-hooks of all parts of a cell, once per run.

    They get the inputs of the cell. None may replace them: what a part reads is not
    there yet.

    Returns
    -------
    bool
        As `are_parts_watched`.
    """
    watched = False
    for part in hooked_parts(cell):
        watched |= is_watched(part)
        given = (inputs,)
        if run_before(part, given) is not given:
            raise InvalidInputError(
                f"A forward pre-hook of {type(part).__name__}, a part of "
                f"{type(cell).__name__}, returned other inputs. The parts of a "
                "cell are not called one by one, so such a hook has no effect. "
                "Register it on the layer or the network."
            )
    return watched


def is_watched(module: nn.Module) -> bool:
    """Tell whether a module has hooks that run after it, forward or backward."""
    return any(hooks_of(module)[1:])


def are_parts_watched(cell: nn.Module) -> bool:
    """Tell whether a part of a cell has hooks that run after it.

    Then the parts have to be called one by one, which no kernel does.
    """
    return any(is_watched(part) for part in hooked_parts(cell))


def is_hooked(module: nn.Module) -> bool:
    """Tell whether a module or a part of it has hooks."""
    return any(any(hooks_of(part)) for part in module.modules())
