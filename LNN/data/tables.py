"""One table of the caller: its columns, its checks, and who owns its rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import joblib
import numpy as np
import pandas as pd
from sklearn.utils import check_array

from LNN.exceptions import InvalidInputError

from .non_numeric import naming_non_numeric, refuse_times, without_mask
from .row_store import ArrayRows, Rows, SelectedRows

__all__ = [
    "Columns",
    "Table",
    "check_finite",
    "column_names",
    "find_columns",
    "group_codes",
    "holds_objects",
    "in_threads",
    "read_table",
]

# Values per chunk of a check: large enough to be quick, small enough for the cache.
_CHUNK_VALUES = 2**20

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Columns:
    """Which columns of X are what, by number; ``inputs`` are what the network reads."""

    n_features_in: int
    names: np.ndarray | None
    time: int | None
    group: int | None
    inputs: np.ndarray
    anchors: np.ndarray | None

    def describe(self, column: int) -> str:
        """Return words for an input column, for messages."""
        number = int(self.inputs[column])
        return f"column {number}" + (
            "" if self.names is None else f" ({str(self.names[number])!r})"
        )

    @property
    def input_names(self) -> np.ndarray | None:
        """Names of the inputs, if the columns have names."""
        return None if self.names is None else self.names[self.inputs]

    @property
    def all_inputs(self) -> bool:
        """Whether every column of X is an input."""
        return len(self.inputs) == self.n_features_in


@dataclass(frozen=True)
class Table:
    """One table: its checked values, where the inputs are in them, and the rest."""

    values: np.ndarray
    inputs: np.ndarray | None
    time: Any
    groups: Any
    index: pd.Index | None

    def rows(self) -> Rows:
        """Return the inputs."""
        base = ArrayRows(self.values)
        return base if self.inputs is None else SelectedRows(base, self.inputs)


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], n_jobs: int | None
) -> list[Result]:
    """Return ``function`` of each item, in order, whatever ``n_jobs`` is."""
    # Threads, not processes, to which rows would have to be copied.
    if n_jobs in (None, 1):
        return [function(item) for item in items]
    work = (joblib.delayed(function)(item) for item in items)
    return list(joblib.Parallel(n_jobs=n_jobs, prefer="threads")(work))


def column_names(frame: Any) -> np.ndarray | None:
    """Return the column names of a frame where all are strings, else None.

    Raises
    ------
    TypeError
        If some are strings and some are not, as in scikit-learn.
    """
    if not isinstance(frame, pd.DataFrame) or not len(frame.columns):
        return None
    kinds = sorted({type(label).__qualname__ for label in frame.columns})
    strings = [isinstance(label, str) for label in frame.columns]
    if all(strings):
        return np.asarray(frame.columns, dtype=object)
    if any(strings):
        # The error of scikit-learn, word for word.
        raise TypeError(
            "Feature names are only supported if all input features have string "
            f"names, but your input has {kinds} as feature name / column name types. "
            "If you want feature names to be stored and validated, you must convert "
            "them all to strings, by using X.columns = X.columns.astype(str) for "
            "example. Otherwise you can remove feature / column names from your input "
            "data, or convert them all to a non-string data type."
        )
    return None


def find_columns(
    table: Any, n_features: int, time_column: Any, group_column: Any, anchor: Any
) -> Columns:
    """Turn the caller's column names or numbers into numbers and check them."""
    time = _column_number(table, n_features, time_column, "time_column")
    group = _column_number(table, n_features, group_column, "group_column")
    if time is not None and time == group:
        raise InvalidInputError(
            f"Expected two columns, got {time_column!r} as time_column and as "
            "group_column. Name another one."
        )
    inputs = np.array([k for k in range(n_features) if k not in (time, group)], int)
    if n_features and not len(inputs):
        raise InvalidInputError(
            f"Expected columns beside time_column and group_column, got {n_features} "
            "column(s) in all. Add at least one input to X."
        )
    anchors = None
    if anchor is not None:
        labels = anchor if isinstance(anchor, list | tuple | np.ndarray) else [anchor]
        numbers = [_column_number(table, n_features, a, "anchor") for a in labels]
        anchors = _anchor_positions(numbers, labels, inputs)
    return Columns(n_features, column_names(table), time, group, inputs, anchors)


def _anchor_positions(
    numbers: list[int | None], labels: Iterable[Any], inputs: np.ndarray
) -> np.ndarray:
    where = {int(number): place for place, number in enumerate(inputs)}
    places = []
    for number, label in zip(numbers, labels, strict=True):
        if number is None or number not in where:
            raise InvalidInputError(
                f"Expected anchor to be an input, got {label!r}, which is the time or "
                "group column. Name the column that holds the target's present value."
            )
        places.append(where[number])
    if not places:
        raise InvalidInputError(
            "Expected anchor to name at least one column, got an empty list. Use "
            "anchor=None to go without."
        )
    return np.array(places, dtype=np.int64)


def _column_number(table: Any, n_features: int, label: Any, what: str) -> int | None:
    if label is None:
        return None
    hashable = isinstance(label, Hashable)
    if not hashable:
        hint = "Name one of them."
        if what == "group_column":
            hint = (
                "Make one column of them, X.groupby([...]).ngroup(), or an index with "
                "the levels (recording, ..., time)."
            )
        raise InvalidInputError(
            f"Expected the name or number of one column for {what}, got {label!r}. "
            f"{hint}"
        )
    if isinstance(table, pd.DataFrame):
        # A name first: a column may be called 3, and not be the fourth.
        if label in table.columns:
            number = table.columns.get_loc(label)
            if isinstance(number, int):
                return number
            raise InvalidInputError(
                f"Expected one column {label!r} for {what}, got several of that name. "
                "Rename them."
            )
        known = f"a frame with the columns {list(table.columns)[:20]}"
    else:
        known = f"an array with {n_features} columns"
    whole = isinstance(label, int | np.integer) and not isinstance(label, bool)
    if whole and -n_features <= (place := int(label)) < n_features:
        return place % n_features
    hint = "Pass one of them."
    if isinstance(label, str) and not isinstance(table, pd.DataFrame):
        hint = (
            "Pass its number, or a DataFrame; a step before this one that drops the "
            "names keeps them after set_output(transform='pandas')."
        )
    raise InvalidInputError(f"Expected {what} in X, got {label!r} and {known}. {hint}")


def holds_objects(table: Any) -> bool:
    """Tell whether a 2-D array or a frame holds only objects (dates, say)."""
    if isinstance(table, pd.DataFrame):
        return all(pd.api.types.is_object_dtype(kind) for kind in table.dtypes)
    return isinstance(table, np.ndarray) and table.dtype == object and table.ndim == 2


def read_table(table: Any, columns: Columns, *, name: str, min_samples: int) -> Table:
    """Check one 2-D table as scikit-learn would and take its columns apart.

    Finite values are checked by `check_finite`, in chunks.
    """
    time = groups = index = None
    inputs = None if columns.all_inputs else columns.inputs
    if inputs is not None and holds_objects(table):
        # Find the types again: the inputs must be numbers, time and group need not be.
        table = pd.DataFrame(table).infer_objects()
    if isinstance(table, pd.DataFrame):
        index = table.index
        time = None if columns.time is None else table.iloc[:, columns.time]
        groups = None if columns.group is None else table.iloc[:, columns.group]
        # A frame of one type is one array already; taking columns out would copy it.
        if inputs is not None and table.dtypes.nunique() > 1:
            table, inputs = table.iloc[:, inputs], None
    values = _numeric(table, name=name, min_samples=min_samples)
    if index is None:
        time = None if columns.time is None else values[:, columns.time]
        groups = None if columns.group is None else values[:, columns.group]
    return Table(values, inputs, time, groups, index)


def _numeric(table: Any, *, name: str, min_samples: int) -> np.ndarray:
    table = without_mask(table)
    # scikit-learn's check would change nothing in such an array.
    plain = type(table) is np.ndarray and table.dtype.kind in "biuf"
    if plain and table.ndim == 2 and len(table) >= min_samples and table.shape[1]:
        return table
    if isinstance(table, list | tuple) and not len(table):
        raise InvalidInputError(
            f"Expected at least one sample in {name}, got an empty "
            f"{type(table).__name__}. Check how it was filled."
        )
    refuse_times(table, name)
    _refuse_shape(table, name)
    with naming_non_numeric(table, name):
        values = np.asarray(
            check_array(
                table,
                dtype="numeric",
                ensure_all_finite=False,
                accept_sparse=False,
                input_name=name,
                ensure_min_samples=min_samples,
            )
        )
        if values.dtype.kind not in "biuf":
            raise InvalidInputError(
                f"Expected numbers in {name}, got {values.dtype}. Convert them first."
            )
    return values


def _refuse_shape(table: Any, name: str) -> None:
    """Raise for what is no table of real numbers, with scikit-learn's wording first."""
    shape: tuple[int, ...] = getattr(table, "shape", ())
    kind = getattr(getattr(table, "dtype", None), "kind", "")
    if kind == "c":
        raise InvalidInputError(
            f"Complex data not supported: {name} holds {table.dtype}. Pass real and "
            "imaginary parts, or size and angle, as columns."
        )
    if len(shape) == 1:
        one = (
            f"{name}.to_frame()"
            if isinstance(table, pd.Series)
            else f"numpy.reshape({name}, (-1, 1))"
        )
        raise InvalidInputError(
            f"Expected 2D array, got 1D array instead: {name} has shape {shape}. "
            f"Reshape your data: one column is {one}, one row has shape "
            "(1, n_features)."
        )
    if isinstance(table, pd.DataFrame):
        _refuse_frame(table, name)
    if len(shape) == 2 and shape[0] and not shape[1]:
        raise InvalidInputError(
            f"0 feature(s) (shape={shape}) while a minimum of 1 is required: {name} "
            "has rows without a column. Pass at least one column to learn from."
        )


def _refuse_frame(frame: pd.DataFrame, name: str) -> None:
    """Raise for a frame of nothing, and for columns of one name."""
    if frame.shape == (0, 0):
        raise InvalidInputError(
            "Found array with 0 sample(s) (shape=(0, 0)) while a minimum of 1 is "
            f"required: {name} is an empty frame. Check how it was filled."
        )
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise InvalidInputError(
            f"Expected columns with names of their own in {name}, got {twice!r} more "
            f"than once. Rename one ({name}.columns = [...]), or drop it: "
            f"{name}.loc[:, ~{name}.columns.duplicated()]."
        )


def check_finite(
    rows: Rows,
    *,
    place: Callable[[int], str],
    columns: Columns,
    name: str,
    n_jobs: int | None = None,
    allow_missing: bool = False,
    hint: Callable[[], str] | None = None,
) -> None:
    """Raise for the first NaN or infinity, a chunk at a time.

    With `allow_missing` NaN is an error in anchor columns only. `hint` says more about
    NaN where it may stand for padding, as in 3-D arrays.

    Raises
    ------
    InvalidInputError
        With scikit-learn's wording first, then row and column.
    """
    if rows.dtype.kind != "f":  # integers have neither NaN nor infinity
        return
    step = max(1, _CHUNK_VALUES // max(rows.n_features, 1))
    full: Any = slice(None)
    if allow_missing:
        full = [] if columns.anchors is None else columns.anchors

    def is_good(values: np.ndarray) -> np.ndarray:
        good = ~np.isinf(values)
        good[:, full] &= ~np.isnan(values[:, full])
        return good

    def first_bad(begin: int) -> int | None:
        values = rows.block(begin, min(begin + step, rows.n_rows))
        # Most chunks are; which values are allowed is asked only of the others.
        if np.isfinite(values).all():
            return None
        good = is_good(values)
        return None if good.all() else begin + int(np.argmin(good.all(axis=1)))

    found = in_threads(first_bad, range(0, rows.n_rows, step), n_jobs)
    bad = [position for position in found if position is not None]
    if bad:
        row = rows.block(bad[0], bad[0] + 1)
        column = int(np.argmin(is_good(row)[0]))
        where = f"{place(bad[0])}, {columns.describe(column)}"
        message = _not_finite(row[0, column], where, rows.dtype, name, allow_missing)
        if hint and np.isnan(row[0, column]) and not allow_missing:
            message += hint()
        raise InvalidInputError(message)


def _not_finite(
    value: float, where: str, dtype: np.dtype, name: str, allow_missing: bool
) -> str:
    got = f"Expected finite numbers, got {value} first in {where}."
    if not np.isnan(value):
        what = f"infinity or a value too large for {dtype!r}"
        fix = "" if allow_missing else ' and set missing="hold"'
        return (
            f"Input {name} contains {what}.\n{got} Find out where it comes from; if it "
            f"stands for a missing value, replace it by NaN{fix}."
        )
    if allow_missing:
        return (
            f"Input {name} contains NaN.\n{got} It is a column of anchor=, the present "
            "value that predictions start from: fill it in or drop these rows."
        )
    return (
        f'Input {name} contains NaN.\n{got} For series with gaps set missing="hold" '
        'or "mask"; else fill such values before (sklearn.impute.SimpleImputer) or '
        "drop these rows."
    )


def group_codes(
    groups: Any, n_expected: int, *, unit: str, name: str = "groups"
) -> np.ndarray:
    """Number the groups in the order in which they first occur.

    Parameters
    ----------
    groups : array-like of shape (n_expected,), of any hashable type
    n_expected : int
    unit : str
        What has a group, for messages: "row" or "sample".
    name : str
        What the groups are called in messages.

    Returns
    -------
    ndarray of int64, shape (n_expected,)
    """
    if isinstance(groups, str | bytes) or not hasattr(groups, "__iter__"):
        raise InvalidInputError(
            f"Expected {name} of shape ({n_expected},), one label per {unit}, got "
            f"{groups!r}. Pass the labels, X[{groups!r}] say; group_column= takes the "
            "name or number of a column of X."
        )
    if isinstance(groups, np.ndarray) and groups.ndim == 2 and groups.shape[1] == 1:
        groups = groups[:, 0]
    if isinstance(groups, np.ndarray) and groups.ndim != 1:
        raise InvalidInputError(
            f"Expected {name} of shape ({n_expected},), got shape {groups.shape}. Pass "
            f"one label per {unit}."
        )
    if not isinstance(groups, pd.Series):
        # A Series keeps labels of different types apart, an array would not.
        groups = pd.Series(groups if isinstance(groups, np.ndarray) else list(groups))
    if len(groups) != n_expected:
        raise InvalidInputError(
            f"Expected {n_expected} {name}, one per {unit} of X, got {len(groups)}. "
            "Pass the labels of the same rows as X."
        )
    codes = groups.factorize()[0].astype(np.int64, copy=False)
    if (codes < 0).any():
        raise InvalidInputError(
            f"Expected a label for every {unit} in {name}, got a missing one for "
            f"{unit} {int(np.argmax(codes < 0))}. Fill it in or drop it."
        )
    return codes
