"""Compare settings by cross-validation on training parts of the UCR archive.

    python examples/benchmarks/development.py run results.jsonl
    python examples/benchmarks/development.py run results.jsonl --sets GunPoint
    python examples/benchmarks/development.py table results.jsonl --base LSTM

This is how defaults are chosen (docu/defaults.md): the sets are the development half of
the archive (`ucr2018` in LNN_DATA_HOME), and their test parts are never read. Each fit
has a seed of its own, 500 optimiser steps and no early stopping, unless a setting says
otherwise. The held-out part is also read at half of the rate, with time stamps. One
line per fit is appended to the file; a run that was stopped goes on where it was.
`table` prints means over the sets and, against the base, the number of sets won and
lost, with Wilcoxon's p over the sets.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from scipy.stats import rankdata, wilcoxon
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

from LNN import LiquidClassifier
from LNN.estimators import building

# From short to long, and of all kinds that the development half has; at most 300 steps.
SETS = (
    "SmoothSubspace",
    "ItalyPowerDemand",
    "SonyAIBORobotSurface2",
    "MiddlePhalanxTW",
    "ECG200",
    "MedicalImages",
    "CBF",
    "SwedishLeaf",
    "PowerCons",
    "GunPoint",
    "UMD",
    "FaceAll",
    "DistalPhalanxOutlineAgeGroup",
    "GunPointAgeSpan",
    "Adiac",
    "Trace",
    "WordSynonyms",
    "ToeSegmentation1",
    "CricketX",
    "PickupGestureWiimoteZ",
)

ALL = "last+mean+max"
EXPONENTIAL = {"mode": "exponential", "pooling": ALL}
LTC = {"model_type": "LTC", "pooling": ALL}
SETTINGS: dict[str, dict] = {
    "exp": EXPONENTIAL | {"start": (0.3, 8)},
    "LSTM": {"model_type": "LSTM", "pooling": ALL},
    "CfC": {"mode": "default", "pooling": ALL},
    "exp, strict": EXPONENTIAL | {"start": (0.3, 8), "layer_recurrence": False},
    "exp, full 46": EXPONENTIAL
    | {"start": (0.3, 8), "wiring": "full", "n_neurons": 46},
    "LTC": LTC,
    "LTC, exp 1": LTC | {"solver": "exponential", "ode_unfolds": 1},
    "exp, 1 to T/2": EXPONENTIAL | {"start": (1, 2)},
    "exp, 1 to T/8": EXPONENTIAL | {"start": (1, 8)},
    "exp, 0.3 to T/2": EXPONENTIAL | {"start": (0.3, 2)},
    "GRU": {"model_type": "GRU", "n_neurons": 37, "pooling": ALL},
    "exp, 58": EXPONENTIAL | {"start": (0.3, 8), "n_neurons": 58},
    "CfC, paper": {"mode": "default"},
    "LTC, exp 2": LTC | {"solver": "exponential", "ode_unfolds": 2},
    "LSTM, auto pooling": {"model_type": "LSTM"},
    "exp, mixed 23": EXPONENTIAL
    | {"start": (0.3, 8), "n_neurons": 23, "mixed_memory": True},
    "exp, auto pooling": {"mode": "exponential", "start": (0.3, 8)},
    "CfC, 0.3 to T/8": {"mode": "default", "pooling": ALL, "start": (0.3, 8)},
}


def training_part(name: str) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the sequences, without the padding at their ends, and their classes."""
    home = Path(os.environ.get("LNN_DATA_HOME", "shared/data"))
    rows = np.load(home / "ucr2018" / f"{name}.npz")["train"]
    kept = [row[1:][: np.flatnonzero(~np.isnan(row[1:]))[-1] + 1] for row in rows]
    return [row[:, None] for row in kept], rows[:, 0].astype(int)


def starting_with(start: tuple[float, float] | None) -> mock._patch:
    """Patch where time constants start: from `low` steps to the length / `part`."""

    def time_constants(per_step: bool, steps: float) -> tuple[float, float] | None:
        return (start[0], max(2.0, steps / start[1]))

    if start is None:
        return mock.patch.object(building, "_unchanged", None, create=True)
    return mock.patch.object(building, "_first_time_constants", time_constants)


def fit_once(name: str, setting: str, fold: int, n_folds: int) -> dict:
    """Fit on the other folds and score on this one, also at half of the rate."""
    X, y = training_part(name)
    rarest = np.unique(y, return_counts=True)[1].min()
    folds = StratifiedKFold(
        max(2, min(n_folds, rarest)), shuffle=True, random_state=fold // n_folds
    )
    training, held_out = list(folds.split(y, y))[fold % folds.get_n_splits()]
    options = {"early_stopping": False} | SETTINGS[setting]
    start = options.pop("start", None)
    model = LiquidClassifier(**options, random_state=fold, device="cpu", n_jobs=1)
    begun = time.process_time()
    with starting_with(start), warnings.catch_warnings(action="ignore"):
        seen = [X[k] for k in training]
        model.fit(seen, y[training], timestamps=[np.arange(len(x)) for x in seen])
    seconds = time.process_time() - begun
    new = [X[k] for k in held_out]
    odds = model.predict_proba(new, timestamps=[np.arange(len(x)) for x in new])
    half = [x[1::2] for x in new]
    times = [2 * np.arange(len(x)) for x in half]
    return {
        "set": name,
        "setting": setting,
        "fold": fold,
        "accuracy": float(np.mean(model.classes_[odds.argmax(axis=1)] == y[held_out])),
        "log loss": float(log_loss(y[held_out], odds, labels=model.classes_)),
        "half": float(model.score(half, y[held_out], timestamps=times)),
        "seconds": round(seconds, 2),
        "parameters": int(model.n_parameters_),
    }


def lines_of(path: Path) -> list[dict]:
    """Return what was measured so far."""
    return [json.loads(line) for line in path.open()] if path.exists() else []


def run(options: argparse.Namespace) -> None:
    """Measure what the file does not hold yet: all settings on a set, then the next."""
    torch.set_num_threads(1)
    done = {(r["set"], r["setting"], r["fold"]) for r in lines_of(options.file)}
    for name, setting, fold in _todo(options):
        if (name, setting, fold) not in done:
            result = fit_once(name, setting, fold, options.folds)
            with options.file.open("a") as file:
                file.write(json.dumps(result) + "\n")


def _todo(options: argparse.Namespace) -> Iterator[tuple[str, str, int]]:
    for fold in range(options.folds):
        for name in options.sets:
            for setting in options.settings:
                yield name, setting, fold


def means(lines: list[dict], what: str, settings: list[str]) -> np.ndarray:
    """Return (sets, settings), the mean over the folds that all settings have."""
    values = {(r["set"], r["setting"], r["fold"]): r[what] for r in lines}
    table = []
    for name in dict.fromkeys(r["set"] for r in lines):
        folds = {fold for (s, _, fold) in values if s == name}
        rows = [
            [values[name, setting, fold] for setting in settings]
            for fold in sorted(folds)
            if all((name, setting, fold) in values for setting in settings)
        ]
        if rows:
            table.append(np.mean(rows, axis=0))
    return np.array(table)


def table(options: argparse.Namespace) -> None:
    """Print the means, and how the settings fare against the base."""
    lines = lines_of(options.file)
    have = {r["setting"] for r in lines}
    settings = [s for s in options.settings if s in have]
    accuracy, loss, half, seconds, parameters = (
        means(lines, what, settings)
        for what in ("accuracy", "log loss", "half", "seconds", "parameters")
    )
    base = settings.index(options.base)
    ranks = rankdata(-accuracy, axis=1).mean(axis=0)
    print(f"{len(accuracy)} sets; base: {options.base}")
    print(f"{'':22}accuracy  log loss  half rate  rank  won/lost     p   s/fit  param.")
    for k in np.argsort(ranks):
        difference = accuracy[:, k] - accuracy[:, base]
        p = wilcoxon(difference).pvalue if np.any(difference) else 1.0
        won, lost = np.sum(difference > 0), np.sum(difference < 0)
        print(
            f"{settings[k]:22}{accuracy[:, k].mean():8.3f}{loss[:, k].mean():10.2f}"
            f"{half[:, k].mean():11.3f}{ranks[k]:6.2f}{won:6}/{lost:<4}{p:8.3f}"
            f"{seconds[:, k].mean():8.1f}{parameters[:, k].mean():8.0f}"
        )


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("do", choices=("run", "table"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS))
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--base", default="LSTM")
    options = parser.parse_args(arguments)
    commands: dict[str, Callable[[argparse.Namespace], None]] = {
        "run": run,
        "table": table,
    }
    commands[options.do](options)


if __name__ == "__main__":
    sys.exit(main())
