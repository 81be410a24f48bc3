"""Compare settings of the estimator on validation parts of the training data.

    python examples/benchmarks/defaults.py            every setting on the quick sets
    python examples/benchmarks/defaults.py --settings defaults last mean --sets GunPoint
    python examples/benchmarks/defaults.py --list     names of the settings

This is how defaults are chosen (docu/defaults.md); test parts are never read.
Sequences: three stratified folds of the training part, per seed. Occupancy, Ozone and
El Nino: the last fifth of the training part in time. Gesture: one training recording at
a time. Printed: the mean score (accuracy; on Ozone F1; on El Nino skill against
persistence) and, for classifiers, the mean log loss, which says more of few samples.
"""

from __future__ import annotations

import argparse
import functools
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed
from sklearn.metrics import f1_score, log_loss
from sklearn.model_selection import StratifiedKFold

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from datasets import Dataset, load

from LNN import LiquidClassifier, LiquidRegressor
from LNN.estimators import building

SEQUENCES = ("ItalyPowerDemand", "JapaneseVowels", "BasicMotions", "GunPoint")
RECORDINGS = ("Gesture", "Ozone", "Occupancy")
EL_NINO = "ElNino"
# Every so many windows of the recordings train, to save time.
STRIDES = {"Gesture": 4, "Occupancy": 4, "Ozone": 1}
GESTURE_HELD_OUT = (1, 3, 4)
QUICK = ("ItalyPowerDemand", "JapaneseVowels", EL_NINO)
# `time_constants` (longest memory as a part of the length) is no parameter: see `run`.
SETTINGS: dict[str, dict] = {
    "defaults": {},
    "last": {"pooling": "last"},
    "mean": {"pooling": "mean"},
    "attention": {"pooling": "attention"},
    "constant rate": {"lr_schedule": None},
    "rate 0.005": {"learning_rate": 0.005},
    "rate 0.02": {"learning_rate": 0.02},
    "Glorot start": {"time_constants": None},
    "memories up to T": {"time_constants": 1.0},
    "memories up to T/4": {"time_constants": 0.25},
    "strict wiring": {"layer_recurrence": False},
    "no gate": {"mode": "no_gate"},
    "dropout 0.2": {"dropout": 0.2},
    "weight decay 0.1": {"optimizer": "adamw", "weight_decay": 0.1},
    "backbone": {"wiring": "full"},
    "motor read-out": {"readout": "motor"},
    "LTC": {"model_type": "LTC"},
    "LTC, ncps start": {"model_type": "LTC", "time_constants": None},
    "LSTM": {"model_type": "LSTM"},
    "LSTM, last": {"model_type": "LSTM", "pooling": "last"},
    "LSTM, mean": {"model_type": "LSTM", "pooling": "mean"},
    "LSTM, constant rate": {"model_type": "LSTM", "lr_schedule": None},
}


def parts(data: Dataset, fold: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples of the training part to train on, and those to validate on."""
    y = data.y_train
    if not data.rows:
        folds = StratifiedKFold(3, shuffle=True, random_state=fold // 3)
        return list(folds.split(np.zeros((len(y), 1)), y))[fold % 3]
    if data.name == "Gesture":
        held_out = data.groups_train == GESTURE_HELD_OUT[fold % 3]
        return np.flatnonzero(~held_out), np.flatnonzero(held_out)
    return np.split(np.arange(len(y)), [int(0.8 * len(y))])


def take(X, samples: np.ndarray):
    """Return some samples of an array or a list."""
    return [X[k] for k in samples] if isinstance(X, list) else X[samples]


def validate_classifier(name: str, settings: dict, fold: int) -> tuple[float, float]:
    """Return score and log loss on a validation part of a data set."""
    data = load(name)
    training, validation = parts(data, fold)
    settings = {"random_state": fold, **settings}
    if name in STRIDES:
        settings["stride"] = STRIDES[name]
    if name == "Ozone":
        settings["class_weight"] = "balanced"

    def recordings(samples: np.ndarray) -> dict:
        return {"groups": data.groups_train[samples]} if data.rows else {}

    model = LiquidClassifier(**settings)
    model.fit(
        take(data.X_train, training),
        data.y_train[training],
        **recordings(training),
    )
    odds = model.predict_proba(take(data.X_train, validation), **recordings(validation))
    y = data.y_train[validation]
    predicted = model.classes_[odds.argmax(axis=1)]
    score = f1_score(y, predicted) if name == "Ozone" else np.mean(predicted == y)
    return float(score), float(log_loss(y, odds, labels=model.classes_))


def validate_el_nino(settings: dict, seed: int) -> tuple[float, float]:
    """Return the skill of next month's temperature against persistence."""
    from statsmodels.datasets import elnino

    months = elnino.load_pandas().data.iloc[:, 1:].to_numpy(float).ravel()
    X, y = months[:-1, None], months[1:]
    end = int(0.8 * len(y))  # what comes after is the test part
    cut = int(0.8 * end)
    model = LiquidRegressor(random_state=seed, **settings).fit(X[:cut], y[:cut])
    predicted = model.predict(
        X[cut:end], context=X[cut - model.window_length + 1 : cut]
    )
    errors = np.mean((y[cut:end] - predicted) ** 2)
    return 1 - float(errors / np.mean((y[cut:end] - X[cut:end, 0]) ** 2)), np.nan


def run(name: str, label: str, fold: int) -> dict:
    """Validate one setting on one part of one data set."""
    torch.set_num_threads(1)
    settings = dict(SETTINGS[label])
    make = building.LiquidNetwork
    if "time_constants" in settings:
        make = functools.partial(_with_memories, make, settings.pop("time_constants"))
    with mock.patch.object(building, "LiquidNetwork", make):
        if name == EL_NINO:
            score, loss = validate_el_nino(settings, fold)
        else:
            score, loss = validate_classifier(name, settings, fold)
    return {"set": name, "setting": label, "score": score, "log loss": loss}


def _with_memories(make, part: float | None, *args, time_constants, **options):
    """Make a network with other memories at the start; the default is up to T/2."""
    if part is not None:
        part = (1.0, max(2.0, 2 * part * time_constants[1]))
    return make(*args, time_constants=part, **options)


def folds_of(name: str, seeds: int) -> range:
    """Return the numbers of the parts to validate on."""
    return range(seeds if name in ("Ozone", "Occupancy", EL_NINO) else 3 * seeds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    every = [*SEQUENCES, *RECORDINGS, EL_NINO]
    parser.add_argument("--sets", nargs="+", default=QUICK, choices=every)
    parser.add_argument("--settings", nargs="+", default=[*SETTINGS], choices=SETTINGS)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        print(*(f"{label:20} {SETTINGS[label]}" for label in SETTINGS), sep="\n")
        return
    tasks = [
        (name, label, fold)
        for label in options.settings
        for name in options.sets
        for fold in folds_of(name, options.seeds)
    ]
    results = []
    parallel = Parallel(n_jobs=options.jobs, return_as="generator")
    for result in parallel(delayed(run)(*task) for task in tasks):
        results.append(result)
        print("{set}, {setting}: {score:.3f}".format(**result), flush=True)
    frame = pd.DataFrame(results)
    for value in ("score", "log loss"):
        table = frame.pivot_table(
            index="setting", columns="set", values=value, sort=False
        )
        print(f"\n{value}\n{table.round(3).to_string()}")


if __name__ == "__main__":
    main()
