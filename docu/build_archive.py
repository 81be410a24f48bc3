"""Fill the tables of docu/archive.md, and draw its figure.

    make experiments-page

What stands between ``<!-- table ... -->`` and ``<!-- end -->`` is made here, from the
committed results, however many there are.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from LNN.experiments import page
from LNN.experiments.archive.commands import draw, file_of
from LNN.experiments.archive.experiments import EXPERIMENTS
from LNN.experiments.archive.lines import Fit, Line, Lines
from LNN.experiments.archive.models import MODELS
from LNN.experiments.archive.reports import headline, sections_of
from LNN.experiments.archive.sets import LEARNT, RAGGED, SETS, SHIFTED
from LNN.experiments.table import as_markdown

DOCU = Path(__file__).parent
PAGE = DOCU / "archive.md"
RESULTS, FIGURES = DOCU / "experiments", DOCU / "images" / "archive"


def read() -> dict[str, dict[Fit, Line]]:
    """Return the committed results of each experiment."""
    return {
        name: Lines(file_of(experiment, RESULTS)).read()
        for name, experiment in EXPERIMENTS.items()
    }


def filled(text: str, results: dict[str, dict[Fit, Line]]) -> str:
    """Return the page with its tables made anew."""
    others: dict[str, Callable[[], str]] = {
        "result": lambda: _result(results),
        "models": _models,
        "sets": _sets,
    }

    def table(words: list[str]) -> str:
        name = words[0]
        return others[name]() if name in others else _tables(name, results[name])

    return page.filled(text, table)


def _result(results: dict[str, dict[Fit, Line]]) -> str:
    said = (headline(e, results[name]) for name, e in EXPERIMENTS.items())
    return "\n".join(f"- {words}" for words in said)


def _tables(name: str, lines: dict[Fit, Line]) -> str:
    sections = sections_of(EXPERIMENTS[name], lines)
    if not sections:
        return "Not measured yet."
    said = []
    for section in sections:
        said += [f"**{section.title}** ({section.basis}):", as_markdown(section.rows)]
        said += section.said
    picture = FIGURES / f"{name}.png"
    if picture.exists():
        said.append(f"![mean ranks]({picture.relative_to(DOCU).as_posix()})")
    return "\n\n".join(said)


def _models() -> str:
    rows = [["name", "model", "parameters of `LiquidClassifier`"]]
    for name, model in MODELS.items():
        given = ", ".join(f"{key}={value!r}" for key, value in model.options.items())
        rows.append([f"`{name}`", model.title, f"`{given}`" if given else ""])
    return as_markdown(rows)


def _sets() -> str:
    rows = [["set", "steps", "shifts", "curves"]]
    for name, steps in sorted(SETS.items(), key=lambda item: item[1]):
        length = f"{steps} on average" if name in RAGGED else str(steps)
        marks = ("yes" if name in chosen else "" for chosen in (SHIFTED, LEARNT))
        rows.append([name, length, *marks])
    return as_markdown(rows)


def main() -> None:
    """Write the tables and the figure."""
    draw(EXPERIMENTS["ucr"], RESULTS, FIGURES)
    # After the figure: the page links it if it is there.
    PAGE.write_text(filled(PAGE.read_text(), read()))


if __name__ == "__main__":
    main()
