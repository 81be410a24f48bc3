"""What the results of each experiment say: headed tables, and a line of statistics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from LNN.experiments.archive.experiments import CURVES, SHIFT, Experiment
from LNN.experiments.archive.lines import Fit, Line
from LNN.experiments.archive.models import MODELS
from LNN.experiments.archive.statistics import Comparison
from LNN.experiments.archive.tables import (
    Common,
    Rows,
    accuracy_table,
    common_of,
    curve_table,
    pairs_text,
    shift_table,
)

# Changes after which all pairs are tested.
TESTED = ("clean", "half rate", "30 % missing", "60 % missing")


class Section(NamedTuple):
    """A table with what it is of, how much stands behind it, and what differs."""

    title: str
    basis: str
    rows: Rows
    said: list[str]


def sections_of(experiment: Experiment, lines: Mapping[Fit, Line]) -> list[Section]:
    """Return the tables of an experiment; none if nothing is measured yet."""
    if experiment is CURVES:
        return _curves(lines)
    common = common_of(lines, experiment.models)
    if common is None:
        return []
    if experiment is SHIFT:
        return [_shifts(common)]
    said = pairs_text(Comparison(common.means("clean")))
    title = "Accuracy on the test parts"
    return [Section(title, common.basis(), accuracy_table(common), [said])]


def _shifts(common: Common) -> Section:
    said = [f"{name}: {pairs_text(Comparison(common.means(name)))}" for name in TESTED]
    rows = shift_table(common, SHIFT.changes)
    return Section("Accuracy after a change", common.basis(), rows, said)


def _curves(lines: Mapping[Fit, Line]) -> list[Section]:
    most = max((fit.steps for fit in lines), default=0)
    inside = tuple(name for name in CURVES.models if not MODELS[name].external)
    kinds = (
        ("Accuracy by the share of training data", "part", " %", CURVES.models),
        ("Accuracy by the number of optimiser steps", "steps", "", inside),
    )
    found = []
    for title, what, unit, models in kinds:

        def among(fit: Fit, what: str = what) -> bool:
            return fit.part == 100 if what == "steps" else fit.steps == most

        common = common_of(lines, models, among)
        if common is not None:
            said = f"Of the mean: {pairs_text(Comparison(common.means('clean')))}"
            rows = curve_table(common, what, unit)
            found.append(Section(title, common.basis(), rows, [said]))
    return found
