"""Compare settings by cross-validation on training parts of the UCR archive.

    python examples/benchmarks/development.py run results.jsonl
    python examples/benchmarks/development.py run results.jsonl --sets GunPoint
    python examples/benchmarks/development.py run long.jsonl --sets long
    python examples/benchmarks/development.py table results.jsonl --base LSTM

This is how defaults are chosen (docu/defaults.md): the sets are from the development
half of the archive (`ucr2018` in LNN_DATA_HOME), and their test parts are never read.
Those are for `python -m LNN.experiments run --tasks ucr`, once everything is chosen.

Each fit has a seed of its own, 500 optimiser steps and no early stopping, unless a
setting says otherwise. What is held out is also read at half of the rate, with time
stamps. One line per fit is appended to the file; a run that was stopped goes on where
it was. `table` prints means over the sets and, against the base, the number of sets won
and lost, with Wilcoxon's p over the sets.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from unittest import mock

from LNN.estimators import building
from LNN.experiments.archive.fitting import evaluate
from LNN.experiments.archive.lines import Fit, Lines
from LNN.experiments.archive.models import Competitor
from LNN.experiments.archive.sets import fold_of
from LNN.experiments.archive.statistics import Comparison
from LNN.experiments.archive.tables import accuracy_table, common_of, pairs_text
from LNN.experiments.table import as_text

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

# Of 250 steps and more, up to 720: `--sets long`.
LONG = (
    "Trace",
    "WordSynonyms",
    "ToeSegmentation1",
    "CricketX",
    "CricketZ",
    "BeetleFly",
    "ShapesAll",
    "OliveOil",
    "InsectEPGSmallTrain",
    "RefrigerationDevices",
)
# Whose sequences differ in size, as most of the archive's do not: `--sets sizes`.
SIZES = (
    "SmoothSubspace",
    "PowerCons",
    "UMD",
    "GunPointAgeSpan",
    "GunPointOldVersusYoung",
    "PickupGestureWiimoteZ",
    "AllGestureWiimoteX",
    "AllGestureWiimoteZ",
    "GestureMidAirD1",
    "GesturePebbleZ2",
)
NAMED = {"long": LONG, "sizes": SIZES}
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
    "no patches": {},
    "no patches, 1,500 steps": {"steps": 1500},
    "patch 8, 500 steps": {"patch": 8},
    "patch 8": {"patch": 8, "steps": 1500},
    "patch 4": {"patch": 4, "steps": 1500},
    "LSTM, patch 8": {"model_type": "LSTM", "patch": 8, "steps": 1500},
    'scale="sequence"': {"scale": "sequence"},
}


def starting_with(start: tuple[float, float] | None) -> AbstractContextManager:
    """Patch where time constants start: from `low` steps to the length / `part`."""
    if start is None:
        return nullcontext()
    low, part = start

    def time_constants(per_step: bool, steps: float, mode: str) -> tuple[float, float]:
        return (low, max(2.0, steps / part))

    return mock.patch.object(building, "_first_time_constants", time_constants)


def measure(options: dict, parts: tuple, seed: int) -> dict:
    """Fit, and score on what is new, also at half of the rate."""
    options = dict(options)
    steps = options.pop("steps", 500)
    with starting_with(options.pop("start", None)):
        return evaluate(
            Competitor("", {"patch": 1} | options),
            parts,
            seed=seed,
            steps=steps,
            changes=("clean", "half rate"),
        )


def run(options: argparse.Namespace) -> None:
    """Measure what the file does not hold yet: all settings on a set, then the next."""
    lines = Lines(options.file)
    done = lines.read()
    for fold in range(options.folds):
        for name in options.sets:
            parts = fold_of(name, fold, options.folds)
            for setting in options.settings or SETTINGS:
                fit = Fit(name, setting, seed=fold, fold=fold)
                if fit not in done:
                    lines.append(fit, measure(SETTINGS[setting], parts, seed=fold))


def table(options: argparse.Namespace) -> None:
    """Print the means, and how the settings fare against the base."""
    lines = Lines(options.file).read()
    settings = options.settings or list(dict.fromkeys(fit.model for fit in lines))
    common = common_of(lines, settings)
    if common is None:
        sys.exit(f"{options.file} has no fit that all of {settings} have in common")
    print(common.basis())
    print(as_text(accuracy_table(common, options.base)))
    print(pairs_text(Comparison(common.means("clean"))))


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("do", choices=("run", "table"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--settings", nargs="+")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--base", default="LSTM")
    options = parser.parse_args(arguments)
    if len(options.sets) == 1:
        options.sets = NAMED.get(options.sets[0], options.sets)
    commands: dict[str, Callable[[argparse.Namespace], None]]
    commands = {"run": run, "table": table}
    commands[options.do](options)


if __name__ == "__main__":
    sys.exit(main())
