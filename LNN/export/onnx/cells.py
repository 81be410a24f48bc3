"""One step of a layer as nodes: the equations of docu/spec.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from LNN.export.cell_specs import Arrays
from LNN.export.onnx.nodes import (
    Value,
    absolute,
    concat,
    exp,
    gather,
    gone,
    linear,
    reshape,
    sigmoid,
    softplus,
    split,
    tanh,
    total,
    where,
)


@dataclass(frozen=True)
class Layer:
    """A layer of a spec.

    Parameters
    ----------
    values : dict
        Its fields.
    arrays : dict of str to ndarray
        Its arrays, by the names that follow "layers.k.".
    """

    values: dict[str, Any]
    arrays: Arrays

    @property
    def n(self) -> int:
        """How many neurons it has, the first numbers of its state."""
        return int(self.values["n_neurons"])

    @property
    def state_size(self) -> int:
        """How many numbers its state has."""
        twice = self.values["mixed_memory"] or self.values["cell"] == "LSTM"
        return self.n * (2 if twice else 1)

    def step(self, x: Value, state: Value, dt: Value) -> Value:
        """Return the state after inputs (B, inputs) and time steps (B, 1)."""
        step = _CELLS[self.values["cell"]]
        if not self.values["mixed_memory"]:
            return step(self, x, state, dt)
        h, c = _remember(self, x, state)
        return concat([step(self, x, h, dt), c])


def _linear(layer: Layer, name: str, x: Value) -> Value:
    weight, bias = layer.arrays[f"{name}.weight"], layer.arrays[f"{name}.bias"]
    return linear(x, weight, bias)


def _ltc(layer: Layer, x: Value, v: Value, dt: Value) -> Value:
    arrays, values = layer.arrays, layer.values
    current = arrays["gleak"] * arrays["vleak"]
    conductance = arrays["gleak"] + values["epsilon"]
    u = x * arrays["input_weight"] + arrays["input_bias"]
    sensory = _currents(layer, "sensory", u)
    drive = (sensory[0] + current, sensory[1] + conductance)

    def sums(v: Value) -> tuple[Value, Value]:
        own = _currents(layer, "recurrent", v)
        return drive[0] + own[0], drive[1] + own[1]

    h = dt * (1.0 / values["unfolds"])
    for _ in range(values["unfolds"]):
        v = _SOLVERS[values["solver"]](sums, arrays["cm"], v, h)
    return v


def _currents(layer: Layer, kind: str, z: Value) -> tuple[Value, Value]:
    """Return currents and conductances (B, N) through the synapses of a kind."""
    known = {
        name: layer.arrays[f"{kind}.{name}"]
        for name in ("source", "target", "weight", "sigma", "mu", "erev")
    }
    n, laid = layer.n, {}
    width, place = _rectangle(known["target"], n)
    for name, array in known.items():
        laid[name] = np.zeros(n * width, array.dtype)
        laid[name][place] = array
    is_open = sigmoid((gather(z, laid["source"]) - laid["mu"]) * laid["sigma"])
    flow = is_open * laid["weight"]

    def summed(value: Value) -> Value:
        return total(reshape(value, -1, n, width), 2)

    return summed(flow * laid["erev"]), summed(flow)


def _rectangle(target: np.ndarray, n: int) -> tuple[int, np.ndarray]:
    """Lay synapses out so that those to each neuron fill one row of a rectangle.

    To sum rows is faster than to scatter, and smaller than a matrix product. Returns
    the width, and where each synapse stands.
    """
    counts = np.bincount(target, minlength=n)
    place = np.empty(len(target), int)
    order = np.argsort(target, kind="stable")
    width = max(1, int(counts.max(initial=0)))
    starts = np.cumsum(counts) - counts
    place[order] = np.arange(len(target)) - np.repeat(starts, counts)
    return width, target.astype(int) * width + place


Sums = Callable[[Value], tuple[Value, Value]]


def _semi_implicit(sums: Sums, cm: np.ndarray, v: Value, h: Value) -> Value:
    current, conductance = sums(v)
    return v + h * (current - conductance * v) / (cm + h * conductance)


def _exponential(sums: Sums, cm: np.ndarray, v: Value, h: Value) -> Value:
    current, conductance = sums(v)
    return v + gone(h * conductance / cm) * (current / conductance - v)


def _slope(sums: Sums, cm: np.ndarray, v: Value) -> Value:
    current, conductance = sums(v)
    return (current - conductance * v) / cm


def _explicit(sums: Sums, cm: np.ndarray, v: Value, h: Value) -> Value:
    return v + h * _slope(sums, cm, v)


def _rk4(sums: Sums, cm: np.ndarray, v: Value, h: Value) -> Value:
    half = 0.5 * h
    k1 = _slope(sums, cm, v)
    k2 = _slope(sums, cm, v + half * k1)
    k3 = _slope(sums, cm, v + half * k2)
    k4 = _slope(sums, cm, v + h * k3)
    return v + h * (1 / 6) * (k1 + 2.0 * k2 + 2.0 * k3 + k4)


_SOLVERS = {
    "semi-implicit": _semi_implicit,
    "exponential": _exponential,
    "explicit": _explicit,
    "rk4": _rk4,
}


def _closed_form(
    layer: Layer, maps: list[Value], h: Value, dt: Value, group: Any = slice(None)
) -> Value:
    """Return the new state of a group of neurons from the values of its maps."""
    mode = layer.values["mode"]
    if mode == "pure":
        a, rate = (layer.arrays[name][group] for name in ("asymptote", "rate"))
        f = maps[0]
        return a - a * exp(-(dt * (absolute(f) + rate))) * f
    if mode == "exponential":
        return h + gone(dt * softplus(maps[1])) * (tanh(maps[0]) - h)
    first, second = tanh(maps[0]), tanh(maps[1])
    gate = sigmoid(maps[2] * dt + maps[3])
    return first + gate * (second if mode == "no_gate" else second - first)


def _wired(layer: Layer, x: Value, h: Value, dt: Value) -> Value:
    arrays, n_inputs = layer.arrays, layer.values["n_inputs"]
    ends = np.cumsum(layer.values["groups"])[:-1]
    # Where the newest state of each neuron stands in [x, h, group after group].
    place = n_inputs + np.arange(layer.n)
    read, end, new = concat([x, h]), n_inputs + layer.n, []
    for group in np.split(arrays["order"], ends):
        blocks = [_block(layer, name, group) for name in layer.values["maps"]]
        weight = np.concatenate(blocks, 1)
        used = np.flatnonzero(weight.any(axis=1))
        used = used if len(used) else np.zeros(1, int)
        at = np.concatenate([np.arange(n_inputs), place])[used]
        bias = [arrays[f"{name}.bias"][group] for name in layer.values["maps"]]
        mapped = linear(gather(read, at), weight[used].T, np.concatenate(bias))
        maps = split(mapped, [len(group)] * len(bias))
        new.append(_closed_form(layer, maps, gather(h, group), dt, group))
        place[group] = end + np.arange(len(group))
        read, end = concat([read, new[-1]]), end + len(group)
    return gather(concat(new), np.argsort(arrays["order"]))


def _block(layer: Layer, name: str, group: np.ndarray) -> np.ndarray:
    """Return the weights (inputs + N, group) of a map of a wired CfC."""
    n_inputs, n = layer.values["n_inputs"], layer.n
    whole = np.zeros((n_inputs + n, n), np.float32)
    for kind, offset in (("sensory", 0), ("recurrent", n_inputs)):
        own = {k: layer.arrays[f"{name}.{kind}.{k}"] for k in ("source", "target")}
        weight = layer.arrays[f"{name}.{kind}.weight"]
        whole[offset + own["source"], own["target"]] = weight
    return whole[:, group]


def _dense(layer: Layer, x: Value, h: Value, dt: Value) -> Value:
    z = concat([x, h])
    for k in range(layer.values["backbone_layers"]):
        z = _activated(layer.values["activation"], _linear(layer, f"backbone.{k}", z))
    maps = [_linear(layer, name, z) for name in layer.values["maps"]]
    return _closed_form(layer, maps, h, dt)


def _activated(activation: str, z: Value) -> Value:
    known: dict[str, Callable[[Value], Value]] = {
        "lecun_tanh": lambda z: 1.7159 * tanh(0.666 * z),
        "tanh": tanh,
        "relu": lambda z: z.nodes.add("Relu", z),
        "silu": lambda z: z * sigmoid(z),
        "gelu": lambda z: 0.5 * z * (1.0 + z.nodes.add("Erf", z * (1 / np.sqrt(2)))),
    }
    return known[activation](z)


def _remember(layer: Layer, x: Value, state: Value) -> tuple[Value, Value]:
    """Return h and c of the memory in front of a cell."""
    arrays, n = layer.arrays, layer.n
    h, c = split(state, [n, n])
    of_x = linear(x, arrays["memory.input_weight"], arrays["memory.bias"])
    gates = of_x + h.nodes.add("MatMul", h, arrays["memory.recurrent_weight"].T)
    g, i, f, o = split(gates, [n] * 4)
    c = c * sigmoid(f) + tanh(g) * sigmoid(i)
    return tanh(c) * sigmoid(o), c


def _mapped(layer: Layer, x: Value, h: Value, dt: Value) -> tuple[Value, Value]:
    arrays = layer.arrays
    x = concat([x, dt]) if layer.values["reads_time"] else x
    return (
        linear(x, arrays["input_weight"], arrays["input_bias"]),
        linear(h, arrays["recurrent_weight"], arrays["recurrent_bias"]),
    )


def _lstm(layer: Layer, x: Value, state: Value, dt: Value) -> Value:
    n = layer.n
    h, c = split(state, [n, n])
    of_x, of_h = _mapped(layer, x, h, dt)
    i, f, g, o = split(of_x + of_h, [n] * 4)
    if layer.values["time_gates"]:
        # (1 - F^e) / (1 - F), which is e where the gate is open.
        is_open = f > 30.0
        closed = where(is_open, 0.0, f)
        # 1 - F = exp(-softplus(f)): runtimes round small sigmoids to multiples of 1e-8.
        series = gone(dt * softplus(-closed)) * exp(softplus(closed))
        series = where(is_open, dt, series)
        c = exp(-(dt * softplus(-f))) * c + sigmoid(i) * tanh(g) * series
    else:
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return concat([sigmoid(o) * tanh(c), c])


def _gru(layer: Layer, x: Value, h: Value, dt: Value) -> Value:
    sizes = [layer.n] * 3
    of_x, of_h = _mapped(layer, x, h, dt)
    (p1, p2, p3), (q1, q2, q3) = split(of_x, sizes), split(of_h, sizes)
    fresh = tanh(p3 + sigmoid(p1 + q1) * q3)
    keep = p2 + q2
    timed = layer.values["time_gates"]
    kept = exp(-(dt * softplus(-keep))) if timed else sigmoid(keep)
    return fresh + kept * (h - fresh)


_CELLS = {"LTC": _ltc, "wired CfC": _wired, "CfC": _dense, "LSTM": _lstm, "GRU": _gru}
