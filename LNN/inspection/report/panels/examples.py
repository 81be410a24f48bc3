"""Answers that were good and answers that were bad, and where they came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from LNN._results import Result
from LNN.exceptions import InvalidInputError
from LNN.inspection.explaining import explain
from LNN.inspection.report.attributed import (
    LIMITED,
    attributed,
    eligible_places,
    explained_outputs,
    is_limited,
)
from LNN.inspection.report.charts import binned, strips
from LNN.inspection.report.data import ReportData, column_text
from LNN.inspection.report.markup import Html, bar, h, number, table
from LNN.inspection.report.metrics import class_codes
from LNN.inspection.report.panel import Panel, Subject

# A good answer's error is among so many of the smallest.
GOOD = 0.25
EACH, MOST_CELLS, MOST_COLUMNS = 2, 60, 8
# Explanations in words run the steps one by one; whole recordings are explained near
# their beginnings alone.
MOST_EXPLAINED = 200


@dataclass(frozen=True)
class Example:
    """An answer that is shown.

    Attributes
    ----------
    place : int
        The row or sequence.
    good : bool
    output : object
        What is explained, as `attribution` takes it.
    what : str
        The same in words.
    truth, answer : str
    """

    place: int
    good: bool
    output: Any
    what: str
    truth: str
    answer: str


def examples(subject: Subject) -> Panel:
    """Return the panel."""
    part = subject.part
    chosen = _of_classes(part) if part.fitted.classifies else _of_numbers(part)
    body = [_shown(part, example) for example in chosen]
    note = (
        "The shares of all columns and steps add up to the answer less the answer to "
        "the mean of training. Blue raises it, red lowers it."
    )
    if is_limited(part):
        note = LIMITED
    if not chosen:
        return Panel("examples", _TITLE, h("p", "No answer has a known truth."))
    shown = h("div", body, class_="cards")
    return Panel("examples", _TITLE, Html(h("p", subject.part_text, " ", note) + shown))


_TITLE = "Good and bad answers, and where they came from"


def _candidates(part: ReportData) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows or sequences to choose from, and the numbers of their answers."""
    places = eligible_places(part)
    answers = places
    if part.per_step:  # the last step of each is explained
        answers = np.cumsum(part.sequences.length)[places] - 1
    there = part.known[answers]
    return places[there], answers[there]


def _of_numbers(part: ReportData) -> list[Example]:
    places, answers = _candidates(part)
    truth, own = part.truth[answers, 0], part.middle[answers, 0]
    if not len(truth):
        return []
    error = np.abs(own - truth)
    far = np.abs(truth - truth.mean())
    # An answer near the mean is no feat, if there are good ones elsewhere.
    feats = (error <= np.quantile(error, GOOD)) & (far >= np.quantile(far, 0.7))
    good = _apart(np.where(feats, error, np.inf) if feats.any() else error, places)
    bad = _apart(-error, places)
    what, output = explained_outputs(part)[0]
    return [
        Example(int(places[k]), right, output, what, number(truth[k]), number(own[k]))
        for right, chosen in ((True, good), (False, bad))
        for k in chosen
    ]


def _of_classes(part: ReportData) -> list[Example]:
    places, answers = _candidates(part)
    if not len(places):
        return []
    assert part.probabilities is not None  # of a classifier
    codes, shares = class_codes(part)[answers], part.probabilities[answers]
    predicted = shares.argmax(axis=1)
    sure = shares.max(axis=1)
    right = predicted == codes
    chosen: list[tuple[bool, int]] = []
    # The surest right answer of each of the most frequent classes.
    frequent = np.argsort(-np.bincount(codes), kind="stable")[:EACH]
    for code in frequent:
        own = np.flatnonzero(right & (codes == code))
        chosen += [(True, k) for k in own[np.argsort(-sure[own], kind="stable")[:1]]]
    wrong = np.where(right, np.inf, -sure)
    chosen += [(False, k) for k in _apart(wrong, places)]
    classes, found = part.classes, []
    for good, k in chosen:
        output = classes[predicted[k]]
        answer = f"{classes[predicted[k]]} ({sure[k]:.1%} sure)"
        what = f"the log odds of {output}"
        truth = str(classes[codes[k]])
        found.append(Example(int(places[k]), good, output, what, truth, answer))
    return found


def _apart(cost: NDArray, places: NDArray[np.int64]) -> list[int]:
    """Return the cheapest, none beside another: neighbours would tell the same."""
    least = max(1, len(places) // 50)
    chosen: list[int] = []
    for k in np.argsort(cost, kind="stable"):
        near = any(abs(int(places[k]) - int(places[j])) < least for j in chosen)
        if not np.isfinite(cost[k]) or len(chosen) == EACH:
            break
        if not near:
            chosen.append(int(k))
    return chosen


def _shown(part: ReportData, example: Example) -> Html:
    kind = "Good" if example.good else "Bad"
    title = h("h3", f"{kind}: {part.place_text(example.place)}")
    facts = {"Answer": example.answer, "True": example.truth}
    if is_limited(part):
        return _card(example, title, facts)
    found = attributed(part, np.array([example.place]), example.output)
    values = found.attributions[0]
    facts[f"Explained: {example.what}"] = (
        f"{number(found.output[0])}, and {number(found.baseline_output[0])} for the "
        "mean of training"
    )
    return _card(
        example,
        title,
        facts,
        _contributions(found, values),
        _picture(found, values),
        _words(part, example),
    )


def _card(
    example: Example, title: Html, facts: dict[str, str], *more: Html | None
) -> Html:
    told = h("dl", [[h("dt", k), h("dd", v)] for k, v in facts.items()], class_="facts")
    kind = "card good" if example.good else "card bad"
    return h("article", title, told, *more, class_=kind)


def _words(part: ReportData, example: Example) -> Html | None:
    """Return the explanation as text; None of long sequences, which would take long."""
    if part.sequences.max_length > MOST_EXPLAINED and not part.sequences.whole:
        return None
    asked = {"output": example.output, "tolerance": 1e-4, **part.given}
    try:
        found = explain(part.fitted, part.X, example.place, **asked)
    except InvalidInputError:  # the shares do not add up well enough to be told
        return None
    shown = h("pre", str(found), tabindex=0)
    return h("details", h("summary", "In words, and through which neurons"), shown)


def _contributions(found: Result, values: NDArray) -> Html:
    sums = np.nansum(values, axis=0)
    largest = float(np.abs(sums).max(initial=0.0))
    order = np.argsort(-np.abs(sums), kind="stable")
    rows = [
        [column_text(found.names[k]), bar(sums[k], largest)]
        for k in order[:MOST_COLUMNS]
    ]
    if len(order) > MOST_COLUMNS:
        rest = sums[order[MOST_COLUMNS:]].sum()
        rows.append([f"{len(order) - MOST_COLUMNS} others", bar(rest, largest)])
    return table(["Column", "Share"], rows, "What each column added")


def _picture(found: Result, values: NDArray) -> Html | None:
    steps = len(values)
    if steps == 1:
        return None
    order = np.argsort(-np.abs(np.nansum(values, axis=0)), kind="stable")
    kept = order[:MOST_COLUMNS]
    cells, size = binned(values[:, kept].T, MOST_CELLS)
    names = [column_text(found.names[k]) for k in kept]
    told = "Shares by column and step" + (
        f", {size} steps in a cell" if size > 1 else ""
    )
    return h(
        "figure",
        strips(cells, names, f"{steps - 1} steps before", "the answer", told),
        h("figcaption", told),
    )
