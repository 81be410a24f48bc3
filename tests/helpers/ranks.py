"""Fits that processes do together; run by tests/training/test_distributed.py.

WORLD_SIZE=2 MASTER_ADDR=localhost MASTER_PORT=29500 python ranks.py folder
"""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path

import numpy as np

from LNN import InvalidInputError, LiquidClassifier, LiquidRegressor, data_parallel

random = np.random.default_rng(0)
ROWS = random.normal(size=(150, 2)).cumsum(axis=0)
TARGET = ROWS[:, 0] - ROWS[:, 1]
WEIGHTS = np.linspace(0, 2, 150)
TIMES = np.cumsum(random.exponential(size=150))
CUBE = random.normal(size=(61, 8, 2))
MEANS, SUMS = CUBE.mean(axis=(1, 2)), np.cumsum(CUBE[..., 0], axis=1)
LABELS = np.where(MEANS > 0.1, "up", "down")
RAGGED = [x[: 3 + k % 5] for k, x in enumerate(CUBE)]
HOLES = ROWS.copy()
HOLES[::5, 0] = np.nan

# 61 samples in batches of 20: the last batch has one, so one process has none of it.
HOW = {"epochs": 4, "batch_size": 20, "random_state": 0, "dtype": "float64"}
HOW |= {"device": "cpu", "early_stopping": False}
Regressor = partial(LiquidRegressor, 12, **HOW)
Classifier = partial(LiquidClassifier, 12, **HOW)


def with_options(**options):
    return LiquidRegressor(12, **HOW | options)


def again(model, X, y):
    return model.fit(X, y).fit(X, y)


FITS = {
    "sequences": lambda: Regressor().fit(CUBE, MEANS),
    "single precision": lambda: with_options(dtype="float32").fit(CUBE, MEANS),
    "torch": lambda: Regressor(backend="torch").fit(CUBE, MEANS),
    "LTC": lambda: Regressor(model_type="LTC").fit(CUBE, MEANS),
    "windows": lambda: Regressor(window_length=6).fit(ROWS, TARGET),
    "irregular": lambda: Regressor(window_length=6, max_step=1.0).fit(
        ROWS, TARGET, timestamps=TIMES
    ),
    "weighted": lambda: Regressor(window_length=6).fit(ROWS, TARGET, WEIGHTS),
    "masked": lambda: Regressor(window_length=6, missing="mask").fit(HOLES, TARGET),
    "whole recording": lambda: Regressor(window_length=None).fit(ROWS, TARGET),
    "per step": lambda: Regressor(return_sequences=True).fit(CUBE, SUMS),
    "ragged": lambda: Regressor().fit(RAGGED, MEANS),
    "classes": lambda: Classifier(class_weight="balanced").fit(CUBE, LABELS),
    "sgd": lambda: Regressor(optimizer="sgd", lr_schedule="onecycle").fit(CUBE, MEANS),
    "stops early": lambda: with_options(
        early_stopping=True, epochs=60, n_iter_no_change=2, lr_schedule="plateau"
    ).fit(CUBE, MEANS),
    "scored": lambda: with_options(early_stopping=True, scoring="r2").fit(CUBE, MEANS),
    "scored per step": lambda: with_options(
        early_stopping=True, scoring="r2", return_sequences=True
    ).fit(RAGGED, [sums[: len(x)] for sums, x in zip(SUMS, RAGGED, strict=True)]),
    "warm start": lambda: again(Regressor(warm_start=True), CUBE, MEANS),
    "partial fit": lambda: (
        Regressor().partial_fit(CUBE, MEANS).partial_fit(CUBE[:7], MEANS[:7])
    ),
}
# Processes draw dropout apart, so this is another model than that of one process.
TOGETHER = {"dropout": lambda: Regressor(dropout=0.3).fit(CUBE, MEANS)}


def result(model):
    """Return what training has left, as plain arrays."""
    weights = {k: v.numpy() for k, v in model.network_.state_dict().items()}
    curves = {
        "loss": model.loss_curve_,
        "validation": model.validation_loss_curve_ or [],
        "scores": model.validation_scores_ or [],
    }
    return {k: np.array(v) for k, v in curves.items()}, weights


def refusal(fit):
    """Return the message of the error that a fit raises."""
    try:
        fit()
    except InvalidInputError as error:
        return str(error)
    return "nothing was refused"


def others(rank):
    """Return what is refused where processes differ."""
    moved = TARGET + rank
    fit = with_options(epochs=1, window_length=6).fit
    return {
        "seed": refusal(lambda: with_options(random_state=None).fit(CUBE, MEANS)),
        "targets": refusal(lambda: fit(ROWS, moved)),
        "rows": refusal(lambda: fit(ROWS + rank, TARGET)),
        "epochs": refusal(lambda: fit(ROWS, TARGET, epochs=1 + rank)),
        "validation": refusal(
            lambda: fit(ROWS, TARGET, X_val=ROWS, y_val=moved),
        ),
    }


def stopped(rank):
    """Return how many epochs are trained where one process stops in the second."""
    wants = partial(with_options, callback=lambda e: rank == 1 and e.epoch == 2)
    return wants().fit(CUBE, MEANS).n_iter_


def main(folder: str) -> None:
    """Do all fits, and write what they left for the test to read."""
    printed = StringIO()
    with data_parallel() as ranks:
        found = {name: result(fit()) for name, fit in (FITS | TOGETHER).items()}
        refused, epochs = others(ranks.rank), stopped(ranks.rank)
        with redirect_stdout(printed):
            with_options(verbose=1).fit(CUBE, MEANS)
    left = {"found": found, "refused": refused, "epochs": epochs}
    left["printed"] = printed.getvalue()
    path = Path(folder) / f"{ranks.rank}.pickle"
    path.write_bytes(pickle.dumps(left))


def in_processes(folder: str, size: int) -> bool:
    """Run `main` in a process for each rank; return whether all came through.

    They are forks of this one, which has imported the libraries and run none: to import
    them takes longer than the fits.
    """
    started = []
    for rank in range(size):
        child = os.fork()
        if not child:
            os.environ["RANK"] = str(rank)
            try:
                main(folder)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        started.append(child)
    # If one fails, the others wait for it until the test ends all of them.
    ends = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in started]
    return not any(ends)


if __name__ == "__main__":
    sys.exit(not in_processes(sys.argv[1], int(os.environ["WORLD_SIZE"])))
