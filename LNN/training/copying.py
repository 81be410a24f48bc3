"""A network like another: with weights of its own, or on another backend."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

from torch import nn

from LNN.network import LiquidNetwork
from LNN.training.parameter_vector import gradients_recorded

Module = TypeVar("Module", bound=nn.Module)
# Modules of torch whose weights are nowhere but where modules register them.
_PLAIN = (nn.ModuleList, nn.Sequential, nn.Linear)


def with_own_weights(network: Module) -> Module:
    """Copy the weights of a network; what never changes is shared.

    Wirings, indices and what kernels remember of a cell are most of a small network.
    `copy.deepcopy` takes ten times as long, which shows where training goes on in small
    steps.

    Parameters
    ----------
    network : nn.Module
        Modules that are not LNN's own are copied deeply.
    """
    with gradients_recorded():  # the copy will be trained, whatever is switched off
        return _copied(network, {})


def with_backend(network: LiquidNetwork, backend: str) -> LiquidNetwork:
    """Return a network that runs on this backend, with the weights of another.

    Parameters
    ----------
    network : LiquidNetwork
        Returned as it is if it runs there already.
    backend : str
    """
    if all(getattr(part, "backend", backend) == backend for part in network.layers):
        return network
    other, layers = copy.copy(network), nn.ModuleList()
    for layer in network.layers:
        layer = copy.copy(layer)
        if hasattr(layer, "backend"):
            layer.backend = backend
        layers.append(layer)
    # A shallow copy shares the dict of modules: to assign `other.layers` would give
    # the new layers to the first network too.
    vars(other)["_modules"] = {**vars(network)["_modules"], "layers": layers}
    return other


def _copied(module: Any, memo: dict[int, Any]) -> Any:
    if id(module) in memo:
        return memo[id(module)]
    ours = type(module).__module__.partition(".")[0] == "LNN"
    if not ours and type(module) not in _PLAIN:
        return copy.deepcopy(module, memo)
    other = memo[id(module)] = object.__new__(type(module))
    # Dicts are where modules register weights, parts and hooks: shared ones would
    # register for both.
    own = {k: v.copy() if isinstance(v, dict) else v for k, v in vars(module).items()}
    weights, parts = own["_parameters"], own["_modules"]
    for name, weight in weights.items():
        weights[name] = None if weight is None else copy.deepcopy(weight, memo)
    for name, part in parts.items():
        parts[name] = None if part is None else _copied(part, memo)
    vars(other).update(own)
    return other
