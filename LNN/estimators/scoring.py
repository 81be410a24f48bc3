"""Scores of predictions, and of the validation part during training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import (
    ClassifierTags,
    RegressorTags,
    Tags,
    _safe_indexing,
    check_consistent_length,
)

from LNN.data.containers import plain
from LNN.data.examples import Examples, check_weights
from LNN.data.targets import step_blocks
from LNN.estimators.fitted import FittedModel
from LNN.exceptions import InvalidInputError

_EXAMPLES = {
    False: "'r2' or 'neg_mean_absolute_error'",
    True: "'accuracy', 'f1_macro' or 'roc_auc_ovr'",
}


def scoring_name(scoring: str | Callable) -> str:
    """Return what a score is called."""
    return str(getattr(scoring, "__name__", scoring))


class Answers(BaseEstimator):
    """Stands in for an estimator in a scorer: its answers are known already.

    Parameters
    ----------
    values : ndarray
        Predictions in the units of y; for classes the probabilities (n, n_classes).
    classes : ndarray or None
        The classes, if these are probabilities.
    """

    def __init__(self, values: NDArray, classes: NDArray | None):
        self.values = values
        self.classes = classes
        if classes is not None:
            self.classes_ = classes

    def predict(self, X: Any = None) -> NDArray:
        """Return the predictions."""
        if self.classes is None:
            return self.values
        return self.classes[self.values.argmax(axis=1)]

    def predict_proba(self, X: Any = None) -> NDArray:
        """Return the probabilities."""
        return self.values

    def __sklearn_tags__(self) -> Tags:
        """Return the tags of a regressor or a classifier."""
        tags = super().__sklearn_tags__()
        if self.classes is None:
            tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        else:
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        return tags


def validation_score(
    model: FittedModel, scoring: str | Callable, validation: Examples | None
) -> Callable[[NDArray], float] | None:
    """Return a function from the network's outputs to a score.

    None if the loss decides.

    Parameters
    ----------
    model : FittedModel
        The one that is being trained.
    scoring : str or callable
        As the estimators' parameter.
    validation : Examples or None
        The validation part.
    """
    if scoring == "loss" or validation is None:
        return None
    # Imported here: `import LNN` should cost little more than torch and pandas.
    from sklearn.metrics import get_scorer

    classes = model.targets.classes
    scorer = _with_named_errors(get_scorer(scoring), scoring, model.classifies)
    known, truth, weights = validation.known_targets()
    sequences = validation.sequences
    # Left out where they say nothing: some scores take no weights.
    extra = {} if (weights == 1).all() else {"sample_weight": weights}
    if isinstance(scoring, str):
        # Perfect answers show before training whether it suits the task and targets.
        perfect = truth if classes is None else truth[:, None] == classes
        _finite(scorer(Answers(perfect * 1.0, classes), None, truth, **extra))

    def score(outputs: NDArray) -> float:
        if classes is None:
            values = model.kept(outputs, sequences).values
        else:
            values = model.objective.probabilities(outputs)
        return _finite(scorer(Answers(values[known], classes), None, truth, **extra))

    return score


def _with_named_errors(
    scorer: Callable, name: str | Callable, classifies: bool
) -> Callable:
    """Return a scorer whose errors say where they come from."""
    if not isinstance(name, str):
        return scorer  # the caller's own, with errors of its own
    task = "classification" if classifies else "regression"

    def explained(*args: Any, **kwargs: Any) -> float:
        try:
            return scorer(*args, **kwargs)
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                f"scoring={name!r} cannot score this {task}: {str(error).rstrip('.')}. "
                f"Choose a score that can, as {_EXAMPLES[classifies]}, or pass a "
                "callable."
            ) from error

    return explained


def _finite(score: float) -> float:
    # NaN is not better than anything: no weights would ever be kept.
    if np.isfinite(score):
        return float(score)
    raise InvalidInputError(
        f"The validation score is {score}. A score that needs all classes, as "
        "roc_auc does, needs them in the validation part: pass X_val and y_val."
    )


def select_counted(
    per_step: bool, y: Any, predicted: Any, sample_weight: Any
) -> tuple[Any, Any, Any]:
    """Return targets, predictions and weights, without those that do not count."""
    y = plain(y)
    if per_step:
        return _select_known_steps(y, predicted, sample_weight)
    if sample_weight is None:
        _refuse_unknown(y)
        return y, predicted, None
    check_consistent_length(y, predicted)
    weights = check_weights(sample_weight, len(predicted))
    kept = np.flatnonzero(weights)
    counted = _safe_indexing(y, kept)
    _refuse_unknown(counted, kept)
    return counted, predicted[kept], weights[kept]


def _refuse_unknown(y: Any, rows: NDArray | None = None) -> None:
    """Refuse to score without the truth; `rows` are the numbers of those of y."""
    unknown = np.flatnonzero(_is_missing(np.asarray(y)))
    if len(unknown):
        first = unknown[0] if rows is None else rows[unknown[0]]
        raise InvalidInputError(
            f"Input y contains NaN, first in row {first}, {len(unknown)} in all: there "
            "is no truth to score these answers by. Give these rows sample_weight=0, "
            "so that they stay in the windows of the rows after them."
        )


def _select_known_steps(
    y: Any, predicted: Any, sample_weight: Any
) -> tuple[NDArray, NDArray, NDArray]:
    """Return targets, predictions and weights of the steps that have a target."""
    if isinstance(y, pd.DataFrame):
        y = y.to_numpy()
    lengths = np.array([len(block) for block in predicted])
    weight = np.repeat(check_weights(sample_weight, len(lengths)), lengths)
    flat = np.concatenate(step_blocks(y, lengths))
    predicted = np.concatenate(list(predicted))
    known = ~_is_missing(flat) & (weight > 0)
    return flat[known], predicted[known], weight[known]


def _is_missing(y: NDArray) -> NDArray:
    missing = np.asarray(pd.isna(y))
    return missing if y.ndim == 1 else np.asarray(missing.any(axis=1))
