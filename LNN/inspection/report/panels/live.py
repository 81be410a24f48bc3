"""The model itself, running in the page: inputs to move, neurons that light up."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from LNN.exceptions import InvalidInputError
from LNN.export.spec import Spec, to_spec
from LNN.export.text import to_json
from LNN.inspection.report.clock import time_scale
from LNN.inspection.report.data import ReportData
from LNN.inspection.report.markup import Html, h, plain_number
from LNN.inspection.report.panel import Panel, Subject
from LNN.inspection.report.stretches import stretches

TITLE = "Try it"
# A page is to be opened by mail: a larger model does not fit into it.
MOST_TEXT, MOST_SLIDERS = 1_500_000, 24


def live(subject: Subject, neurons: list[str]) -> tuple[Panel, str | None]:
    """Return the panel, and the model as JSON; None where no page can run it."""
    try:
        spec = to_spec(subject.fitted)
    except InvalidInputError as error:
        return _refused(str(error)), None
    text = to_json(_without_date(spec))
    if len(text) > MOST_TEXT:
        return _refused(
            f"It is too large for a page: {len(text) / 1e6:.1f} MB as text. "
            "LNN.export.to_js(model, folder) writes it for a page of its own."
        ), None
    data = _data(subject)
    body = [
        h("p", _told(subject.data, data["gap"] is not None), id="live-told"),
        _controls(data),
        h("div", id="live-answer", role="status", aria_live="polite"),
        h(
            "div",
            h("div", _inputs(data), class_="inputs"),
            _answers(neurons),
            class_="pair",
        ),
        h("noscript", h("p", "This part needs JavaScript.")),
    ]
    return Panel("live", TITLE, Html("".join(body)), {"live": data}), text


def _refused(why: str) -> Panel:
    told = h("p", "This model cannot run in a page. ", why, id="live-refused")
    return Panel("live", TITLE, told)


def _without_date(spec: Spec) -> Spec:
    """Return the spec without the time of writing: equal models make equal pages."""
    known = spec.values["provenance"]
    provenance = {name: value for name, value in known.items() if name != "date"}
    return replace(spec, values={**spec.values, "provenance": provenance})


def _told(data: ReportData, timed: bool) -> str:
    gap = ", or the time since the row before" if timed else ""
    told = (
        f"The model runs here, in your browser. Move a column of the present row{gap}: "
        "the answer and the neurons follow. Then go on to the next row, or play stored "
        "ones. "
    )
    if data.sequences.layout == "rows":
        return told + "Each stretch starts as a new recording: nothing came before it."
    return told + "The answer is what the model would say if the sequence ended here."


def _data(subject: Subject) -> dict[str, Any]:
    data, fitted = subject.part, subject.fitted
    raw = data.raw_rows(np.arange(data.sequences.rows.n_rows))
    columns = []
    for name, own in zip(data.names, raw.T, strict=True):
        there = own[np.isfinite(own)]
        low, high = (there.min(), there.max()) if len(there) else (-1.0, 1.0)
        if low == high:
            low, high = low - 1, high + 1
        # A round step, about a five-hundredth of the way.
        step = 10.0 ** math.floor(math.log10((high - low) / 200))
        columns.append({"name": name, "low": low, "high": high, "step": step})
    return {
        "columns": columns,
        "sliders": min(len(columns), MOST_SLIDERS),
        "gap": _gap(data),
        "outputs": _output_words(data),
        "classes": fitted.classifies,
        "missing": fitted.parameters["missing"] != "error",
        "stretches": [
            {
                "title": own.title,
                "rows": [[_exact(x) for x in row] for row in own.rows],
                "gaps": [_exact(x) for x in own.gaps],
                "answers": [[plain_number(x, 9) for x in row] for row in own.answers],
            }
            for own in stretches(data)
        ],
    }


def _exact(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _gap(data: ReportData) -> dict[str, Any] | None:
    """Return what the field for the gap needs; None without time stamps."""
    clock = data.fitted.clock
    if clock.kind is None or data.fitted.layout.timeless:
        return None
    factor, unit = time_scale(data.fitted, 2.0)
    elapsed = data.sequences.elapsed
    known = np.array([clock.unit])
    if elapsed is not None and np.isfinite(elapsed).any():
        known = elapsed[np.isfinite(elapsed)]
    high = max(4 * clock.unit, float(np.quantile(known, 0.99)))
    return {
        "unit": clock.unit,
        "factor": factor / clock.unit,
        "word": unit,
        "high": plain_number(high * factor / clock.unit, 2),
    }


def _output_words(data: ReportData) -> list[str]:
    fitted = data.fitted
    if fitted.targets.classes is not None:
        return [str(label) for label in fitted.targets.classes]
    levels = getattr(fitted.objective, "levels", ())
    if len(levels) <= 1:
        return data.target_names
    return [f"{name}, {q:.0%}" for name in data.target_names for q in levels]


def _controls(data: dict[str, Any]) -> Html:
    options = [
        h("option", own["title"], value=k) for k, own in enumerate(data["stretches"])
    ]
    chosen = h("label", "Start ", h("select", options, id="live-start"))
    buttons = [
        h("button", text, type="button", id=name)
        for name, text in (
            ("live-play", "Play"),
            ("live-next", "Next row"),
            ("live-again", "Start again"),
        )
    ]
    return h("div", chosen, buttons, class_="controls")


def _inputs(data: dict[str, Any]) -> Html:
    fields = [
        _field(f"live-column-{k}", own["name"], own["low"], own["high"], own["step"])
        for k, own in enumerate(data["columns"][: data["sliders"]])
    ]
    more = len(data["columns"]) - data["sliders"]
    told = (
        h("p", f"{more} more columns keep what the stored row holds.") if more else None
    )
    gap = data["gap"]
    if gap is not None:
        step = 10.0 ** math.floor(math.log10(gap["high"] / 200))
        word = f"time since the row before ({gap['word']})"
        fields.append(_field("live-gap", word, 0, gap["high"], step))
    return h(
        "fieldset",
        h("legend", "The present row ", h("span", id="live-row")),
        fields,
        told,
    )


def _field(name: str, text: str, low: float, high: float, step: float) -> Html:
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    slider = h(
        "input",
        type="range",
        id=name,
        min=f"{low:.10g}",
        max=f"{high:.10g}",
        step=f"{step:.10g}",
        aria_label=text,
    )
    exact = h(
        "input",
        type="number",
        step="any",
        id=f"{name}-exact",
        aria_label=f"{text}, as a number",
        inputmode="decimal",
    )
    return h("div", h("span", text, class_="name"), slider, exact, class_="field")


def _answers(neurons: list[str]) -> Html:
    lamps = [
        h("span", name.rpartition(" ")[2], class_="lamp", title=name, data_node=f"n{k}")
        for k, name in enumerate(neurons)
    ]
    return h(
        "div",
        h("div", id="live-trace"),
        h("h3", "Neurons"),
        h("div", lamps, class_="lamps", aria_hidden="true"),
        h(
            "p",
            h("span", class_="key high"),
            "above 0 ",
            h("span", class_="key low"),
            "below 0: the stronger, the farther. The drawing above lights up too.",
            class_="legend note",
        ),
        h("p", id="live-check", class_="note"),
    )
