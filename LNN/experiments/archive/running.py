"""Many fits: several at a time, going on where they were stopped."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

from joblib import Parallel, delayed

from LNN.exceptions import LNNError
from LNN.experiments.archive.experiments import Experiment
from LNN.experiments.archive.fitting import measure
from LNN.experiments.archive.lines import Fit, Line, Lines
from LNN.experiments.archive.minirocket import missing
from LNN.experiments.archive.models import MODELS
from LNN.experiments.archive.sets import RAGGED, SETS, part_of
from LNN.experiments.running import duration, leave_ctrl_c_to


def run_fits(
    experiment: Experiment,
    fits: Sequence[Fit],
    path: Path,
    *,
    n_jobs: int | None = None,
    say: Callable[[str], None] = print,
) -> int:
    """Make the fits that the file does not hold yet.

    Parameters
    ----------
    experiment : Experiment
    fits : sequence of Fit
    path : Path
        File of results. Another process may append to it at the same time: what it
        has made by then is not made again.
    n_jobs : int, default=None
        Fits at a time, each on one thread.
    say : callable, default=print
        Gets a line per fit.

    Returns
    -------
    int
        How many fits have no result: they failed, or what they need is missing.

    Raises
    ------
    DatasetNotFoundError
        Before the first fit, if a set is missing.
    """
    done = Lines(path).read()
    left = [fit for fit in fits if fit not in done]
    if len(left) < len(fits):
        say(f"{len(fits) - len(left)} of {len(fits)} fits are there already")
    possible = left
    if any(MODELS[fit.model].external for fit in left) and (said := missing()):
        say(said)
        possible = [fit for fit in left if not MODELS[fit.model].external]
    for name in dict.fromkeys(fit.set for fit in possible):
        part_of(name, "train")
    return len(left) - _made(experiment, possible, path, n_jobs, Seconds(done), say)


def _made(
    experiment: Experiment,
    fits: Sequence[Fit],
    path: Path,
    n_jobs: int | None,
    seconds: Seconds,
    say: Callable[[str], None],
) -> int:
    """Make all fits, say how far it is, and return how many have a result."""
    began = time.perf_counter()
    rest = expected = sum(map(seconds.of, fits))
    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered", batch_size=1)
    make, here = delayed(_make), os.getpid()
    results = parallel(make(fit, experiment.changes, path, here) for fit in fits)
    count = 0
    for number, (fit, result) in enumerate(results, 1):
        rest -= seconds.of(fit)
        pace = (time.perf_counter() - began) / max(expected - rest, 1e-9)
        outcome = result
        if not isinstance(result, str):
            count += 1
            outcome = f"{result['clean']:.3f} in {duration(result['seconds'])}"
        say(
            f"[{number}/{len(fits)}] {fit.set} {fit.model} seed {fit.seed}: {outcome}; "
            f"about {duration(pace * max(rest, 0.0))} left"
        )
    return count


def _make(
    fit: Fit, changes: Sequence[str], path: Path, parent: int
) -> tuple[Fit, Line | str]:
    """Return the result of a fit, or why there is none."""
    leave_ctrl_c_to(parent)
    lines = Lines(path)
    if fit in (there := lines.read()):
        return fit, there[fit]
    try:
        result = measure(fit, changes)
    except LNNError as error:
        # The other fits can still be made, and this one later.
        return fit, f"failed, {error}"
    lines.append(fit, result)
    return fit, result


class Seconds:
    """How long fits take, on one core.

    Parameters
    ----------
    lines : mapping of Fit to dict
        What was measured decides; for models that are not there, `MODELS` knows about.
    """

    def __init__(self, lines: Mapping[Fit, Line]):
        found: dict[tuple[str, bool], list[float]] = defaultdict(list)
        for fit, line in lines.items():
            kind = fit.model, fit.set in RAGGED
            found[kind].append(line["seconds"] / _size(fit))
        self._rates = {kind: median(rates) for kind, rates in found.items()}

    def of(self, fit: Fit) -> float:
        """Return the seconds of a fit."""
        model, ragged = MODELS[fit.model], fit.set in RAGGED
        guess = model.seconds * (model.ragged if ragged else 1.0)
        return self._rates.get((fit.model, ragged), guess) * _size(fit)


def _size(fit: Fit) -> float:
    return SETS[fit.set] * fit.steps / 500
