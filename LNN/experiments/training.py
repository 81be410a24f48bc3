"""One run: load, fit, score, and write down what happened."""

from __future__ import annotations

import datetime
import os
import platform
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from LNN import LiquidClassifier, LiquidRegressor
from LNN.datasets.errors import DatasetNotFoundError
from LNN.exceptions import LNNError, LNNWarning
from LNN.experiments import open_lstm
from LNN.experiments.boosting import boosted
from LNN.experiments.memoryless import memoryless
from LNN.experiments.metrics import METRICS, Metric
from LNN.experiments.resampling import FIELD, resampled
from LNN.experiments.runs import BUDGETS, TRIVIAL, Record, Run
from LNN.experiments.settings import estimator_parameters
from LNN.experiments.store import EpochLog, Store
from LNN.experiments.task import Part, Task, TaskData
from LNN.experiments.tasks import TASKS
from LNN.training.loop import Epoch

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "pandas", "joblib", "LNN")
# Curves of committed results: so many digits, so that files stay small.
DIGITS = 5
# How the estimator's warning begins.
INTERRUPTED = "Training was interrupted"


def execute(run: Run, folder: Path) -> Record:
    """Do one run and write its record; return it.

    Parameters
    ----------
    run : Run
    folder : Path
        Folder of results.

    Returns
    -------
    dict
        As in the file: what was run, with which parameters, on what, and what came out.
        Where the data cannot be loaded no file is written, and `skipped` says why.

    Raises
    ------
    KeyboardInterrupt
        If training was interrupted: half a run is not a result.
    """
    store = Store(folder)
    task = TASKS[run.task]
    try:
        data = part_of_budget(run, task.load(run.protocol))
    except DatasetNotFoundError as error:
        # Other tasks can still be run. No record: it is to be done when data are there.
        return {**run.as_dict(), "metric": task.metric, "skipped": str(error)}
    if run.model == TRIVIAL:
        found = {**task.trivial(data), **memoryless(task, data), **boosted(task, data)}
        outcome: Record = {"baselines": found}
    else:
        outcome = train(run, task, data, store)
    record = {
        **run.as_dict(),
        "metric": task.metric,
        "sequences": [len(data.train), len(data.validation), len(data.test)],
        "data": data.fingerprint(),
        **outcome,
        **circumstances(),
    }
    store.save(run, record)
    return record


def part_of_budget(run: Run, data: TaskData) -> TaskData:
    """Return as much of the data as the budget has time for."""
    budget = BUDGETS[run.budget]
    if budget.train is None:
        return data
    sizes = budget.train, budget.test, budget.test
    parts = data.train, data.validation, data.test
    return TaskData(*map(_spread, parts, sizes))


def _spread(part: Part, n: int | None) -> Part:
    """Return n sequences, evenly spread: the first ones may lack a class."""
    if n is None or len(part) <= n:
        return part
    return part.take(np.linspace(0, len(part) - 1, n).astype(int))


def train(run: Run, task: Task, data: TaskData, store: Store) -> Record:
    """Fit a model and score it; a training that fails is a result, too."""
    parameters = estimator_parameters(run, task, data)
    metric = METRICS[task.metric]
    log = EpochLog(store.path(run).with_suffix(".csv"))
    model = make_model(task, parameters)
    curve = Curve(model, metric, log)
    outcome: Record = {"parameters": parameters}
    try:
        fit(model.set_params(callback=curve), data)
    except LNNError as error:
        return {**outcome, "failed": f"{type(error).__name__}: {error}"}
    finally:
        log.close()
    best = model.best_validation_score_
    assert best is not None  # runs have validation data
    answers = answers_of(model, data.test, metric)
    return {
        **outcome,
        "test": metric.score(data.test.y, answers),
        FIELD: resampled(metric, data.test, answers),
        "validation": metric.from_scorer(best),
        "n_parameters": model.n_parameters_,
        "n_synapses": model.n_synapses_,
        "backend": model.backend_,
        "seconds": round(curve.seconds[-1], 3),
        "curve": [float(f"{value:.{DIGITS}g}") for value in curve.values],
        "curve_seconds": [round(second, 2) for second in curve.seconds],
    }


def make_model(
    task: Task, parameters: dict[str, Any]
) -> LiquidRegressor | LiquidClassifier:
    """Return the estimator of a task, on one thread: runs are what is parallel."""
    if parameters["model_type"] == open_lstm.NAME:
        open_lstm.make_known()
    kind = LiquidRegressor if task.kind == "regression" else LiquidClassifier
    return kind(n_jobs=1, **parameters)


class Curve:
    """The callback of a run: a line in the log, and a point on the curve, per epoch.

    Parameters
    ----------
    model : LiquidRegressor or LiquidClassifier
        The model whose callback this is.
    metric : Metric
    log : EpochLog
    """

    def __init__(
        self,
        model: LiquidRegressor | LiquidClassifier,
        metric: Metric,
        log: EpochLog,
    ):
        self.model, self.metric, self.log = model, metric, log
        self.values: list[float] = []
        self.seconds: list[float] = []
        self._began = time.perf_counter()

    def __call__(self, epoch: Epoch) -> None:
        """Write down one epoch."""
        assert epoch.validation_score is not None  # runs have validation data
        self.values.append(self.metric.from_scorer(epoch.validation_score))
        self.seconds.append(time.perf_counter() - self._began)
        self.log.line(
            epoch.epoch,
            epoch.loss,
            epoch.validation_loss,
            self.values[-1],
            f"{self.seconds[-1]:.3f}",
            self.model.backend_,
        )


def fit(model: LiquidRegressor | LiquidClassifier, data: TaskData) -> None:
    """Fit on the training part; the validation part chooses the epoch."""
    learnt, held_out = data.train, data.validation
    with warnings.catch_warnings():
        # The estimator would keep the best weights and return: a result of half a run.
        warnings.filterwarnings("error", message=INTERRUPTED)
        try:
            model.fit(
                learnt.X,
                learnt.y,
                timestamps=learnt.timestamps,
                X_val=held_out.X,
                y_val=held_out.y,
                timestamps_val=held_out.timestamps,
            )
        except LNNWarning as warning:
            if not str(warning).startswith(INTERRUPTED):
                raise  # an error by a filter of the caller's (python -W error)
            raise KeyboardInterrupt from warning


def answers_of(
    model: LiquidRegressor | LiquidClassifier, part: Part, metric: Metric
) -> Any:
    """Return what a metric needs of a model, for a part."""
    answer = model.predict if metric.needs == "prediction" else model.predict_proba
    return answer(part.X, timestamps=part.timestamps)


def score(
    model: LiquidRegressor | LiquidClassifier, part: Part, metric: Metric
) -> float:
    """Return the metric on a part."""
    return metric.score(part.y, answers_of(model, part, metric))


def circumstances() -> dict[str, Any]:
    """Return when and where: versions and machine."""
    now = datetime.datetime.now(datetime.UTC)
    return {
        "date": now.strftime("%Y-%m-%d"),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
        "machine": {
            "processor": _processor(),
            "system": platform.system(),
            "cores": os.cpu_count(),
        },
    }


def _processor() -> str:
    """Return the name of the processor, as precisely as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    return next(names, platform.machine())
