"""Which axis of X is time: what the caller says, and what the shapes say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from LNN._warnings import warn
from LNN.exceptions import InvalidInputError

from .sequence_set import Layout

__all__ = ["LAYOUTS", "check_layout", "warn_of_odd_axes", "warn_of_table_of_series"]

LAYOUTS = ("auto", "rows", "sequences")

# With fewer, the numbers along an axis tell nothing, and no series is that short.
SHORT, MANY = 10, 24
# Rows, or sequences, that are looked at: large data are not copied.
_ROWS, _SEQUENCES = 1024, 256
# Neighbours are alike, or unrelated, if their mean squared difference is below, or
# above, this share of what it would be in random order.
ALIKE, UNRELATED = 0.3, 0.7


def check_layout(layout: str, kind: Layout, name: str) -> None:
    """Raise unless X is what the parameter `layout` says.

    Raises
    ------
    InvalidInputError
    """
    if layout == "rows" and kind != "rows":
        raise InvalidInputError(
            f'Expected 2-D {name} by layout="rows", got sequences (3-D or a list). '
            'Pass the rows of one table, or layout="sequences".'
        )
    if layout == "sequences" and kind == "rows":
        raise InvalidInputError(
            f'Expected sequences by layout="sequences", got 2-D {name}. If each row is '
            f"a series of one feature, pass {name}[..., None]; one recording alone is "
            f'{name}[None]; the rows of a recording need layout="rows".'
        )


def warn_of_odd_axes(X: Any, kind: Layout, *, window_length: int | None) -> None:
    """Warn if the axes of X seem to be in another order than they are read in.

    Parameters
    ----------
    X : array-like or list
        Training data without time stamps, recordings or named columns.
    kind : {"rows", "cube", "ragged"}
        The layout that it is read in.
    window_length : int or None
        Rows per window, for rows.

    Warns
    -----
    LNNWarning
        If rows of a recording look like one series each, or if time looks like the last
        axis of sequences.
    """
    values = _numbers(X, kind)
    if values is None:
        return
    if kind == "rows":
        if window_length != 1 and _rows_are_series(values, len(X)):
            _warn_of_series(X, (len(X), values.shape[1]))
    elif _time_is_last(values, len(X)):
        _warn_of_channels_first(X, (len(X), *values.shape[1:]), kind)


def warn_of_table_of_series(X: Any) -> None:
    """Warn where rows of a 2-D X that `rows="steps"` reads look like one series each.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n, width)
        Without time stamps or recordings; names of columns say that they are features.
    """
    values = _numbers(X, "rows")
    if values is None or not _rows_are_series(values, len(X)):
        return
    n, width = len(X), values.shape[1]
    warn(
        f"X of shape {(n, width)} is read as {n} rows of one recording, in time "
        f"order, with {width} channels each. If each row is a series of its own, with "
        f'{width} steps of one channel, set rows="sequences", or pass '
        f"{_as_array(X)}[..., None]. Names of columns, or time stamps, say that they "
        "are rows of a recording and stop this warning."
    )


def _numbers(X: Any, kind: Layout) -> np.ndarray | None:
    """Return X, or its first sequences, as numbers; None where columns have names."""
    if isinstance(X, pd.DataFrame):
        if any(isinstance(label, str) for label in X.columns):
            return None
        if not isinstance(X.index, pd.RangeIndex):
            return None
    if kind == "ragged":
        X = X[:_SEQUENCES]
        if any(isinstance(x, pd.DataFrame) for x in X):
            return None
        if len({np.shape(x) for x in X}) > 1 or np.ndim(X[0]) != 2:
            return None
    elif kind == "cube":
        X = X[:_SEQUENCES]
    elif hasattr(X, "__getitem__") and _is_plain(X):
        X = X[:_ROWS]
    else:
        return None
    try:
        found = np.asarray(X if kind != "ragged" else list(X))
        if np.iscomplexobj(found):
            return None
        values = found.astype(np.float64)
    except (TypeError, ValueError):
        return None  # reading it says what is wrong
    good = values.ndim == (2 if kind == "rows" else 3)
    if not good or np.isinf(values).any() or (missing := np.isnan(values)).all():
        return None
    return np.where(missing, values.mean(where=~missing), values)


def _is_plain(X: Any) -> bool:
    """Tell whether a table has no names; those of pandas have been looked at."""
    arrayed = hasattr(X, "__array__") and not hasattr(X, "columns")
    return arrayed or isinstance(X, pd.DataFrame | list | tuple)


def _rows_are_series(values: np.ndarray, n: int) -> bool:
    width = values.shape[1]
    if width < SHORT or n < 2:
        return False
    # In deviations, so that one large column does not speak for all.
    spread = values.std(axis=0)
    between = _roughness(values / np.where(spread > 0, spread, 1), axis=0)
    # Wider than long is strange for a recording; else its rows must look like series.
    if width >= MANY and n < width:
        return between > UNRELATED
    return n >= SHORT and between > UNRELATED and _roughness(values, axis=1) < ALIKE


def _time_is_last(values: np.ndarray, n_samples: int) -> bool:
    _, steps, width = values.shape
    if width < SHORT or width < 2 * steps:
        return False
    if steps == 1:
        return True
    last, between = _roughness(values, axis=2), _roughness(values, axis=1)
    few = width >= MANY and width > 5 * steps and n_samples < width
    return between > UNRELATED and (last < ALIKE or few)


def _roughness(values: np.ndarray, axis: int) -> float:
    """Return how unlike neighbours along an axis are: 1 in random order, 0 if equal."""
    if values.shape[axis] < 2:
        return 1.0
    # Two values in random order differ, in mean square, by twice their variance.
    spread = 2 * values.var(axis=axis, ddof=1).mean()
    change = (np.diff(values, axis=axis) ** 2).mean()
    return float(change / spread) if spread > 0 else 1.0


def _warn_of_series(X: Any, shape: tuple[int, ...]) -> None:
    warn(
        f"X of shape {shape} is read as {shape[0]} rows of one recording, in time "
        f"order, with {shape[1]} features each. If each row is a series of its own, "
        f"with {shape[1]} steps of one feature, pass {_as_array(X)}[..., None]; if "
        "rows are independent of each other, set window_length=1. "
        'layout="rows" says that they are rows of a recording and stops this warning.'
    )


def _as_array(X: Any) -> str:
    """Return how to write X as an array."""
    table = "X.to_numpy()" if isinstance(X, pd.DataFrame) else "X"
    return "numpy.array(X)" if isinstance(X, list | tuple) else table


def _warn_of_channels_first(X: Any, shape: tuple[int, ...], kind: Layout) -> None:
    n, steps, width = shape
    swapped = "[x.T for x in X]" if kind == "ragged" else "X.transpose(0, 2, 1)"
    warn(
        f"X of shape {shape} is read as {n} sequences of {steps} "
        f"{'step' if steps == 1 else 'steps'} with {width} features each. If time is "
        f"the last axis, (n_samples, channels, time), pass {swapped}. "
        'layout="sequences" says that it is (n_samples, n_timesteps, n_features) and '
        "stops this warning."
    )
