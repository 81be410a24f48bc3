"""A circuit as a table; reached through :meth:`LNN.wiring.Wiring.summary`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from LNN.wiring.circuit import Circuit, counted


def table_of(circuit: Circuit) -> str:
    """Return a table of layers and synapses, see ``Wiring.summary``."""
    counts = [counted(circuit.n_inputs, "input"), counted(circuit.n_neurons, "neuron")]
    counts.append(counted(circuit.n_outputs, "output"))
    layers = [("layer", "size", "neurons"), ("inputs", circuit.n_inputs, "")]
    layers += [(name, ids.size, _id_range(ids)) for name, ids in circuit.layers]
    width = max(len(row[0]) for row in layers)
    lines = ["Wiring: " + ", ".join(counts)]
    lines += [f"{a:<{width}}  {b:>4}  {c}".rstrip() for a, b, c in layers]
    kinds = _synapse_kinds(circuit)
    width = max(len(kind) for kind, *_ in kinds)
    lines.append(
        f"{'synapses':<{width}}  count  possible  density  excitatory  inhibitory"
    )
    for kind, count, possible, excitatory in kinds:
        lines.append(
            f"{kind:<{width}}  {count:>5}  {possible:>8}  {count / possible:>7.2f}"
            f"  {excitatory:>10}  {count - excitatory:>10}"
        )
    return "\n".join(lines)


def _synapse_kinds(circuit: Circuit) -> list[tuple[str, int, int, int]]:
    """Rows (kind, synapses, possible synapses, excitatory ones), total last."""
    sensory, recurrent = circuit.adjacency()
    sources = [("sensory", sensory)]
    sources += [(name, recurrent[ids]) for name, ids in circuit.layers]
    rows = []
    for source, block in sources:
        for target, ids in circuit.layers:
            part = block[:, ids]
            # Most pairs of layers have no synapses by design, and would fill the table.
            if part.any():
                kind = f"{source} -> {target}"
                excitatory = int((part > 0).sum())
                rows.append((kind, int(np.count_nonzero(part)), part.size, excitatory))
    positive = int((sensory > 0).sum() + (recurrent > 0).sum())
    possible = sensory.size + recurrent.size
    return [*rows, ("all", circuit.n_synapses, possible, positive)]


def _id_range(ids: NDArray[np.int64]) -> str:
    """Neuron numbers of a layer, as a range where they are one."""
    if ids.size == 1:
        return str(ids[0])
    if ids[-1] - ids[0] == ids.size - 1:
        return f"{ids[0]}-{ids[-1]}"
    return ", ".join(map(str, ids[:6])) + (", ..." if ids.size > 6 else "")
