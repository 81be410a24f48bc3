"""Fill the tables of docu/experiments.md from the committed results, draw its figures.

    make experiments-page

What stands between ``<!-- table ... -->`` and ``<!-- end -->`` is made here.
"""

from __future__ import annotations

import re
from pathlib import Path

from LNN.experiments.figures import plot_task
from LNN.experiments.settings import tuned_parameters
from LNN.experiments.store import Record, read_collection
from LNN.experiments.table import as_markdown, overview, task_table
from LNN.experiments.task import PROTOCOLS
from LNN.experiments.tasks import TASKS

DOCU = Path(__file__).parent
PAGE = DOCU / "experiments.md"
RESULTS, FIGURES = DOCU / "experiments", DOCU / "images" / "experiments"
BUDGET = "standard"
BLOCK = re.compile(r"(<!-- table ([\w -]+) -->\n).*?(<!-- end -->)", flags=re.S)


def filled(text: str, records: list[Record]) -> str:
    """Return the page with its tables made anew."""
    return BLOCK.sub(lambda m: f"{m[1]}{table(m[2].split(), records)}\n{m[3]}", text)


def table(words: list[str], records: list[Record]) -> str:
    """Return the table that a comment asks for, in Markdown.

    "overview PROTOCOL", "search", "notes TASK PROTOCOL" or "TASK PROTOCOL".
    """
    if words[0] == "overview":
        return as_markdown(overview(records, words[1], BUDGET))
    if words[0] == "search":
        return as_markdown(_searched())
    if words[0] == "notes":
        return TASKS[words[1]].notes[words[2]]
    rows = task_table(records, words[0], words[1], BUDGET)
    return as_markdown(rows) if len(rows) > 1 else "Not measured yet."


def _searched() -> list[list[str]]:
    """Return what the searches have chosen, one row per task and model."""
    rows = [["task", "protocol", "model", "parameters"]]
    for task, protocols in tuned_parameters().items():
        for protocol, models in protocols.items():
            for model, found in models.items():
                shown = ", ".join(f"{name}={value!r}" for name, value in found.items())
                rows.append([task, protocol, model, f"`{shown}`"])
    return rows


def main() -> None:
    """Write the page and its figures."""
    records = read_collection(RESULTS)
    PAGE.write_text(filled(PAGE.read_text(), records))
    for task in TASKS:
        for protocol in PROTOCOLS:
            plot_task(records, task, protocol, BUDGET, FIGURES)


if __name__ == "__main__":
    main()
