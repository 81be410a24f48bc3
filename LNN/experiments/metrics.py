"""The four metrics of the experiments, each in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from LNN.exceptions import InvalidInputError


@dataclass(frozen=True)
class Metric:
    """How a task is scored.

    Attributes
    ----------
    name : {"accuracy", "mse", "f1", "auc"}
    scorer : str
        Name for the estimator's `scoring` and for scikit-learn's tools.
    label : str
        For tables and axes.
    needs : {"prediction", "probability"}
        What `score` takes: labels or values, or the probability of class 1.
    factor : float
        A value of the scorer times this is a value of `score`; negative where smaller
        values are better.
    """

    name: str
    scorer: str
    label: str
    needs: str
    factor: float
    _of_known: Callable[[np.ndarray, np.ndarray], float]

    @property
    def greater_is_better(self) -> bool:
        """Whether more is better: a scorer's value always grows with merit."""
        return self.factor > 0

    def score(self, y_true: Any, predicted: Any) -> float:
        """Score what is known: steps without a target (NaN) are left out.

        Parameters
        ----------
        y_true : ndarray or list of ndarray
            (n,), (n, T) or (n, T, K), or per sequence (T_i,) or (T_i, K).
        predicted : ndarray or list of ndarray
            As `y_true`; probabilities may have a last axis of both classes.

        Returns
        -------
        float
            Accuracy in percent; the mean squared error in the targets' squared unit;
            F1 of class 1; the area under the ROC curve.

        Raises
        ------
        InvalidInputError
            If shapes differ, or if nothing is known.

        Examples
        --------
        >>> METRICS["accuracy"].score([0, 1, float("nan")], [0, 0, 1])
        50.0
        """
        truth, found = _flat(y_true), _flat(predicted)
        if self.needs == "probability" and found.ndim > truth.ndim:
            found = found[..., -1]
        if found.shape != truth.shape:
            raise InvalidInputError(
                f"Expected predictions for targets of shape {truth.shape} (sequences "
                f"joined), got {found.shape}. Predict the same sequences."
            )
        known = ~np.asarray(pd.isna(truth))
        if not known.any():
            raise InvalidInputError(
                "Expected targets to score against, got NaN only. Check y."
            )
        return float(self._of_known(truth[known], found[known]))

    def from_scorer(self, value: float) -> float:
        """Return what the scorer says in the unit of `score`.

        Parameters
        ----------
        value : float

        Returns
        -------
        float

        Examples
        --------
        >>> METRICS["accuracy"].from_scorer(0.5), METRICS["mse"].from_scorer(-2.0)
        (50.0, 2.0)
        """
        return self.factor * value


def _flat(values: Any) -> np.ndarray:
    """Join the sequences of a list; arrays stay."""
    if isinstance(values, list | tuple) and len(values) and np.ndim(values[0]):
        return np.concatenate([np.asarray(block) for block in values])
    return np.asarray(values)


def _accuracy(truth: np.ndarray, predicted: np.ndarray) -> float:
    return 100.0 * np.mean(truth == predicted)


def _mse(truth: np.ndarray, predicted: np.ndarray) -> float:
    return np.mean(np.square(truth.astype(np.float64) - predicted))


def _f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    hits = np.sum((truth == 1) & (predicted == 1))
    total = np.sum(truth == 1) + np.sum(predicted == 1)
    # 0 as in scikit-learn, where there was nothing to find and nothing was found.
    return 2.0 * hits / total if total else 0.0


def _auc(truth: np.ndarray, probability: np.ndarray) -> float:
    # Imported here: scikit-learn's metrics take a while to load.
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(truth, probability)


METRICS = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "accuracy", "accuracy %", "prediction", 100.0, _accuracy),
        Metric("mse", "neg_mean_squared_error", "MSE", "prediction", -1.0, _mse),
        Metric("f1", "f1", "F1", "prediction", 1.0, _f1),
        Metric("auc", "roc_auc", "AUC", "probability", 1.0, _auc),
    )
}
