"""How much a score falls without a column, or without a part of the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from LNN._random import random_source
from LNN._results import Result
from LNN.data.containers import plain
from LNN.exceptions import InvalidInputError
from LNN.inspection.recordings import columns_of, idle_columns, is_rows
from LNN.inspection.scoring import scorer_of


def permutation_importance(
    model: Any,
    X: Any,
    y: Any,
    *,
    over: str = "features",
    features: Sequence[Any] | None = None,
    n_blocks: int = 8,
    n_repeats: int = 5,
    scoring: str | Callable[..., float] | None = None,
    random_state: int | np.random.RandomState | None = None,
    **score_params: Any,
) -> Result:
    """Measure how much the score falls if a column, or a part of the time, is permuted.

    scikit-learn's function of this name is for tables of independent rows. This one
    is for sequences and for rows in time order: a permuted column keeps its own course
    in time, so that the model still sees curves like those of training.

    Parameters
    ----------
    model : fitted estimator or Pipeline
        Any that has `score`, or that the scorer takes.
    X : array or DataFrame of shape (n_rows, n_features), array of shape (n, T, \
n_features), or list of arrays of shape (T_i, n_features)
    y : array or list
        As `score` takes it. Data that the model has not seen tell more.
    over : {"features", "time"}, default="features"
        "features": in rows in time order, a column is rotated by a random number of
        rows; in sequences, it is exchanged between sequences. "time", for sequences
        only: all columns of a part of the time are exchanged between sequences.
    features : sequence, default=None
        Names or numbers of the columns; None is all except those of time and group.
    n_blocks : int, default=8
        For "time": parts of equal length that each sequence is divided into.
    n_repeats : int, default=5
    scoring : str, callable or None, default=None
        A scorer of scikit-learn, or its name; None is `model.score`.
    random_state : int, RandomState or None, default=None
    **score_params
        Passed to `score`, such as `timestamps=`; these are not permuted.

    Returns
    -------
    Bunch
        importances_mean, importances_std : ndarray of shape (n,)
            The fall of the score; 0 means that the column is not needed.
        importances : ndarray of shape (n, n_repeats)
        names : list
            Columns; for "time" the parts, as (begin, end) in shares of the sequence.
        score : float
            The score on the unchanged data.

    Raises
    ------
    InvalidInputError
        If X does not suit `over`.

    Notes
    -----
    Two columns with the same information are both near 0, as neither is needed beside
    the other. Permuted data do not occur in reality: a large fall shows what the model
    relies on, not what causes y.

    References
    ----------
    Breiman, Random Forests, Machine Learning 45, 2001, section 10.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import permutation_importance
    >>> X = np.random.default_rng(0).normal(size=(60, 6, 2))
    >>> lnn = LiquidRegressor(8, epochs=60, random_state=0).fit(X, X[:, -1, 0])
    >>> found = permutation_importance(lnn, X, X[:, -1, 0], random_state=0)
    >>> int(found.importances_mean.argmax())
    0
    """
    data, random = plain(X), random_source(random_state)
    names, mixed = _parts(model, data, over, features, n_blocks)
    score = scorer_of(model, scoring, score_params)
    whole = score(data, y)
    falls = [
        [whole - score(mixed(data, name, random), y) for _ in range(n_repeats)]
        for name in names
    ]
    importances = np.reshape(falls, (len(names), n_repeats))
    return Result(
        importances_mean=importances.mean(axis=1),
        importances_std=importances.std(axis=1),
        importances=importances,
        names=names,
        score=whole,
    )


Mixed = Callable[[Any, Any, np.random.RandomState], Any]


def _parts(
    model: Any, X: Any, over: str, features: Sequence[Any] | None, n_blocks: int
) -> tuple[list[Any], Mixed]:
    """Return the names of what is mixed up, and what mixes one of them up."""
    in_rows = is_rows(X)
    if over == "features":
        columns, idle = columns_of(X), idle_columns(model)
        names = [name for name in columns if name not in idle]
        names = names if features is None else list(features)
        if unknown := [name for name in names if name not in columns]:
            raise InvalidInputError(
                f"Expected features among {columns}, got {unknown}."
            )
        places = {name: columns.index(name) for name in names}
        mix = _row_column if in_rows else _column_of_others
        return names, lambda X, name, random: mix(X, places[name], random)
    if over != "time":
        raise InvalidInputError(
            f'Expected over to be "features" or "time", got {over!r}.'
        )
    if in_rows:
        raise InvalidInputError(
            'Expected sequences (3-D, or a list) for over="time", got rows. Each row '
            "there is in many windows: see LNN.inspection.attribution, which tells the "
            "steps of a window apart."
        )
    edges = np.linspace(0, 1, n_blocks + 1)
    parts = [(float(a), float(b)) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    return parts, _time_of_others


def _row_column(X: Any, place: int, random: np.random.RandomState) -> Any:
    """Move a column of rows along, by a tenth of them at least."""
    n = len(X)
    least = max(1, n // 10)
    by = random.randint(least, max(least + 1, n - least + 1))
    X = X.copy()
    if isinstance(X, pd.DataFrame):
        X.isetitem(place, pd.Series(np.roll(X.iloc[:, place], by), index=X.index))
    else:
        X[:, place] = np.roll(X[:, place], by)
    return X


def _column_of_others(X: Any, place: int, random: np.random.RandomState) -> Any:
    """Take a column of each sequence from another one."""
    others = _others(len(X), random)
    if not isinstance(X, list):
        X = X.copy()
        X[:, :, place] = X[others, :, place]
        return X
    return [
        _with_values(x, slice(None), [place], _lengthened(X[k], len(x)))
        for x, k in zip(X, others, strict=True)
    ]


def _time_of_others(
    X: Any, part: tuple[float, float], random: np.random.RandomState
) -> Any:
    """Take a part of the time of each sequence from another one."""
    others, parts = _others(len(X), random), []
    for x, k in zip(X, others, strict=True):
        begin, end = (round(edge * len(x)) for edge in part)
        columns = list(range(np.shape(x)[-1]))
        other = _lengthened(X[k], len(x))
        parts.append(_with_values(x, slice(begin, end), columns, other))
    return parts if isinstance(X, list) else np.stack(parts)


def _others(n: int, random: np.random.RandomState) -> np.ndarray:
    """Return for each sequence another one, none of them twice."""
    if n < 2:
        raise InvalidInputError(
            f"Expected two sequences at least, got {n}: there is no other to take from."
        )
    order = random.permutation(n)
    others = np.empty(n, dtype=int)
    others[order] = np.roll(order, 1)  # a cycle through all: none stays in its place
    return others


def _lengthened(x: Any, length: int) -> np.ndarray:
    """Return the values of a sequence for so many steps: cut, or the last one held."""
    values = np.asarray(x)
    return values[np.minimum(np.arange(length), len(values) - 1)]


def _with_values(x: Any, steps: slice, places: list[int], other: np.ndarray) -> Any:
    x = x.copy()
    if isinstance(x, pd.DataFrame):
        for place in places:
            column = x.iloc[:, place].to_numpy(copy=True)
            column[steps] = other[steps, place]
            x.isetitem(place, column)
    else:
        x[steps, places] = other[steps][:, places]
    return x
