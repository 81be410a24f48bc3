"""One border for containers: whatever holds data, the package reads numpy and pandas.

Frames of polars, pyarrow and the like become `pandas.DataFrame`, since an index, which
may hold the time, exists only there; columns that pandas keeps in Arrow's memory become
numpy's. Dates, time stamps and durations then are the same everywhere. Everything that
reads data calls `plain` at its door; nothing behind a door knows of other containers.
"""

from __future__ import annotations

import datetime
import sys
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from LNN.exceptions import InvalidInputError

__all__ = ["frame_like", "plain"]

# Elements of lists that no container holds.
_SIMPLE = (
    *(np.ndarray, np.generic, list, tuple, str, float, int, type(None)),
    *(datetime.date, datetime.timedelta),
)
# A frame of one of these kinds is one array.
_NUMBERS = (nw.Float64, nw.Float32, nw.Int64, nw.Int32, nw.Int16, nw.Int8, nw.UInt8)
# Numbers that numpy has no type for.
_NO_ARRAY = (nw.Decimal, nw.Int128, nw.UInt128)
# Cells of a column that are sequences themselves. A tuple is a label of a recording.
_NESTED = (np.ndarray, list, pd.Series, pd.DataFrame, pd.Index)


def plain(data: Any) -> Any:
    """Return data of any container as arrays, lists, and frames that numpy holds.

    Parameters
    ----------
    data : any object
        Frames and Series of pandas, polars, pyarrow and of other libraries that
        `narwhals` knows, indices, or lists of these.

    Returns
    -------
    any object
        ``pandas.DataFrame`` or ``Series`` for tables and columns, a list for a column
        of arrays and for a frame whose cells are sequences; anything else unchanged.

    Raises
    ------
    InvalidInputError
        If the data are not in memory yet (a lazy frame), or if the sequences in one row
        of a nested frame differ in length.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> column = pd.Series([np.zeros((2, 1)), np.zeros((3, 1))])
    >>> [x.shape for x in plain(column)]
    [(2, 1), (3, 1)]
    """
    if isinstance(data, np.ndarray):
        if data.dtype.names is not None and data.ndim == 1:  # a table of records
            return pd.DataFrame.from_records(data)
        boxes = data.dtype == object and data.ndim == 1 and not _are_plain(data)
        return _plain_items(data) if boxes else data
    if isinstance(data, list | tuple):
        return data if _are_plain(data) else _plain_items(data)
    if isinstance(data, pd.DataFrame):
        return _plain_frame(data)
    if isinstance(data, pd.Series):
        return _plain_series(data)
    if isinstance(data, pd.Index):
        return _plain_index(data)
    if isinstance(data, pd.api.extensions.ExtensionArray):
        return _plain_series(pd.Series(data, copy=False)).array
    return _from_elsewhere(data)


def frame_like(values: np.ndarray, frame: Any) -> Any:
    """Return values as a frame of the kind of another one, with its columns and index.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
    frame : any object
        What the values came from; if it is not a frame, they are returned unchanged.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> frame_like(np.zeros((1, 1)), pd.DataFrame({"a": [1]})).loc[0, "a"]
    np.float64(0.0)
    """
    if isinstance(frame, pd.DataFrame):
        return pd.DataFrame(values, index=frame.index, columns=frame.columns)
    if isinstance(frame, np.ndarray):
        return values
    known = nw.from_native(_as_table(frame), eager_only=True, pass_through=True)
    if not isinstance(known, nw.DataFrame):
        return values
    columns = dict(zip(known.columns, values.T, strict=True))
    return nw.from_dict(columns, backend=known.implementation).to_native()


def _are_plain(items: Any) -> bool:
    """Tell whether a list holds nothing that has to be made plain."""
    # Types, of which there are few: lists of labels are as long as the data.
    return all(issubclass(kind, _SIMPLE) for kind in {type(item) for item in items})


def _plain_items(items: Any) -> list:
    return [plain(item) for item in items]


def _from_elsewhere(data: Any) -> Any:
    """Return a frame or column of another library as pandas'; others unchanged."""
    data = _as_table(data)
    known = nw.from_native(data, allow_series=True, pass_through=True)
    if isinstance(known, nw.LazyFrame):
        raise InvalidInputError(
            f"Expected data in memory, got a lazy frame ({type(data).__module__}"
            f".{type(data).__name__}). Call its collect() or compute() first."
        )
    if isinstance(known, nw.Series):
        if known.implementation.is_pandas_like():
            return _plain_series(known.to_pandas())
        return _plain_series(pd.Series(_column(known), name=known.name or None))
    if not isinstance(known, nw.DataFrame):
        return data
    if known.implementation.is_pandas_like():  # it has an index of its own
        return _plain_frame(known.to_pandas())
    kinds = set(known.schema.values())
    if len(kinds) == 1 and kinds.pop() in _NUMBERS:
        return pd.DataFrame(known.to_numpy(), columns=known.columns)
    columns = {name: _column(known[name]) for name in known.columns}
    return _plain_frame(pd.DataFrame(columns, columns=known.columns))


def _as_table(data: Any) -> Any:
    """Return arrays and batches of pyarrow as the columns and tables they belong in."""
    # Where data are pyarrow's it has been imported, which takes long.
    arrow = sys.modules.get("pyarrow")
    if arrow is None:
        return data
    if isinstance(data, arrow.Scalar):
        return data.as_py()
    if isinstance(data, arrow.Array):
        return arrow.chunked_array([data])
    if isinstance(data, arrow.RecordBatch):
        data = arrow.Table.from_batches([data])
    if isinstance(data, arrow.Table) and len(set(data.column_names)) < data.num_columns:
        raise InvalidInputError(
            f"Expected a table whose columns have names of their own, got "
            f"{data.column_names[:20]}. Rename them (rename_columns)."
        )
    return data


def _plain_frame(frame: pd.DataFrame) -> Any:
    nested = [place for place in range(frame.shape[1]) if _is_nested(frame, place)]
    if nested:
        return _recordings_in(frame, nested)
    index = _plain_index(frame.index)
    if index is frame.index and not any(map(_is_boxed, frame.dtypes)):
        return frame
    # By number: names may repeat.
    columns = {
        place: _plain_values(frame.iloc[:, place]) for place in range(frame.shape[1])
    }
    found = pd.DataFrame(columns, index=index)
    found.columns = frame.columns
    return found


def _plain_series(series: pd.Series) -> Any:
    if len(series) and series.dtype == object and _holds_sequences(series):
        return _plain_items(series)
    index = _plain_index(series.index)
    if index is series.index and not _is_boxed(series.dtype):
        return series
    return pd.Series(_plain_values(series), index=index, name=series.name)


def _plain_index(index: pd.Index) -> pd.Index:
    if isinstance(index, pd.MultiIndex):
        levels = [_plain_index(level) for level in index.levels]
        if all(new is old for new, old in zip(levels, index.levels, strict=True)):
            return index
        return index.set_levels(levels)
    if not _is_boxed(index.dtype):
        return index
    return pd.Index(_plain_values(index.to_series()), name=index.name)


def _is_boxed(dtype: Any) -> bool:
    """Tell whether Arrow holds a column, or categories that are times."""
    if isinstance(dtype, pd.CategoricalDtype):
        kind = dtype.categories.dtype
        return _is_boxed(kind) or getattr(kind, "kind", "O") in "mM"
    return isinstance(dtype, pd.ArrowDtype)


def _plain_values(series: pd.Series) -> Any:
    """Return a pandas column as numpy holds it; times keep unit and zone."""
    if isinstance(series.dtype, pd.CategoricalDtype) and _is_boxed(series.dtype):
        categories = _plain_index(series.cat.categories)
        return categories.take(series.cat.codes.to_numpy(), fill_value=pd.NaT)
    if not isinstance(series.dtype, pd.ArrowDtype):
        return series.array
    return _column(nw.from_native(series, series_only=True))


def _column(series: nw.Series) -> Any:
    """Return a column of any library as an array, or an index of times with a zone."""
    kind = series.dtype
    if kind == nw.Categorical or kind == nw.Enum:
        series = series.cast(nw.String)
    elif kind in _NO_ARRAY or (kind == nw.Boolean and series.null_count()):
        # numpy's booleans have no gap; as numbers a gap is NaN.
        series = series.cast(nw.Float64)
    elif kind in (nw.List, nw.Array, nw.Struct):
        return _cells(series.to_list())
    values = series.to_numpy()
    if kind == nw.Date:
        return pd.to_datetime(values)
    zone = getattr(kind, "time_zone", None)
    if kind == nw.Datetime and zone is not None:
        # numpy has no zones: what it holds is universal time.
        return pd.DatetimeIndex(values).tz_localize("UTC").tz_convert(zone)
    return values


def _cells(values: list) -> np.ndarray:
    """Return a column of objects, lists among them as arrays."""
    cells = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        cells[row] = np.asarray(value) if isinstance(value, list) else value
    return cells


def _holds_sequences(cells: pd.Series) -> bool:
    """Tell whether the first cell that holds anything is a sequence."""
    for cell in cells:
        if isinstance(cell, _NESTED):
            return True
        if cell is not None and cell is not pd.NA:
            return False
    return False


def _is_nested(frame: pd.DataFrame, place: int) -> bool:
    dtype = frame.dtypes.iloc[place]
    if isinstance(dtype, pd.ArrowDtype):
        return nw.from_native(frame.iloc[:, place], series_only=True).dtype.is_nested()
    return dtype.kind == "O" and _holds_sequences(frame.iloc[:, place])


def _recordings_in(frame: pd.DataFrame, nested: list[int]) -> list[pd.DataFrame]:
    """Return the recordings of a frame whose cells are sequences, as in sktime."""
    others = [frame.columns[k] for k in range(frame.shape[1]) if k not in nested]
    if others:
        raise InvalidInputError(
            f"Expected a sequence in every cell, or in none, got single values in the "
            f"columns {others} beside sequences in {frame.columns[nested[0]]!r}. Pass "
            "a list with one table (T_i, n_features) per sample, in which such values "
            "are repeated at every step."
        )
    columns = [frame.iloc[:, place].tolist() for place in range(frame.shape[1])]
    return [
        _recording(cells, frame.columns, row)
        for row, cells in enumerate(zip(*columns, strict=True))
    ]


def _recording(cells: tuple, columns: pd.Index, row: int) -> pd.DataFrame:
    lengths = [len(cell) if isinstance(cell, _NESTED) else None for cell in cells]
    for place, length in enumerate(lengths):
        if length is None or length != lengths[0]:
            got = cells[place] if length is None else f"{length} steps"
            raise InvalidInputError(
                f"Expected sequences of one length in a row of the nested frame, got "
                f"{lengths[0]} steps in column {columns[0]!r} of row {row} and {got} "
                f"in column {columns[place]!r}. Channels with clocks of their own need "
                "one table with all time stamps and NaN between."
            )
    first = cells[0]
    index = first.index if isinstance(first, pd.Series) else None
    values = {place: np.asarray(cell) for place, cell in enumerate(cells)}
    found = pd.DataFrame(values, index=index)
    found.columns = columns
    return _plain_frame(found)
