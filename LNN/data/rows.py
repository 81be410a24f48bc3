"""2-D data: the rows of one recording or several, and the windows over them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from LNN.exceptions import InvalidInputError

from .recording_ends import RecordingEnds
from .row_store import ReorderedRows, StackedRows, first_rows, with_anchors
from .sequence_set import SequenceSet
from .tables import (
    Columns,
    Table,
    check_finite,
    column_names,
    find_columns,
    group_codes,
    holds_objects,
    read_table,
)
from .time_index import (
    joined,
    refuse_time_before_last_level,
    split_multi_index,
    time_of_index,
    warn_if_shuffled,
    warn_of_ignored_numbers,
    warn_of_single_rows,
    warn_of_written_dates,
)
from .timestamps import read_time

__all__ = ["RowReader"]


@dataclass(frozen=True)
class _Recordings:
    """Which position holds which row of the caller, and where recordings begin."""

    codes: np.ndarray
    order: np.ndarray | None
    is_first: np.ndarray


@dataclass(frozen=True)
class RowReader:
    """Reads 2-D data; the fields are the arguments of `read_sequences`."""

    window: int | None
    stride: int
    timestamps: Any
    groups: Any
    context: Any
    allow_missing: bool
    n_jobs: int | None
    name: str

    def read(self, X: Any, labels: tuple[Any, Any, Any]) -> SequenceSet:
        """Read X; the labels are those of the columns of time, group and anchor."""
        self._check_arguments(labels)
        table, columns = self._table(X, labels, self.name, 1)
        parts = [table]
        if self.context is not None:
            # In front: the context is read as the rows that it is, only not predicted.
            parts.insert(0, self._context_table(X, columns))
        n_context = sum(len(part.values) for part in parts[:-1])
        base = StackedRows([p.rows() for p in parts]) if n_context else table.rows()
        by_index, owners, told = None, None, False
        known = self.groups is not None or table.groups is not None
        if isinstance(table.index, pd.MultiIndex):
            timed = self.timestamps is not None or table.time is not None
            if self.window != 1 and not (known and timed):
                refuse_time_before_last_level(table.index)
                told = warn_of_written_dates(table.index)
            by_index, owners = split_multi_index(_whole_index(parts))
            if n_context:
                parts = [_with_last_level(part) for part in parts]
        recordings = self._recordings(owners, parts)
        place = _RowWords(n_context)
        stamps, source = self._stamps(parts, by_index)
        time = self._time(stamps, source, parts, recordings, place)
        rows = base
        if recordings.order is not None:
            rows = ReorderedRows(base, recordings.order)
        inputs, anchors = with_anchors(rows, columns.anchors, recordings.is_first)
        if self.window is None:
            spans = _whole(recordings, n_context)
        else:
            spans = _windows(recordings, n_context, self.window, self.stride)
        if owners is not None and self.window != 1 and not told:
            warn_of_single_rows(table.index, recordings.is_first)
        ends = None
        if self.context is None and self.window != 1:
            levels = self._levels(table, by_index is not None)
            how = recordings.is_first, recordings.order
            # Asked for only where rows go on from others.
            ends = partial(RecordingEnds.of, levels, stamps, *how)
        last = spans["start"] + spans["length"] - 1
        return SequenceSet(
            rows=inputs,
            recording=recordings.codes,
            layout="rows",
            columns=columns,
            anchor_rows=anchors,
            groups=recordings.codes[last] if known or owners is not None else None,
            place=replace(place, order=recordings.order),
            ends=ends,
            start=spans["start"],
            length=spans["length"],
            first_target=spans["first_target"],
            row_of_sample=spans["row_of_sample"],
            row_of_position=spans.get("row_of_position"),
            **time,
        )

    def _check_arguments(self, labels: tuple[Any, Any, Any]) -> None:
        anchor = labels[2]
        if self.window == 1 and self.timestamps is not None:
            raise InvalidInputError(
                "Expected no timestamps with window_length=1, got some: rows are "
                "independent then, so there is no time between them. Use a longer "
                "window_length or leave the timestamps out."
            )
        if self.window == 1 and anchor is not None:
            raise InvalidInputError(
                "Expected no anchor with window_length=1, got one: rows are "
                "independent then, so there is no change from the row before. Use a "
                "longer window_length."
            )
        if self.context is not None and self.groups is not None:
            raise InvalidInputError(
                "Expected no groups with context, got both: context and "
                f"{self.name} are one recording. Leave groups out; for several "
                f"recordings predict all rows, {_all_rows(self.name)}, with their "
                "groups."
            )

    def _table(
        self, X: Any, labels: tuple[Any, Any, Any], name: str, min_samples: int
    ) -> tuple[Table, Columns]:
        # Time and groups among objects need not be numbers.
        apart = labels[:2] != (None, None) and holds_objects(X)
        if not isinstance(X, pd.DataFrame) and not apart:
            # Checked first: a column can only be looked for in something 2-D.
            plain = find_columns(X, 0, None, None, None)
            X = read_table(X, plain, name=name, min_samples=min_samples).values
        columns = find_columns(X, X.shape[1], *labels)
        table = read_table(X, columns, name=name, min_samples=min_samples)
        check_finite(
            table.rows(),
            place=lambda row: f"row {row}",
            columns=columns,
            name=name,
            n_jobs=self.n_jobs,
            allow_missing=self.allow_missing,
        )
        return table, columns

    def _context_table(self, X: Any, columns: Columns) -> Table:
        time, group = columns.time, columns.group
        if columns.names is not None and isinstance(self.context, pd.DataFrame):
            names = column_names(self.context)
            if names is None or list(names) != list(columns.names):
                raise InvalidInputError(
                    f"Expected context with the columns {list(columns.names)} of "
                    f"{self.name}, got {list(self.context.columns)}. Select them in "
                    "this order."
                )
        width = np.shape(self.context)[1:]
        if width != (columns.n_features_in,):
            raise InvalidInputError(
                f"Expected context of shape (n_rows, {columns.n_features_in}) as "
                f"{self.name}, got shape {np.shape(self.context)}. Pass rows with the "
                "same columns."
            )
        if isinstance(self.context, pd.DataFrame):
            labels = self.context.columns
            time = None if time is None else labels[time]
            group = None if group is None else labels[group]
        # It may be empty: context=X[:0] says that a cold start is meant.
        return self._table(self.context, (time, group, None), "context", 0)[0]

    def _recordings(self, owners: Any, parts: list[Table]) -> _Recordings:
        n_rows = sum(len(part.values) for part in parts)
        # What the caller names comes before the levels of an index.
        codes = owners
        if self.groups is not None:
            codes = group_codes(self.groups, n_rows, unit="row")
        elif parts[-1].groups is not None:
            labels = joined([part.groups for part in parts])
            codes = group_codes(labels, n_rows, unit="row", name="group_column")
        if self.context is not None and codes is not None and codes.any():
            raise InvalidInputError(
                f"Expected context and {self.name} to be one recording, got rows of "
                f"{int(codes.max()) + 1}. For several predict all rows, "
                f"{_all_rows(self.name)}: windows never cross a recording."
            )
        # Windows are spans, so rows of a recording must lie together; rows that do are
        # not moved. Stable, since the order inside a recording is that of time.
        order = None
        if codes is None:
            codes = np.zeros(n_rows, dtype=np.int64)
        elif (np.diff(codes) < 0).any():
            order = np.argsort(codes, kind="stable")
            codes = codes[order]
        return _Recordings(codes, order, first_rows(codes))

    def _levels(self, table: Table, timed: bool) -> list[Any] | None:
        """Return the names of the rows' recordings, level by level."""
        if self.groups is not None:
            return [self.groups]
        if table.groups is not None:
            return [table.groups]
        index = table.index
        if not isinstance(index, pd.MultiIndex):
            return None
        return [index.get_level_values(k) for k in range(index.nlevels - timed)]

    def _stamps(self, parts: list[Table], by_index: pd.Index | None) -> tuple[Any, str]:
        """Return the time stamps, if there are any, and where they stood."""
        if self.window == 1:
            return None, ""
        # What was passed or named comes before what the index happens to hold.
        if parts[-1].time is not None:
            return joined([part.time for part in parts]), "the time column"
        if self.timestamps is not None:
            return self.timestamps, "timestamps"
        stamps = time_of_index(parts)
        if by_index is None:
            return stamps, "the index"
        return by_index if stamps is None else stamps, "the last level of the index"

    def _time(
        self,
        stamps: Any,
        name: str,
        parts: list[Table],
        recordings: _Recordings,
        place: _RowWords,
    ) -> dict[str, Any]:
        if self.window == 1:
            return {"elapsed": None}
        if stamps is None:
            index, order = parts[-1].index, recordings.order
            is_first = recordings.is_first
            if isinstance(index, pd.MultiIndex) or not warn_of_written_dates(index):
                warn_if_shuffled(index, order, is_first)
                warn_of_ignored_numbers(index, order, is_first)
            return {"elapsed": None}
        n_rows = len(recordings.codes)
        if np.shape(stamps)[:1] != (n_rows,):
            of = "one per row"
            if place.n_context:
                of = "the context's first, then those of X"
            raise InvalidInputError(
                f"Expected timestamps of shape ({n_rows},), {of}, got shape "
                f"{np.shape(stamps)}. Pass the time stamps of the same rows."
            )
        how = {"order": recordings.order, "place": place, "name": name}
        return read_time(stamps, recordings.is_first, name, **how)


@dataclass(frozen=True)
class _RowWords:
    """Words for a row as the caller counts it, or for the position of a row."""

    n_context: int
    order: np.ndarray | None = None

    def __call__(self, number: int) -> str:
        row = number if self.order is None else int(self.order[number])
        if row < self.n_context:
            return f"row {row} of context"
        return f"row {row - self.n_context}" + (" of X" if self.n_context else "")


def _windows(
    recordings: _Recordings, n_context: int, window: int, stride: int
) -> dict[str, np.ndarray]:
    """Spans of the windows that end at each target row, in the caller's row order."""
    n = len(recordings.codes)
    begins = np.flatnonzero(recordings.is_first)
    ends = np.append(begins[1:], n)
    # Counted from the end: the latest row of each recording has a window.
    if len(begins) == 1:
        first = n_context + (n - n_context - 1) % stride
        target = np.arange(first, n, stride)
        begin: np.ndarray | int = 0
    else:
        rank = np.repeat(np.arange(len(begins)), ends - begins)
        target = np.flatnonzero((ends[rank] - 1 - np.arange(n)) % stride == 0)
        begin = begins[rank[target]]
    row = target - n_context if recordings.order is None else recordings.order[target]
    # The first windows of a recording are shorter: they never reach into another one.
    start = np.maximum(target - (window - 1), begin)
    if recordings.order is not None:
        by_row = np.argsort(row)
        row, start, target = row[by_row], start[by_row], target[by_row]
    length = target - start
    first_target = length.copy()
    length += 1
    return {
        "start": start,
        "length": length,
        "first_target": first_target,
        "row_of_sample": row,
    }


def _whole(recordings: _Recordings, n_context: int) -> dict[str, np.ndarray]:
    """One span for each recording, all of whose rows have targets but the context."""
    n = len(recordings.codes)
    start = np.flatnonzero(recordings.is_first)
    length = np.diff(np.append(start, n))
    row = np.arange(n) if recordings.order is None else recordings.order
    # Only one recording has a context.
    first_target = np.full(len(start), n_context)
    return {
        "start": start,
        "length": length,
        "first_target": first_target,
        "row_of_sample": np.arange(len(start)),
        "row_of_position": np.maximum(row - n_context, -1),
    }


def _whole_index(parts: list[Table]) -> pd.MultiIndex:
    """Return the index of X, after that of the context if there is any."""
    index: Any = parts[-1].index
    for part in parts[:-1]:
        if not len(part.values):
            continue
        before: Any = part.index
        levels = getattr(before, "nlevels", 0)
        if levels != index.nlevels:
            raise InvalidInputError(
                f"Expected context with an index of {index.nlevels} levels as that of "
                f"X, {list(index.names)}, got {levels}. Take both from one table: "
                "X.loc[[name]] keeps all levels, X.loc[name] drops the first."
            )
        index = before.append(index)
    return index


def _with_last_level(part: Table) -> Table:
    """Return rows of one recording with the last level as their index."""
    index: Any = part.index
    multi = isinstance(index, pd.MultiIndex)
    return replace(part, index=index.get_level_values(-1)) if multi else part


def _all_rows(name: str) -> str:
    return f"predict(pandas.concat([context, {name}]))[len(context):]"
