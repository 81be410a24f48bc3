"""One fit: the data, the training, and what is measured on held-out sequences."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from sklearn.metrics import log_loss

from LNN import LiquidClassifier
from LNN.experiments.archive import minirocket
from LNN.experiments.archive.changes import changed, dropped
from LNN.experiments.archive.lines import Fit
from LNN.experiments.archive.models import MODELS, Competitor
from LNN.experiments.archive.sets import Sequences, fold_of, nested_part, part_of

N_FOLDS = 5
BATCH = 64
# Where models train on copies that lack steps: how many of each sequence, and what each
# lacks. All lack as many and stay equally long: torch is slow where lengths differ.
COPIES, DROPPED = 5, 0.3
Parts = tuple[Sequences, np.ndarray, Sequences, np.ndarray]


def parts_of(fit: Fit) -> Parts:
    """Return sequences and classes to train on, and those that are held out."""
    if fit.fold is None:
        X, y, new, truth = *part_of(fit.set, "train"), *part_of(fit.set, "test")
    else:
        X, y, new, truth = fold_of(fit.set, fit.fold, N_FOLDS)
    if fit.part < 100:
        kept = nested_part(y, fit.part / 100, np.random.default_rng(fit.fold or 0))
        X, y = [X[k] for k in kept], y[kept]
    return X, y, new, truth


def measure(fit: Fit, changes: Iterable[str]) -> dict[str, Any]:
    """Return what `evaluate` says of a fit."""
    competitor, parts = MODELS[fit.model], parts_of(fit)
    place = (fit.set, str(fit.fold))
    if competitor.external:
        return minirocket.evaluate(*parts, seed=fit.seed, changes=changes, place=place)
    return evaluate(
        competitor, parts, seed=fit.seed, steps=fit.steps, changes=changes, place=place
    )


def evaluate(
    competitor: Competitor,
    parts: Parts,
    *,
    seed: int,
    steps: int,
    changes: Iterable[str],
    place: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Fit a model and measure it on what is held out, as it is and changed.

    Parameters
    ----------
    competitor : Competitor
    parts : tuple
        Sequences and classes to train on, and those that are held out.
    seed, steps : int
        Seed of the model, and optimiser steps.
    changes : iterable of str
        Names of `CHANGES`, "clean" among them.
    place : tuple of str, default=()
        What a change's random draw depends on.

    Returns
    -------
    dict
        The accuracy after each change; without one also the log loss, and how many of
        how many sequences were right; seconds of the process; the number of weights.
    """
    X, y, new, truth = parts
    result: dict[str, Any] = {}
    with one_thread(), warnings.catch_warnings(action="ignore"):
        begun = time.process_time()
        model = trained(competitor, X, y, seed=seed, steps=steps)
        seconds = time.process_time() - begun
        for name in changes:
            sequences, times = changed(name, new, *place)
            stamps = times if competitor.timed else None
            odds = model.predict_proba(sequences, timestamps=stamps)
            right = model.classes_[odds.argmax(axis=1)] == truth
            result[name] = float(right.mean())
            if name == "clean":
                result["log loss"] = float(log_loss(truth, odds, labels=model.classes_))
                result["right"], result["n"] = int(right.sum()), len(truth)
    return result | {"seconds": seconds, "weights": int(model.n_parameters_)}


def trained(
    competitor: Competitor, X: Sequences, y: np.ndarray, *, seed: int, steps: int
) -> LiquidClassifier:
    """Train a model for a number of optimiser steps, without early stopping."""
    times = [np.arange(len(x), dtype=float) for x in X]
    if competitor.drops:
        X, times, y = copies_of(X, y, np.random.default_rng(seed))
    shared = {
        "epochs": math.ceil(steps / math.ceil(len(X) / BATCH)),
        "batch_size": BATCH,
        "early_stopping": False,
    }
    options = shared | dict(competitor.options)
    model = LiquidClassifier(**options, random_state=seed, device="cpu", n_jobs=1)
    return model.fit(X, y, timestamps=times if competitor.timed else None)


def copies_of(
    X: Sequences, y: np.ndarray, random: np.random.Generator
) -> tuple[Sequences, list[np.ndarray], np.ndarray]:
    """Return `COPIES` of the sequences that lack steps, their times and classes."""
    every: Sequences = []
    times: list[np.ndarray] = []
    for _ in range(COPIES):
        less, left = dropped(DROPPED, X, random)
        every += less
        times += left
    return every, times, np.tile(y, COPIES)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
