"""What each neuron is and does, as the page's script tells it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from LNN._results import Result
from LNN.inspection.activity import neuron_activity
from LNN.inspection.report.attributed import is_limited
from LNN.inspection.report.data import ReportData
from LNN.inspection.report.graph import LayerGraph
from LNN.inspection.report.markup import plain_number

# Lines of a course over time, and of those of all neurons; sources and targets told.
MOST_LINES, MOST_VALUES, MOST_NAMED = 240, 40_000, 8


def lines_shown(part: ReportData, active: Result) -> NDArray[np.int64]:
    """Return the lines of activity that a page shows: a stretch, in time order.

    Of rows the last ones, of sequences the first, as whole as they fit.
    """
    n_neurons = active.states.shape[1]
    most = int(np.clip(MOST_VALUES // max(1, n_neurons), 40, MOST_LINES))
    if part.sequences.layout == "rows":
        lines = np.lexsort([active.step, active.sequence])
        return lines[-most:]
    lines = np.arange(min(len(active.sequence), 40 * most))
    lines = lines[active.sequence[lines] == active.sequence[0]]
    # A sequence that is longer is seen at fewer of its steps.
    return lines[:: -(-len(lines) // most)]


def activity_of(part: ReportData) -> Result:
    """Return what the neurons do over the part of the data, and the network's answers.

    Limits act on answers, not on neurons: here the answers are those before them.
    """
    free = {**part.fitted.parameters, "output_constraints": None}
    network_alone = replace(part.fitted, parameters=free)
    return neuron_activity(network_alone, part.X, **part.given)


def described_neurons(
    graphs: list[LayerGraph], active: Result, lines: NDArray[np.int64], trees: list[Any]
) -> list[dict[str, Any]]:
    """Return a record for each neuron."""
    records = []
    for graph in graphs:
        sources = [*graph.inputs, *active.neurons[graph.first :][: graph.n_neurons]]
        kinds = {j: name for name, own in graph.groups for j in own}
        for j in range(graph.n_neurons):
            number = graph.first + j
            into = np.flatnonzero(graph.target == j)
            out = np.flatnonzero(graph.source == len(graph.inputs) + j)
            records.append(
                {
                    "name": active.neurons[number],
                    "kind": kinds[j],
                    "known": graph.known,
                    "sources": _strongest(graph, into, graph.source, sources),
                    "targets": _strongest(
                        graph, out, graph.target + len(graph.inputs), sources
                    ),
                    "tau": _quartiles(active.time_constants[:, number]),
                    "range": _quartiles(active.states[:, number]),
                    "course": _short(active.states[lines, number]),
                    "tree": trees[number],
                }
            )
    return records


def _short_place(part: ReportData, row: int) -> str:
    """Return "row 17", or a time alone: two of them stand beside each other."""
    text = part.place_text(row)
    name = text.removeprefix("row ")
    return text if name.isdigit() else name


def _strongest(
    graph: LayerGraph, edges: NDArray, ends: NDArray, names: list[str]
) -> dict[str, Any]:
    order = edges[np.argsort(-np.abs(graph.weight[edges]), kind="stable")]
    named = [
        [names[ends[k]], plain_number(graph.weight[k], 3)] for k in order[:MOST_NAMED]
    ]
    return {"n": len(edges), "first": named}


def _quartiles(values: NDArray) -> list[float | None] | None:
    there = values[np.isfinite(values)]
    if not len(there):
        return None
    return [plain_number(q, 3) for q in np.quantile(there, [0.05, 0.5, 0.95])]


def _short(values: NDArray) -> list[float | None]:
    return [plain_number(value, 3) for value in values]


def course_of_answers(
    part: ReportData, active: Result, lines: NDArray[np.int64]
) -> dict[str, Any]:
    """Return the times and answers beside which neurons are shown."""
    if part.sequences.layout == "rows":
        places = [_short_place(part, int(row)) for row in active.row[lines[[0, -1]]]]
    else:
        places = [f"step {step}" for step in active.step[lines[[0, -1]]]]
    output = active.outputs[lines, -1]
    name = part.target_names[0]
    if part.fitted.classifies:
        name = f"probability of {part.classes[-1]}"
    elif active.outputs.shape[1] > 1:
        name = "the last output"
    if is_limited(part):
        name += ", before its limits"
    return {
        "begin": places[0],
        "end": places[-1],
        "output": _short(output),
        "output name": name,
    }
