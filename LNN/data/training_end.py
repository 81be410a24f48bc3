"""When training ended, so that rows that continue it can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import _num_samples

from LNN.exceptions import InvalidInputError

from .containers import plain
from .examples import Given
from .form import InputLayout
from .time_index import joined, time_of_recording
from .timestamps import as_times, elapsed_time, plain_array

__all__ = ["WARM", "TrainingEnd"]

# Rows that begin up to so many median gaps after training continue it.
NEAR = 3
# Time that is passed by hand often belongs to a test part, of which few predictions are
# cold: it is doubted for fewer rows than this many windows. An index comes with the
# rows, whatever they are for.
SHORT = 3
# Whole recordings: a state forgets most of what is further back.
WARM = 128


@dataclass(frozen=True, eq=False)
class TrainingEnd:
    """The last row of the training data of one recording.

    Attributes
    ----------
    stamp : index or array of one element
        Its time stamp, or its row number.
    numbered : bool
        Whether that is a row number.
    unit : float
        Median gap between rows.
    window : int
        Rows that a prediction sees, or that warm a state up.
    """

    stamp: Any
    numbered: bool
    unit: float
    window: int

    @classmethod
    def of(cls, given: Given, layout: InputLayout, unit: float) -> TrainingEnd | None:
        """Find it in the data of a fit; None if no row could be said to continue it."""
        if layout.kind != "rows" or layout.window_length == 1:
            return None
        # With several recordings it is not clear whose end a row would continue.
        if given.groups is not None or layout.options.group_column is not None:
            return None
        last = slice(-1, None)
        found = _stamps(given.X, given.timestamps, layout.options.time_column, last)
        if found is None or (found[1] and not _counts_up(given.X.index)):
            return None
        return cls(*found, unit, layout.window_length or WARM)

    def is_continued_by(self, X: Any, timestamps: Any, time_column: Any) -> bool:
        """Tell whether the first row of X comes just after this one."""
        by_hand = timestamps is not None or time_column is not None
        if by_hand and _num_samples(X) >= SHORT * self.window:
            return False
        found = _stamps(X, timestamps, time_column, slice(0, 1))
        if found is None or found[1] != self.numbered:
            return False
        if type(found[0]) is not type(self.stamp):
            return False
        try:
            both = joined([self.stamp, found[0]])
            gap = float(elapsed_time(both, np.array([True, False]))[0][1])
        except (InvalidInputError, TypeError, ValueError):
            return False  # time goes back, or is of another kind: read otherwise
        return gap == 1 if self.numbered else 0 < gap <= NEAR * self.unit


def _stamps(
    X: Any, timestamps: Any, time_column: Any, rows: slice
) -> tuple[Any, bool] | None:
    """Return the time stamps, else the row numbers, of some rows; None without any."""
    if timestamps is not None:
        stamps = plain_array(timestamps)
        stamps = stamps.iloc[rows] if hasattr(stamps, "iloc") else stamps[rows]
        return _as_index(stamps), False
    if time_column is not None:
        return _column(X, time_column, rows)
    index = getattr(X, "index", None)
    if not isinstance(index, pd.Index) or isinstance(index, pd.MultiIndex):
        return None
    time = time_of_recording(index[rows])
    if time is not None:
        return time, False
    whole = pd.api.types.is_integer_dtype(index.dtype)
    return (index[rows], True) if whole else None


def _column(X: Any, column: Any, rows: slice) -> tuple[Any, bool] | None:
    X = plain(X)
    if isinstance(X, pd.DataFrame):
        named = column in X.columns
        part = X[column] if named else X.iloc[:, column]
        return _as_index(part.iloc[rows]), False
    if isinstance(X, np.ndarray) and X.ndim == 2:
        return _as_index(X[rows, column]), False
    return None


def _as_index(stamps: Any) -> pd.Index:
    if isinstance(stamps, np.ndarray | pd.DataFrame):
        stamps = np.ravel(stamps)
    elif isinstance(stamps, pd.Series) and stamps.dtype == object:
        # An Index of the Series itself warns that it will not tell dates any more.
        stamps = stamps.to_numpy()
    return as_times(pd.Index(stamps))


def _counts_up(index: pd.Index) -> bool:
    """Tell whether an index numbers the rows one by one."""
    return len(index) > 1 and bool((np.diff(index.to_numpy()) == 1).all())
