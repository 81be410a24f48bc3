"""A small task that needs no data, beside those of the papers."""

from __future__ import annotations

import numpy as np
import pytest

from LNN.experiments import settings
from LNN.experiments.task import Part, Task, TaskData, loader
from LNN.experiments.tasks import TASKS


def sums(n: int, seed: int) -> Part:
    """Running sums of three noisy channels: 4 steps, two targets a step."""
    X = np.random.RandomState(seed).randn(n, 4, 3).astype(np.float32)
    return Part(X, np.cumsum(X[..., :2], axis=1))


def halves(n: int, seed: int) -> Part:
    """Two classes a step, some steps unlabelled."""
    part = sums(n, seed)
    y = (part.y[..., 0] > 0).astype(float)
    y[::4, 0] = np.nan
    return Part(part.X, y, np.cumsum(np.ones(y.shape), axis=1) ** 1.5)


def _task(name: str, kind: str, metric: str, make, **options) -> Task:
    data = TaskData(make(40, 0), make(20, 1), make(30, 2))
    return Task(
        name,
        kind,
        metric,
        "a small one for the tests",
        loader(lambda: data),
        lambda data: {"nothing": 1.5},
        {"return_sequences": True},
        **options,
    )


@pytest.fixture(autouse=True)
def small_tasks(monkeypatch):
    """Add "sums" (MSE, clean) and "halves" (F1, two protocols) to the tasks."""
    clean = _task("sums", "regression", "mse", sums, sound_is_published=True)
    monkeypatch.setitem(TASKS, "sums", clean)
    monkeypatch.setitem(
        TASKS, "halves", _task("halves", "classification", "f1", halves)
    )
    for name in ("sums", "halves"):
        small = {"epochs": 6, "batch_size": 8, "n_neurons": 8}
        monkeypatch.setitem(settings.BY_TASK, name, small)
