"""Rows, steps and columns under the names that the user knows them by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from LNN._typing import Column
from LNN.data import SequenceSet
from LNN.data.containers import plain
from LNN.data.layouts import stacked
from LNN.estimators.fitted import FittedModel
from LNN.exceptions import InvalidInputError
from LNN.inspection.passes import input_names

# How many names an error lists, and rows on each side that a time is told apart from.
LISTED, NEAR = 12, 20
# Parts of a second in words, from none on.
PARTS = ("seconds", "milliseconds", "microseconds")


class Places:
    """The rows of a table, or the steps of one sequence, and their columns.

    Parameters
    ----------
    fitted : FittedModel
    X : array-like
        As in `predict`.
    sequences : SequenceSet
        X as the model read it.
    row : int
        The row, or the sequence, whose answer is asked about.
    timestamps : array-like, default=None

    Attributes
    ----------
    names : list
        The inputs, as columns of X.
    title : str
        What is asked about: "row 2026-03-01 10:00:00", "sequence 3".
    """

    def __init__(
        self,
        fitted: FittedModel,
        X: ArrayLike,
        sequences: SequenceSet,
        row: int,
        timestamps: Column | None = None,
    ):
        data = plain(X)
        self._in_rows = fitted.layout.in_rows
        self._data = stacked(data) if self._in_rows else data
        self._columns, self.names = sequences.columns, input_names(sequences)
        self._row = row % len(self._data)
        self._n_steps = len(self._table)
        self._index = self._labels(timestamps)
        if self._in_rows:
            self.title = f"row {self.text(self._row)}"
        else:
            self.title = f"sequence {self._row}"

    @property
    def word(self) -> str:
        """What users call a place in time, "row" (of a table) or "step"."""
        return "row" if self._in_rows else "step"

    @property
    def _table(self) -> Any:
        return self._data if self._in_rows else self._data[self._row]

    def _labels(self, timestamps: Column | None) -> pd.Index | None:
        """Return the name of each row or step; None where they are only numbered."""
        table = self._table
        if timestamps is not None:
            stamps: Any = plain(timestamps)
            own = stamps.to_numpy() if hasattr(stamps, "to_numpy") else stamps
            # One list for each sequence, or for all the same.
            if not self._in_rows and np.ndim(own[0]) > 0:
                own = own[self._row]
            return pd.Index(np.reshape(np.asarray(own), -1))
        if self._columns.time is not None:
            time = self._columns.time
            whole = isinstance(table, pd.DataFrame)
            return pd.Index(table.iloc[:, time] if whole else table[:, time])
        if isinstance(table, pd.DataFrame):
            index = table.index
            plain_numbers = isinstance(index, pd.RangeIndex) and index.equals(
                pd.RangeIndex(len(index))
            )
            return None if plain_numbers else index
        return None

    def label(self, place: int) -> Any:
        """Return the name of a row or step by its number; -1 stands in the context."""
        if place < 0:
            return "context"
        return int(place) if self._index is None else self._index[place]

    def text(self, place: int) -> str:
        """Return the name of a row or step in words, told apart from those near it."""
        first = max(0, place - NEAR)
        near = range(first, min(self._n_steps, place + NEAR + 1))
        return told_apart([self.label(k) for k in near])[place - first]

    def number(self, label: Any) -> int:
        """Return the number of a row or step by its name.

        Raises
        ------
        InvalidInputError
            If there is none of this name, or if there are several.
        """
        if self._index is not None:
            try:
                found = self._index.get_loc(label)
            except (KeyError, TypeError, ValueError):
                found = None
            if isinstance(found, Integral):
                return int(found)
            if found is not None:
                raise InvalidInputError(
                    f"Expected a {self.word} by a name of its own, got {label!r}, "
                    "which several have. Reset the index, and give its number."
                )
        numbered = isinstance(label, Integral) and not isinstance(label, bool)
        by_number = self._index is None or not pd.api.types.is_numeric_dtype(
            self._index
        )
        n = self._n_steps
        if by_number and numbered and -n <= label < n:
            return int(label) % n
        raise InvalidInputError(
            f"Expected a {self.word} {self._known_rows()}, got {label!r}."
        )

    def _known_rows(self) -> str:
        n = self._n_steps
        if self._index is None:
            return f"from 0 to {n - 1}"
        first, last = self._index[0], self._index[-1]
        return f"of X by its label, such as {first} or {last}"

    def column(self, name: Any) -> int:
        """Return the number of an input, among the inputs, by its name.

        Raises
        ------
        InvalidInputError
            If the model reads no such column.
        """
        if name in self.names:
            return self.names.index(name)
        known = ", ".join(map(repr, self.names[:LISTED]))
        more = ", ..." if len(self.names) > LISTED else ""
        raise InvalidInputError(
            f"Expected a column that the model reads as an input ({known}{more}), got "
            f"{name!r}. Times and labels of recordings cannot be changed here."
        )

    def value(self, place: int, column: int) -> float:
        """Return the value of an input at a row or step, as X has it."""
        table, number = self._table, int(self._columns.inputs[column])
        whole = isinstance(table, pd.DataFrame)
        return float(table.iloc[place, number] if whole else table[place][number])

    def edited(self, changes: Mapping[tuple[int, int], float]) -> Any:
        """Return a copy of X with other values at (number of a row or step, input)."""
        data = self._data if self._in_rows else self._copied_list()
        table = data if self._in_rows else data[self._row]
        if isinstance(table, pd.DataFrame):
            table = table.copy()
            for column in {column for _, column in changes}:
                number = int(self._columns.inputs[column])
                values = table.iloc[:, number].to_numpy(dtype=float, copy=True)
                for (place, other), value in changes.items():
                    if other == column:
                        values[place] = value
                table.isetitem(number, pd.Series(values, index=table.index))
        else:
            table = np.array(table, dtype=np.result_type(np.asarray(table), float))
            for (place, column), value in changes.items():
                table[place, self._columns.inputs[column]] = value
        if self._in_rows:
            return table
        data[self._row] = table
        return data

    def _copied_list(self) -> Any:
        if isinstance(self._data, np.ndarray) and self._data.dtype != object:
            return self._data.astype(np.result_type(self._data, float))
        return list(self._data)


def told_apart(labels: Sequence[Any]) -> list[str]:
    """Return labels as text; times without digits that tell none of them apart.

    Examples
    --------
    >>> import pandas as pd
    >>> from LNN.inspection.places import told_apart
    >>> times = ["2015-02-02 08:19:52.396", "2015-02-02 08:21:03.000"]
    >>> told_apart(pd.to_datetime(times))
    ['2015-02-02 08:19:52', '2015-02-02 08:21:03']
    """
    known = {label for label in labels if isinstance(label, pd.Timestamp)}
    words = [str(label) for label in labels]
    for part in PARTS if known else ():
        text = {each: each.isoformat(sep=" ", timespec=part) for each in known}
        if len(set(text.values())) == len(known):
            pairs = zip(labels, words, strict=True)
            return [text[k] if k in known else word for k, word in pairs]
    return words


def one_row(row: Any) -> int:
    """Return the number of a row or sequence; refuse what is not one."""
    if isinstance(row, Integral) and not isinstance(row, bool):
        return int(row)
    raise InvalidInputError(
        f"Expected row as the number of one row or sequence of X, got {row!r}. The "
        "number of a label is X.index.get_loc(label)."
    )


def values_in_units(sequences: SequenceSet, spans: SequenceSet) -> NDArray[np.float64]:
    """Return what the model reads at each step of one span, (T, F), not scaled."""
    positions, _ = spans.spans(np.array([0]))
    return np.asarray(sequences.rows.take(positions[0]), dtype=np.float64)


def listed(items: Sequence[Any]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    words = [str(item) for item in items]
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
