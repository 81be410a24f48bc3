"""What the results of each experiment say: headed tables, and a line of statistics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from LNN.experiments.archive.experiments import CURVES, SHIFT, Experiment
from LNN.experiments.archive.lines import Fit, Line
from LNN.experiments.archive.models import MODELS
from LNN.experiments.archive.statistics import Comparison
from LNN.experiments.archive.tables import (
    BASE,
    Common,
    Rows,
    accuracy_table,
    common_of,
    curve_table,
    p_text,
    pairs_text,
    shift_table,
)

# The default, and the model that has as many weights as the LSTM.
OURS, OF_EQUAL_SIZE = "liquid-patches", "liquid-58"
# Models in the sentence on shifts.
NAMED = (
    *(
        "liquid-patches",
        "liquid-58",
        "LTC",
        "LSTM",
        "LSTM-no-walk",
        "LSTM-gates",
        "LSTM-dt",
    ),
    "MiniRocket",
)
# Changes after which the models are tested against ours.
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
    common = common_of(lines, models_in(lines, experiment))
    if common is None:
        return []
    if experiment is SHIFT:
        return [_shifts(common)]
    said = pairs_text(Comparison(common.means("clean")))
    title = "Accuracy on the test parts"
    return [Section(title, common.basis(), accuracy_table(common), [said])]


def models_in(lines: Mapping[Fit, Line], experiment: Experiment) -> tuple[str, ...]:
    """Return the models of an experiment, then others that were run by name."""
    there = {fit.model for fit in lines}
    others = (name for name in MODELS if name in there)
    return tuple(dict.fromkeys((*experiment.models, *others)))


def _shifts(common: Common) -> Section:
    # With ten sets no pair could differ after a correction for all of 153.
    base = OURS if OURS in common.means("clean") else None
    said = [
        f"{name}: {pairs_text(Comparison(common.means(name)), base)}" for name in TESTED
    ]
    rows = shift_table(common, SHIFT.changes)
    return Section("Accuracy after a change", common.basis(), rows, said)


def _curves(lines: Mapping[Fit, Line]) -> list[Section]:
    most = max((fit.steps for fit in lines), default=0)
    every = models_in(lines, CURVES)
    inside = tuple(name for name in every if not MODELS[name].external)
    kinds = (
        ("Accuracy by the share of training data", "part", " %", every),
        ("Accuracy by the number of optimiser steps", "steps", " steps", inside),
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


def headline(experiment: Experiment, lines: Mapping[Fit, Line]) -> str:
    """Return the result of an experiment in a sentence or two, in Markdown."""
    if experiment is CURVES:
        return _curves_in_words(lines)
    common = common_of(lines, models_in(lines, experiment))
    if common is None:
        return f"{experiment.title[0].upper()}{experiment.title[1:]}: not measured yet."
    if experiment is SHIFT:
        return _shifts_in_words(common)
    comparison = Comparison(common.means("clean"))
    ranks = comparison.ranks()
    order = ", ".join(f"{name} {rank:.2f}" for name, rank in ranks.items())
    said = f"**Accuracy** ({common.basis()}). Mean ranks: {order}."
    for name, what in ((OURS, "The default"), (OF_EQUAL_SIZE, "That of equal size")):
        if {name, BASE} <= set(ranks.index):
            record = comparison.against(BASE)[name]
            sure = next(p for p in comparison.pairs() if {name, BASE} == {*p[:2]})
            said += (
                f" {what} ({name}) has {record.wins} wins, {record.ties} ties and "
                f"{record.losses} losses against the {BASE}: p = {p_text(record.p)}, "
                f"after Holm's correction for all pairs {p_text(sure.p)}."
            )
    return said


def _shifts_in_words(common: Common) -> str:
    clean = common.means("clean").mean()
    clean = clean[[name for name in NAMED if name in clean.index]]
    words = []
    for name in ("half rate", "60 % missing"):
        kept = common.means(name).mean()[clean.index] / clean
        kept = kept.sort_values(ascending=False)
        shares = ", ".join(
            f"{model} {100 * share:.0f} %" for model, share in kept.items()
        )
        words.append(f"*{name}*: {shares}")
    return (
        f"**Trained at a constant rate, then read otherwise** ({common.basis()}). What "
        f"is kept of the accuracy, {'; '.join(words)}."
    )


def _curves_in_words(lines: Mapping[Fit, Line]) -> str:
    words = []
    for section in _curves(lines):
        first, *rows = section.rows
        scores = ", ".join(f"{row[0]} {row[1]}" for row in rows)
        words.append(
            f"{section.title[0].lower()}{section.title[1:]}, at {first[1]}: {scores}"
        )
    if not words:
        return "Less data and less training: not measured yet."
    return f"**Less data and less training**: {'; '.join(words)}."
