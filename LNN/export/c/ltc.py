"""The step of an LTC in C: its living synapses, one after another."""

from __future__ import annotations

import numpy as np

from LNN.export.c.layer import Layer, lines, local
from LNN.export.c.source import Source, called, fill, number, rounded

# For v, the sums `current` and `conductance` of it, and h = dt / unfolds.
_SEMI_IMPLICIT = """\
for (j = 0; j < $n; j++)
    v[j] += h * (current[j] - conductance[j] * v[j]) / ($cm[j] + h * conductance[j]);"""
_EXPONENTIAL = """\
for (j = 0; j < $n; j++)
    v[j] += lnn_gone(h * conductance[j] * $rate[j])
        * (current[j] / conductance[j] - v[j]);"""
_EXPLICIT = """\
for (j = 0; j < $n; j++) v[j] += h * (current[j] - conductance[j] * v[j]) * $rate[j];"""
# Four slopes k, each at a point between v and h later; their sum 1 2 2 1.
_RK4 = """\
for (k = 0; k < 4; k++) {
    float ahead = k == 2 ? h : 0.5f * h, share = k == 0 || k == 3 ? h / 6.0f : h / 3.0f;
$sums    for (j = 0; j < $n; j++) {
        float slope = (current[j] - conductance[j] * at[j]) * $rate[j];
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


def _synapses(layer: Layer, source: Source, kind: str, z: str, times: int) -> str:
    """Return the statement that adds what a kind of synapses brings."""
    arrays, name = layer.arrays, f"{layer.name}_{kind}"
    part = {w: arrays[f"{kind}.{w}"] for w in ("source", "target", "weight", "sigma")}
    source.count(3 * times * len(part["source"]), times * len(part["source"]))
    order = np.argsort(part["target"], kind="stable")
    slope, weight = part["sigma"], part["weight"]
    table = np.stack(
        [slope, slope * arrays[f"{kind}.mu"], weight, weight * arrays[f"{kind}.erev"]],
        1,
    )[order]
    counts = np.bincount(part["target"], minlength=layer.n)
    args = [
        source.table(f"{name}_count", counts, "lnn_index"),
        source.table(f"{name}_source", part["source"][order], "lnn_index"),
    ]
    if not source.int8:
        args.append(source.table(name, table))
    else:
        codes, scale = rounded_synapses(table, counts)
        args += [source.table(name, codes, "int8_t"), source.table(f"{name}_s", scale)]
    return called("currents", [*args, z, str(layer.n), "current", "conductance"])


def rounded_synapses(
    table: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Round slopes and shifts by one scale each, weights by one for each neuron."""
    codes = np.zeros(table.shape, dtype=np.int8)
    scales = []
    for k in (0, 1):
        codes[:, k], scale = rounded(table[:, k], axis=0)
        scales.append(scale)
    ends = np.cumsum(counts)
    for begin, end in zip(ends - counts, ends, strict=True):
        codes[begin:end, 2:], scale = rounded(table[begin:end, 2:], axis=None)
        scales.append(scale)
    return codes, np.array(scales)


def write_ltc(layer: Layer, source: Source) -> None:
    """Add the step of an LTC, solver and unfolds included."""
    values, arrays, name, n = layer.values, layer.arrays, layer.name, layer.n
    solver, unfolds = values["solver"], values["unfolds"]
    slopes = 4 if solver == "rk4" else 1
    mapped, read, wide = "", "x", []
    if (arrays["input_weight"] != 1).any() or arrays["input_bias"].any():
        tables = [
            source.table(f"{name}_{w}", arrays[w])
            for w in ("input_weight", "input_bias")
        ]
        mapped = (
            f"for (j = 0; j < {layer.n_inputs}; j++) u[j] = x[j] * {{}}[j] + {{}}[j];\n"
        )
        mapped, read = lines(mapped.format(*tables), 1), "u"
        wide.append(f"u[{layer.n_inputs}]")
    at = "at" if solver == "rk4" else "v"
    sums = fill(
        "cell_ltc_sums",
        recurrent=_synapses(layer, source, "recurrent", at, unfolds * slopes),
    )
    solve = _SOLVERS[solver].replace("$n", str(n))
    if solver == "semi-implicit":
        solve = solve.replace("$cm", source.table(f"{name}_cm", arrays["cm"]))
    else:
        solve = solve.replace("$rate", source.table(f"{name}_rate", 1 / arrays["cm"]))
    source.count(4 * n * unfolds, n * unfolds * (solver == "exponential"))
    if solver == "rk4":
        wide += [f"at[{n}]", f"next[{n}]"]
        begin = "int k;\nmemcpy(at, v, sizeof at);\nmemcpy(next, v, sizeof next);\n"
        solve = begin + solve.replace("$sums", lines(sums, 1))
    else:
        solve = sums + solve
    sensory = _synapses(layer, source, "sensory", read, 1)
    sensory = sensory.replace("current, conductance", "drive_i, drive_g")
    leak = arrays["gleak"]
    source.function(
        fill(
            "cell_ltc",
            layer=name,
            n=n,
            arrays=local(wide, ", ".join(wide)),
            step=number(1.0 / unfolds),
            mapped=mapped,
            leak_current=source.table(f"{name}_leak_i", leak * arrays["vleak"]),
            leak=source.table(f"{name}_leak", leak + values["epsilon"]),
            sensory=sensory,
            unfolds=unfolds,
            solve=lines(solve, 2),
        )
    )
