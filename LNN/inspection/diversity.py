"""Which few of many sequences to keep: those that are far from each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from LNN._random import random_source
from LNN._results import Result
from LNN._typing import Column
from LNN.data.containers import plain
from LNN.exceptions import InvalidInputError
from LNN.inspection.activity import neuron_activity
from LNN.inspection.recordings import (
    Recordings,
    changeable_columns,
    is_rows,
    recordings_of_rows,
)


def select_diverse(
    X: ArrayLike,
    n: int,
    *,
    model: Any = None,
    chosen: Sequence[Any] | NDArray | None = None,
    random_state: int | np.random.RandomState | None = None,
    timestamps: Column | None = None,
    groups: ArrayLike | None = None,
) -> NDArray:
    """Choose sequences that are as far as possible from each other.

    Each next one is the one whose nearest chosen one is farthest away (farthest first,
    or greedy k-centre). Within a factor of two nothing covers the data better with as
    many.

    Parameters
    ----------
    X : array of shape (n_sequences, T, n_features), list of tables of shape (T_i, \
n_features), or rows of shape (n_rows, n_features)
        Of rows, whole recordings are chosen, told apart by `groups` or by an index of
        two levels. Of rows without these, windows of a `model` are.
    n : int
        How many to choose.
    model : fitted estimator, Pipeline that ends in one, or FittedModel, default=None
        Distances are then between its neurons' states, as `neuron_activity` returns
        them: what the model does not tell apart counts as the same. None compares the
        values of each column.
    chosen : sequence, default=None
        Those that there are already, in what this function returns: new ones are far
        from these too.
    random_state : int, RandomState or None, default=None
        Draws the first one, if there are none yet; the others follow from it.
    timestamps
        As in `predict`, for the model.
    groups : array of shape (n_rows,), default=None
        Of rows: the recording of each.

    Returns
    -------
    ndarray of shape (n,)
        In the order in which they were chosen: numbers of sequences; labels of
        recordings; or, for windows, the rows that they end at.

    Raises
    ------
    InvalidInputError
        If there are fewer to choose from, or rows that nothing divides.

    Notes
    -----
    A sequence is a point: of each column (or neuron) the mean, the standard deviation,
    the smallest, the largest, the first and the last value, and the mean change from
    step to step, missing ones left out. A window of a model is the states at its end.
    Each number is divided by its standard deviation over all points.

    What is far from all others may be rare, or broken: this rule takes outliers first.
    Look at what it chose. It is worth most where a random draw would hold the same
    thing many times over; docu/inspection.md has measurements.

    References
    ----------
    Gonzalez, Clustering to minimize the maximum intercluster distance, Theoretical
    Computer Science 38, 1985.
    Sener, Savarese, Active learning for convolutional neural networks: a core-set
    approach, ICLR 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN.inspection import select_diverse
    >>> same = np.sin(0.3 * np.arange(20))[None, :, None].repeat(30, axis=0)
    >>> X = same + 0.01 * np.random.default_rng(0).normal(size=same.shape)
    >>> X[7], X[21] = X[7] * 3, X[21] + 2
    >>> sorted(select_diverse(X, 3, chosen=[0], random_state=0)[:2].tolist())
    [7, 21]
    """
    data = plain(X)
    divided = recordings_of_rows(data, groups, model) if is_rows(data) else None
    if model is not None:
        read = {"timestamps": timestamps, "groups": groups}
        points, labels = _of_states(neuron_activity(model, data, **read), data, divided)
    elif is_rows(data) and divided is None:
        raise InvalidInputError(
            "Expected rows with groups=, the recording of each, or with model=, whose "
            "windows are chosen from, got rows alone. To choose windows by their "
            "values, pass them as sequences, (n_windows, T, n_features)."
        )
    else:
        points, labels = _of_values(data, divided)
    places = {label: place for place, label in enumerate(labels.tolist())}
    old = [] if chosen is None else np.asarray(chosen).tolist()
    if unknown := [label for label in old if label not in places]:
        raise InvalidInputError(
            f"Expected chosen= to name sequences (or recordings) of X, got {unknown}, "
            f"which are not in it. X has {labels[:20].tolist()}."
        )
    left = len(labels) - len(set(old))
    if not 1 <= n <= left:
        raise InvalidInputError(
            f"Expected n from 1 to {left}, the number of sequences that are not chosen "
            f"yet, got {n}."
        )
    begun = [places[label] for label in dict.fromkeys(old)]
    random = random_source(random_state)
    return labels[farthest_first(_scaled(points), n, begun, random)]


def farthest_first(
    points: NDArray[np.float64], n: int, begun: Sequence[int], random: Any
) -> NDArray[np.int64]:
    """Return the numbers of n points, each as far as possible from those before.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_numbers)
    n : int
    begun : sequence of int
        Points that are chosen already; they are not returned.
    random : numpy.random.RandomState
        Draws the first one if none are.
    """
    order = list(begun) if len(begun) else [random.randint(len(points))]
    nearest = np.full(len(points), np.inf)
    for place in order:
        nearest = np.minimum(nearest, ((points - points[place]) ** 2).sum(axis=1))
    nearest[order] = -1.0  # of points that are the same, each is taken once at most
    while len(order) < n + len(begun):
        place = int(nearest.argmax())
        order.append(place)
        nearest = np.minimum(nearest, ((points - points[place]) ** 2).sum(axis=1))
        nearest[place] = -1.0
    return np.array(order[len(begun) :])


Points = tuple[NDArray[np.float64], NDArray]


def _of_values(X: Any, divided: Any) -> Points:
    """Return a point for each sequence or recording, and what it is called."""
    values = Recordings(X, changeable_columns(X, None, set()), divided).values()
    labels = np.arange(len(values)) if divided is None else _labels(divided)
    return np.array([_summary(x) for x in values]), labels


def _of_states(activity: Result, X: Any, divided: Any) -> Points:
    """Return the same from the states of neurons; windows are points themselves."""
    states = activity.states
    if not is_rows(X):
        number, labels = activity.sequence, np.arange(len(X))
    elif divided is None:
        return states, activity.row
    else:
        labels = _labels(divided)
        number = pd.Index(labels).get_indexer(pd.Index(divided))[activity.row]
    parts = [states[number == place] for place in range(len(labels))]
    return np.array([_summary(x) for x in parts]), labels


def _labels(divided: Any) -> NDArray:
    """Return the recordings in the order in which they first appear."""
    return np.asarray(pd.Index(divided).unique())


def _summary(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return seven numbers of each column of a sequence (T, F); 0 for empty ones."""
    numbers = []
    for column in x.T:
        known = column[~np.isnan(column)]
        if not len(known):
            numbers += [0.0] * 7
            continue
        steps = np.abs(np.diff(known)).mean() if len(known) > 1 else 0.0
        spread = [known.mean(), known.std(), known.min(), known.max()]
        numbers += [*spread, known[0], known[-1], steps]
    return np.array(numbers)


def _scaled(points: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = points.std(axis=0)
    return (points - points.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
