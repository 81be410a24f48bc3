"""How good the model is on these data, beside what needs no model."""

from __future__ import annotations

import numpy as np

from LNN.inspection.report.charts import scatter
from LNN.inspection.report.data import ReportData
from LNN.inspection.report.markup import Html, h, number, scrolled, table
from LNN.inspection.report.metrics import (
    HIGHER,
    Scores,
    class_codes,
    classified,
    regressed,
)
from LNN.inspection.report.panel import Panel, Subject

MOST_POINTS, MOST_TARGETS, MOST_CLASSES = 600, 6, 30
HONEST = (
    "This page cannot know which data the model was trained on. If it was given its "
    "training data, the scores are too good. Only data that were held out tell how "
    "good the model will be."
)
BEFORE = (
    "“y of the row before” knows the true answer one row ago, which the model is not "
    "told. Where that is known in time, and good enough, no model is needed."
)


def quality(subject: Subject) -> Panel:
    """Return the panel."""
    data = subject.data
    n = int(data.known.sum())
    told = h("p", f"{n:,} answers, beside those that need no model. ", h("b", HONEST))
    tell = _of_classes if data.fitted.classifies else _of_numbers
    body = [told, tell(data)]
    if data.sequences.layout == "rows" or data.per_step:
        body.append(h("p", BEFORE, class_="note"))
    return Panel("quality", "How good it is", Html("".join(body)))


def _of_numbers(data: ReportData) -> Html:
    parts = []
    names, known = data.target_names, data.known
    for k, scores in enumerate(regressed(data)[:MOST_TARGETS]):
        title = "Scores" if len(names) == 1 else f"Scores of {names[k]}"
        truth, own = data.truth[known, k], data.middle[known, k]
        shown = _some(len(truth))
        label = (
            f"Predicted against true {names[k]}, {len(shown)} of {len(truth)} answers"
        )
        picture = scatter(
            truth[shown], own[shown], f"true {names[k]}", "predicted", label
        )
        figure = h("figure", picture, h("figcaption", label))
        parts.append(h("div", _scores(scores, title), figure, class_="pair"))
    if (more := len(names) - MOST_TARGETS) > 0:
        parts.append(h("p", f"{more} more targets are not shown."))
    return Html("".join(parts))


def _some(n: int) -> np.ndarray:
    return np.unique(np.linspace(0, n - 1, min(n, MOST_POINTS)).astype(int))


def _scores(scores: dict[str, Scores], title: str) -> Html:
    names = list(scores["the model"])
    best = {}
    for name in names:
        values = [own[name] for own in scores.values() if name in own]
        best[name] = max(values) if HIGHER[name] else min(values)
    rows = [
        [
            who,
            *(
                _score(own[name], own[name] == best[name]) if name in own else "–"
                for name in names
            ),
        ]
        for who, own in scores.items()
    ]
    marked = [f"{name} {'↑' if HIGHER[name] else '↓'}" for name in names]
    return table(["Who answers", *marked], rows, f"{title} (↑ more is better, ↓ less)")


def _score(value: float, best: bool) -> Html:
    text = number(value)
    return h("strong", text) if best else h("span", text)


def _of_classes(data: ReportData) -> Html:
    scores = _scores(classified(data), "Scores")
    return h("div", scores, _confusion(data), class_="pair")


def _confusion(data: ReportData) -> Html:
    codes, probabilities = class_codes(data), data.probabilities
    assert probabilities is not None  # of a classifier
    names = [str(label) for label in data.classes]
    known = codes >= 0
    n = len(names)
    if n > MOST_CLASSES:
        return h(
            "p", f"{n} classes are too many for a table of what was taken for what."
        )
    pairs = codes[known] * n + probabilities[known].argmax(axis=1)
    counts = np.bincount(pairs, minlength=n * n).reshape(n, n)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    body = [
        h(
            "tr",
            h("th", name, scope="row"),
            [
                h(
                    "td",
                    f"{counts[i, j]:,}",
                    class_="right" if i == j else "wrong",
                    style=f"--share:{share[i, j]:.3f}",
                )
                for j in range(n)
            ],
        )
        for i, name in enumerate(names)
    ]
    head = h(
        "tr", h("th", "true ↓", scope="col"), [h("th", x, scope="col") for x in names]
    )
    caption = "What was taken for what: a row is a true class, a column the answer"
    content = [h("caption", caption), h("thead", head), h("tbody", body)]
    return scrolled(h("table", content, class_="confusion"), caption)
