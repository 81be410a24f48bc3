"""Tables in files that are read a page at a time: data larger than memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from LNN.exceptions import InvalidInputError

from .pages import expect_scattered_reads

__all__ = ["FORMAT", "NAME", "StoredTable", "open_table"]

# The file that is written last: a folder without it is not complete.
NAME, FORMAT = "table.json", 1
# The arrays of a table: kinds of their numbers, and how many axes they have.
_KINDS = {
    "X": ("f", (2,)),
    "y": ("iuf", (1, 2)),
    "timestamps": ("iufmM", (1,)),
    "groups": ("i", (1,)),
    "row": ("i", (1,)),
}


@dataclass(frozen=True, eq=False)
class StoredTable:
    """Rows in files, to pass to `fit` and `predict` as if they were in memory.

    Attributes
    ----------
    X : DataFrame or ndarray of shape (n_rows, n_features)
        The inputs, in the memory map of a file: nothing is read before it is used. An
        array if the columns had no names.
    y : ndarray, Series or None
        The targets; text as categories.
    timestamps : ndarray, DatetimeIndex or None
    groups : Series or None
        The recording of each row. Rows of a recording lie together.
    row : ndarray of int64 or None
        The row of the source that each row was, if rows were moved.
    path : Path

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.data import store_table
    >>> data = np.random.default_rng(0).normal(size=(200, 3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = store_table(data, folder, target=2)
    ...     model = LiquidRegressor(8, epochs=1, random_state=0)
    ...     model = model.fit(table.X, table.y, **table.labels)
    ...     answers = model.predict(table[150:].X, **table[150:].labels)
    >>> len(answers)
    50
    """

    X: Any
    y: Any
    timestamps: Any
    groups: Any
    row: np.ndarray | None
    path: Path

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, rows: slice) -> StoredTable:
        """Return some of the rows; they stay in their files."""
        given: Any = rows
        if not isinstance(given, slice) or given.step not in (None, 1):
            raise InvalidInputError(
                f"Expected a slice of rows without a step, got {rows!r}. Write "
                "table[1000:2000], and table.X for the inputs."
            )
        parts: list[Any] = [self.y, self.timestamps, self.groups, self.row]
        y, times, groups, row = (None if p is None else p[rows] for p in parts)
        return StoredTable(self.X[rows], y, times, groups, row, self.path)

    def __repr__(self) -> str:
        return f"StoredTable({len(self):,} rows, {self.X.shape[1]} inputs, {self.path})"

    @property
    def labels(self) -> dict[str, Any]:
        """What says when and in which recording rows were, as arguments of `fit`."""
        return {"timestamps": self.timestamps, "groups": self.groups}


def open_table(folder: str | Path) -> StoredTable:
    """Open what `store_table` has written.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    StoredTable

    Raises
    ------
    InvalidInputError
        If the folder holds no such table, or not all of it.
    """
    path = Path(folder)
    if not (path / NAME).is_file():
        raise InvalidInputError(
            f"Expected a folder that store_table has written, got {path}, which holds "
            f"no {NAME}. Store the table first."
        )
    told = _description(path / NAME)
    parts = {
        name: _mapped(path / f"{name}.bin", part)
        for name, part in told["arrays"].items()
    }
    X: Any = parts["X"]
    # Training reads windows here and there; what is read in a row is announced.
    expect_scattered_reads(X)
    if told["names"] is not None:
        # A frame of one type is a view of its array.
        X = pd.DataFrame(X, columns=told["names"], copy=False)
    times = parts.get("timestamps")
    y, groups = parts.get("y"), parts.get("groups")
    try:
        if told["zone"] is not None:
            times = pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(told["zone"])
        if told["classes"] is not None:
            y = _named(y, told["classes"])
        if groups is not None:
            groups = _named(groups, told["groups"])
    except (TypeError, ValueError, LookupError, OSError) as error:
        raise _damaged(path / NAME, str(error)) from error
    return StoredTable(X, y, times, groups, parts.get("row"), path)


def _description(file: Path) -> dict[str, Any]:
    """Return what tells of the files; refuse what `store_table` never wrote."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _damaged(file, str(error)) from error
    if not isinstance(told, dict) or "format" not in told:
        raise _damaged(file, "it names no format")
    if told["format"] != FORMAT:
        raise InvalidInputError(
            f"Expected a table of format {FORMAT}, got {told['format']} in "
            f"{file.parent}. Store it again with this version of LNN."
        )
    arrays, lists = told.get("arrays"), ("names", "classes", "groups")
    if not isinstance(arrays, dict) or "X" not in arrays:
        raise _damaged(file, "it names no inputs")
    wrong = [name for name in arrays if not _is_array(name, arrays[name])]
    if wrong:
        raise _damaged(file, f"its array {wrong[0]!r} is of another kind")
    if len({part["shape"][0] for part in arrays.values()}) > 1:
        raise _damaged(file, "its arrays differ in their number of rows")
    if any(not isinstance(told.get(n, 0), list | None) for n in lists):
        raise _damaged(file, "its names, classes or groups are no lists")
    if told["names"] is not None and len(told["names"]) != arrays["X"]["shape"][1]:
        raise _damaged(file, "it has not one name for each input")
    if not isinstance(told.get("zone", 0), str | None):
        raise _damaged(file, "its time zone is no name")
    return told


def _is_array(name: str, part: Any) -> bool:
    """Tell whether `store_table` may have written an array of this description."""
    if name not in _KINDS or not isinstance(part, dict):
        return False
    shape = part.get("shape")
    if not isinstance(shape, list) or not shape:
        return False
    if not all(type(n) is int and n > 0 for n in shape):
        return False
    try:
        kind = np.dtype(part.get("dtype", "O")).kind
    except TypeError:
        return False
    kinds, axes = _KINDS[name]
    return kind in kinds and len(shape) in axes


def _damaged(file: Path, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"Expected {file} as store_table wrote it, got a damaged one: {why}. Store the "
        "table again."
    )


def _named(codes: Any, labels: list[Any]) -> pd.Series:
    """Return labels by their codes, which stay in their file."""
    return pd.Series(pd.Categorical.from_codes(codes, labels), copy=False)


def _mapped(file: Path, part: dict[str, Any]) -> np.ndarray:
    """Return the array in a file, which stays there."""
    dtype, shape = np.dtype(part["dtype"]), tuple(part["shape"])
    size = dtype.itemsize * int(np.prod(shape))
    there = file.stat().st_size if file.is_file() else 0
    if there != size:
        raise InvalidInputError(
            f"Expected {size} bytes in {file}, got {there}: the table is not complete. "
            "Store it again."
        )
    held = np.memmap(file, dtype, "r", shape=shape)
    return np.asarray(held)
