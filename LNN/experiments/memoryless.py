"""A network without memory: what of a task can be told from the present step alone.

A recurrent network that does not beat it has shown nothing about time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.experiments.metrics import METRICS
from LNN.experiments.task import Task, TaskData
from LNN.experiments.trivial import Scores, steps

NAME = "MLP of the step"
HIDDEN = (128, 128)
EPOCHS = 50
# scikit-learn's Adam keeps its rate to the end: what is too noisy for one task with
# small batches is too slow for another with large ones.
BATCHES = (200, 1000)


def memoryless(task: Task, data: TaskData) -> Scores:
    """Score a multi-layer perceptron on the present step.

    The epoch that scores best on the validation part is kept, as with the recurrent
    networks, of two trainings with small and large batches. Time stamps are not read.

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
    from sklearn.preprocessing import StandardScaler

    metric = METRICS[task.metric]
    (X, y), (X_val, y_val), (X_test, y_test) = map(
        steps, (data.train, data.validation, data.test)
    )
    scaler = StandardScaler().fit(X)
    X, X_val, X_test = (
        scaler.transform(part).astype(np.float32) for part in (X, X_val, X_test)
    )
    network = _Classifier if task.kind == "classification" else _Regressor
    sign = 1 if metric.greater_is_better else -1
    best = (-np.inf, np.nan)
    for batch in BATCHES:
        model = network(X, y, min(batch, len(X)))
        for _ in range(EPOCHS):
            model.learn()
            found = sign * metric.score(y_val, model.predict(X_val))
            if found > best[0]:
                best = found, metric.score(y_test, model.predict(X_test))
    return {NAME: best[1]}


def _settings(batch: int) -> dict[str, Any]:
    return {"hidden_layer_sizes": HIDDEN, "batch_size": batch, "random_state": 0}


class _Classifier:
    """Learns an epoch at a time."""

    def __init__(self, X: np.ndarray, y: np.ndarray, batch: int):
        from sklearn.neural_network import MLPClassifier

        self._X, self._y, self._classes = X, y, np.unique(y)
        self._model = MLPClassifier(**_settings(batch))

    def learn(self) -> None:
        self._model.partial_fit(self._X, self._y, classes=self._classes)

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self._model.predict(X)


class _Regressor:
    """Learns deviations of the targets, so that one rate suits all units."""

    def __init__(self, X: np.ndarray, y: np.ndarray, batch: int):
        from sklearn.neural_network import MLPRegressor

        # One deviation for all targets: the metric weighs them as they come.
        self._mean, self._deviation = y.mean(axis=0), y.std() or 1.0
        whitened = (y - self._mean) / self._deviation
        whitened = whitened.reshape(len(y), -1).astype(np.float32)
        self._X, self._shape = X, y.shape[1:]
        self._y = whitened[:, 0] if whitened.shape[1] == 1 else whitened
        self._model = MLPRegressor(**_settings(batch))

    def learn(self) -> None:
        self._model.partial_fit(self._X, self._y)

    def predict(self, X: np.ndarray) -> np.ndarray:
        found = self._model.predict(X).reshape(-1, *self._shape)
        return self._mean + self._deviation * found
