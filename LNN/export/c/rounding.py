"""What int8 makes of a model: weights of a few bits, and how far answers go off."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np

from LNN.export.c.ltc import kinds_at_once, rounded_synapses, synapse_table
from LNN.export.c.source import rounded
from LNN.export.numpy_model import Model
from LNN.export.spec import Spec

_TINY = 1e-12


def rounded_spec(spec: Spec) -> Spec:
    """Return a spec whose weights are those that int8 can hold, times their scales.

    To round them again changes nothing.
    """
    arrays = dict(spec.arrays)
    for k, layer in enumerate(spec.values["layers"]):
        _round_layer(layer, arrays, f"layers.{k}.")
    for name in ("patch.weight", "attention.weight", "readout.weight"):
        # What a motor read-out multiplies by stays as it is, a number for each output.
        if name in arrays and arrays[name].ndim == 2:
            _round_rows(arrays, [name])
    return Spec(spec.values, arrays)


def _round_layer(layer: dict[str, Any], arrays: dict[str, np.ndarray], p: str) -> None:
    if layer["mixed_memory"]:
        _round_rows(arrays, [f"{p}memory.{w}_weight" for w in ("input", "recurrent")])
    cell = layer["cell"]
    if cell == "LTC":
        _round_synapses(arrays, p, layer)
    elif cell == "wired CfC":
        for name in layer["maps"]:
            _round_edges(arrays, f"{p}{name}.", layer["n_neurons"])
    elif cell == "CfC":
        backbone = [f"backbone.{k}" for k in range(layer["backbone_layers"])]
        for name in [*backbone, *layer["maps"]]:
            _round_rows(arrays, [f"{p}{name}.weight"])
    elif cell == "LSTM":
        _round_rows(arrays, [f"{p}{w}_weight" for w in ("input", "recurrent")])
    else:
        for w in ("input", "recurrent"):
            _round_rows(arrays, [f"{p}{w}_weight"])


def _round_rows(arrays: dict[str, np.ndarray], names: list[str]) -> None:
    """Round matrices that C has side by side, each row by one scale."""
    parts = [arrays[name].astype(np.float64) for name in names]
    codes, scale = rounded(np.concatenate(parts, axis=1))
    both = codes * scale.astype(np.float64)[:, None]
    ends = np.cumsum([part.shape[1] for part in parts])[:-1]
    for name, own in zip(names, np.split(both, ends, axis=1), strict=True):
        arrays[name] = own


def _round_edges(arrays: dict[str, np.ndarray], prefix: str, n: int) -> None:
    """Round the weights of a map's synapses, those of each neuron by one scale."""
    kinds = ("sensory", "recurrent")
    target = [arrays[f"{prefix}{kind}.target"] for kind in kinds]
    weight = [arrays[f"{prefix}{kind}.weight"].astype(np.float64) for kind in kinds]
    all_targets, all_weights = np.concatenate(target), np.concatenate(weight)
    for j in range(n):
        own = all_targets == j
        codes, scale = rounded(all_weights[own], axis=0)
        all_weights[own] = codes * np.float64(scale)
    parts = np.split(all_weights, [len(target[0])])
    for kind, own in zip(kinds, parts, strict=True):
        arrays[f"{prefix}{kind}.weight"] = own


def _round_synapses(
    arrays: dict[str, np.ndarray], prefix: str, values: dict[str, Any]
) -> None:
    own = {k[len(prefix) :]: a for k, a in arrays.items() if k.startswith(prefix)}
    for kinds in kinds_at_once(values):
        index, table = synapse_table(own, kinds)
        n = values["n_neurons"]
        codes, scale = rounded_synapses(table, index["target"], n)
        scale = scale.astype(np.float64)
        wide = np.stack([*(np.full(len(table), s) for s in scale[:2])], axis=1)
        each = scale[2:][index["target"]][:, None]
        back = codes * np.concatenate([wide, each, each], axis=1)
        ends = np.cumsum([len(own[f"{kind}.target"]) for kind in kinds])[:-1]
        for kind, part in zip(kinds, np.split(back, ends), strict=True):
            for name, array in _parameters(part, own, kind).items():
                arrays[f"{prefix}{kind}.{name}"] = array


def _parameters(
    table: np.ndarray, own: dict[str, np.ndarray], kind: str
) -> dict[str, np.ndarray]:
    """Return the parameters whose table of synapses this is."""
    slope, shift = table[:, :2].T
    weight, current = table[:, 2:].T * own["cm"][own[f"{kind}.target"]]
    # A parameter of 0 leaves no room for what it is multiplied by.
    weight = np.where(weight == 0, _TINY, weight)
    scale, bias = np.ones(len(slope)), np.zeros(len(slope))
    if kind == "sensory":
        source = own["sensory.source"]
        scale = own["input_weight"].astype(np.float64)[source]
        bias = own["input_bias"].astype(np.float64)[source]
    dead = (slope == 0) | (scale == 0)
    sigma = np.where(dead, _TINY, slope / np.where(dead, 1.0, scale))
    mu = bias + shift / sigma
    return {"sigma": sigma, "mu": mu, "weight": weight, "erev": current / weight}


def largest_difference(spec: Spec) -> float:
    """Return how far outputs are from those of the test vectors.

    Of a regressor they are in units of the target's scale; of a classifier a difference
    of probabilities is never larger.
    """
    return float(numpy_model(spec).check())


def numpy_model(spec: Spec) -> Model:
    """Return what runs a spec in Python."""
    file = io.BytesIO()
    text = np.frombuffer(json.dumps(spec.values).encode(), np.uint8)
    named: dict[str, Any] = {f"spec.{name}": a for name, a in spec.arrays.items()}
    np.savez(file, spec=text, **named)
    file.seek(0)
    return Model(file)
