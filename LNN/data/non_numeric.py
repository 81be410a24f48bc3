"""Which cell of a table is not a number: its column and row, for error messages."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, NoReturn

import numpy as np
import pandas as pd

from LNN.exceptions import InvalidInputError

__all__ = [
    "ColumnArguments",
    "kind_of_cell",
    "naming_non_numeric",
    "refuse_times",
    "without_mask",
]

_TIMES = (
    datetime.date,  # datetimes and pandas' time stamps too
    datetime.time,
    datetime.timedelta,
    np.datetime64,
    np.timedelta64,
    pd.Period,
)


class ColumnArguments(NamedTuple):
    """What a caller's parameters are called that name columns; for advice.

    Attributes
    ----------
    time : str or None
        Names the column of time stamps; None is that there is no such parameter.
    group : str
        Names the column of recordings.
    """

    time: str | None = "time_column"
    group: str = "group_column"


_OF_FIT = ColumnArguments()


def without_mask(table: Any) -> Any:
    """Return a masked array as a plain one with NaN (NaT) where it is masked.

    Parameters
    ----------
    table : array-like
        Anything but a masked array is returned unchanged.

    Returns
    -------
    array-like

    Examples
    --------
    >>> import numpy as np
    >>> without_mask(np.ma.masked_array([1, -9999], mask=[False, True])).tolist()
    [1.0, nan]
    """
    if not isinstance(table, np.ma.MaskedArray):
        return table
    if not np.ma.getmaskarray(table).any():
        return np.asarray(table)
    if table.dtype.kind in "mM":
        nothing: Any = np.array("NaT", dtype=table.dtype)
        return np.ma.filled(table, nothing)
    if table.dtype.kind in "biu":  # which have no NaN
        return np.ma.filled(table.astype(np.float64), np.nan)
    if table.dtype.kind in "SU":
        return np.ma.filled(table.astype(object), np.nan)
    return np.ma.filled(table, np.nan)


def kind_of_cell(cell: Any) -> Literal["text", "time", "object", "large"] | None:
    """Return what a cell holds in place of a number; None for numbers and gaps."""
    if isinstance(cell, _TIMES):
        return "time"
    if cell is None or cell is pd.NA:
        return None
    try:
        float(cell)
    except (TypeError, ValueError):
        return "text" if isinstance(cell, str | bytes) else "object"
    except OverflowError:
        return "large"
    return None


def refuse_times(
    table: Any, name: str, *, arguments: ColumnArguments = _OF_FIT
) -> None:
    """Raise for the first column of datetimes or durations of a frame or an array.

    Parameters
    ----------
    table : DataFrame or array-like
    name : str
        What the table is called in messages.
    arguments : ColumnArguments
        What the caller's parameters are called.
    """
    if isinstance(table, pd.DataFrame):
        for label, dtype in zip(table.columns, table.dtypes, strict=True):
            if dtype.kind in "mM":
                advice = _advice("time", label, arguments)
                raise InvalidInputError(
                    f"Expected numbers in {name}, got {dtype} in column {label!r}. "
                    f"{advice}"
                )
        return
    dtype = getattr(table, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "mM":
        raise InvalidInputError(
            f"Expected numbers in {name}, got {dtype}. If these are the time stamps, "
            "pass them as timestamps=, beside X; else convert them: (X - X.min()) / "
            "numpy.timedelta64(1, 's')."
        )


@contextmanager
def naming_non_numeric(
    table: Any, name: str, *, arguments: ColumnArguments = _OF_FIT
) -> Iterator[None]:
    """Turn an error inside into one that names the first cell that is not a number."""
    # Looked for after an error only: to ask every cell takes much longer than reading.
    try:
        yield
    except (TypeError, ValueError, OverflowError) as error:
        found = _first_bad(table)
        if found is None:
            raise
        cell, place, label = found
        kind = kind_of_cell(cell)
        if kind == "large":
            raise InvalidInputError(
                f"Expected numbers that float64 can hold in {name}, got a whole number "
                f"of more than 300 digits in {place}. Check that value, or take its "
                "logarithm."
            ) from error
        if kind == "object":
            _raise_for_object(error, cell, f"{place} of {name}")
        shown = repr(str(cell)) if isinstance(cell, str) else cell
        advice = _advice(kind, label, arguments)
        raise InvalidInputError(
            f"Expected numbers in {name}, got the {kind} {shown} in {place}. {advice}"
        ) from error


def _raise_for_object(error: Exception, cell: Any, where: str) -> NoReturn:
    """Raise for an object, in the type and words that scikit-learn asks for."""
    what = TypeError if isinstance(error, TypeError) else InvalidInputError
    shown = " ".join(repr(cell)[:60].split())
    raise what(
        f"Expected numbers, got {shown} in {where}: the argument must be a string or a "
        f"number, not {type(cell).__name__!r}. Take numbers out of such a column "
        "(X['a'].map(...)) or drop it."
    ) from error


def _advice(kind: str | None, label: Any, arguments: ColumnArguments) -> str:
    if kind == "text":
        return (
            "Encode it as numbers (sklearn.preprocessing.OneHotEncoder) or drop the "
            f"column; names of recordings belong into {arguments.group}= or a "
            "MultiIndex."
        )
    how = f"pass {arguments.time}={label!r} or " if arguments.time else ""
    return (
        f"If it is the time of each row, {how}make it the index; else drop the column."
    )


def _first_bad(table: Any) -> tuple[Any, str, Any] | None:
    """Return the first cell that is not a number, where it is, and its column."""
    if isinstance(table, pd.DataFrame):
        for label, column in table.items():
            if pd.api.types.is_numeric_dtype(column.dtype):
                continue
            for row, cell in enumerate(column):
                if kind_of_cell(cell):
                    return cell, f"row {row}, column {label!r}", label
        return None
    if getattr(getattr(table, "dtype", None), "kind", "O") in "biufc":
        return None
    try:
        cells = np.asarray(table, dtype=object)
    except ValueError:
        return None  # not even a table
    if cells.ndim not in (2, 3):
        return None
    for (*rows, column), cell in np.ndenumerate(cells):
        if kind_of_cell(cell):
            where = f"row {rows[0]}"
            if len(rows) == 2:
                where = f"time step {rows[1]} of sample {rows[0]}"
            return cell, f"{where}, column {column}", column
    return None
