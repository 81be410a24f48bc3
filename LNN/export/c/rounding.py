"""What int8 makes of a model: weights of a few bits, and how far answers go off."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np

from LNN.export.c.ltc import rounded_synapses
from LNN.export.c.source import rounded
from LNN.export.numpy_model import Model
from LNN.export.spec import Spec


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
        for kind in ("sensory", "recurrent"):
            _round_synapses(arrays, f"{p}{kind}.", layer["n_neurons"])
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


def _round_synapses(arrays: dict[str, np.ndarray], prefix: str, n: int) -> None:
    part = {
        name: arrays[f"{prefix}{name}"].astype(np.float64)
        for name in ("weight", "sigma", "mu", "erev")
    }
    target = arrays[f"{prefix}target"]
    order = np.argsort(target, kind="stable")
    weight, slope = part["weight"], part["sigma"]
    table = np.stack([slope, slope * part["mu"], weight, weight * part["erev"]], axis=1)
    counts = np.bincount(target, minlength=n)
    codes, scale = rounded_synapses(table[order], counts)
    wide = scale.astype(np.float64)
    back = np.empty_like(table)
    back[order, :2] = codes[:, :2] * wide[:2]
    back[order, 2:] = codes[:, 2:] * np.repeat(wide[2:], counts)[:, None]
    slope, shift, weight, current = back.T
    arrays[f"{prefix}sigma"], arrays[f"{prefix}weight"] = slope, weight
    # C has the products alone, so that a slope or a weight of 0 needs no mu or erev.
    arrays[f"{prefix}mu"] = np.divide(shift, slope, where=slope != 0, out=part["mu"])
    arrays[f"{prefix}erev"] = np.divide(
        current, weight, where=weight != 0, out=part["erev"]
    )


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
