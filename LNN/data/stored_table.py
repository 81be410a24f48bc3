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
    told = json.loads((path / NAME).read_text(encoding="utf-8"))
    if told["format"] != FORMAT:
        raise InvalidInputError(
            f"Expected a table of format {FORMAT}, got {told['format']} in {path}. "
            "Store it again with this version of LNN."
        )
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
    if told["zone"] is not None:
        times = pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(told["zone"])
    y, groups = parts.get("y"), parts.get("groups")
    if told["classes"] is not None:
        y = _named(y, told["classes"])
    if groups is not None:
        groups = _named(groups, told["groups"])
    return StoredTable(X, y, times, groups, parts.get("row"), path)


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
