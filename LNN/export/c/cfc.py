"""The step of a CfC in C, wired or with a backbone."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.export.c.layer import Layer, local
from LNN.export.c.source import Source, fill, lines, rounded
from LNN.export.c.timeless import reads_time

# New states of a CfC of the values f0, f1, ... of its maps, in the order of the spec.
_CLOSED_FORMS = {
    "default": """\
float a = lnn_tanh(f0);
float h = a + lnn_sigmoid($gate) * (lnn_tanh(f1) - a);""",
    "no_gate": "float h = lnn_tanh(f0) + lnn_sigmoid($gate) * lnn_tanh(f1);",
    "exponential": """\
float h = $old;
h += lnn_gone(dt * lnn_softplus(f1)) * (lnn_tanh(f0) - h);""",
    "pure": """\
float a = $asymptote[j];
float h = a - a * lnn_exp(-dt * ($rate[j] + lnn_size(f0))) * f0;""",
}
_CALLS = {"default": 3, "no_gate": 3, "exponential": 4, "pure": 1}
INSIDE, OUTSIDE = {"lecun_tanh": 0.666}, {"lecun_tanh": 1.7159}
_ACTIVATIONS = {
    # 1.7159 tanh(0.666 z): both factors are part of the weights.
    "lecun_tanh": "lnn_tanh({0})",
    "tanh": "lnn_tanh({0})",
    "relu": "{0} > 0.0f ? {0} : 0.0f",
    "silu": "{0} * lnn_sigmoid({0})",
    "gelu": "0.5f * {0} * (1.0f + lnn_erf(0.70710678f * {0}))",
}


def living_maps(layer: Layer) -> list[str]:
    """Return the maps that are not 0."""
    maps: list[str] = layer.values["maps"]
    if reads_time(maps, layer.arrays):
        return maps
    return [name for name in maps if name != "time_a"]


def _unused(layer: Layer) -> str:
    timed = reads_time(layer.values["maps"], layer.arrays)
    return "" if timed else "    (void)dt;\n"


def _closed_form(layer: Layer, source: Source, order: Any, old: str, depth: int) -> str:
    """Return the statements that make a new state h of neuron j; neurons by order."""
    mode = layer.values["mode"]
    text = _CLOSED_FORMS[mode].replace("$old", old)
    timed = reads_time(layer.values["maps"], layer.arrays)
    text = text.replace("$gate", "f2 * dt + f3" if timed else "f2")
    if mode == "pure":
        for name in ("asymptote", "rate"):
            beyond = "LNN_LANES - 1" if "groups" in layer.values else ""
            values = layer.arrays[name][order]
            table = source.table(f"{layer.name}_{name}", values, beyond=beyond)
            text = text.replace(f"${name}", table)
    source.count(5 * layer.n, _CALLS[mode] * layer.n)
    return lines(text, depth)


def write_dense(layer: Layer, source: Source) -> None:
    """Add the step of a CfC whose maps read a backbone."""
    values, arrays, n = layer.values, layer.arrays, layer.n
    read, backbone, wide, before = "z", "", [], 1.0
    inside = INSIDE.get(values["activation"], 1.0)
    for k in range(values["backbone_layers"]):
        weight, bias = (arrays[f"backbone.{k}.{w}"] for w in ("weight", "bias"))
        own = f"b{k}"
        wide.append(f"{own}[{len(bias)}]")
        known = source.dense(
            f"{layer.name}_{own}", inside * before * weight, inside * bias
        )
        call = known.call(read, own)
        activation = _ACTIVATIONS[values["activation"]].format(f"{own}[j]")
        backbone += (
            f"{call}\nfor (j = 0; j < {len(bias)}; j++) {own}[j] = {activation};\n"
        )
        source.count(calls=len(bias) * (values["activation"] != "relu"))
        read, before = own, OUTSIDE.get(values["activation"], 1.0)
    maps = living_maps(layer)
    weight, bias = (
        np.concatenate([arrays[f"{m}.{w}"] for m in maps]) for w in ("weight", "bias")
    )
    named = [f"float f{k} = maps[{k} * {n} + j];" for k in range(len(maps))]
    finish = _closed_form(layer, source, slice(None), "state[j]", 2)
    source.function(
        fill(
            "cell_dense",
            layer=layer.name,
            n=n,
            n_inputs=layer.n_inputs,
            n_maps=len(maps),
            arrays=local(wide, ", ".join(wide)),
            backbone=lines(backbone, 1),
            maps=source.dense(f"{layer.name}_maps", before * weight, bias).call(
                read, "maps"
            ),
            finish=lines("\n".join(named), 2) + "\n" + finish,
            unused=_unused(layer),
        )
    )


def wired_weights(layer: Layer) -> tuple[list[np.ndarray], np.ndarray]:
    """Return sources of each neuron in the order of updates, and all weights.

    Weights are (synapses, maps). A synapse that not all maps have is one of weight 0 in
    the others.
    """
    n_inputs, n, maps = layer.n_inputs, layer.n, living_maps(layer)
    weight = np.zeros((n, n_inputs + n, len(maps)))
    alive = np.zeros((n, n_inputs + n), dtype=bool)
    for k, name in enumerate(maps):
        for kind, first in (("sensory", 0), ("recurrent", n_inputs)):
            part = {w: layer.arrays[f"{name}.{kind}.{w}"] for w in ("source", "target")}
            place = part["target"], first + part["source"]
            alive[place] = True
            weight[(*place, k)] = layer.arrays[f"{name}.{kind}.weight"]
    order = layer.arrays["order"]
    sources = [np.flatnonzero(alive[j]) for j in order]
    return sources, np.concatenate(
        [weight[j][s] for j, s in zip(order, sources, strict=True)]
    )


def write_wired(layer: Layer, source: Source) -> None:
    """Add the step of a wired CfC, group by group."""
    values, arrays, name = layer.values, layer.arrays, layer.name
    maps, order = living_maps(layer), arrays["order"]
    sources, weight = wired_weights(layer)
    counts = [len(s) for s in sources]
    bias = np.stack([arrays[f"{m}.bias"][order] for m in maps], axis=1)
    m = len(maps)
    sums = [f"f{k}" for k in range(m)]
    table = source.table(f"{name}_b", bias)
    biases = [f"{table}[{m} * p + {k}]" for k in range(m)]
    kind, cast, begin, end = "float", "", biases, sums
    if source.int8:
        kind, cast, begin = "int8_t", "(float)", ["0.0f"] * m
        weight, scale = _rounded_wired(weight, counts)
        table = source.table(f"{name}_s", scale)
        end = [f"f{k} * {table}[{m} * p + {k}] + {biases[k]}" for k in range(m)]
    kept = [f"maps[{k}][p] = {value};" for k, value in enumerate(end)]
    if values["mode"] == "exponential":
        kept.append(f"fresh[p] = z[{layer.n_inputs} + target[p]];")
    source.count(weight.size)
    source.function(
        fill(
            "cell_wired",
            layer=name,
            n=layer.n,
            n_inputs=layer.n_inputs,
            n_maps=m,
            weight_type=kind,
            source=source.table(f"{name}_source", np.concatenate(sources), "lnn_index"),
            count=source.table(f"{name}_count", counts, "lnn_index"),
            order=source.table(f"{name}_order", order, "lnn_index"),
            groups=source.table(f"{name}_groups", values["groups"], "lnn_index"),
            n_groups=len(values["groups"]),
            weight=source.table(f"{name}_w", weight, kind),
            sums=", ".join(f"{f} = {b}" for f, b in zip(sums, begin, strict=True)),
            add=lines("\n".join(f"{f} += {cast}*w++ * in;" for f in sums), 4),
            keep=lines("\n".join(kept), 3),
            named=", ".join(f"{f} = maps[{k}][j]" for k, f in enumerate(sums)),
            finish=_closed_form(layer, source, order, "fresh[j]", 4),
            unused=_unused(layer),
        )
    )


def _rounded_wired(
    weight: np.ndarray, counts: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Round the weights of each neuron's maps by a scale of their own."""
    ends = np.cumsum(counts)[:-1]
    each = [rounded(part, axis=0) for part in np.split(weight, ends)]
    codes, scales = zip(*each, strict=True)
    return np.concatenate(codes), np.stack(scales)
