"""Many runs: in parallel, with progress, going on where they were stopped."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from joblib import Parallel, delayed, effective_n_jobs, parallel_config

from LNN.experiments.estimates import Estimates
from LNN.experiments.metrics import METRICS
from LNN.experiments.models import EQUAL
from LNN.experiments.runs import TRIVIAL, Record, Run
from LNN.experiments.settings import estimator_parameters
from LNN.experiments.store import Store
from LNN.experiments.tasks import TASKS
from LNN.experiments.training import execute, part_of_budget


def run_all(
    runs: list[Run],
    folder: Path,
    *,
    n_jobs: int | None = None,
    backend: str | None = None,
    say: Callable[[str], None] = print,
) -> list[Record]:
    """Do the runs that are not done yet, several at a time.

    Parameters
    ----------
    runs : list of Run
        As from `runs_of`.
    folder : Path
        Folder of results. Runs that it holds, with the settings of now, are not
        repeated.
    n_jobs : int, default=None
        Runs at a time; None is what joblib's context says. On "loky", the default,
        the runs share the cores: as many at a time as there are gives each one thread.
    backend : str, default=None
        joblib's backend; None is that of the context, as in
        ``with joblib.parallel_config(backend="dask")``.
    say : callable, default=print
        Gets a line per finished run.

    Returns
    -------
    list of dict
        The records of all runs, in their order, without those that were skipped
        because their data are missing.

    Examples
    --------
    >>> from LNN.experiments import run_all, runs_of
    >>> runs = runs_of("quick", tasks=["cheetah"], models=["CfC-NCP", "LSTM"])
    >>> records = run_all(runs, "results", n_jobs=2)  # doctest: +SKIP
    """
    store = Store(Path(folder))
    left = [run for run in runs if not is_done(run, store)]
    if len(left) < len(runs):
        say(f"{len(runs) - len(left)} of {len(runs)} runs are there already")
    progress = Progress(left, Estimates.committed(), say)
    chosen = parallel_config(backend=backend) if backend else contextlib.nullcontext()
    with chosen:
        progress.n_jobs = max(1, effective_n_jobs(n_jobs))
        for record in _results(left, store.folder, n_jobs):
            progress.finished(record)
    records = (store.record(run) for run in runs)
    return [record for record in records if record is not None]


def is_done(run: Run, store: Store) -> bool:
    """Tell whether there is a record, made with the settings that hold now.

    Changed data are noticed here for "@equal" models only: to load them for each check
    would take minutes.
    """
    record = store.record(run)
    if record is None:
        return False
    if run.model == TRIVIAL:
        return True
    task, data = TASKS[run.task], None
    if run.model.endswith(EQUAL):
        data = part_of_budget(run, task.load(run.protocol))
        # Where data are loaded anyway, and the record names them; else `collect` looks.
        if "data" in record and record["data"] != data.fingerprint():
            return False
    # As JSON has them: tuples are lists, and keys of dicts are strings.
    return record["parameters"] == as_json(estimator_parameters(run, task, data))


def as_json(parameters: dict) -> dict:
    """Return parameters as they look when they come back from a file."""
    return json.loads(json.dumps(parameters))


def _results(runs: list[Run], folder: Path, n_jobs: int | None) -> Iterable[Record]:
    # As they finish, and one by one: runs take from seconds to hours.
    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered", batch_size=1)
    here = os.getpid()
    return parallel(delayed(_execute)(run, folder, here) for run in runs)


def _execute(run: Run, folder: Path, parent: int) -> Record:
    leave_ctrl_c_to(parent)
    return execute(run, folder)


def leave_ctrl_c_to(parent: int) -> None:
    """Ignore Ctrl-C in a worker's process.

    A terminal sends it to all processes, and each worker would print a traceback.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if os.getpid() != parent and in_main_thread:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


class Progress:
    """Says what has finished, and when the rest may be.

    Parameters
    ----------
    runs : list of Run
        What is to be done.
    estimates : Estimates
    say : callable
    """

    def __init__(self, runs: list[Run], estimates: Estimates, say: Callable):
        self.n_jobs, self._say = 1, say
        self._left = {run.name: estimates.seconds(run) for run in runs}
        self._n_runs, self._began = len(runs), time.perf_counter()
        self._expected = 0.0

    def finished(self, record: Record) -> None:
        """Take one more record; say so."""
        run = Run.of(record)
        self._expected += self._left.pop(run.name)
        number = self._n_runs - len(self._left)
        place = f"[{number}/{self._n_runs}]"
        name = f"{run.task} {run.protocol} {run.model} seed {run.seed}"
        self._say(f"{place} {name}: {_outcome(record)}; {self._remaining()}")

    def _remaining(self) -> str:
        if not self._left:
            return "that was the last"
        # This machine is so many times slower than the one of the estimates.
        passed = time.perf_counter() - self._began
        pace = passed * self.n_jobs / max(self._expected, 1e-9)
        seconds = pace * sum(self._left.values()) / self.n_jobs
        return f"about {duration(seconds)} left"


def _outcome(record: Record) -> str:
    metric = METRICS[record["metric"]]
    for word in ("skipped", "failed"):
        if word in record:
            return f"{word}, {record[word]}"
    if "baselines" in record:
        found = record["baselines"].items()
        return ", ".join(f"{name} {value:.4g}" for name, value in found)
    scores = f"test {record['test']:.4g} (validation {record['validation']:.4g})"
    return f"{metric.label} {scores} in {duration(record['seconds'])}"


def duration(seconds: float) -> str:
    """Return a time as people say it.

    >>> duration(7.2), duration(250), duration(9000)
    ('7 s', '4 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
