"""Hyper-parameters: what all models share on a task, and what a search gave each."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from LNN import LiquidNetwork
from LNN.experiments.metrics import METRICS
from LNN.experiments.models import EQUAL, model_of
from LNN.experiments.runs import BUDGETS, Run
from LNN.experiments.task import Task, TaskData

# The same for every model: full length, no early stop, the best epoch by validation.
COMMON: dict[str, Any] = {
    "n_neurons": 32,
    "learning_rate": 0.01,
    "lr_schedule": "cosine",
    "clip_value": 1.0,
    # The papers read the last state.
    "pooling": "last",
    "patch": 1,
}

# The same for every model of a task: epochs and batches are its budget.
BY_TASK: dict[str, dict[str, Any]] = {
    "gesture": {"epochs": 60, "batch_size": 16},
    "occupancy": {"epochs": 10, "batch_size": 64},
    "ozone": {"epochs": 40, "batch_size": 32},
    "traffic": {"epochs": 30, "batch_size": 32},
    "power": {"epochs": 40, "batch_size": 32},
    "power-minutes": {"epochs": 40, "batch_size": 32},
    "person": {"epochs": 40, "batch_size": 32},
    "cheetah": {"epochs": 100, "batch_size": 16, "scale_target": False},
    "walker2d": {
        "n_neurons": 64,
        "epochs": 50,
        "batch_size": 128,
        "scale_target": False,
    },
    "xor-dense": {"n_neurons": 64, "epochs": 30, "batch_size": 128},
    "xor-event": {"n_neurons": 64, "epochs": 30, "batch_size": 128},
    "smnist": {"epochs": 15, "batch_size": 64, "scale": "none"},
    "et-smnist": {"n_neurons": 64, "epochs": 15, "batch_size": 128},
    "physionet": {"n_neurons": 64, "epochs": 20, "batch_size": 64},
}

# Chosen by hand where a search would take hours: backbones are those of the CfC paper
# (its tables S1 and S2), the rest was tried on validation parts (docu/experiments.md).
PARITY = {"backbone_activation": "relu", "learning_rate": 0.002}
WIDE = {"backbone_units": 256, "backbone_activation": "silu"}
RAW, FAST, SLOW = {"scale": "none"}, {"learning_rate": 0.03}, {"learning_rate": 0.001}
MEDIUM = {"learning_rate": 0.003}
BY_MODEL: dict[tuple[str, str], dict[str, Any]] = {
    # At 0.01 the backbone learns a digit or two and then forgets them.
    ("smnist", "CfC"): SLOW,
    ("smnist", "CfC-mixed"): MEDIUM,
    ("et-smnist", "CfC"): SLOW,
    ("et-smnist", "CfC-mixed"): MEDIUM,
    ("et-smnist", "CfC-NCP"): MEDIUM,
    ("xor-event", "CfC"): PARITY,
    ("xor-event", "CfC-mixed"): {**PARITY, **SLOW},
    ("walker2d", "CfC"): {**WIDE, **RAW, "backbone_dropout": 0.1},
    ("walker2d", "CfC-no-gate"): {**WIDE, **RAW, "backbone_dropout": 0.1},
    ("walker2d", "CfC-mixed"): {**WIDE, **RAW},
    ("walker2d", "LSTM"): FAST,
    ("walker2d", "GRU"): FAST,
    ("walker2d", "LTC"): FAST,
    ("walker2d", "LTC-NCP"): FAST,
}

# What a search on the validation part has changed: {task: {protocol: {model: ...}}}.
TUNED_FILE = Path(__file__).with_name("tuned.json")


@cache
def tuned_parameters() -> dict[str, Any]:
    """Return what `python -m LNN.experiments search` has found."""
    return json.loads(TUNED_FILE.read_text()) if TUNED_FILE.exists() else {}


def _tuned(run: Run, model: str, tuned: bool) -> dict[str, Any]:
    if not tuned:
        return {}
    return tuned_parameters().get(run.task, {}).get(run.protocol, {}).get(model, {})


def estimator_parameters(
    run: Run, task: Task, data: TaskData | None, *, tuned: bool = True
) -> dict[str, Any]:
    """Return the parameters of the estimator of a run.

    Parameters
    ----------
    run : Run
    task : Task
    data : TaskData or None
        Its sizes decide how many neurons an "@equal" model gets; others do not need it.
    tuned : bool, default=True
        Whether to take what a search has found.

    Returns
    -------
    dict
        Plain values only.
    """
    model = model_of(run.model)
    base = model.like or run.model.removesuffix(EQUAL)
    parameters = {
        **COMMON,
        **BY_TASK[run.task],
        **task.settings,
        **model.parameters,
        **BY_MODEL.get((run.task, base), {}),
        **_tuned(run, base, tuned),
    }
    if run.model.endswith(EQUAL):
        assert data is not None
        sizes = sizes_of(task, data)
        n_neurons = {**COMMON, **BY_TASK[run.task]}["n_neurons"]
        target = weight_count({"model_type": "LSTM", "n_neurons": n_neurons}, sizes)
        if model.parameters["model_type"] == "CfC":
            parameters["backbone_units"] = n_neurons
        parameters["n_neurons"] = neurons_for(target, parameters, sizes)
    parameters["epochs"] = max(
        2, math.ceil(BUDGETS[run.budget].epochs * parameters["epochs"])
    )
    # Early stopping keeps the epoch that validates best; with so much patience it stops
    # none, so that each model has all of its budget.
    parameters.update(
        scoring=METRICS[task.metric].scorer,
        early_stopping=True,
        n_iter_no_change=parameters["epochs"],
        random_state=run.seed,
    )
    return parameters


class Sizes(NamedTuple):
    """What the data tell a network of its sizes."""

    n_inputs: int
    n_outputs: int
    timed: bool


def sizes_of(task: Task, data: TaskData) -> Sizes:
    """Return the sizes of a network for a task."""
    part = data.train
    n_inputs = part.X[0].shape[1]
    if task.settings.get("missing") == "mask":
        n_inputs *= 3  # value, observed, age
    if task.kind == "regression":
        n_outputs = np.shape(part.y[0])[-1]
    else:
        labels = pd.unique(np.concatenate([np.atleast_1d(y) for y in part.y]))
        n_outputs = int((~pd.isna(labels)).sum())
    return Sizes(n_inputs, n_outputs, part.timestamps is not None)


def neurons_for(target: int, parameters: dict[str, Any], sizes: Sizes) -> int:
    """Return how many neurons give the most weights that are not above a target."""
    # Weights grow with neurons, so their number can be closed in on from both sides.
    low, high = 1, 2
    while weight_count({**parameters, "n_neurons": high}, sizes) <= target:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        fits = weight_count({**parameters, "n_neurons": middle}, sizes) <= target
        low, high = (middle, high) if fits else (low, middle)
    return low


# The parameters of an estimator that its network is built from.
OF_NETWORK = (
    "model_type",
    "mode",
    "wiring",
    "mixed_memory",
    "backbone_units",
    "backbone_layers",
    "backbone_activation",
)


def weight_count(parameters: dict[str, Any], sizes: Sizes) -> int:
    """Return the number of weights of the network that an estimator would build."""
    network = LiquidNetwork(
        sizes.n_inputs,
        parameters["n_neurons"],
        sizes.n_outputs,
        use_time=sizes.timed,
        generator=torch.Generator().manual_seed(0),
        **{name: parameters[name] for name in OF_NETWORK if name in parameters},
    )
    return sum(p.numel() for p in network.parameters())
