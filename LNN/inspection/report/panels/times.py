"""How fast the neurons forget."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.inspection.decays import kind_of
from LNN.inspection.report.clock import time_scale, usual_tau
from LNN.inspection.report.markup import Html, h, number, table
from LNN.inspection.report.panel import Panel, Subject

TOLD = {
    "exact": "A neuron goes 63 % of the way to its target within one time constant. It "
    "changes with the input: 90 % of the values on these data lie between both ends.",
    "proxy": "This cell has no time constants of its own. Shown are those that its "
    "gates imply: how long it would take at this rate until 37 % of a state are left.",
}


def times(subject: Subject, records: list[dict[str, Any]]) -> Panel:
    """Return the panel, from what is known of each neuron."""
    title = "How fast its neurons forget"
    kinds = {kind_of(layer) for layer in subject.fitted.network.layers}
    kind = next((k for k in ("proxy", "exact") if k in kinds), None)
    known = [own for own in records if own["tau"] and all(own["tau"])]
    if kind is None or not known:
        told = "The neurons of this model have no time constants."
        return Panel("times", title, h("p", told))
    factor, unit = time_scale(subject.fitted, usual_tau(records))
    spans = {own["name"]: [factor * tau for tau in own["tau"]] for own in known}
    low = min(span[0] for span in spans.values())
    high = max(span[2] for span in spans.values())
    rows = [
        [name, _span(span, low, high), number(span[1])]
        for name, span in sorted(spans.items(), key=lambda item: item[1][1])
    ]
    head = ["Neuron", f"{number(low)} to {number(high)} {unit}, logarithmic", "Median"]
    caption = f"Time constants in {unit}, the fastest first"
    shown = h("div", table(head, rows, caption), class_="tall")
    return Panel("times", title, Html(h("p", TOLD[kind]) + shown))


def _span(tau: list[float], low: float, high: float) -> Html:
    """Return a line from the 5 % to the 95 % quantile, with a dot at the median."""
    reach = max(np.log(high / low), 1e-9)
    begin, middle, end = (100 * np.log(value / low) / reach for value in tau)
    style = f"left:{begin:.1f}%;width:{max(end - begin, 0.5):.1f}%"
    return h(
        "span",
        h("span", class_="reach", style=style),
        h("span", class_="dot", style=f"left:{middle:.1f}%"),
        class_="span",
        role="img",
        aria_label=f"{number(tau[0])} to {number(tau[2])}",
    )
