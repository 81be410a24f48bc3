"""Targets of a table in files: whole numbers stay whole, and none loses a digit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from LNN.exceptions import InvalidInputError

__all__ = ["as_floats", "target_numbers", "widen"]

# From here on int64 has no numbers, and float64 has only some of them.
END = 2.0**63
# Numbers that are turned at a time.
MOVED = 2**22


def target_numbers(block: pd.DataFrame, begin: int) -> np.ndarray:
    """Return columns of numbers as int64, or as float64 if one needs it.

    Parameters
    ----------
    block : DataFrame of shape (n_rows, n_targets)
    begin : int
        The number of the first row, for messages.

    Returns
    -------
    ndarray of shape (n_rows, n_targets)
        Missing values are NaN.

    Raises
    ------
    InvalidInputError
        If a whole number is none of int64, or none of float64 where that is needed.

    Examples
    --------
    >>> import pandas as pd
    >>> target_numbers(pd.DataFrame({"y": [2**60 + 1, 4]}), 0).dtype
    dtype('int64')
    >>> whole = pd.array([1, None], dtype="Int64")
    >>> target_numbers(pd.DataFrame({"y": whole}), 0).ravel().tolist()
    [1.0, nan]
    """
    columns = [block.iloc[:, place] for place in range(block.shape[1])]
    whole = [column.dtype.kind in "iu" for column in columns]
    for column in (c for c, is_whole in zip(columns, whole, strict=True) if is_whole):
        _refuse_unsigned(column, begin)
    if all(whole) and not any(column.isna().any() for column in columns):
        return np.stack([column.to_numpy(np.int64) for column in columns], axis=1)
    parts = []
    for column, is_whole in zip(columns, whole, strict=True):
        if is_whole:
            seen = np.flatnonzero(column.notna())
            values = np.full(len(column), np.nan)
            numbers = column.iloc[seen].to_numpy(np.int64)
            values[seen] = as_floats(numbers, begin, rows=seen)
        else:
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        parts.append(values)
    return np.stack(parts, axis=1)


def as_floats(
    values: np.ndarray, begin: int, rows: np.ndarray | None = None
) -> np.ndarray:
    """Return int64 as float64; refuse numbers that would become others.

    Parameters
    ----------
    values : ndarray of int64, shape (n_rows, ...)
    begin : int
        The number of the first row, for messages.
    rows : ndarray of int, shape (n_rows,), default=None
        The row of each value after `begin`; None is one after another.
    """
    floats = values.astype(np.float64)
    within = floats < END
    lost = ~within | (np.where(within, floats, 0.0).astype(np.int64) != values)
    if lost.any():
        place = tuple(axis[0] for axis in np.nonzero(lost))
        row = place[0] if rows is None else rows[place[0]]
        raise InvalidInputError(
            "Expected whole numbers that float64 can hold, as the target also has "
            "missing values or fractions (in some block or column), got "
            f"{values[place]} in row {begin + row} of the target. {_ADVICE}"
        )
    return floats


def widen(file: Path, n_columns: int) -> None:
    """Turn int64 in a file into float64 of the same values, in place.

    Parameters
    ----------
    file : Path
    n_columns : int
        How many numbers a row has.
    """
    whole = np.memmap(file, np.int64, "r+").reshape(-1, n_columns)
    floats = whole.view(np.float64)
    step = max(1, MOVED // n_columns)
    for begin in range(0, len(whole), step):
        part = slice(begin, begin + step)
        floats[part] = as_floats(np.array(whole[part]), begin)


_ADVICE = (
    "If these are labels, turn them into text (astype(str)); if they are quantities, "
    "into floats (astype(float))."
)


def _refuse_unsigned(column: pd.Series, begin: int) -> None:
    """Refuse numbers above those of int64."""
    if column.dtype.kind != "u":
        return
    seen = np.flatnonzero(column.notna())
    large = column.iloc[seen].to_numpy(np.uint64) >= np.uint64(2**63)
    if large.any():
        row = seen[int(np.argmax(large))]
        raise InvalidInputError(
            f"Expected whole numbers below 2**63 in the target, got {column.iloc[row]} "
            f"in row {begin + row}. {_ADVICE}"
        )
