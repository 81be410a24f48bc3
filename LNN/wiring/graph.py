"""A circuit as a graph; reached through :meth:`LNN.wiring.Wiring.to_networkx`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from LNN.wiring.circuit import Circuit

if TYPE_CHECKING:
    import networkx


def graph_of(circuit: Circuit) -> networkx.DiGraph:
    """Return the directed graph, see ``Wiring.to_networkx``."""
    import networkx

    graph = networkx.DiGraph()
    for i in range(circuit.n_inputs):
        graph.add_node(("input", i), layer="input")
    for j in range(circuit.n_neurons):
        graph.add_node(("neuron", j), layer=circuit.neuron_type(j))
    for kind, edges in (("input", circuit.sensory), ("neuron", circuit.recurrent)):
        for i, j, sign in zip(*(a.tolist() for a in edges), strict=True):
            graph.add_edge((kind, i), ("neuron", j), polarity=sign)
    return graph
