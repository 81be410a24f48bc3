"""The wiring with its trained weights, and what each neuron does."""

from __future__ import annotations

from typing import Any

from LNN.inspection.names import read_names
from LNN.inspection.report.clock import time_scale, usual_tau
from LNN.inspection.report.data import ReportData
from LNN.inspection.report.drawing import MOST_DRAWN, MOST_INPUTS, draw
from LNN.inspection.report.graph import LayerGraph, layer_graphs
from LNN.inspection.report.markup import Html, h, number, scrolled
from LNN.inspection.report.neurons import (
    activity_of,
    course_of_answers,
    described_neurons,
    lines_shown,
)
from LNN.inspection.report.panel import Panel, Subject
from LNN.inspection.report.trees import trees_of_neurons


def wiring(subject: Subject) -> Panel:
    """Return the panel."""
    part, fitted = subject.part, subject.fitted
    active = activity_of(part)
    inputs = read_names(fitted, part.sequences)
    graphs = layer_graphs(list(fitted.network.layers), inputs, active.neurons)
    lines = lines_shown(part, active)
    trees = trees_of_neurons(part, len(active.neurons))
    records = described_neurons(graphs, active, lines, trees)
    drawings = [
        scrolled(draw(graph, active.neurons, number), f"Drawing of layer {number + 1}")
        for number, graph in enumerate(graphs)
    ]
    _tell_times(records, part)
    shown = h("div", drawings), _details(active.neurons)
    body = [
        h("p", _told(graphs)),
        _legend(graphs) or "",
        h("div", shown, class_="wired"),
    ]
    data = {"neurons": records, "course": course_of_answers(part, active, lines)}
    return Panel("wiring", "How it is wired", Html("".join(body)), data)


def _tell_times(records: list[dict[str, Any]], part: ReportData) -> None:
    """Add time constants in words."""
    # In the unit of the panel that compares them.
    factor, unit = time_scale(part.fitted, usual_tau(records))
    for own in records:
        if own["tau"] is not None:
            low, middle, high = (number(factor * tau) for tau in own["tau"])
            own["tau text"] = f"{middle} {unit} ({low} to {high})"


def _told(graphs: list[LayerGraph]) -> str:
    if not any(graph.known for graph in graphs):
        return (
            "This model has no single synapses between neurons: each of them reads all "
            "inputs and all neurons. Choose one to see what it does over the data."
        )
    n = sum(len(graph.source) for graph in graphs)
    told = (
        f"{n:,} synapses, with their weights after training: the wider, the stronger. "
        "Choose a neuron to see what it reads, whom it drives, and what it does."
    )
    if any(len(graph.source) > MOST_DRAWN for graph in graphs):
        told += f" The {MOST_DRAWN} strongest of a layer are drawn."
    if any(len(graph.inputs) > MOST_INPUTS for graph in graphs):
        told += f" Of many inputs, the {MOST_INPUTS} with the strongest ones are drawn."
    return told


def _legend(graphs: list[LayerGraph]) -> Html | None:
    if not any(graph.known for graph in graphs):
        return None
    return h(
        "p",
        h("span", class_="key up"),
        "raises its target ",
        h("span", class_="key down"),
        "lowers it",
        class_="legend",
    )


def _details(names: list[str]) -> Html:
    options = [h("option", name, value=k) for k, name in enumerate(names)]
    choice = h("select", options, id="neuron")
    label = h("label", "Neuron ", choice, class_="choice")
    shown = h("div", id="neuron-details", aria_live="polite")
    return h("div", label, shown, class_="card")
