"""The step of an LTC in C: its living synapses, one after another."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.export.c.layer import Layer, local
from LNN.export.c.source import Source, called, fill, lines, number, rounded

Arrays = dict[str, np.ndarray]
# For v, the sums of it (currents and conductances by turns), and h = dt / unfolds. Both
# sums are divided by the capacity, by way of the weights.
_SEMI_IMPLICIT = """\
for (j = 0; j < $n; j++) {
    float i = sums[2 * j], g = sums[2 * j + 1];
    v[j] += h * (i - g * v[j]) / (1.0f + h * g);
}"""
_EXPONENTIAL = """\
for (j = 0; j < $n; j++) {
    float i = sums[2 * j], g = sums[2 * j + 1];
    v[j] += lnn_gone(h * g) * (i / g - v[j]);
}"""
_EXPLICIT = """\
for (j = 0; j < $n; j++) v[j] += h * (sums[2 * j] - sums[2 * j + 1] * v[j]);"""
# Four slopes, each at a point between v and h later, and their sum 1 2 2 1.
_RK4 = """\
memcpy(at, v, sizeof at);
memcpy(next, v, sizeof next);
for (k = 0; k < 4; k++) {
    float ahead = k == 2 ? h : 0.5f * h, share = k == 0 || k == 3 ? h / 6.0f : h / 3.0f;
$sums
    for (j = 0; j < $n; j++) {
        float slope = sums[2 * j] - sums[2 * j + 1] * at[j];
        at[j] = v[j] + ahead * slope;
        next[j] += share * slope;
    }
}
memcpy(v, next, sizeof next);"""
_SOLVERS = {
    "semi-implicit": _SEMI_IMPLICIT,
    "exponential": _EXPONENTIAL,
    "explicit": _EXPLICIT,
    "rk4": _RK4,
}


def kinds_at_once(values: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the kinds of synapses by the passes that sum them up.

    What inputs bring is the same in all unfolds, so that it is summed up once.
    """
    if values["unfolds"] == 1 and values["solver"] != "rk4":
        return [("sensory", "recurrent")]
    return [("sensory",), ("recurrent",)]


def synapse_table(arrays: Arrays, kinds: tuple[str, ...]) -> tuple[Arrays, np.ndarray]:
    """Return synapses as C has them.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Those of a layer.
    kinds : tuple of str
        One or both; inputs come first then.

    Returns
    -------
    index : dict of str to ndarray
        `source` and `target` of each.
    table : ndarray of shape (synapses, 4)
        A sigmoid is that of slope times source minus shift; weight; weight times
        reversal potential. The map of inputs is part of slope and shift, the neuron's
        capacity of both weights.
    """
    parts = []
    for kind in kinds:
        part = {w: arrays[f"{kind}.{w}"] for w in ("source", "target")}
        slope, mu, weight, erev = (
            arrays[f"{kind}.{w}"].astype(np.float64)
            for w in ("sigma", "mu", "weight", "erev")
        )
        weight = weight / arrays["cm"][part["target"]]
        first = 0
        shift = slope * mu
        if kind == "sensory":
            shift = shift - slope * arrays["input_bias"][part["source"]]
            slope = slope * arrays["input_weight"][part["source"]]
        elif len(kinds) == 2:
            first = len(arrays["input_weight"])
        index = np.stack([part["source"] + first, part["target"]])
        parts.append((index, np.stack([slope, shift, weight, weight * erev], axis=1)))
    index = np.concatenate([p[0] for p in parts], axis=1)
    return dict(zip(("source", "target"), index, strict=True)), np.concatenate(
        [p[1] for p in parts]
    )


def rounded_synapses(
    table: np.ndarray, target: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Round slopes and shifts by one scale each, weights by one for each neuron."""
    codes = np.zeros(table.shape, dtype=np.int8)
    scales = []
    for k in (0, 1):
        codes[:, k], scale = rounded(table[:, k], axis=0)
        scales.append(scale)
    for j in range(n):
        own = target == j
        codes[own, 2:], scale = rounded(table[own, 2:], axis=None)
        scales.append(scale)
    return codes, np.array(scales)


def _synapses(
    layer: Layer, source: Source, kinds: tuple[str, ...], z: str, times: int
) -> list[str]:
    """Add tables of synapses; return what C is called with, but for the sums."""
    name = f"{layer.name}_{kinds[-1]}"
    index, table = synapse_table(layer.arrays, kinds)
    source.count(3 * times * len(table), times * len(table))
    order = np.argsort(index["target"], kind="stable")
    counts = np.bincount(index["target"], minlength=layer.n)
    sources, kind = index["source"][order], "lnn_index"
    args = [
        source.table(f"{name}_count", counts, kind),
        source.table(f"{name}_source", sources, kind, "LNN_SYNAPSES - 1"),
    ]
    beyond = "4 * (LNN_SYNAPSES - 1)"
    if not source.int8:
        args.append(source.table(name, table[order], beyond=beyond))
    else:
        codes, scale = rounded_synapses(table, index["target"], layer.n)
        args.append(source.table(name, codes[order], "int8_t", beyond))
        args.append(source.table(f"{name}_s", scale))
    return [*args, z, str(layer.n)]


def write_ltc(layer: Layer, source: Source) -> None:
    """Add the step of an LTC, solver and unfolds included."""
    values, arrays, name, n = layer.values, layer.arrays, layer.name, layer.n
    solver, unfolds = values["solver"], values["unfolds"]
    leak = np.stack(
        [arrays["gleak"] * arrays["vleak"], arrays["gleak"] + values["epsilon"]], axis=1
    )
    leak /= arrays["cm"][:, None]
    solve = _SOLVERS[solver].replace("$n", str(n))
    source.count(4 * n * unfolds, n * unfolds * (solver == "exponential"))
    parts = {"layer": name, "n": n, "leak": source.table(f"{name}_leak", leak)}
    passes = kinds_at_once(values)
    if len(passes) == 1:
        call = called(
            "currents", [*_synapses(layer, source, passes[0], "z", 1), "sums"]
        )
        parts |= {
            "n_inputs": layer.n_inputs,
            "synapses": call,
            "solve": lines(solve, 1),
        }
        source.function(fill("cell_ltc_once", **parts))
        return
    of_inputs = _synapses(layer, source, ("sensory",), "x", 1)
    steps, at, wide = (
        (4, "at", f"at[{n}], next[{n}]") if solver == "rk4" else (1, "v", "")
    )
    of_states = _synapses(layer, source, ("recurrent",), at, unfolds * steps)
    sums = "memcpy(sums, drive, sizeof sums);\n" + called(
        "currents", [*of_states, "sums"]
    )
    if solver == "rk4":
        solve = "int k;\n" + solve.replace("$sums", lines(sums, 1))
    else:
        solve = f"{sums}\n{solve}"
    source.function(
        fill(
            "cell_ltc",
            **parts,
            arrays=local(wide, wide),
            step=number(1.0 / unfolds),
            sensory=called("currents", [*of_inputs, "drive"]),
            unfolds=unfolds,
            solve=lines(solve, 2),
        )
    )
