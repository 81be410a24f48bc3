"""The step of a CfC in integers, wired or with a backbone."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.export.c.cfc import INSIDE, OUTSIDE, living_maps, wired_weights
from LNN.export.c.layer import local
from LNN.export.c.q15.formats import (
    GATE_BITS,
    LARGEST,
    TANH_BITS,
    Numbers,
    Rows,
    roomy_bits,
    rows,
)
from LNN.export.c.q15.layer import FixedLayer
from LNN.export.c.q15.source import FixedSource
from LNN.export.c.source import fill, lines

# New states of the values f0, f1, ... of the maps.
_CLOSED_FORMS = {
    "default": """\
int32_t one = lnn_tanh(f0) / 2, other = lnn_tanh(f1) / 2;
state[j] = (int16_t)(one + lnn_part(other - one, lnn_sigmoid($gate)));""",
    "no_gate": """\
int32_t one = lnn_tanh(f0) / 4, other = lnn_tanh(f1) / 4;
state[j] = (int16_t)(one + lnn_part(other, lnn_sigmoid($gate)));""",
    "exponential": "lnn_move(state + j, state + $n + j, lnn_tanh(f0) / 2, $share);",
}
# e^-(dt softplus f) is a power of a sigmoid, and the sigmoid itself where dt is 1.
_SHARES = {True: "lnn_gone(lnn_times(lnn_softplus(f1), dt))", False: "lnn_sigmoid(f1)"}
HALVINGS = round(65536 / np.log(2))
# Further bits of what a long gap multiplies.
_FINER = 4
_CALLS = {"default": 3, "no_gate": 3, "exponential": 2}
# Of z in 1/4096; the first two give 15 bits behind the point, the others those of z.
_ACTIVATIONS = {
    "lecun_tanh": "lnn_tanh({0})",
    "tanh": "lnn_tanh({0})",
    "relu": "{0} > 0 ? {0} : 0",
    "silu": "lnn_part({0}, lnn_sigmoid({0} >> 1))",
    "gelu": "lnn_part({0}, lnn_normal({0}))",
}


def _map_bits(layer: FixedLayer, maps: list[str]) -> np.ndarray:
    """Return the point of each map's values: what they are given to reads it there."""
    n_tanh = 1 if layer.moves else 2
    bits = np.array([TANH_BITS] * n_tanh + [GATE_BITS] * (len(maps) - n_tanh))
    if _times_gate(layer, maps):
        bits[2] += _FINER
    return bits


def _closed_form(layer: FixedLayer, source: FixedSource, maps: list[str]) -> str:
    """Return the statements that make the new state of neuron j."""
    mode = layer.values["mode"]
    gate = f"(lnn_times(f2, dt) >> {_FINER}) + f3"
    gate = gate if _times_gate(layer, maps) else "f2"
    text = _CLOSED_FORMS[mode].replace("$gate", gate)
    text = text.replace("$share", _SHARES[layer.timed]).replace("$n", str(layer.n))
    source.count(5 * layer.n, _CALLS[mode] * layer.n)
    return text


def _step(layer: FixedLayer, maps: list[str]) -> str:
    """Return the statement that measures a step."""
    if layer.moves and layer.timed:
        return f"    dt = lnn_times(dt, {HALVINGS});\n"
    return "" if _times_gate(layer, maps) else "    (void)dt;\n"


def _times_gate(layer: FixedLayer, maps: list[str]) -> bool:
    """Whether a gate is the sum of two maps, the first of them times dt."""
    return not layer.moves and "time_a" in maps


def write_wired(layer: FixedLayer, source: FixedSource) -> None:
    """Add the step of a wired CfC, group by group."""
    name, order, maps = layer.name, layer.arrays["order"], living_maps(layer)
    sources, weight = wired_weights(layer)
    counts, m = [len(s) for s in sources], len(maps)
    bias = np.stack([layer.arrays[f"{k}.bias"][order] for k in maps], axis=1)
    z, bits = layer.read.and_then(layer.shown), _map_bits(layer, maps)
    parts = np.split(weight, np.cumsum(counts)[:-1])
    made = [
        rows(w.T, b, z.chosen(s), bits)
        for w, b, s in zip(parts, bias, sources, strict=True)
    ]
    tables = source.rows(
        name,
        Rows(
            np.concatenate([own.weight.T for own in made]),
            np.concatenate([own.bias for own in made]),
            np.concatenate([own.shift for own in made]),
        ),
    )
    sums = [f"f{k}" for k in range(m)]
    source.function(
        fill(
            "cell_wired_q15",
            layer=name,
            n=layer.n,
            n_inputs=layer.n_inputs,
            source=source.table(f"{name}_source", np.concatenate(sources), "lnn_index"),
            count=source.table(f"{name}_count", counts, "lnn_index"),
            order=source.table(f"{name}_order", order, "lnn_index"),
            groups=source.table(f"{name}_groups", layer.values["groups"], "lnn_index"),
            n_groups=len(layer.values["groups"]),
            weight=tables[0],
            bias=tables[1],
            shift=tables[2],
            step=_step(layer, maps),
            sums=", ".join(f"{f} = *b++" for f in sums),
            add=lines("\n".join(f"{f} += *w++ * in;" for f in sums), 4),
            shifted=lines("\n".join(f"{f} >>= *shift++;" for f in sums), 3),
            finish=lines(_closed_form(layer, source, maps), 3),
        )
    )


def write_dense(layer: FixedLayer, source: FixedSource) -> None:
    """Add the step of a CfC whose maps read a backbone."""
    values, n, maps = layer.values, layer.n, living_maps(layer)
    backbone = _Backbone(layer, source)
    for k in range(values["backbone_layers"]):
        backbone.add(k)
    weight, bias = (
        np.concatenate([layer.arrays[f"{m}.{w}"] for m in maps])
        for w in ("weight", "bias")
    )
    bits = np.repeat(_map_bits(layer, maps), n)
    call = source.map(
        f"{layer.name}_maps", backbone.factor * weight, bias, backbone.read, bits
    ).call(backbone.name, "maps")
    named = [f"int32_t f{k} = maps[{k} * {n} + j];" for k in range(len(maps))]
    finish = "\n".join([*named, _closed_form(layer, source, maps)])
    source.function(
        fill(
            "cell_dense_q15",
            layer=layer.name,
            n=n,
            n_inputs=layer.n_inputs,
            widest=max([len(maps) * n, *backbone.widths]),
            arrays=local(
                backbone.widths,
                ", ".join(f"b{k}[{width}]" for k, width in enumerate(backbone.widths)),
            ),
            step=_step(layer, maps),
            backbone=lines(backbone.text, 1),
            maps=call,
            finish=lines(finish, 2),
        )
    )


class _Backbone:
    """The layers before the maps, one after another."""

    def __init__(self, layer: FixedLayer, source: FixedSource):
        self._layer, self._source = layer, source
        self.name, self.read = "z", layer.read.and_then(layer.shown)
        self.factor, self.text = 1.0, ""
        self.widths: list[int] = []

    def add(self, k: int) -> None:
        """Add the layer of this number."""
        layer, activation = self._layer, self._layer.values["activation"]
        weight, bias = (layer.arrays[f"backbone.{k}.{w}"] for w in ("weight", "bias"))
        inside, own = INSIDE.get(activation, 1.0), f"b{k}"
        weight, bias = inside * self.factor * weight, inside * bias
        call = self._source.map(
            f"{layer.name}_{own}", weight, bias, self.read, TANH_BITS
        ).call(self.name, "maps")
        value: Any = _ACTIVATIONS[activation].format("maps[j]")
        if activation.endswith("tanh"):
            bits, narrow = 15, "(int16_t){0}"
        else:
            # As large as the sum of all that comes in.
            bound = (np.abs(weight) @ self.read.bounds + np.abs(bias)).max()
            bits, narrow = roomy_bits(1.01 * bound, TANH_BITS)
            if down := TANH_BITS - bits:
                value = f"(({value}) + {1 << down >> 1}) >> {down}"
        self.text += (
            f"{call}\nfor (j = 0; j < {len(bias)}; j++) "
            f"{own}[j] = {narrow.format(value)};\n"
        )
        self._source.count(calls=len(bias) * (activation != "relu"))
        self.name, self.read = own, Numbers.alike(len(bias), bits, LARGEST)
        self.factor = OUTSIDE.get(activation, 1.0)
        self.widths.append(len(bias))
