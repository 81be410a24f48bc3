"""Fill the tables of docu/experiments.md, and draw the figures.

    make experiments-page

What stands between ``<!-- table ... -->`` and ``<!-- end -->`` is made here, from the
committed results.
"""

from __future__ import annotations

import csv
from pathlib import Path

from LNN.experiments import page
from LNN.experiments.boosting import NAME as BOOSTING
from LNN.experiments.comparing import difference_table, rank_table
from LNN.experiments.figures import plot_task
from LNN.experiments.memoryless import NAME
from LNN.experiments.metrics import METRICS
from LNN.experiments.runs import Record
from LNN.experiments.store import read_collection
from LNN.experiments.table import (
    as_markdown,
    best_liquid,
    number,
    overview,
    results_of,
    same_size,
    task_table,
    warnings_of,
)
from LNN.experiments.task import PROTOCOLS
from LNN.experiments.tasks import TASKS

DOCU = Path(__file__).parent
PAGE = DOCU / "experiments.md"
RESULTS, FIGURES = DOCU / "experiments", DOCU / "images" / "experiments"
SEARCHES = RESULTS / "searches.csv"
BUDGET = "standard"
BEST = "best liquid"
# The summary shows one protocol of most tasks, so that each row says what it is.
SUMMARY = (
    ("cheetah", "published"),
    ("walker2d", "published"),
    ("xor-event", "published"),
    ("gesture", "published"),
    ("gesture", "sound"),
    ("occupancy", "sound"),
    ("ozone", "sound"),
    ("power", "sound"),
    ("traffic", "sound"),
    ("smnist", "published"),
    ("et-smnist", "published"),
    ("physionet", "sound"),
)
# The paper's own best, or what a plain LSTM or a linear model had in trials before.
AIMS = (
    ("cheetah", "published", BEST, 2.20),
    ("walker2d", "published", "CfC", 0.643),
    ("walker2d", "published", "CfC-mixed", 0.617),
    ("xor-event", "published", "CfC", 99.4),
    ("xor-event", "published", "CfC-mixed", 99.7),
    ("gesture", "published", BEST, 69.55),
    ("occupancy", "published", BEST, 94.63),
    ("smnist", "published", BEST, 98.4),
    ("et-smnist", "published", "CfC-mixed", 98.0),
    ("physionet", "published", BEST, 0.840),
    ("traffic", "published", BEST, 0.066),
    ("ozone", "sound", BEST, 0.277),
)


def filled(text: str, records: list[Record]) -> str:
    """Return the page with its tables made anew."""
    return page.filled(text, lambda words: table(words, records))


def table(words: list[str], records: list[Record]) -> str:
    """Return the table that a comment asks for, in Markdown.

    "overview PROTOCOL", "summary", "memory", "same-size", "differences", "ranks GROUP
    PROTOCOL", "aims", "search", "notes TASK PROTOCOL" or "TASK PROTOCOL".
    """
    if words[0] == "differences":
        return as_markdown(difference_table(records, BUDGET))
    if words[0] == "ranks":
        rows, tests = rank_table(records, words[1], words[2], BUDGET)
        return f"{as_markdown(rows)}\n\n{tests}" if rows else tests
    if words[0] == "aims":
        return as_markdown(_aims(records))
    if words[0] == "overview":
        return as_markdown(overview(records, words[1], BUDGET))
    if words[0] == "summary":
        return as_markdown(_summary(records))
    if words[0] == "memory":
        return as_markdown(_memory(records))
    if words[0] == "same-size":
        return as_markdown(same_size(records, BUDGET))
    if words[0] == "search":
        return as_markdown(_searched())
    if words[0] == "notes":
        return TASKS[words[1]].notes[words[2]]
    rows = task_table(records, words[0], words[1], BUDGET)
    if len(rows) == 1:
        return "Not measured yet."
    picture = FIGURES / f"{words[0]}-{words[1]}.png"
    if not picture.exists():
        return as_markdown(rows)
    link = f"![{words[0]}, {words[1]}]({picture.relative_to(DOCU).as_posix()})"
    return f"{as_markdown(rows)}\n\n{link}"


def _summary(records: list[Record]) -> list[list[str]]:
    """Return the overview's rows of some tasks, with the protocol of each."""
    overviews = {p: overview(records, p, BUDGET) for p in PROTOCOLS}
    rows = {(p, row[0]): row for p, found in overviews.items() for row in found}
    title = rows["sound", "task"]
    table = [[*title[:1], "protocol", *title[1:]]]
    for task, protocol in SUMMARY:
        clean = TASKS[task].sound_is_published
        row = rows[protocol, task]
        table.append([task, "both" if clean else protocol, *row[1:]])
    return table


def _memory(records: list[Record]) -> list[list[str]]:
    """Return what single steps and a few steps tell, beside the overview."""
    simple = (NAME, BOOSTING)
    table = [["task", "protocol", "metric", *simple, "best liquid", "its test", "LSTM"]]
    for protocol in PROTOCOLS:
        _, *rows = overview(records, protocol, BUDGET)
        for task, metric, best, test, lstm, *_ in rows:
            clean = TASKS[task].sound_is_published
            found = results_of(records, task, protocol, BUDGET).baselines
            if NAME not in found or (clean and protocol == "sound"):
                continue
            shown = "both" if clean else protocol
            had = [number(found[name]) if name in found else "" for name in simple]
            table.append([task, shown, metric, *had, best, test, lstm])
    return table


def _aims(records: list[Record]) -> list[list[str]]:
    """Return what was aimed at, what came, and whether it is enough."""
    rows = [["task", "protocol", "model", "aim", "measured", "reached"]]
    for task, protocol, wanted, aim in AIMS:
        results = results_of(records, task, protocol, BUDGET)
        model = best_liquid(results, task) if wanted == BEST else wanted
        better = METRICS[TASKS[task].metric].greater_is_better
        goal = f"{'>=' if better else '<='} {aim}"
        found = None if model is None else results.models.get(model)
        if model is None or found is None:
            rows.append([task, protocol, wanted, goal, "not measured yet", ""])
            continue
        reached = found.mean >= aim if better else found.mean <= aim
        name = f"{wanted}: {model}" if wanted == BEST else model
        measured = f"{found.mean:.4g} ({found.n} seed{'s' if found.n > 1 else ''})"
        verdict = "yes" if reached else "**no**"
        rows.append([task, protocol, name, goal, measured, verdict])
    return rows


def _searched() -> list[list[str]]:
    """Return what the searches chose, one row per task and model."""
    rows = [["task", "protocol", "model", "learning rate", "dropout", "scale", "score"]]
    with SEARCHES.open(newline="") as file:
        for trial in csv.DictReader(file):
            if trial["outcome"] == "chosen":
                names = [*rows[0][:3], "learning_rate", *rows[0][4:]]
                rows.append([trial[name] for name in names])
    return rows


def main() -> None:
    """Write the tables and the figures."""
    records = read_collection(RESULTS)
    for said in warnings_of(records, TASKS, BUDGET):
        print(said)
    for task in TASKS:
        for protocol in PROTOCOLS:
            plot_task(records, task, protocol, BUDGET, FIGURES)
    # After the figures: the page links those that are there.
    PAGE.write_text(filled(PAGE.read_text(), records))


if __name__ == "__main__":
    main()
