"""`scoring=`: which epoch was best, by a scikit-learn scorer on the validation part."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import ClassifierTags, RegressorTags, Tags

from LNN.estimators.predicting import in_units, present_values
from LNN.estimators.reading import Data
from LNN.exceptions import InvalidInputError

_EXAMPLES = {
    "regression": "'r2' or 'neg_mean_absolute_error'",
    "classification": "'accuracy', 'f1_macro' or 'roc_auc_ovr'",
}


class Answers(BaseEstimator):
    """What a scorer takes for an estimator: answers that are there already.

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

    def predict(self, X=None) -> NDArray:
        """Return the predictions."""
        if self.classes is None:
            return self.values
        return self.classes[self.values.argmax(axis=1)]

    def predict_proba(self, X=None) -> NDArray:
        """Return the probabilities."""
        return self.values

    def __sklearn_tags__(self) -> Tags:
        """Be a regressor or a classifier."""
        tags = super().__sklearn_tags__()
        if self.classes is None:
            tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        else:
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        return tags


def validation_score(
    estimator, validation: Data | None
) -> Callable[[NDArray], float] | None:
    """Return what makes a score of the network's outputs; None if the loss decides.

    Parameters
    ----------
    estimator : LiquidNeuralNetwork
        Its network is built; `scoring` names the score.
    validation : Data or None
        The validation part.
    """
    if estimator.scoring == "loss" or validation is None:
        return None
    # Imported here: `import LNN` should cost little more than torch and pandas.
    from sklearn.metrics import get_scorer

    scorer = _explained(estimator, get_scorer(estimator.scoring))
    classes = estimator.classes_ if estimator.task == "classification" else None
    known, truth, weights = _known(validation, classes)
    present = present_values(estimator, validation.sequences)
    extra = {} if (weights == 1).all() else {"sample_weight": weights}
    if isinstance(estimator.scoring, str):
        # Perfect answers tell before any training whether it suits task and targets.
        perfect = truth if classes is None else truth[:, None] == classes
        _checked(scorer(Answers(perfect * 1.0, classes), None, truth, **extra))

    def score(outputs: NDArray) -> float:
        if classes is None:
            values = in_units(estimator, outputs, present)
        else:
            values = estimator._objective.probabilities(outputs)
        return _checked(scorer(Answers(values[known], classes), None, truth, **extra))

    return score


def _explained(estimator, scorer: Callable) -> Callable:
    """Return a scorer whose errors say where they come from."""
    name, task = estimator.scoring, estimator.task
    if not isinstance(name, str):
        return scorer  # the caller's own, with errors of its own

    def explained(*args, **kwargs) -> float:
        try:
            return scorer(*args, **kwargs)
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                f"scoring={name!r} cannot score this {task}: {str(error).rstrip('.')}. "
                f"Choose a score that can, as {_EXAMPLES[task]}, or pass a callable."
            ) from error

    return explained


def _known(data: Data, classes) -> tuple[NDArray, NDArray, NDArray]:
    """Return which outputs have a target and count, their targets and weights."""
    values, weights = data.targets.values, data.weights
    if data.targets.per_step:
        weights = data.sequences.row_weights(weights)
    if classes is not None:
        known = (values >= 0) & (weights > 0)
        return known, classes[values[known]], weights[known]
    known = ~np.isnan(values).any(axis=1) & (weights > 0)
    truth = values[known]
    return known, truth[:, 0] if data.targets.ndim == 0 else truth, weights[known]


def _checked(score: float) -> float:
    if np.isfinite(score):
        return float(score)
    raise InvalidInputError(
        f"The validation score is {score}. A score that needs all classes, as "
        "roc_auc does, needs them in the validation part: pass X_val and y_val."
    )
