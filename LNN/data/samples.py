"""Sequences that come as samples: 3-D arrays and lists of recordings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_array

from LNN.exceptions import InvalidInputError

from .non_numeric import naming_non_numeric, refuse_times, without_mask
from .padding import advice_on_padding, warn_if_padded
from .row_store import BlockRows, CubeRows, Rows, SelectedRows, with_anchors
from .sequence_set import Layout, SequenceSet
from .tables import (
    Columns,
    Table,
    check_finite,
    find_columns,
    group_codes,
    in_threads,
    read_table,
)
from .time_index import (
    time_of_recording,
    warn_of_ignored_numbers,
    warn_of_written_dates,
)
from .timestamps import plain_array, read_time

__all__ = ["check_recording", "check_same_names", "is_keyed", "read_recordings"]


def read_recordings(
    X: Any,
    layout: Layout,
    *,
    labels: tuple[Any, Any, Any],
    timestamps: Any,
    groups: Any,
    per_step: bool,
    allow_missing: bool,
    n_jobs: int | None,
    name: str,
) -> SequenceSet:
    """Read a 3-D array or a list of recordings; see `read_sequences`."""
    if layout == "cube":
        rows, columns, lengths, time, owners = _read_cube(X, labels, name)
    else:
        how = timestamps is not None, n_jobs, name
        rows, columns, lengths, time, owners = _read_list(X, labels, *how)
    n_samples, ends = len(lengths), np.cumsum(lengths)
    start, place = ends - lengths, _Steps(ends)
    check_finite(
        rows,
        place=place,
        columns=columns,
        name=name,
        n_jobs=n_jobs,
        allow_missing=allow_missing,
        hint=lambda: advice_on_padding(rows, start, ends, X, name),
    )
    # Only an array has to be padded; in a list each sequence is as long as it is.
    if layout == "cube":
        warn_if_padded(
            rows, n_samples, name, gaps_allowed=allow_missing, per_step=per_step
        )
    is_first = np.zeros(rows.n_rows, dtype=bool)
    is_first[start] = True
    stamps = time if timestamps is None else _joined_stamps(timestamps, lengths)
    source = _source(timestamps, columns)
    timed: dict[str, Any] = {"elapsed": None}
    if stamps is not None:
        timed = read_time(stamps, is_first, source, place=place)
    owners = owners if groups is None else groups
    if owners is not None:
        owners = group_codes(owners, n_samples, unit="sample")
    inputs, anchors = with_anchors(rows, columns.anchors, is_first)
    # Each sample is a recording: neither gaps nor changes cross from one to the next.
    return SequenceSet(
        rows=inputs,
        recording=np.repeat(np.arange(n_samples), lengths),
        start=start,
        length=lengths,
        first_target=np.zeros_like(lengths) if per_step else lengths - 1,
        row_of_sample=np.arange(n_samples),
        layout=layout,
        columns=columns,
        anchor_rows=anchors,
        groups=owners,
        place=place,
        **timed,
    )


def _source(timestamps: Any, columns: Columns) -> str:
    if timestamps is not None:
        return "timestamps"
    return "the index" if columns.time is None else "the time column"


class _Steps:
    """Words for a position: which step of which sample."""

    def __init__(self, ends: np.ndarray) -> None:
        self.ends = ends

    def __call__(self, position: int) -> str:
        sample = int(np.searchsorted(self.ends, position, side="right"))
        begin = int(self.ends[sample - 1]) if sample else 0
        return f"time step {position - begin} of sample {sample}"


def _read_cube(
    X: Any, labels: tuple[Any, Any, Any], name: str
) -> tuple[Rows, Columns, np.ndarray, Any, Any]:
    if np.ndim(X) != 3:
        raise InvalidInputError(
            f"Expected {name} of shape (n_rows, n_features) or (n_samples, "
            f"n_timesteps, n_features), got shape {np.shape(X)}. Reshape it; images "
            "need an encoder in front."
        )
    X = without_mask(X)
    refuse_times(X, name)
    checks = {"dtype": "numeric", "ensure_all_finite": False, "allow_nd": True}
    with naming_non_numeric(X, name):
        values = np.asarray(check_array(X, input_name=name, **checks))
    n_samples, n_timesteps, n_features = values.shape
    if not n_timesteps or not n_features:
        raise InvalidInputError(
            f"Expected at least one time step and one feature in {name}, got shape "
            f"{values.shape}. Drop empty sequences."
        )
    columns = find_columns(values, n_features, *labels)
    rows: Rows = CubeRows(values)
    if not columns.all_inputs:
        rows = SelectedRows(rows, columns.inputs)
    lengths = np.full(n_samples, n_timesteps, dtype=np.int64)
    time = None if columns.time is None else values[:, :, columns.time].ravel()
    owners = None
    if columns.group is not None:
        owners = values[:, 0, columns.group]
        same = (values[:, :, columns.group] == owners[:, None]).all(axis=1)
        _refuse_mixed_groups(same)
    return rows, columns, lengths, time, owners


def _read_list(
    X: Any, labels: tuple[Any, Any, Any], timed: bool, n_jobs: int | None, name: str
) -> tuple[Rows, Columns, np.ndarray, Any, Any]:
    for number, item in enumerate(X):
        check_recording(item, f"{name}[{number}]")
    shapes = [np.shape(item) for item in X]
    _check_widths(shapes, name)
    columns = find_columns(X[0], shapes[0][1], *labels)
    check_same_names(X, name)

    def read(number: int) -> Table:
        return read_table(X[number], columns, name=f"{name}[{number}]", min_samples=1)

    tables = in_threads(read, range(len(X)), n_jobs)
    lengths = np.array([len(table.values) for table in tables], dtype=np.int64)
    return (
        _block_rows(tables),
        columns,
        lengths,
        None if timed else _time_of(tables, name),
        _owners_of(tables),
    )


def check_recording(item: Any, what: str) -> None:
    """Raise unless an element of a list is a table with rows and columns."""
    # First: numpy cannot tell the shape of such a pair.
    if is_keyed(item):
        raise InvalidInputError(
            f"Expected {what} to be a recording, got a pair of a label and a frame: "
            "list(X.groupby(...)) gives these. Keep the frames: [frame for _, frame "
            "in X.groupby(...)]."
        )
    shape = np.shape(item)
    if len(shape) == 1 and shape[0]:
        one, table = "numpy.reshape(x, (-1, 1))", "numpy.stack(X)"
        if isinstance(item, pd.Series):
            one, table = "x.to_frame()", "pandas.DataFrame(X)"
        raise InvalidInputError(
            f"Expected {what} of shape (n_timesteps, n_features), got "
            f"{type(item).__name__} of shape {shape}. For recordings with one feature "
            f"pass [{one} for x in X], for the rows of one table {table}."
        )
    if len(shape) not in (1, 2):
        raise InvalidInputError(
            f"Expected {what} of shape (n_timesteps, n_features), got shape {shape}. "
            "Pass a list with one 2-D array per recording."
        )
    if 0 in shape:
        raise InvalidInputError(
            f"Expected at least one time step and one feature in {what}, got an empty "
            f"recording of shape {shape}. Drop it from the list."
        )


def is_keyed(item: Any) -> bool:
    """Tell whether an element of a list is a pair of a label and a frame."""
    pair = isinstance(item, tuple) and len(item) == 2
    return pair and hasattr(item[1], "columns")


def _check_widths(shapes: list[tuple[int, ...]], name: str) -> None:
    width = shapes[0][1]
    odd = next((k for k, shape in enumerate(shapes) if shape[1] != width), None)
    if odd is None:
        return
    hint = "Give all recordings the same columns."
    if len({shape[0] for shape in shapes}) == 1:
        hint = (
            "This looks like (channels, time): transpose each recording, "
            f"{name} = [x.T for x in {name}]."
        )
    raise InvalidInputError(
        f"Expected the same number of features in every recording of {name}, got "
        f"{width} in {name}[0] (shape {shapes[0]}) and {shapes[odd][1]} in "
        f"{name}[{odd}] (shape {shapes[odd]}). {hint}"
    )


def check_same_names(X: Any, name: str) -> None:
    """Raise unless all frames of a list have the columns of the first."""
    if not isinstance(X[0], pd.DataFrame):
        return
    for number, item in enumerate(X):
        same = isinstance(item, pd.DataFrame) and item.columns.equals(X[0].columns)
        if not same:
            got = list(getattr(item, "columns", [])) or f"a {type(item).__name__}"
            raise InvalidInputError(
                f"Expected {name}[{number}] to be a frame with the columns "
                f"{list(X[0].columns)} of {name}[0], got {got}. Select them in this "
                "order."
            )


def _block_rows(tables: list[Table]) -> Rows:
    first = tables[0].inputs
    alike = all((table.inputs is None) == (first is None) for table in tables)
    if alike:
        rows = BlockRows([table.values for table in tables])
        return rows if first is None else SelectedRows(rows, first)
    # Some frames were cut to their inputs, others not: only by copies do they line up.
    parts = (table.rows() for table in tables)
    return BlockRows([part.block(0, part.n_rows) for part in parts])


def _time_of(tables: list[Table], name: str) -> Any:
    if tables[0].time is not None:
        return _joined_parts([table.time for table in tables])
    found = [time_of_recording(table.index) for table in tables]
    timed = [index is not None for index in found]
    told = warn_of_written_dates(tables[0].index, as_list=True)
    if not any(timed):
        # One warning speaks for all: the frames of a list are mostly made alike.
        for table in tables:
            if told or warn_of_ignored_numbers(table.index, as_list=True):
                break
        return None
    if not all(timed):
        raise InvalidInputError(
            f"Expected a time index on every recording of {name}, got none on "
            f"{name}[{timed.index(False)}]. Give all of them one, or none, or pass "
            "timestamps."
        )
    return _joined_parts(found)


def _owners_of(tables: list[Table]) -> Any:
    if tables[0].groups is None:
        return None
    labels = [pd.Series(np.asarray(table.groups)) for table in tables]
    _refuse_mixed_groups(
        np.array([label.nunique(dropna=False) == 1 for label in labels])
    )
    return [label.iloc[0] for label in labels]


def _refuse_mixed_groups(same: np.ndarray) -> None:
    if not same.all():
        raise InvalidInputError(
            "Expected one group per sequence, got several in group_column of sample "
            f"{int(np.argmin(same))}. Split it into one sequence per group."
        )


def _joined_stamps(timestamps: Any, lengths: np.ndarray) -> Any:
    """Time stamps of shape (n, T) or a list of (T_i,), one after another."""
    timestamps = plain_array(timestamps)
    shape: tuple[int, ...] = ()
    if hasattr(timestamps, "shape"):
        shape = np.shape(timestamps)
    if len(shape) == 3 and shape[-1] == 1:
        timestamps, shape = timestamps[:, :, 0], shape[:2]
    if isinstance(timestamps, pd.DataFrame):
        timestamps = list(timestamps.itertuples(index=False, name=None))
    # One stamp per sequence, or one row for all: whose steps they are is not clear.
    if len(shape) == 1 and timestamps.dtype.kind != "O":
        raise InvalidInputError(_wrong_stamps(lengths, f"shape {shape}"))
    if len(timestamps) != len(lengths):
        raise InvalidInputError(_wrong_stamps(lengths, f"{len(timestamps)} sequences"))
    for number, stamps in enumerate(timestamps):
        if np.shape(stamps) != (lengths[number],):
            got = f"shape {np.shape(stamps)} for sample {number}"
            raise InvalidInputError(_wrong_stamps(lengths, got))
    if isinstance(timestamps, np.ndarray) and timestamps.ndim == 2:
        return timestamps.ravel()
    return _joined_parts(list(timestamps))


def _wrong_stamps(lengths: np.ndarray, got: str) -> str:
    return (
        f"Expected timestamps for {len(lengths)} sequences, shaped (n_samples, "
        "n_timesteps) or as a list with one time stamp per step of each, got "
        f"{got}. Pass the time stamps of the same steps."
    )


def _joined_parts(parts: list[Any]) -> Any:
    parts = [plain_array(part) for part in parts]
    if all(isinstance(part, np.ndarray) and part.dtype.kind in "iuf" for part in parts):
        return np.concatenate(parts)
    columns = [part if isinstance(part, pd.Index) else pd.Index(part) for part in parts]
    # Zones may differ between recordings: gaps are taken inside each.
    columns = [
        column.tz_convert("UTC")
        if isinstance(column, pd.DatetimeIndex) and column.tz is not None
        else column
        for column in columns
    ]
    return columns[0].append(columns[1:]) if len(columns) > 1 else columns[0]
