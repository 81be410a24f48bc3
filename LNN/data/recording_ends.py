"""Which recordings there are, and when each begins and ends."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .timestamps import plain_stamps

__all__ = ["RecordingEnds"]

_PLAIN = (bool, int, float, str)


@dataclass(frozen=True, eq=False)
class RecordingEnds:
    """The recordings of some rows, in the order of their positions.

    Attributes
    ----------
    labels : list of tuple, or None
        What the caller calls each, one part per level; None if there are no names.
    first, last : ndarray, or None
        Time stamps of the first and the last row of each: numbers, datetime64 (of time
        zones in UTC) or timedelta64; None without time stamps.
    zoned : bool
        Whether the time stamps had a time zone.
    """

    labels: list[tuple[Hashable, ...]] | None
    first: np.ndarray | None
    last: np.ndarray | None
    zoned: bool = False

    @classmethod
    def of(
        cls,
        levels: list[Any] | None,
        stamps: Any,
        is_first: np.ndarray,
        order: np.ndarray | None,
    ) -> RecordingEnds:
        """Look at the first and the last row of each recording.

        Parameters
        ----------
        levels : list of array-like of shape (n_rows,), or None
            The parts of the recordings' names, in the caller's order.
        stamps : array-like of shape (n_rows,), or None
            Time stamps in the caller's order.
        is_first : ndarray of bool, shape (n_rows,)
            Positions at which a recording begins.
        order : ndarray of int, shape (n_rows,), or None
            Position ``k`` holds row ``order[k]``.
        """
        begins = np.flatnonzero(is_first)
        ends = np.append(begins[1:], len(is_first)) - 1
        if order is not None:
            begins, ends = order[begins], order[ends]
        labels = None
        if levels is not None:
            parts = [map(_plain_label, _picked(level, begins)) for level in levels]
            labels = list(zip(*parts, strict=True))
        if stamps is None:
            return cls(labels, None, None)
        first, zoned = plain_stamps(_picked(stamps, begins))
        last, _ = plain_stamps(_picked(stamps, ends))
        return cls(labels, first, last, zoned)

    def __len__(self) -> int:
        found = self.labels if self.labels is not None else self.first
        return 1 if found is None else len(found)


def _picked(column: Any, rows: np.ndarray) -> pd.Index:
    """Return some rows of a column of any kind, without converting the others."""
    if isinstance(column, pd.DataFrame):
        column = column.iloc[:, 0]
    if isinstance(column, pd.Series):
        picked = column.iloc[rows]
        # An Index of a Series of objects warns that it will not tell dates any more.
        return pd.Index(picked.to_numpy() if picked.dtype == object else picked)
    if isinstance(column, pd.Index | pd.api.extensions.ExtensionArray):
        return pd.Index(column[rows])
    if hasattr(column, "__array__"):
        return pd.Index(np.ravel(column)[rows])
    column = list(column)
    picked = [column[row] for row in rows.tolist()]
    nested = isinstance(picked[0], list | np.ndarray)  # of shape (n, 1)
    return pd.Index([row[0] for row in picked] if nested else picked)


def _plain_label(label: Any) -> Hashable:
    """Return numbers and text as Python's own; other labels stay what they are."""
    if isinstance(label, np.generic):
        label = label.item()
    kind = next((kind for kind in _PLAIN if isinstance(label, kind)), None)
    return label if kind is None else kind(label)
