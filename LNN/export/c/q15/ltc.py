"""The step of an LTC in integers.

Both solvers move a state to the mean of all reversal potentials, by a share that tells
how much conductance there is: it stays among them, whatever the inputs are.
"""

from __future__ import annotations

import numpy as np

from LNN.export.c.ltc import synapse_table
from LNN.export.c.q15.formats import (
    GATE_BITS,
    LARGEST,
    Numbers,
    too_large,
)
from LNN.export.c.q15.layer import FixedLayer
from LNN.export.c.q15.source import FixedSource
from LNN.export.c.source import called, fill

_SHARES = {"semi-implicit": "lnn_shrunk", "exponential": "lnn_gone"}
# Sigmoids as synapses read them, 0 to 1.
_SIGMOID_BITS = 15
# Conductances times a time.
_TIME_BITS = 16


def write_ltc(layer: FixedLayer, source: FixedSource) -> None:
    """Add the step of an LTC, solver and unfolds included."""
    values, name, n = layer.values, layer.name, layer.n
    solver, unfolds = values["solver"], values["unfolds"]
    known = {
        kind: synapse_table(layer.arrays, (kind,)) for kind in ("sensory", "recurrent")
    }
    leak = _leak(layer)
    bits = _weight_bits(known, leak, n)
    point = (bits + _SIGMOID_BITS)[:, None]
    codes = np.maximum(np.round(leak * 2.0**point), [[-np.inf, 1]])
    calls = {}
    for kind, read, z in (
        ("sensory", layer.read, "x"),
        ("recurrent", layer.shown, "v"),
    ):
        index, table = known[kind]
        times = 1 if kind == "sensory" else unfolds
        source.count(3 * times * len(table), times * len(table))
        calls[kind] = _synapses(layer, source, kind, index, table, bits, read) + [
            z,
            str(n),
        ]
    source.count(4 * n * unfolds, n * unfolds * (solver == "exponential"))
    # Powers of 2 are counted in halvings.
    unit = 65536 / unfolds / (np.log(2) if solver == "exponential" else 1.0)
    step, share = _time(round(unit), layer.timed)
    source.function(
        fill(
            "cell_ltc_q15",
            layer=name,
            n=n,
            leak=source.table(f"{name}_leak", codes, "int32_t"),
            shift=source.table(
                f"{name}_shift", bits + _SIGMOID_BITS - _TIME_BITS, "uint8_t"
            ),
            step=step,
            sensory=called("currents", [*calls["sensory"], "drive"]),
            recurrent=called("currents", [*calls["recurrent"], "sums"]),
            unfolds=unfolds,
            bits=layer.bits,
            share=f"{_SHARES[solver]}({share})",
        )
    )


def _time(unit: int, timed: bool) -> tuple[str, str]:
    """Return the statement that measures a step, and conductance p times it."""
    if timed:
        return f"    dt = lnn_times(dt, {unit});\n", "lnn_times(p, dt)"
    # A share is 65536 at most, and 1.44 times that the most that there is.
    more = f"p + lnn_part(p, {unit - 65536})"
    return "    (void)dt;\n", more if unit > 65536 else f"lnn_part(p, {unit})"


def _leak(layer: FixedLayer) -> np.ndarray:
    """Return current and conductance of each neuron without synapses."""
    arrays = layer.arrays
    leak = np.stack(
        [
            arrays["gleak"] * arrays["vleak"],
            arrays["gleak"] + layer.values["epsilon"],
        ],
        axis=1,
    )
    return leak / arrays["cm"][:, None]


def _weight_bits(known: dict, leak: np.ndarray, n: int) -> np.ndarray:
    """Return the point of each neuron's weights, so that 32 bits hold its sums."""
    target = np.concatenate([index["target"] for index, _ in known.values()])
    weight = np.concatenate([table[:, 2:] for _, table in known.values()])
    found = []
    for j in range(n):
        own = np.abs(weight[target == j])
        for bits in range(15, 1, -1):
            codes = np.round(own * 2.0**bits)
            # Conductance first, as in tables of synapses.
            start = np.abs(leak[j, ::-1]) * 2.0 ** (bits + _SIGMOID_BITS) + 1
            total = codes.sum(axis=0) * LARGEST + start
            # Twice the conductance has to fit, as time may be 1.44 halvings.
            if codes.max(initial=0) <= LARGEST and (total * [2, 1] < 2.0**31).all():
                break
        else:
            raise too_large()
        found.append(bits)
    return np.array(found)


def _synapses(
    layer: FixedLayer,
    source: FixedSource,
    kind: str,
    index: dict[str, np.ndarray],
    table: np.ndarray,
    bits: np.ndarray,
    read: Numbers,
) -> list[str]:
    """Add tables of synapses; return what C is called with, but for z and the sums."""
    name = f"{layer.name}_{kind}"
    order = np.argsort(index["target"], kind="stable")
    counts = np.bincount(index["target"], minlength=layer.n)
    codes = np.zeros(table.shape, dtype=int)
    codes[:, :2], unit, down = _sigmoids(table, read.chosen(index["source"]))
    codes[:, 2:] = np.round(table[:, 2:] * 2.0 ** bits[index["target"], None])
    return [
        source.table(f"{name}_count", counts, "lnn_index"),
        source.table(f"{name}_source", index["source"][order], "lnn_index"),
        source.table(name, codes[order], "int16_t"),
        str(unit),
        str(down),
    ]


def _sigmoids(table: np.ndarray, read: Numbers) -> tuple[np.ndarray, int, int]:
    """Return slopes and shifts as integers, the unit of shifts, and what sums shift."""
    slope, shift = table[:, :2].T
    for down in range(18, -1, -1):
        of_slope = np.round(slope * 2.0 ** (GATE_BITS + down - read.bits))
        of_shift = shift * 2.0 ** (GATE_BITS + down)
        most = np.abs(of_shift).max(initial=1.0)
        unit = 2 ** max(0, int(np.ceil(np.log2(most / LARGEST))))
        codes = np.stack([of_slope, np.round(of_shift / unit)], axis=1)
        total = np.abs(of_slope) * read.largest + np.abs(codes[:, 1]) * unit
        if np.abs(codes).max(initial=0) <= LARGEST and (total < 2.0**31 - 2**18).all():
            return codes.astype(int), unit, down
    raise too_large()
