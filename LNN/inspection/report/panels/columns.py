"""What the model looks at: the columns it needs, and where in time they count."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN._results import Result
from LNN.estimators.fitted import FittedModel
from LNN.inspection.importance import permutation_importance
from LNN.inspection.passes import input_names
from LNN.inspection.report.attributed import (
    LIMITED,
    attributed,
    explained_outputs,
    explained_places,
    is_limited,
)
from LNN.inspection.report.charts import binned, strips
from LNN.inspection.report.data import SEED, ReportData, column_text
from LNN.inspection.report.markup import Html, bar, h, number, table
from LNN.inspection.report.metrics import score
from LNN.inspection.report.panel import Panel, Subject
from LNN.inspection.report.trees import DEPTH, tree_of_answers

REPEATS, MOST_CELLS, MOST_OUTPUTS, MOST_COLUMNS = 3, 60, 4, 12
# Of bars that are means over many answers a hundredth is not seen.
TOLERANCE = 1e-2


def columns(subject: Subject) -> Panel:
    """Return the panel."""
    part = subject.part
    places = explained_places(part)
    asked = [] if is_limited(part) else explained_outputs(part)[:MOST_OUTPUTS]
    explained = [
        (what, attributed(part, places, output, TOLERANCE)) for what, output in asked
    ]
    which = np.arange(min(MOST_COLUMNS, part.sequences.n_features))
    if explained:
        which = _largest(explained[0][1])
    body = [h("p", subject.part_text), _needed(part, which)]
    body += [_shares(what, found) for what, found in explained]
    if not explained:
        body.append(h("p", LIMITED))
    body.append(_tree(part))
    body.append(
        h(
            "p",
            "All of this is about the model, not about the world: a column that goes "
            "along with the cause gets its part of the share.",
            class_="note",
        )
    )
    return Panel("columns", "What it looks at", Html("".join(body)))


def _by_column(found: Result) -> np.ndarray:
    """Return the mean size of what each column added."""
    return np.nansum(np.abs(found.attributions), axis=1).mean(axis=0)


def _largest(found: Result) -> np.ndarray:
    """Return the columns that added most, as many as a reader may want."""
    return np.argsort(-_by_column(found), kind="stable")[:MOST_COLUMNS]


def _tree(part: ReportData) -> Html:
    """Return the rules of a tree that answers as the model does."""
    tree = tree_of_answers(part)
    title = h("h3", "Its answers as a tree")
    if tree is None:
        told = "There are too few answers to imitate."
        if is_limited(part):
            told = "No tree is grown for a model with output_constraints."
        return Html(title + h("p", told))
    rules = h("ul", [h("li", rule) for rule in tree["rules"]])
    if not tree["faithful"]:
        return Html(title + rules)
    told = (
        f"A tree of {DEPTH} questions answers as the model does, right or wrong. Its "
        f"fidelity on data that it did not see is {tree['fidelity']}: "
    )
    measure = "the share of the same classes." if part.fitted.classifies else "R²."
    return Html(title + h("p", told, measure) + rules)


class _Scored:
    """A fitted model as `permutation_importance` takes it: with a score."""

    def __init__(self, fitted: FittedModel):
        self._fitted = fitted
        self.time_column = fitted.layout.options.time_column
        self.group_column = fitted.layout.options.group_column

    def score(self, X: Any, y: Any, **given: Any) -> float:
        return score(ReportData(self._fitted, X, y, **given))


def _needed(part: ReportData, which: np.ndarray) -> Html:
    if part.sequences.layout != "rows" and len(part.sequences) < 2:
        return h("p", "One sequence alone has no other to take columns from.")
    names = input_names(part.sequences)
    found = permutation_importance(
        _Scored(part.fitted),
        part.X,
        part.y,
        features=[names[k] for k in which],
        n_repeats=REPEATS,
        random_state=SEED,
        **part.given,
    )
    what = "rise of the log loss" if part.fitted.classifies else "fall of R²"
    largest = float(np.abs(found.importances_mean).max(initial=0.0))
    order = np.argsort(-found.importances_mean, kind="stable")
    rows = [
        [
            column_text(found.names[k]),
            bar(found.importances_mean[k], largest, found.importances_std[k]),
        ]
        for k in order
    ]
    told = (
        "A column is moved against the others in time, or taken from other sequences: "
        f"the {what} says how much the model needs it. Of two columns that tell the "
        "same, neither is needed."
    )
    if len(which) < len(names):
        kind = "columns with the largest shares"
        if is_limited(part):
            kind = "first columns"
        told += f" The {len(which)} {kind} were tried."
    title = f"Which columns it needs: {what} without them ({REPEATS} repeats)"
    return Html(h("p", told) + table(["Column", what], rows, title))


def _shares(what: str, found: Result) -> Html:
    """Return the mean size of attributions, by column and by step."""
    by_column, which = _by_column(found), _largest(found)
    largest = float(by_column.max(initial=0.0))
    names = [column_text(name) for name in found.names]
    rows = [[names[k], bar(by_column[k], largest)] for k in which]
    if more := len(names) - len(which):
        rest = float(by_column.sum() - by_column[which].sum())
        rows.append([f"{more} others together", bar(rest, largest)])
    n = len(found.attributions)
    title = f"Share of each column in {what}: mean size over {n} answers"
    return Html(
        h("h3", f"The parts of {what}")
        + table(["Column", "Mean |share|"], rows, title)
        + _over_time(found, which, what)
    )


def _over_time(found: Result, which: np.ndarray, what: str) -> Html:
    size = np.abs(found.attributions[:, :, which])
    steps = size.shape[1]
    if steps == 1:
        return Html("")
    there = np.maximum((~np.isnan(size)).sum(axis=0), 1)
    mean = (np.nansum(size, axis=0) / there).T
    cells, step = binned(mean, MOST_CELLS)
    each = "" if step == 1 else f", {step} steps in a cell"
    caption = f"Mean |share| by time: the darkest cell is {number(np.nanmax(cells))}"
    picture = strips(
        cells,
        [column_text(found.names[k]) for k in which],
        f"{steps - 1} steps before",
        "the answer",
        f"Mean size of the shares of {what}, by column and step",
    )
    return h("figure", picture, h("figcaption", caption + each))
