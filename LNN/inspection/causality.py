"""Whether answers depend on rows that come later: these are changed, and it shows."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from LNN._random import random_source
from LNN._results import Result
from LNN.data.containers import plain
from LNN.exceptions import InvalidInputError

# How far later values are moved, in standard deviations of their column.
FAR = 1000.0
# A column that is y at this share of the rows is y, whatever the other rows hold.
SAME = 0.99
AHEAD = 3


def check_temporal_causality(
    predictor: Any,
    X: Any,
    y: Any = None,
    *,
    response_method: str = "auto",
    n_cuts: int = 5,
    tolerance: float = 0.0,
    random_state: int | np.random.RandomState | None = None,
    **predict_params: Any,
) -> Result:
    """Tell whether answers depend on rows that come later.

    Rows after a cut get other values: far ones, then those of other rows. Answers up to
    the cut have to stay what they were, to the last bit. It works with whatever
    predicts, a whole Pipeline above all, and finds the leaks that people build: a
    scaler or a smoother that reads all rows, a window around the row, an imputation
    from the future, padding on the wrong side.

    Parameters
    ----------
    predictor : object with `predict`, or callable
        Fitted. A callable takes X.
    X : DataFrame or array of shape (n_rows, n_features), array of shape (n, T, \
n_features), or list of arrays of shape (T_i, n_features)
        Rows in time order. Columns that are not numbers keep their values.
    y : array of shape (n_rows,), default=None
        Of rows: what was asked for. Columns of X that are y, of the same row or of one
        to three rows later, are then named: no change of later rows would tell.
    response_method : str, default="auto"
        The method that answers; "auto" takes `predict_proba` where there is one, since
        labels hide what is small.
    n_cuts : int, default=5
        Cuts to try, at random places.
    tolerance : float, default=0.0
        How far answers may move; 0 is not at all.
    random_state : int, RandomState or None, default=None
        Draws the cuts and the rows.
    **predict_params
        Passed on, such as `timestamps=` and `groups=`; they are not changed.

    Returns
    -------
    Bunch
        passed : bool
        max_leak : float
            The farthest that an answer moved; infinite where one ceased to be a number.
        first_violation : dict or None
            `cut`: the last row that kept its values; `row`: the first whose answer
            moved all the same; `values`: "far" or "shuffled", what came later.
        copies_of_y : list of (column, int)
            Columns that are y so many rows later; 0 is the same row.

    Raises
    ------
    InvalidInputError
        If there is one answer for each sequence: it may depend on all of its rows.

    Notes
    -----
    The test is of the model and what stands before it, not of the world: it tells what
    an answer was computed from, not what causes what.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import check_temporal_causality
    >>> X = np.sin(0.2 * np.arange(100))[:, None]
    >>> lnn = LiquidRegressor(8, window_length=8, epochs=2, random_state=0)
    >>> check_temporal_causality(lnn.fit(X[:-1], X[1:, 0]), X).passed
    True
    >>> check_temporal_causality(lambda X: X - X.mean(axis=0), X).passed
    False
    """
    data, random = plain(X), random_source(random_state)
    answer = _answering(predictor, response_method, predict_params)
    before = _by_sequence(answer(data), data)
    copies = [] if y is None else _copies_of(y, data)
    worst, first = 0.0, None
    for cut in _cuts(data, n_cuts, random):
        for values, change in (("far", _far), ("shuffled", _shuffled)):
            changed = _changed(data, cut, change, random)
            after = _by_sequence(answer(changed), changed)
            for old, new in zip(before, after, strict=True):
                moved = _moved(old[: cut + 1], new[: cut + 1])
                worst = max(worst, float(moved.max(initial=0.0)))
                if first is None and (moved > tolerance).any():
                    row = int(np.argmax(moved > tolerance))
                    first = {"cut": int(cut), "row": row, "values": values}
    passed = bool(worst <= tolerance) and not copies
    return Result(
        passed=passed, max_leak=worst, first_violation=first, copies_of_y=copies
    )


def _answering(
    predictor: Any, method: str, params: dict[str, Any]
) -> Callable[[Any], Any]:
    if method == "auto":
        found = (getattr(predictor, m, None) for m in ("predict_proba", "predict"))
        call = next((m for m in found if m is not None), predictor)
    else:
        call = getattr(predictor, method, None)
    if not callable(call):
        raise InvalidInputError(
            f"Expected something that predicts, got {type(predictor).__name__}. Pass a "
            "fitted estimator, a Pipeline, or a function of X."
        )
    # A copy: what changes its input in place would change what comes after.
    return lambda X: call(copy.deepcopy(X), **params)


def _by_sequence(answers: Any, X: Any) -> list[np.ndarray]:
    """Return the answers to each sequence, one for each of its rows."""
    lengths = _lengths(X)
    parts = [answers] if _is_rows(X) else answers
    found = [np.asarray(part) for part in parts]
    if [len(part) if part.ndim else 0 for part in found] != lengths:
        shape = [part.shape for part in found[:1]]
        raise InvalidInputError(
            f"Expected an answer for each row ({lengths[:1]} in the first sequence), "
            f"got {shape}. One answer for a whole sequence may depend on all of its "
            "rows: there is nothing to check."
        )
    return found


def _is_rows(X: Any) -> bool:
    return not isinstance(X, list) and np.ndim(X) == 2


def _lengths(X: Any) -> list[int]:
    return [len(X)] if _is_rows(X) else [len(x) for x in X]


def _cuts(X: Any, n_cuts: int, random: np.random.RandomState) -> np.ndarray:
    longest = max(_lengths(X))
    if longest < 2:
        raise InvalidInputError(
            f"Expected two rows at least, got {longest}: nothing comes later."
        )
    places = np.arange(longest - 1)
    return np.sort(random.choice(places, min(n_cuts, len(places)), replace=False))


Change = Callable[[np.ndarray, int, np.random.RandomState], np.ndarray]


def _far(values: np.ndarray, cut: int, random: np.random.RandomState) -> np.ndarray:
    """Return values for the rows after the cut that no row had."""
    with np.errstate(invalid="ignore", over="ignore"):
        spread = np.nanstd(values.astype(float), axis=0)
    step = np.where(np.isfinite(spread) & (spread > 0), spread, 1.0)
    later = values[cut + 1 :]
    return (later + FAR * step).astype(values.dtype)


def _shuffled(
    values: np.ndarray, cut: int, random: np.random.RandomState
) -> np.ndarray:
    """Return values for the rows after the cut that other rows had."""
    return values[random.permutation(len(values))[cut + 1 :]]


def _changed(X: Any, cut: int, change: Change, random: np.random.RandomState) -> Any:
    """Return a copy of X with other values after the cut of each sequence."""
    if isinstance(X, list):
        return [_changed(x, cut, change, random) for x in X]
    if isinstance(X, pd.DataFrame):
        return _changed_frame(X, cut, change, random)
    values = np.array(X)
    if values.ndim == 3:
        each = [_changed(x, cut, change, random) for x in values]
        return np.stack(each)
    if cut + 1 < len(values):
        values[cut + 1 :] = change(values, cut, random)
    return values


def _changed_frame(
    X: pd.DataFrame, cut: int, change: Change, random: np.random.RandomState
) -> pd.DataFrame:
    X = X.copy()
    for place, dtype in enumerate(X.dtypes):
        # Names, times and yes or no keep their values: they may say what a row is.
        if pd.api.types.is_bool_dtype(dtype) or not pd.api.types.is_numeric_dtype(
            dtype
        ):
            continue
        column = X.iloc[:, place].to_numpy()
        if cut + 1 < len(column):
            column = column.copy()
            column[cut + 1 :] = change(column, cut, random)
            X.isetitem(place, column)
    return X


def _moved(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return how far the answer to each row moved."""
    if old.dtype.kind not in "biufc":
        moved = (old != new).astype(float)
    else:
        with np.errstate(invalid="ignore"):
            moved = np.abs(new.astype(float) - old.astype(float))
        same = (new == old) | (np.isnan(new) & np.isnan(old))
        moved = np.where(same, 0.0, np.where(np.isnan(moved), np.inf, moved))
    return moved.reshape(len(moved), -1).max(axis=1, initial=0.0)


def _copies_of(y: Any, X: Any) -> list[tuple[Any, int]]:
    """Return the columns that are y, and how many rows later."""
    wanted = np.asarray(plain(y), dtype=object).ravel()
    if not _is_rows(X) or len(wanted) != len(X):
        raise InvalidInputError(
            f"Expected y with a target for each of {len(X)} rows, got "
            f"{len(wanted)}. Leave y out for sequences."
        )
    names = list(X.columns) if isinstance(X, pd.DataFrame) else range(X.shape[1])
    found = []
    for place, name in enumerate(names):
        column = X.iloc[:, place] if isinstance(X, pd.DataFrame) else X[:, place]
        column = np.asarray(column, dtype=object)
        for later in range(AHEAD + 1):
            now, then = column[: len(column) - later], wanted[later:]
            varied = len(set(then.tolist())) > 1
            if varied and np.mean(now == then) >= SAME:
                found.append((name, later))
    return found
