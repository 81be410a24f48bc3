"""Boosted trees on the last steps: what a task yields without a recurrent network.

A recurrent network that does not beat them has shown nothing about long memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from LNN.experiments.metrics import METRICS
from LNN.experiments.task import Part, Task, TaskData
from LNN.experiments.trivial import Scores

STEPS = 8
NAME = f"boosting of {STEPS} steps"
TREES = 100
# More rows change little, and a target of 17 numbers needs 17 models.
MOST_ROWS = 50_000


def boosted(task: Task, data: TaskData) -> Scores:
    """Score gradient boosting on the present step and the seven before it.

    The number of trees is the one that scores best on the validation part. Where time
    is irregular, the gaps between the steps are columns too.

    Parameters
    ----------
    task : Task
    data : TaskData

    Returns
    -------
    dict
        The metric of the task on the test part; nothing where targets belong to whole
        sequences.
    """
    if not task.settings.get("return_sequences"):
        return {}
    parts = map(last_steps, (data.train, data.validation, data.test))
    (X, y), (X_val, y_val), (X_test, y_test) = parts
    few = np.linspace(0, len(X) - 1, min(MOST_ROWS, len(X))).astype(int)
    X, y = X[few], y[few]
    # Sequences may be shorter than the window: scikit-learn fails on empty columns.
    filled = ~np.isnan(X).all(axis=0)
    answers = _classes if task.kind == "classification" else _values
    metric = METRICS[task.metric]
    sign = 1 if metric.greater_is_better else -1
    best = (-np.inf, np.nan)
    for held_out, answer in answers(
        task, (X[:, filled], y), X_val[:, filled], X_test[:, filled]
    ):
        found = sign * metric.score(y_val, held_out)
        if found > best[0]:
            best = found, metric.score(y_test, answer)
    return {NAME: best[1]}


def last_steps(part: Part) -> tuple[np.ndarray, np.ndarray]:
    """Return each step that has a target beside the steps before it.

    Parameters
    ----------
    part : Part
        With a target per step.

    Returns
    -------
    X : ndarray of shape (n, STEPS * F)
        The present step first; NaN before the first step of a sequence. With time
        stamps there are STEPS - 1 columns of gaps more.
    y : ndarray of shape (n,) or (n, K)

    Examples
    --------
    >>> import numpy as np
    >>> X, y = last_steps(Part(np.ones((2, 3, 4)), np.array([[0.0, 1, 2], [3, 4, 5]])))
    >>> X.shape, int(np.isnan(X[0]).sum())
    ((6, 32), 28)
    """
    rows = []
    for k, x in enumerate(part.X):
        columns = [_before(np.asarray(x), lag) for lag in range(STEPS)]
        if part.timestamps is not None:
            gap = np.diff(
                np.asarray(part.timestamps[k], dtype=np.float64), prepend=np.nan
            )
            columns += [_before(gap[:, None], lag) for lag in range(STEPS - 1)]
        rows.append(np.concatenate(columns, axis=1))
    X, y = np.concatenate(rows), np.concatenate(list(part.y))
    known = ~np.isnan(y.reshape(len(y), -1)).any(axis=1)
    return X[known], y[known]


def _before(x: np.ndarray, lag: int) -> np.ndarray:
    """Return the rows `lag` steps earlier, NaN where there are none."""
    moved = np.full(x.shape, np.nan, dtype=np.float32)
    moved[lag:] = x[: max(0, len(x) - lag)]
    return moved


Answers = Iterator[tuple[np.ndarray, np.ndarray]]
Rows = tuple[np.ndarray, np.ndarray]


def _classes(
    task: Task, train: Rows, held_out: np.ndarray, test: np.ndarray
) -> Answers:
    """Yield the classes of both parts for one tree, two trees, and so on."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    weight = task.settings.get("class_weight")  # as the networks have it
    model = HistGradientBoostingClassifier(class_weight=weight, **_settings())
    model.fit(train[0], train[1].ravel())
    yield from zip(
        model.staged_predict(held_out), model.staged_predict(test), strict=True
    )


def _values(task: Task, train: Rows, held_out: np.ndarray, test: np.ndarray) -> Answers:
    """Yield the values of both parts, all targets with as many trees."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    y = train[1].reshape(len(train[1]), -1)
    models = [
        HistGradientBoostingRegressor(**_settings()).fit(train[0], column)
        for column in y.T
    ]

    def staged(X: np.ndarray) -> Iterator[np.ndarray]:
        for values in zip(*(model.staged_predict(X) for model in models), strict=True):
            yield np.stack(values, axis=-1).reshape(-1, *train[1].shape[1:])

    yield from zip(staged(held_out), staged(test), strict=True)


def _settings() -> dict[str, Any]:
    return {"max_iter": TREES, "early_stopping": False, "random_state": 0}
