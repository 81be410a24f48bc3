"""Trivial baselines: what a sequence model must beat to have learnt anything.

Each is fitted on the training part and scored on the test part, from `TaskData` alone.
None sees more than the present step, but for where the name says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from LNN.experiments.metrics import METRICS
from LNN.experiments.task import Part, TaskData

Scores = dict[str, float]

# Strengths of the penalty that are tried, for the summaries of records.
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1)


def steps(part: Part) -> tuple[np.ndarray, np.ndarray]:
    """Return all steps with a target as independent rows.

    Parameters
    ----------
    part : Part
        With a target per step.

    Returns
    -------
    X : ndarray of shape (n, F)
    y : ndarray of shape (n,) or (n, K)

    Examples
    --------
    >>> import numpy as np
    >>> X, y = steps(Part(np.zeros((2, 3, 4)), np.array([[0.0, 1, 2], [3, 4, np.nan]])))
    >>> X.shape, y.tolist()
    ((5, 4), [0.0, 1.0, 2.0, 3.0, 4.0])
    """
    X = np.concatenate(list(part.X))
    y = np.concatenate(list(part.y))
    known = ~np.isnan(y.reshape(len(y), -1)).any(axis=1)
    return X[known], y[known]


# ---------------------------------------------------------------- next values


def next_state(data: TaskData) -> Scores:
    """Score "the next state is this one", and a linear map of this one.

    Parameters
    ----------
    data : TaskData
        Targets are the next values of all inputs.

    Returns
    -------
    dict
        Mean squared errors.
    """
    X, y = steps(data.test)
    return {"persistence": METRICS["mse"].score(y, X), **linear(data)}


def next_value(data: TaskData, *, column: int) -> Scores:
    """Score "the next value is the present one", and a linear map of the present step.

    Parameters
    ----------
    data : TaskData
    column : int
        Of X, the present value in the unit of the target.

    Returns
    -------
    dict
        Mean squared errors.
    """
    X, y = steps(data.test)
    present = X[:, [column]].reshape(y.shape)
    return {"persistence": METRICS["mse"].score(y, present), **linear(data)}


def linear(
    data: TaskData, *, leave_out: Sequence[int] = (), name: str = "linear"
) -> Scores:
    """Score a linear regression on the present step.

    Parameters
    ----------
    data : TaskData
    leave_out : sequence of int
        Columns that it may not see.
    name : str
        Its name in the result.

    Returns
    -------
    dict
        The mean squared error.
    """
    from sklearn.linear_model import LinearRegression

    (X, y), (X_test, y_test) = steps(data.train), steps(data.test)
    seen = np.setdiff1d(np.arange(X.shape[1]), leave_out)
    # In double precision: the normal equations of collinear columns need it.
    model = LinearRegression().fit(X[:, seen].astype(np.float64), y)
    predicted = model.predict(X_test[:, seen].astype(np.float64))
    return {name: METRICS["mse"].score(y_test, predicted)}


def same_step(data: TaskData, *, column: int, name: str) -> Scores:
    """Score linear regressions with and without one column, and the last target.

    Parameters
    ----------
    data : TaskData
    column : int
        The column that gives the target away.
    name : str
        What it is called.

    Returns
    -------
    dict
        Mean squared errors; "last target" sees what no model is given.
    """
    y = data.test.y
    return {
        "last target": METRICS["mse"].score(y[:, 1:], y[:, :-1]),
        **linear(data),
        **linear(data, leave_out=[column], name=f"linear without {name}"),
    }


def table_of_means(data: TaskData, keys: Callable[[Part], np.ndarray]) -> float:
    """Score the mean target of the training steps with the same key.

    Parameters
    ----------
    data : TaskData
    keys : callable
        From a part to whole numbers (n_sequences, n_steps).

    Returns
    -------
    float
        The mean squared error; a key not seen in training gets the mean of all.
    """
    key, y = keys(data.train).ravel(), data.train.y.ravel()
    key_test, y_test = keys(data.test).ravel(), data.test.y.ravel()
    known = ~np.isnan(y)
    key, y = key[known], y[known]
    size = max(key.max(), key_test.max()) + 1
    count = np.bincount(key, minlength=size)
    total = np.bincount(key, weights=y, minlength=size)
    mean = np.where(count > 0, total / np.maximum(count, 1), y.mean())
    return METRICS["mse"].score(y_test, mean[key_test])


# ---------------------------------------------------------------- classes


def majority(data: TaskData) -> Scores:
    """Score the commonest class of the training part.

    Parameters
    ----------
    data : TaskData

    Returns
    -------
    dict
        The accuracy in percent.
    """
    y = np.ravel(_labels(data.train))
    classes, counts = np.unique(y[~np.isnan(y)], return_counts=True)
    truth = _labels(data.test)
    guess = np.full(truth.shape, classes[counts.argmax()])
    return {"majority": METRICS["accuracy"].score(truth, guess)}


def _labels(part: Part) -> np.ndarray:
    return np.asarray(part.y, dtype=np.float64)


def classes_from_step(data: TaskData) -> Scores:
    """Score the commonest class, and a logistic regression on the present step.

    Parameters
    ----------
    data : TaskData

    Returns
    -------
    dict
        Accuracies in percent.
    """
    (X, y), (X_test, y_test) = steps(data.train), steps(data.test)
    predicted = logistic().fit(X, y).predict(X_test)
    score = METRICS["accuracy"].score(y_test, predicted)
    return {**majority(data), "logistic": score}


def one_threshold(data: TaskData, *, column: int, name: str) -> Scores:
    """Score the best rule "1 where this column is above a threshold".

    Parameters
    ----------
    data : TaskData
        Of two classes, 0 and 1.
    column : int
    name : str
        What the column is called.

    Returns
    -------
    dict
        The accuracy in percent.
    """
    (X, y), (X_test, y_test) = steps(data.train), steps(data.test)
    values, place = np.unique(X[:, column], return_inverse=True)
    ones = np.bincount(place, weights=y)
    noughts = np.bincount(place) - ones
    # Right if the threshold is this value: noughts up to it, ones above.
    right = noughts.cumsum() + ones.sum() - ones.cumsum()
    above = X_test[:, column] > values[right.argmax()]
    score = METRICS["accuracy"].score(y_test, above.astype(float))
    return {f"{name} above a threshold": score}


def rare_class(data: TaskData) -> Scores:
    """Score "always 1" and a class-weighted logistic regression on the present step.

    Parameters
    ----------
    data : TaskData
        Of two classes, 0 and 1.

    Returns
    -------
    dict
        F1 of class 1.
    """
    (X, y), (X_test, y_test) = steps(data.train), steps(data.test)
    predicted = logistic(class_weight="balanced").fit(X, y).predict(X_test)
    f1 = METRICS["f1"].score
    return {
        "always 1": f1(y_test, np.ones_like(y_test)),
        "weighted logistic": f1(y_test, predicted),
    }


def logistic(**parameters: Any) -> Any:
    """Make a logistic regression of standardised columns.

    Parameters
    ----------
    **parameters
        Parameters of scikit-learn's LogisticRegression.

    Returns
    -------
    Pipeline
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    parameters = {"max_iter": 1000, **parameters}
    return make_pipeline(StandardScaler(), LogisticRegression(**parameters))


def logistic_of_images(
    data: TaskData, images: np.ndarray, test_images: np.ndarray
) -> Scores:
    """Score a logistic regression on all pixels.

    Parameters
    ----------
    data : TaskData
    images, test_images : ndarray of shape (n, n_pixels)
        From 0 to 1.

    Returns
    -------
    dict
        The accuracy in percent.
    """
    from sklearn.linear_model import LogisticRegression

    # Ends some tens of iterations on, 0.3 % from its best.
    model = LogisticRegression(C=0.05, tol=1e-3, max_iter=300)
    predicted = model.fit(images, data.train.y).predict(test_images)
    score = METRICS["accuracy"].score(data.test.y, predicted)
    return {"logistic of pixels": score}


def logistic_of_summaries(
    data: TaskData, train: np.ndarray, validation: np.ndarray, test: np.ndarray
) -> Scores:
    """Score a class-weighted logistic regression whose strength validation chooses.

    Parameters
    ----------
    data : TaskData
        Of two classes, 0 and 1.
    train, validation, test : ndarray of shape (n, n_numbers)
        One row per sequence, NaN where unknown.

    Returns
    -------
    dict
        The area under the ROC curve.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    auc, found = METRICS["auc"].score, []
    for strength in STRENGTHS:
        model = make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True),
            logistic(C=strength, class_weight="balanced"),
        ).fit(train, data.train.y)
        held_out = auc(data.validation.y, model.decision_function(validation))
        found.append((held_out, auc(data.test.y, model.decision_function(test))))
    return {"weighted logistic of summaries": max(found)[1]}
