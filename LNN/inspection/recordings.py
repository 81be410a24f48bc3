"""Data of any layout as recordings of numbers, which may be changed and put back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from LNN.data.containers import plain
from LNN.estimators.fitted import last_step
from LNN.exceptions import InvalidInputError

Values = list[NDArray[np.float64]]


def columns_of(X: Any) -> list[Any]:
    """Return the names of the columns of X, or their numbers."""
    table = X[0] if isinstance(X, list) else X
    if isinstance(table, pd.DataFrame):
        return list(table.columns)
    return list(range(np.shape(table)[-1]))


def idle_columns(*models: Any) -> set[Any]:
    """Return the columns that tell these models the time or the recording."""
    names = ("time_column", "group_column")
    found = {getattr(last_step(model), n, None) for model in models for n in names}
    return found - {None}


def is_rows(X: Any) -> bool:
    """Tell rows from sequences."""
    return not isinstance(X, list) and np.ndim(X) == 2


class Recordings:
    """Rows, a 3-D array, or a list of tables: some columns of each recording.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n_rows, n_features), ndarray of shape (n, T, \
n_features), or list of these tables
    columns : sequence
        Names or numbers of those that are changed, all of them numbers.
    groups : array of shape (n_rows,), default=None
        Of rows: the recording of each, as `recordings_of_rows` returns them.
    """

    def __init__(self, X: Any, columns: Sequence[Any], groups: Any = None):
        self.X = plain(X)
        known = columns_of(self.X)
        self.places = [known.index(name) for name in columns]
        self.in_rows = is_rows(self.X)
        self._rows: list[NDArray[np.int64]] = []
        if self.in_rows:
            self._rows = _rows_of_recordings(len(self.X), plain(groups))

    def values(self) -> Values:
        """Return the chosen columns of each recording, (T_i, F)."""
        if not self.in_rows:
            return [self._numbers(table) for table in self.X]
        numbers = self._numbers(self.X)
        return [numbers[rows] for rows in self._rows]

    def with_values(self, values: Values) -> Any:
        """Return X with other values in the chosen columns."""
        if self.in_rows:
            numbers = np.empty((len(self.X), len(self.places)))
            for rows, new in zip(self._rows, values, strict=True):
                numbers[rows] = new
            return self._with(self.X, numbers)
        tables = [self._with(x, new) for x, new in zip(self.X, values, strict=True)]
        return tables if isinstance(self.X, list) else np.stack(tables)

    def every(self, k: int, data: Any = None) -> Any:
        """Return every k-th row of each recording, the last one among them.

        Parameters
        ----------
        k : int
        data : optional
            What belongs to the rows, in the layout of X; X itself by default.
        """
        data = self.X if data is None else plain(data)
        if self.in_rows:
            kept = [rows[(len(rows) - 1) % k :: k] for rows in self._rows]
            return _at(data, np.sort(np.concatenate(kept)))
        tables = [_at(x, np.arange((len(x) - 1) % k, len(x), k)) for x in data]
        return tables if isinstance(data, list) else np.stack(tables)

    def _numbers(self, table: Any) -> NDArray[np.float64]:
        if isinstance(table, pd.DataFrame):
            return table.iloc[:, self.places].to_numpy(dtype=float)
        return np.asarray(table)[:, self.places].astype(float)

    def _with(self, table: Any, values: NDArray[np.float64]) -> Any:
        if isinstance(table, pd.DataFrame):
            table = table.copy()
            for k, place in enumerate(self.places):
                table.isetitem(place, values[:, k])
            return table
        table = np.array(table)
        if table.dtype.kind in "biu":
            table = table.astype(float)
        table[:, self.places] = values
        return table


def changeable_columns(X: Any, wanted: Sequence[Any] | None, idle: set[Any]) -> list:
    """Return the columns that may be changed: numbers that are not the time.

    Parameters
    ----------
    X : table, 3-D array or list of tables
    wanted : sequence or None
        What the caller asks for; None is all that may be changed.
    idle : set
        Columns that are left as they are.

    Raises
    ------
    InvalidInputError
        If some that are wanted are not there, or are not numbers.
    """
    known = columns_of(X)
    table = X[0] if isinstance(X, list) else X
    numbers = known
    if isinstance(table, pd.DataFrame):
        kinds = zip(known, table.dtypes, strict=True)
        numbers = [name for name, kind in kinds if _is_number(kind)]
    allowed = [name for name in numbers if name not in idle]
    if wanted is None:
        return allowed
    if unknown := [name for name in wanted if name not in allowed]:
        raise InvalidInputError(
            f"Expected features among {allowed}, which are numbers and neither the "
            f"time nor the recording, got {unknown}."
        )
    return list(wanted)


def _is_number(kind: Any) -> bool:
    is_numeric = pd.api.types.is_numeric_dtype(kind)
    return is_numeric and not pd.api.types.is_bool_dtype(kind)


def recordings_of_rows(X: Any, groups: Any, *models: Any) -> Any:
    """Return the recording of each row, or None where nothing divides them.

    Parameters
    ----------
    X : table
    groups : array of shape (n_rows,) or None
        As the caller gave them; else an index of two levels tells, or a column that one
        of the models takes for it.
    *models : fitted estimators or Pipelines
    """
    if groups is not None:
        return plain(groups)
    if isinstance(X, pd.DataFrame) and X.index.nlevels > 1:
        return X.index.droplevel(-1)
    for model in models:
        column = getattr(last_step(model), "group_column", None)
        if column is not None:
            return X[column] if isinstance(X, pd.DataFrame) else X[:, column]
    return None


def _rows_of_recordings(n: int, labels: Any) -> list[NDArray[np.int64]]:
    """Return the rows of each recording, in their order."""
    if labels is None:
        return [np.arange(n)]
    if len(labels) != n:
        raise InvalidInputError(
            f"Expected groups with a label for each of {n} rows, got {len(labels)}."
        )
    codes = pd.factorize(pd.Index(labels))[0]
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def _at(data: Any, rows: NDArray[np.int64]) -> Any:
    if hasattr(data, "iloc"):
        return data.iloc[rows]
    if isinstance(data, pd.Index):
        return data[rows]
    return np.asarray(data)[rows]
