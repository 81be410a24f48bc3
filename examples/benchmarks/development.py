"""Compare settings on the UCR archive: by cross-validation, and at last on test parts.

    python examples/benchmarks/development.py run results.jsonl
    python examples/benchmarks/development.py run results.jsonl --sets GunPoint
    python examples/benchmarks/development.py table results.jsonl --base LSTM
    python examples/benchmarks/development.py test tested.jsonl
    python examples/benchmarks/development.py table tested.jsonl

This is how defaults are chosen (docu/defaults.md): the sets are the development half of
the archive (`ucr2018` in LNN_DATA_HOME), and `run` never reads their test parts. `test`
does: it fits the chosen defaults, and what they are compared with, on all of the
training part, once everything is chosen.

Each fit has a seed of its own, 500 optimiser steps and no early stopping, unless a
setting says otherwise. What is held out is also read at half of the rate, with time
stamps. One line per fit is appended to the file; a run that was stopped goes on where
it was. `table` prints means over the sets and, against the base, the number of sets won
and lost, with Wilcoxon's p over the sets.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from scipy.stats import friedmanchisquare, rankdata, wilcoxon
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
DEFAULT = EXPONENTIAL | {"start": (0.3, 2)}
LTC = {
    "model_type": "LTC",
    "solver": "semi-implicit",
    "ode_unfolds": 6,
    "pooling": ALL,
}
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
    "exp, rate 0.005": DEFAULT | {"learning_rate": 0.005},
    "exp, rate 0.02": DEFAULT | {"learning_rate": 0.02},
    "exp, strict, 0.3 to T/2": DEFAULT | {"layer_recurrence": False},
    "exp, stops early": DEFAULT | {"early_stopping": True},
    "exp, stops early, 20 epochs": DEFAULT
    | {"early_stopping": True, "n_iter_no_change": 20},
}
# What is tested: the defaults of each family, and the papers' forms. LSTM and GRU have
# the same pooling; "liquid, 58" has as many weights as they.
TESTED: dict[str, dict] = {
    "liquid (default)": {},
    "LSTM": {"model_type": "LSTM"},
    "liquid, 58": {"n_neurons": 58},
    "LTC (default)": {"model_type": "LTC"},
    "GRU": {"model_type": "GRU", "n_neurons": 37},
    "CfC, paper": {"mode": "default"},
    "LTC, paper": LTC,
    "CfC, paper, last": {"mode": "default", "pooling": "last"},
}


def part_of(name: str, part: str) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the sequences, without the padding at their ends, and their classes."""
    home = Path(os.environ.get("LNN_DATA_HOME", "shared/data"))
    rows = np.load(home / "ucr2018" / f"{name}.npz")[part]
    kept = [row[1:][: np.flatnonzero(~np.isnan(row[1:]))[-1] + 1] for row in rows]
    return [row[:, None] for row in kept], rows[:, 0].astype(int)


def starting_with(start: tuple[float, float] | None) -> AbstractContextManager:
    """Patch where time constants start: from `low` steps to the length / `part`."""
    if start is None:
        return nullcontext()
    low, part = start

    def time_constants(per_step: bool, steps: float, mode: str) -> tuple[float, float]:
        return (low, max(2.0, steps / part))

    return mock.patch.object(building, "_first_time_constants", time_constants)


def parts_of(name: str, fold: int, n_folds: int) -> tuple:
    """Return sequences and classes to train on, and those of the held-out fold."""
    X, y = part_of(name, "train")
    rarest = np.unique(y, return_counts=True)[1].min()
    folds = StratifiedKFold(
        max(2, min(n_folds, rarest)), shuffle=True, random_state=fold // n_folds
    )
    training, held_out = list(folds.split(y, y))[fold % folds.get_n_splits()]
    seen, new = [X[k] for k in training], [X[k] for k in held_out]
    return seen, y[training], new, y[held_out]


def measure(options: dict, parts: tuple, seed: int) -> dict:
    """Fit, and score on what is new, also at half of the rate."""
    X, y, new, truth = parts
    options = {"early_stopping": False} | options
    start = options.pop("start", None)
    model = LiquidClassifier(**options, random_state=seed, device="cpu", n_jobs=1)
    begun = time.process_time()
    with starting_with(start), warnings.catch_warnings(action="ignore"):
        model.fit(X, y, timestamps=[np.arange(len(x)) for x in X])
    seconds = time.process_time() - begun
    odds = model.predict_proba(new, timestamps=[np.arange(len(x)) for x in new])
    half = [x[1::2] for x in new]
    times = [2 * np.arange(len(x)) for x in half]
    return {
        "accuracy": float(np.mean(model.classes_[odds.argmax(axis=1)] == truth)),
        "log loss": float(log_loss(truth, odds, labels=model.classes_)),
        "half": float(model.score(half, truth, timestamps=times)),
        "seconds": round(seconds, 2),
        "parameters": int(model.n_parameters_),
    }


def lines_of(path: Path) -> list[dict]:
    """Return what was measured so far."""
    return [json.loads(line) for line in path.open()] if path.exists() else []


def run(options: argparse.Namespace) -> None:
    """Measure what the file does not hold yet: all settings on a set, then the next."""
    torch.set_num_threads(1)
    tested = options.do == "test"
    settings = TESTED if tested else SETTINGS
    done = {(r["set"], r["setting"], r["fold"]) for r in lines_of(options.file)}
    for name, setting, fold in _todo(options):
        if (name, setting, fold) in done:
            continue
        if tested:
            parts = (*part_of(name, "train"), *part_of(name, "test"))
        else:
            parts = parts_of(name, fold, options.folds)
        result = {"set": name, "setting": setting, "fold": fold}
        result |= measure(settings[setting], parts, seed=fold)
        with options.file.open("a") as file:
            file.write(json.dumps(result) + "\n")


def _todo(options: argparse.Namespace) -> Iterator[tuple[str, str, int]]:
    settings = options.settings or (TESTED if options.do == "test" else SETTINGS)
    for fold in range(options.folds):
        for name in options.sets:
            for setting in settings:
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
    settings = options.settings or list(dict.fromkeys(r["setting"] for r in lines))
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
    print_pairs(accuracy, settings)


def print_pairs(accuracy: np.ndarray, settings: list[str]) -> None:
    """Print whether the settings differ at all, and which pairs do after Holm."""
    if len(settings) > 2:
        print(f"Friedman: p = {friedmanchisquare(*accuracy.T).pvalue:.2g}")
    pairs = []
    for a, b in itertools.combinations(range(len(settings)), 2):
        difference = accuracy[:, a] - accuracy[:, b]
        p = wilcoxon(difference).pvalue if np.any(difference) else 1.0
        better, worse = (a, b) if np.median(difference) >= 0 else (b, a)
        pairs.append((p, f"{settings[better]} > {settings[worse]}"))
    print(f"Pairs that differ, by Wilcoxon with Holm's correction for {len(pairs)}:")
    for rank, (p, words) in enumerate(sorted(pairs)):
        corrected = p * (len(pairs) - rank)
        if corrected > 0.05:
            break  # by Holm's rule no later pair differs
        print(f"  {words}  (p = {corrected:.3g})")


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("do", choices=("run", "test", "table"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--settings", nargs="+")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--base", default="LSTM")
    options = parser.parse_args(arguments)
    commands: dict[str, Callable[[argparse.Namespace], None]] = {
        "run": run,
        "test": run,
        "table": table,
    }
    commands[options.do](options)


if __name__ == "__main__":
    sys.exit(main())
