"""A layer as SVG: inputs and groups of neurons in columns, synapses as curves.

The page's script finds nodes by `data-node` ("i3" is an input, "n5" a neuron, numbered
over all layers) and synapses by `data-from` and `data-to`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from LNN.inspection.report.graph import LayerGraph
from LNN.inspection.report.markup import Html, h

# Neurons are apart what a finger needs; more than these stand in columns side by side.
ROW, COLUMN, BESIDE, RADIUS = 30, 130, 40, 11
TALLEST = 16
MOST_DRAWN, MOST_INPUTS, INPUT_ROW = 700, 32, 20
TITLE, EDGE = 28, 22
LONGEST_NAME = 18
Points = NDArray[np.float64]


def draw(graph: LayerGraph, names: list[str], number: int) -> Html:
    """Return the drawing of a layer.

    Parameters
    ----------
    graph : LayerGraph
    names : list of str
        Those of all neurons.
    number : int
        Of the layer, from 0: its inputs are columns in the first, else neurons.
    """
    places, titles, width, height = _places(graph)
    n_inputs = len(graph.inputs)
    parts = [
        h("text", text, x=f"{x:g}", y=14, class_="middle title") for text, x in titles
    ]
    keys = _keys(graph, number)
    parts.append(h("g", _edges(graph, places, keys), class_="edges"))
    for k in shown_inputs(graph):
        parts.append(_input(graph.inputs[k], keys[k], places[k]))
    for name, own in graph.groups:
        kind = name if name in ("inter", "command", "motor") else "neurons"
        for j in own:
            key = keys[n_inputs + j]
            told = names[graph.first + j]
            parts.append(_neuron(told, key, j, kind, places[n_inputs + j]))
    label = f"Layer {number + 1}: {len(graph.inputs)} inputs, {graph.n_neurons} neurons"
    return h(
        "svg",
        parts,
        viewBox=f"0 0 {width:g} {height:g}",
        width=f"{width:g}",
        height=f"{height:g}",
        class_="wiring",
        role="group",
        aria_label=label,
    )


def _keys(graph: LayerGraph, number: int) -> list[str]:
    n = len(graph.inputs)
    # A layer above reads the neurons of the one below, which are numbered before its.
    inputs = [f"n{graph.first - n + k}" if number else f"i{k}" for k in range(n)]
    return inputs + [f"n{graph.first + j}" for j in range(graph.n_neurons)]


def _places(
    graph: LayerGraph,
) -> tuple[Points, list[tuple[str, float]], float, float]:
    """Return where inputs and neurons stand, the columns' titles, width and height."""
    columns = [
        (name, [len(graph.inputs) + j for j in own]) for name, own in graph.groups
    ]
    inputs = shown_inputs(graph)
    tallest = ROW * max(min(len(own), TALLEST) for _, own in columns)
    room = max(tallest, INPUT_ROW * len(inputs))
    height = TITLE + EDGE + room
    places = np.full((len(graph.inputs) + graph.n_neurons, 2), np.nan)
    # Names of inputs stand to the left of them.
    x = 20.0 + 7.0 * min(LONGEST_NAME, max(len(name) for name in graph.inputs))
    places[inputs, 0] = x
    places[inputs, 1] = _column(len(inputs), min(ROW, room / len(inputs)), height)
    titles = [("reads", x)]
    x += COLUMN
    for name, own in columns:
        n_beside = -(-len(own) // TALLEST)
        for k, part in enumerate(np.array_split(own, n_beside)):
            places[part, 0] = x + k * BESIDE
            places[part, 1] = _column(len(part), ROW, height)
        titles.append((f"{len(own)} {name}", x + (n_beside - 1) * BESIDE / 2))
        x += (n_beside - 1) * BESIDE + COLUMN
    return places, titles, x - COLUMN + 40, height


def _column(n: int, apart: float, height: float) -> Points:
    """Return the heights of nodes in the middle of a column."""
    steps: Points = np.arange(n, dtype=np.float64) - (n - 1) / 2
    return TITLE + (height - TITLE) / 2 + apart * steps


def shown_inputs(graph: LayerGraph) -> NDArray[np.int64]:
    """Return the inputs that are drawn: of many those with the strongest synapses."""
    n = len(graph.inputs)
    if n <= MOST_INPUTS:
        return np.arange(n)
    total = np.bincount(graph.source, np.abs(graph.weight), n + graph.n_neurons)[:n]
    return np.sort(np.argsort(-total, kind="stable")[:MOST_INPUTS])


def _edges(graph: LayerGraph, places: Points, keys: list[str]) -> list[Html]:
    n_inputs = len(graph.inputs)
    target = graph.target + n_inputs
    strength = np.abs(graph.weight)
    # The strongest, and none of a neuron to itself, which would hide behind it.
    order = np.argsort(-strength, kind="stable")
    order = order[graph.source[order] != target[order]]
    order = order[np.isfinite(places[graph.source[order], 0])][:MOST_DRAWN]
    usual = float(np.quantile(strength, 0.95)) if len(strength) else 1.0
    return [
        h(
            "path",
            d=_curve(places[graph.source[k]], places[target[k]]),
            class_="up" if graph.weight[k] > 0 else "down",
            stroke_width=f"{0.4 + 2.4 * min(1.0, strength[k] / (usual or 1.0)):.2f}",
            data_from=keys[graph.source[k]],
            data_to=keys[target[k]],
        )
        for k in order[::-1]  # the strongest on top
    ]


def _curve(start: Points, end: Points) -> str:
    (x1, y1), (x2, y2) = start, end
    if abs(x1 - x2) < 1:  # an arc beside the column, wider the farther it reaches
        beside = x1 + 2 * np.sign(y2 - y1) * (16 + 0.12 * abs(y2 - y1))
        between = (y1 + y2) / 2
        return f"M{x1:.0f} {y1:.0f}Q{beside:.0f} {between:.0f} {x2:.0f} {y2:.0f}"
    middle = (x1 + x2) / 2
    return (
        f"M{x1:.0f} {y1:.0f}C{middle:.0f} {y1:.0f} {middle:.0f} {y2:.0f} "
        f"{x2:.0f} {y2:.0f}"
    )


def _input(name: str, key: str, place: Points) -> Html:
    short = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    square = h("rect", x=-8, y=-8, width=16, height=16, rx=2)
    text = h("text", short, x=-14, y=4, class_="end")
    title = h("title", name)
    at = f"translate({place[0]:g} {place[1]:g})"
    return h("g", title, square, text, transform=at, class_="input", data_node=key)


def _neuron(name: str, key: str, number: int, kind: str, place: Points) -> Html:
    parts = [
        h("title", name),
        h("circle", r=RADIUS),
        h("text", str(number), y=4, class_="middle"),
    ]
    return h(
        "g",
        parts,
        transform=f"translate({place[0]:g} {place[1]:g})",
        class_=f"neuron {kind}",
        data_node=key,
        role="button",
        tabindex=-1,
        aria_label=name,
    )
