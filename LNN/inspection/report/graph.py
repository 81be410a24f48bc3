"""The neurons of a model and the synapses between them, with their trained weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from LNN.exceptions import InvalidInputError
from LNN.export.cell_specs import Arrays, layer_spec
from LNN.models import Layer


@dataclass(frozen=True, eq=False)
class LayerGraph:
    """A layer: what it reads, its neurons in groups, and its synapses.

    Attributes
    ----------
    inputs : list of str
        What it reads, in words.
    first : int
        The number of its first neuron among those of all layers.
    groups : list of (str, list of int)
        Names of groups and their neurons, numbered within the layer.
    source, target : ndarray of int
        Synapses: sources are inputs, then neurons (numbered after the inputs).
    weight : ndarray of float
        Trained, with their signs.
    known : bool
        Whether there are single weights: a backbone between neurons has none.
    """

    inputs: list[str]
    first: int
    groups: list[tuple[str, list[int]]]
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    weight: NDArray[np.float64]
    known: bool

    @property
    def n_neurons(self) -> int:
        """How many neurons it has."""
        return sum(len(neurons) for _, neurons in self.groups)


def layer_graphs(
    layers: Sequence[Layer], inputs: list[str], names: list[str]
) -> list[LayerGraph]:
    """Return the layers of a network.

    Parameters
    ----------
    layers : sequence of Layer
    inputs : list of str
        What the first layer reads.
    names : list of str
        Those of all neurons.
    """
    graphs: list[LayerGraph] = []
    first = 0
    for layer in layers:
        wiring = getattr(layer, "wiring", None)
        groups = [("neurons", list(range(layer.n_neurons)))]
        if wiring is not None and len(wiring.layers) > 1:
            groups = [(name, ids.tolist()) for name, ids in wiring.layers]
        synapses = _synapses(layer, len(inputs))
        known = synapses is not None
        edges = synapses if synapses is not None else _no_synapses()
        graphs.append(LayerGraph(inputs, first, groups, *edges, known))
        inputs = names[first : first + layer.n_neurons]
        first += layer.n_neurons
    return graphs


Synapses = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]


def _no_synapses() -> Synapses:
    none = np.empty(0, dtype=np.int64)
    return none, none, np.empty(0)


def _synapses(layer: Layer, n_inputs: int) -> Synapses | None:
    try:
        values, arrays = layer_spec(layer)
    except InvalidInputError:  # a layer of the caller's
        return None
    kinds: dict[str, Any] = {"LTC": _of_ltc, "wired CfC": _of_wired, "CfC": _of_dense}
    read = kinds.get(values["cell"])
    return None if read is None else read(values, arrays, n_inputs)


def _of_ltc(values: dict[str, Any], arrays: Arrays, n_inputs: int) -> Synapses:
    """Conductances, with the sign of the potential that they pull to."""
    parts = []
    for kind, shift in (("sensory", 0), ("recurrent", n_inputs)):
        weight = arrays[f"{kind}.weight"] * np.sign(arrays[f"{kind}.erev"])
        source = arrays[f"{kind}.source"] + shift
        parts.append((source, arrays[f"{kind}.target"], weight))
    return _joined(parts)


def _of_wired(values: dict[str, Any], arrays: Arrays, n_inputs: int) -> Synapses:
    """Weights of the value that a neuron goes to, the mean of both where it has two."""
    maps = [name for name in values["maps"] if name.startswith("ff")]
    parts = []
    for kind, shift in (("sensory", 0), ("recurrent", n_inputs)):
        known = [arrays[f"{name}.{kind}.weight"] for name in maps]
        source = arrays[f"{maps[0]}.{kind}.source"] + shift
        target = arrays[f"{maps[0]}.{kind}.target"]
        parts.append((source, target, np.mean(known, axis=0)))
    return _joined(parts)


def _of_dense(values: dict[str, Any], arrays: Arrays, n_inputs: int) -> Synapses | None:
    """As of wired ones, where no backbone is in between."""
    if values["backbone_layers"]:
        return None
    maps = [name for name in values["maps"] if name.startswith("ff")]
    weight = np.mean([arrays[f"{name}.weight"] for name in maps], axis=0)
    target, source = np.nonzero(np.ones_like(weight))
    return source, target, weight.reshape(-1).astype(np.float64)


def _joined(parts: list[Any]) -> Synapses:
    source, target, weight = (np.concatenate(c) for c in zip(*parts, strict=True))
    return source.astype(int), target.astype(int), weight.astype(np.float64)
