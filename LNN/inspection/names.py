"""What neurons, outputs and the inputs of a network are called."""

from __future__ import annotations

from typing import Any

from LNN.data import SequenceSet
from LNN.data.form import InputLayout
from LNN.estimators.fitted import FittedModel
from LNN.inspection.passes import input_names
from LNN.models import Layer
from LNN.network import LiquidNetwork


def neuron_names(network: LiquidNetwork) -> list[str]:
    """Return the names of all neurons, layer after layer.

    The number is that of the neuron in its layer's wiring, as `Wiring.plot` draws it.
    """
    several = len(network.layers) > 1
    return [
        f"layer {number} {name}" if several else name
        for number, layer in enumerate(network.layers, start=1)
        for name in _names_in(layer)
    ]


def _names_in(layer: Layer) -> list[str]:
    wiring = getattr(layer, "wiring", None)
    if wiring is None or len(wiring.layers) == 1:
        return [f"neuron {j}" for j in range(layer.n_neurons)]
    return [f"{wiring.neuron_type(j)} {j}" for j in range(layer.n_neurons)]


def read_names(fitted: FittedModel, sequences: SequenceSet | InputLayout) -> list[str]:
    """Return the names of what the first layer reads: columns, if it reads these."""
    names = [str(name) for name in input_names(sequences)]
    network = fitted.network
    if network.encoder is not None:
        names = []
    elif fitted.parameters["missing"] == "mask":
        names += [f"{name} {what}" for what in ("seen", "age") for name in names]
    n = getattr(network.layers[0], "input_size", len(names))
    if network.patching is not None:
        return [f"patch feature {k}" for k in range(n)]
    if len(names) > n:  # GRU-D reads channels and masks apart
        return names[:n]
    return names + [f"input {k}" for k in range(len(names), n)]


def output_names(fitted: FittedModel, n: int) -> list[Any]:
    """Return the names of outputs: classes, or columns of y and their quantiles."""
    if fitted.targets.classes is not None:
        return list(fitted.targets.classes)
    assert fitted.target_scaler is not None  # only a classifier has none
    n_targets = len(fitted.target_scaler.scale_)
    names = ["y"] if n_targets == 1 else [f"y {k}" for k in range(n_targets)]
    if n == n_targets:
        return names
    levels = [float(level) for level in fitted.parameters["quantile"]]
    return [f"{name} at {level:g}" for name in names for level in levels]
