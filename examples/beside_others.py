"""LNN's defaults beside boosted trees, ROCKET features, ridge on lags and an LSTM.

    python examples/beside_others.py               every set; about half an hour
    python examples/beside_others.py --quick       a smoke run; its numbers mean nothing
    python examples/beside_others.py --sets GunPoint --models CfC MiniRocket
    python examples/beside_others.py --out FILE    keeps results as they come (a second
                                                   call goes on from there)

Data sets are read as in `real_data.py`, from `LNN_DATA_HOME` or `shared/data` beside
the checkout. A set that is not there is skipped, and the script says so. MiniRocket
needs aeon (`pip install aeon`); without aeon it is skipped.

Models
------
CfC, LTC, LSTM: `LiquidClassifier` or `LiquidRegressor` with `model_type=` and nothing
    else, except for what the data demand (below). LSTM is `torch.nn.LSTM` of as many
    neurons, trained by the same loop.
Boosting: scikit-learn's `HistGradientBoosting*`, defaults.
MiniRocket: aeon's `MiniRocketClassifier` (10,000 random convolutions, then ridge),
    after Dempster, Schmidt and Webb, "MiniRocket", KDD 2021; for a number `MiniRocket`
    and `RidgeCV`. It needs sequences of one length: shorter ones are padded with zeros
    at the end. For forecasts it is not run.
linear: `LogisticRegression` for classes, for a number `RidgeCV`: "ridge on lags".
trivial: the commonest class, the mean, or persistence (the next value is this one).

What each model sees
--------------------
JapaneseVowels, BasicMotions, GunPoint, ItalyPowerDemand: the archive's own training and
    test part, accuracy. Networks and MiniRocket read the sequence. Boosting and the
    linear model read it flattened, or, where lengths differ, mean, deviation, first and
    last value of each channel.
PhysioNet: does a patient die in hospital; area under the ROC curve. Patients and parts
    as in `irregular.py`. Networks read the rows with their time, `missing="mask"`,
    balanced class weights, validation patients for stopping; the others eight numbers
    per channel (mean, extremes, last value, time since it, count, ...).
Sines: the frequency of a noisy sine that is seen at 40 irregular times
    (`make_irregular_sine`); 500 sequences train, 500 test; R2. Networks read values
    with `timestamps=`, the others the values and the gaps, flattened or as two
    channels.
ETTh1: the oil temperature of a transformer one hour ahead, from 7 columns. The usual
    split: 12 months train, the next 4 are left out, the last 4 test. The series drifts,
    so every model learns the change from the present value: networks by `anchor="OT"`.
Power: what a household draws in the next hour, from 7 columns; the first 80 % train.
    In both, every model reads the 32 hours up to now. The score is the skill,
    1 - MSE / MSE of persistence: 0 is as good as persistence, 1 is perfect.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from datasets import load as load_set
from irregular import logistic
from irregular_data import load_physionet
from irregular_data import summary_features as patient_features
from real_data import summary_features
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from LNN import LiquidClassifier, LiquidRegressor
from LNN.datasets import DatasetNotFoundError, fetch_power, make_irregular_sine
from LNN.datasets.home import data_homes
from LNN.exceptions import MissingDependencyError

SEQUENCES = ("JapaneseVowels", "BasicMotions", "GunPoint", "ItalyPowerDemand")
FORECASTS = ("ETTh1", "Power")
SETS = (*SEQUENCES, "Sines", "PhysioNet", *FORECASTS)
NETWORKS = ("CfC", "LTC", "LSTM")
MODELS = (*NETWORKS, "Boosting", "MiniRocket", "linear", "trivial")
# What does not depend on a seed.
FIXED = ("linear", "trivial")
WINDOW = 32
HOURS_OF_MONTH = 30 * 24
STRENGTHS = np.logspace(-3, 5, 17)


@dataclass
class Problem:
    """A training and a test part in the forms that the models read.

    Attributes
    ----------
    metric : callable
        Of truth and prediction; higher is better.
    y_train, y_test : ndarray
    rows_train, rows_test : ndarray of shape (n, features)
        What boosting and the linear model read.
    fit, predict : dict
        What `fit` and `predict` of a network are called with.
    settings : dict
        Parameters of a network that the data demand.
    cubes : tuple of two ndarrays (n, channels, T), or None
        What MiniRocket reads.
    present : tuple of two ndarrays (n,), or None
        The present value of a target that changes are learnt from.
    classes : bool
    """

    metric: Callable[[np.ndarray, np.ndarray], float]
    y_train: np.ndarray
    y_test: np.ndarray
    rows_train: np.ndarray
    rows_test: np.ndarray
    fit: dict[str, Any]
    predict: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    cubes: tuple[np.ndarray, np.ndarray] | None = None
    present: tuple[np.ndarray, np.ndarray] | None = None
    classes: bool = True


# ---------------------------------------------------------------- data sets


@lru_cache(maxsize=1)
def load(name: str) -> Problem:
    """Load a problem; the last one is kept."""
    own = {"Sines": sines, "PhysioNet": physionet, "ETTh1": etth1, "Power": power}
    return own[name]() if name in own else archive(name)


def archive(name: str) -> Problem:
    """Load a set of the UCR/UEA archive."""
    data = load_set(name)
    longest = max(map(len, [*data.X_train, *data.X_test]))
    return Problem(
        accuracy_score,
        data.y_train,
        data.y_test,
        summary_features(data.X_train),
        summary_features(data.X_test),
        {"X": data.X_train},
        {"X": data.X_test},
        cubes=(cube(data.X_train, longest), cube(data.X_test, longest)),
    )


def cube(sequences: Any, length: int) -> np.ndarray:
    """Return sequences as (n, channels, length), padded with zeros at the end."""
    padded = np.zeros((len(sequences), sequences[0].shape[1], length))
    for place, sequence in zip(padded, sequences, strict=True):
        place[:, : len(sequence)] = sequence.T
    return padded


def sines() -> Problem:
    """Make sines at irregular times, always the same ones."""
    found = make_irregular_sine(1000, random_state=0)
    gaps = np.diff(found.timestamps, axis=1, prepend=0.0)
    channels = np.stack([found.data[:, :, 0], gaps], axis=1)
    train, test = slice(0, 500), slice(500, None)
    rows = channels.reshape(len(channels), -1)
    return Problem(
        r2_score,
        found.target[train],
        found.target[test],
        rows[train],
        rows[test],
        {"X": found.data[train], "timestamps": found.timestamps[train]},
        {"X": found.data[test], "timestamps": found.timestamps[test]},
        cubes=(channels[train], channels[test]),
        classes=False,
    )


def physionet() -> Problem:
    """Load the patients of `irregular.py`."""
    data = load_physionet()
    train, validation, test = data.train, data.validation, data.test
    fit = {"X": train.X, "timestamps": train.time, "X_val": validation.X}
    fit |= {"y_val": validation.y, "timestamps_val": validation.time}
    return Problem(
        roc_auc_score,
        train.y,
        test.y,
        patient_features(train),
        patient_features(test),
        fit,
        {"X": test.X, "timestamps": test.time},
        {"missing": "mask", "class_weight": "balanced"},
    )


def etth1() -> Problem:
    """Load the oil temperature, split by months as everybody does."""
    places = [home / "ett" / "ETTh1.csv" for home in data_homes()]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise DatasetNotFoundError(f"expected ETTh1.csv at {places[0]}")
    frame = pd.read_csv(path, index_col="date", parse_dates=True)
    train, test = (HOURS_OF_MONTH * months for months in (12, 16))
    end = HOURS_OF_MONTH * 20
    problem = forecast(frame, "OT", slice(0, train), slice(test, end))
    problem.settings = {"anchor": "OT"}
    return problem


def power() -> Problem:
    """Load the household, hour by hour."""
    found = fetch_power("hours")
    frame = found.data.assign(power=found.target)
    frame.index = pd.DatetimeIndex(found.timestamps)
    split = int(0.8 * len(frame))
    problem = forecast(frame, "power", slice(0, split), slice(split, len(frame) - 1))
    problem.present = None
    return problem


def forecast(frame: pd.DataFrame, name: str, train: slice, test: slice) -> Problem:
    """Make the next row's value of a column the target, and windows of lags."""
    values = frame.to_numpy()
    now, following = frame[name].to_numpy()[:-1], frame[name].to_numpy()[1:]
    # Window k ends at row k + WINDOW - 1; windows of the test part reach back.
    windows = np.lib.stride_tricks.sliding_window_view(values, WINDOW, axis=0)
    windows = windows.reshape(len(windows), -1)
    before = slice(test.start - WINDOW, test.start)
    whole = slice(train.start + WINDOW - 1, train.stop)

    def skill(y: np.ndarray, predicted: np.ndarray) -> float:
        mistakes = (y - predicted) ** 2, (y - now[test]) ** 2
        return float(1 - mistakes[0].mean() / mistakes[1].mean())

    def lags(rows: slice) -> np.ndarray:
        return windows[rows.start - WINDOW + 1 : rows.stop - WINDOW + 1]

    return Problem(
        skill,
        following[whole],
        following[test],
        lags(whole),
        lags(test),
        {"X": frame[train], "y": following[train]},
        {"X": frame[test], "context": frame[before]},
        present=(now[whole], now[test]),
        classes=False,
    )


# ---------------------------------------------------------------- models


def run_network(problem: Problem, model: str, seed: int, quick: bool) -> np.ndarray:
    """Fit a network and return its predictions."""
    settings = problem.settings | ({"epochs": 2} if quick else {})
    kind = LiquidClassifier if problem.classes else LiquidRegressor
    estimator = kind(model_type=model, random_state=seed, **settings)
    estimator.fit(**{"y": problem.y_train} | problem.fit)
    return answers(estimator, problem, **problem.predict)


def answers(estimator: Any, problem: Problem, X: Any, **rest: Any) -> np.ndarray:
    """Return predictions, or scores where the metric ranks."""
    if problem.metric is not roc_auc_score:
        return estimator.predict(X, **rest)
    return estimator.predict_proba(X, **rest)[:, 1]


def run_rows(problem: Problem, estimator: Any) -> np.ndarray:
    """Fit a model of flat rows and return its predictions."""
    if problem.present is None:
        estimator.fit(problem.rows_train, problem.y_train)
        return answers(estimator, problem, problem.rows_test)
    before, now = problem.present
    estimator.fit(problem.rows_train, problem.y_train - before)
    return now + estimator.predict(problem.rows_test)


def boosting(problem: Problem, seed: int) -> Any:
    if problem.classes:
        return HistGradientBoostingClassifier(random_state=seed)
    return HistGradientBoostingRegressor(random_state=seed)


def linear(problem: Problem) -> Any:
    if not problem.classes:
        return make_pipeline(StandardScaler(), RidgeCV(STRENGTHS))
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))


def run_rocket(problem: Problem, seed: int) -> np.ndarray:
    """Fit ridge on random convolutions and return its predictions."""
    train, test = problem.cubes
    if problem.classes:
        from aeon.classification.convolution_based import MiniRocketClassifier

        model = MiniRocketClassifier(random_state=seed)
        return model.fit(train, problem.y_train).predict(test)
    from aeon.transformations.collection.convolution_based import MiniRocket

    transform = MiniRocket(random_state=seed).fit(train)
    ridge = make_pipeline(StandardScaler(with_mean=False), RidgeCV(STRENGTHS))
    ridge.fit(transform.transform(train), problem.y_train)
    return ridge.predict(transform.transform(test))


def run(name: str, model: str, seed: int, quick: bool) -> dict[str, Any]:
    """Train and test one model with one seed."""
    torch.set_num_threads(1)
    problem = load(name)
    began = time.perf_counter()
    if model in NETWORKS:
        predicted = run_network(problem, model, seed, quick)
    elif model == "MiniRocket":
        predicted = run_rocket(problem, seed)
    elif model == "Boosting":
        predicted = run_rows(problem, boosting(problem, seed))
    elif model == "linear" and name == "PhysioNet":
        score, _ = logistic(load_physionet())
        return {"score": score, "seconds": time.perf_counter() - began}
    elif model == "linear":
        predicted = run_rows(problem, linear(problem))
    elif name in FORECASTS:
        # Skill is measured against persistence itself.
        return {"score": 0.0, "seconds": 0.0}
    else:
        dummy = DummyClassifier() if problem.classes else DummyRegressor()
        predicted = run_rows(problem, dummy)
    return {
        "score": float(problem.metric(problem.y_test, predicted)),
        "seconds": time.perf_counter() - began,
    }


# ---------------------------------------------------------------- the table


def tasks_of(options: argparse.Namespace) -> list[dict[str, Any]]:
    """List what there is to run."""
    found = []
    for name in options.sets:
        for model in options.models:
            if model == "MiniRocket" and name in ("PhysioNet", *FORECASTS):
                continue
            seeds = 3 if name in ("PhysioNet", *FORECASTS) else 5
            for seed in range(1 if options.quick or model in FIXED else seeds):
                task = {"set": name, "model": model, "seed": seed}
                found.append(task | {"quick": options.quick})
    return found


def measure(tasks: list[dict[str, Any]], kept: Path | None) -> list[dict[str, Any]]:
    """Run what is not known yet; skip what is not there, and say so."""
    known = []
    if kept is not None and kept.is_file():
        known = [json.loads(line) for line in kept.read_text().splitlines()]
    rows, missing = [], set()
    for task in tasks:
        row = next((r for r in known if task.items() <= r.items()), None)
        if row is None and not {task["set"], task["model"]} & missing:
            try:
                row = task | run(*task.values())
            except (DatasetNotFoundError, MissingDependencyError) as error:
                missing.add(task["set"])
                print(f"skipped {task['set']}: {error}", flush=True)
            except ModuleNotFoundError as error:
                missing.add(task["model"])
                print(f"skipped {task['model']}: {error}", flush=True)
            else:
                line = "{set} {model} seed {seed}: {score:.3f} ({seconds:.1f} s)"
                print(line.format(**row), flush=True)
                if kept is not None:
                    with kept.open("a") as file:
                        file.write(json.dumps(row) + "\n")
        if row is not None:
            rows.append(row)
    return rows


def cell(scores: pd.Series) -> str:
    """Return mean and spread of some seeds."""
    spread = f" ± {scores.std():.3f}" if len(scores) > 1 else ""
    # Adding 0 makes -0.000 positive.
    return f"{round(scores.mean(), 3) + 0.0:.3f}{spread}"


def show(rows: list[dict[str, Any]]) -> None:
    """Print one line per data set, one column per model, as Markdown."""
    results = pd.DataFrame(rows)
    models = [model for model in MODELS if model in set(results["model"])]
    shown = {"test part": ("score", cell)}
    shown["seconds, median"] = (
        "seconds",
        lambda s: f"{s.median():.1f}",
    )
    for title, (column, form) in shown.items():
        table = results.groupby(["set", "model"], sort=False)[column].apply(form)
        wide = table.unstack().reindex(columns=models).fillna("-")
        print(f"\n| {title} | " + " | ".join(models) + " |")
        print("|---" * (len(models) + 1) + "|")
        for name in results["set"].unique():
            print(f"| {name} | " + " | ".join(wide.loc[name]) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--quick", action="store_true", help="two epochs, one seed")
    parser.add_argument("--out", type=Path, help="file that keeps results (jsonl)")
    options = parser.parse_args()
    rows = measure(tasks_of(options), options.out)
    if rows:
        show(rows)


if __name__ == "__main__":
    main()
