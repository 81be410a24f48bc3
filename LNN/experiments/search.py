"""Hyper-parameters by successive halving on the validation part.

A candidate is fitted on the training part; the validation part chooses its epoch and
gives its score, exactly as in the runs. The test part is never read. With several seeds
the score is their mean: where fits scatter by more than candidates differ, one fit each
would choose by luck.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV, PredefinedSplit

from LNN.exceptions import InvalidInputError
from LNN.experiments.metrics import METRICS, Metric
from LNN.experiments.runs import Run
from LNN.experiments.settings import TUNED_FILE, estimator_parameters
from LNN.experiments.task import Part, TaskData
from LNN.experiments.tasks import TASKS
from LNN.experiments.training import make_model, score

# A third of the candidates goes on to three times the epochs.
FACTOR = 3
_INSIDE = "model__"  # what scikit-learn writes before a parameter of `Repeated.model`
# The same for every model, so that each has the same chance.
SPACE: dict[str, list[Any]] = {
    "learning_rate": [0.001, 0.003, 0.01, 0.03],
    "dropout": [0.0, 0.2],
    "scale": ["standard", "none"],
}


def search(
    task_name: str, protocol: str, model: str, *, seeds: int = 1, n_jobs: int = 1
) -> dict:
    """Search the parameters of a model on a task, in one protocol.

    Parameters
    ----------
    task_name, protocol, model : str
    seeds : int, default=1
        Fits of each candidate, with the seeds of the first runs.
    n_jobs : int, default=1

    Returns
    -------
    dict
        `task`, `protocol`, `model`, `seeds`, `best` (parameters), `score` (validation
        metric), and `trials`: parameters, epochs and score of every candidate that was
        fitted.
    """
    if seeds < 1:
        raise InvalidInputError(f"seeds must be 1 or more, got {seeds}.")
    task = TASKS[task_name]
    data, metric = task.load(protocol), METRICS[task.metric]
    run = Run(task_name, protocol, model, 0, "standard")
    fixed = estimator_parameters(run, task, data, tuned=False)
    epochs = fixed.pop("epochs")
    X, y, fold, extra = joined(data)
    halving = HalvingGridSearchCV(
        Repeated(make_model(task, fixed | extra), seeds),
        {_INSIDE + name: values for name, values in SPACE.items()},
        factor=FACTOR,
        resource=_INSIDE + "epochs",
        min_resources=max(2, epochs // FACTOR**2),
        max_resources=epochs,
        cv=PredefinedSplit(fold),
        scoring=_Scorer(metric),
        refit=False,  # the runs fit what was found, with seeds of their own
        random_state=0,
        n_jobs=n_jobs,
        error_score=-np.inf,  # a candidate that cannot be fitted only loses
    )
    # Else the estimator would hold out a part of the training part to choose the epoch,
    # and where windows overlap that part is known to it.
    held_out = data.validation
    halving.fit(X, y, X_val=_with_time(held_out), y_val=held_out.y)
    return {**_report(run, metric, halving.cv_results_), "seeds": seeds}


class Repeated(BaseEstimator):
    """A model fitted once for each of several seeds.

    Parameters
    ----------
    model : LiquidRegressor or LiquidClassifier
        Its `random_state` is the first seed.
    seeds : int

    Attributes
    ----------
    fits_ : list
        The fitted models.
    """

    def __init__(self, model: Any, seeds: int):
        self.model, self.seeds = model, seeds

    def fit(self, X: Any, y: Any, **held_out: Any) -> Repeated:
        """Fit a copy of the model for every seed, on the same data."""
        first = self.model.random_state
        self.fits_ = [
            clone(self.model).set_params(random_state=seed).fit(X, y, **held_out)
            for seed in range(first, first + self.seeds)
        ]
        return self


def joined(data: TaskData) -> tuple[Any, Any, np.ndarray, dict[str, Any]]:
    """Return training and validation part as one, for a search over fixed parts.

    Time stamps become the last column: scikit-learn's tools hand on nothing else.

    Returns
    -------
    X, y : ndarray or list
    fold : ndarray of int, shape (n,)
        -1 to train, 0 to validate.
    parameters : dict
        `time_column`, where there is time.
    """
    parts = data.train, data.validation
    X = _concatenated([_with_time(part) for part in parts])
    y = _concatenated([part.y for part in parts])
    fold = np.repeat([-1, 0], [len(part) for part in parts])
    if data.train.timestamps is None:
        return X, y, fold, {}
    return X, y, fold, {"time_column": data.train.X[0].shape[1]}


def _with_time(part: Part) -> Any:
    if part.timestamps is None:
        return part.X
    # float64: time stamps may be large, gaps small.
    if isinstance(part.X, list):
        pairs = zip(part.X, part.timestamps, strict=True)
        return [np.column_stack([x.astype(float), t]) for x, t in pairs]
    time = np.asarray(part.timestamps, dtype=float)[..., None]
    return np.concatenate([part.X.astype(float), time], axis=-1)


def _concatenated(blocks: list[Any]) -> Any:
    if isinstance(blocks[0], list):
        return [item for block in blocks for item in block]
    return np.concatenate(blocks)


class _Scorer:
    """The metric, the mean over seeds, as scikit-learn takes it: greater is better."""

    def __init__(self, metric: Metric):
        self.metric = metric

    def __call__(self, repeated: Repeated, X: Any, y: Any) -> float:
        part = Part(X, y)
        scores = [score(fit, part, self.metric) for fit in repeated.fits_]
        value = float(np.mean(scores))
        return value if self.metric.greater_is_better else -value


def _report(run: Run, metric: Metric, found: dict[str, Any]) -> dict:
    sign = 1.0 if metric.greater_is_better else -1.0
    trials: list[dict[str, Any]] = [
        {
            "parameters": {
                name.removeprefix(_INSIDE): _plain(value)
                for name, value in parameters.items()
            },
            "epochs": int(epochs),
            "score": sign * float(score),
        }
        for parameters, epochs, score in zip(
            found["params"], found["n_resources"], found["mean_test_score"], strict=True
        )
    ]
    for trial in trials:
        trial["parameters"].pop("epochs", None)
    longest = max(trial["epochs"] for trial in trials)
    last = [trial for trial in trials if trial["epochs"] == longest]
    best = max(last, key=lambda trial: sign * trial["score"])
    return {
        "task": run.task,
        "protocol": run.protocol,
        "model": run.model,
        "best": best["parameters"],
        "score": best["score"],
        "trials": trials,
    }


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; rates with three digits, as people write them."""
    if isinstance(value, float | np.floating):
        return float(f"{value:.3g}")
    return value.item() if isinstance(value, np.generic) else value


def apply(folder: Path, path: Path = TUNED_FILE) -> None:
    """Merge what all reports of a folder say into the file that runs read."""
    tuned = json.loads(path.read_text()) if path.exists() else {}
    for file in sorted(folder.glob("*.json")):
        report = json.loads(file.read_text())
        protocols = tuned.setdefault(report["task"], {})
        models = protocols.setdefault(report["protocol"], {})
        models[report["model"]] = report["best"]
    path.write_text(json.dumps(tuned, indent=1) + "\n")
