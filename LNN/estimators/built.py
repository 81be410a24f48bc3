"""The parameters that a network was built from, and whether they still are the same."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from LNN.exceptions import InvalidInputError
from LNN.wiring import Wiring, build_wiring

# What the network and the scalers were built from: it cannot change without a new fit.
BUILT_FROM = (
    "task",
    "n_neurons",
    "model_type",
    "mode",
    "wiring",
    "sparsity",
    "wiring_seed",
    "layer_recurrence",
    "readout",
    "n_layers",
    "solver",
    "ode_unfolds",
    "mixed_memory",
    "backbone_units",
    "backbone_layers",
    "backbone_dropout",
    "backbone_activation",
    "dropout",
    "pooling",
    "time_column",
    "group_column",
    "anchor",
    "missing",
    "loss",
    "quantile",
    "scale",
    "scale_target",
    "dtype",
)


def remember_parameters(estimator) -> None:
    """Keep the parameters that the network is built from, as they are now."""
    estimator._built_from = {
        name: copy.deepcopy(getattr(estimator, name)) for name in BUILT_FROM
    }


def built(estimator, name: str) -> Any:
    """Return a parameter as it was when the network was built."""
    return estimator._built_from[name]


def refuse_rebuilding(estimator) -> None:
    """Refuse to go on training with a network of other parameters."""
    for name, value in estimator._built_from.items():
        now = getattr(estimator, name)
        if same(now, value):
            continue
        if name == "wiring" and _wiring(estimator, now) == _wiring(estimator, value):
            continue
        raise InvalidInputError(
            f"{name} was {value!r} when the network was built and is {now!r} now, but "
            "training that goes on (warm_start, partial_fit) keeps the network. Set it "
            "back, or fit anew with warm_start=False."
        )


def same(now: Any, then: Any) -> bool:
    """Compare two values of a parameter by what is in them.

    Not by their repr: that of an array is abbreviated, that of many an object tells no
    more than its address, which a copy does not share.
    """
    if now is then:
        return True
    names = [isinstance(value, str) or value is None for value in (now, then)]
    if any(names):
        return all(names) and now == then
    if hasattr(now, "__array__") or hasattr(then, "__array__"):  # frames too
        return np.array_equal(np.asarray(now), np.asarray(then))
    if isinstance(now, list | tuple) and isinstance(then, list | tuple):
        return len(now) == len(then) and all(map(same, now, then))
    if isinstance(now, dict) and isinstance(then, dict):
        return now.keys() == then.keys() and all(same(now[k], then[k]) for k in now)
    if hasattr(now, "get_params") and type(now) is type(then):
        return same(now.get_params(deep=False), then.get_params(deep=False))
    equal = now == then
    return equal if isinstance(equal, bool) else False  # sparse matrices: unknown


def _wiring(estimator, spec: Any) -> Wiring | Any:
    """Return what a wiring object makes of the network's sizes, if it fits them."""
    if isinstance(spec, str) or estimator.wiring_ is None:
        return spec
    n_inputs = estimator.network_.layers[0].input_size
    try:
        return build_wiring(spec, n_inputs, None, estimator.wiring_.n_outputs)
    except InvalidInputError:
        return None
