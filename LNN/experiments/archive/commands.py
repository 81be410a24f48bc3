"""What the command line does with the experiments on the archive."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from LNN.experiments.archive.diagram import draw_ranks
from LNN.experiments.archive.experiments import EXPERIMENTS, Experiment
from LNN.experiments.archive.lines import Fit, Lines
from LNN.experiments.archive.reports import models_in, sections_of
from LNN.experiments.archive.running import Seconds, run_fits
from LNN.experiments.archive.statistics import Comparison
from LNN.experiments.archive.tables import common_of
from LNN.experiments.running import duration
from LNN.experiments.table import as_text


def file_of(experiment: Experiment, results: Path) -> Path:
    """Return the file of an experiment's results in a folder of results."""
    return results / "archive" / f"{experiment.name}.jsonl"


def describe(experiment: Experiment, fits: Sequence[Fit], results: Path) -> str:
    """Say in one line what there is to do, and how long it takes."""
    done = Lines(file_of(experiment, results)).read()
    left = [fit for fit in fits if fit not in done]
    seconds = sum(map(Seconds(done).of, left))
    return (
        f"{experiment.name} ({experiment.title}): {len(fits)} fits, {len(left)} to do, "
        f"about {duration(seconds)} on one core"
    )


def run(
    experiment: Experiment, fits: Sequence[Fit], results: Path, n_jobs: int | None
) -> int:
    """Make what is not done yet, and print the tables; return how many fits lack."""
    path = file_of(experiment, results)
    print(f"{describe(experiment, fits, results)}; results in {path}", flush=True)
    lacking = run_fits(experiment, fits, path, n_jobs=n_jobs)
    print(f"\n{text(experiment, results)}")
    return lacking


def text(experiment: Experiment, results: Path) -> str:
    """Return the tables of an experiment for a terminal."""
    sections = sections_of(experiment, Lines(file_of(experiment, results)).read())
    said = [f"{experiment.name}: {experiment.title}" if sections else ""]
    for section in sections:
        said += [f"{section.title} ({section.basis})", as_text(section.rows)]
        said += section.said
    return "\n\n".join(said) if sections else f"{experiment.name}: not measured yet"


def draw(experiment: Experiment, results: Path, figures: Path) -> Path | None:
    """Draw the critical-difference diagram; None if there is nothing to draw."""
    lines = Lines(file_of(experiment, results)).read()
    common = common_of(lines, models_in(lines, experiment))
    if common is None:
        return None
    ranks = Comparison(common.means("clean"))
    return draw_ranks(ranks, figures / f"{experiment.name}.png")


def named(tasks: Sequence[str] | None) -> list[Experiment]:
    """Return the experiments on the archive among tasks that were named."""
    return [EXPERIMENTS[name] for name in tasks or () if name in EXPERIMENTS]
