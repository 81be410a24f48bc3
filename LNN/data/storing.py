"""From a table that is read block by block to files that windows are gathered from."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from LNN.exceptions import InvalidInputError

from .block_sources import blocks_of, refuse_unknown
from .non_numeric import ColumnArguments, naming_non_numeric, refuse_times
from .stored_index import IndexLabels, labels_of_index, with_levels
from .stored_table import FORMAT, NAME, StoredTable, open_table
from .stored_targets import as_floats, target_numbers, widen

__all__ = ["store_table"]

# Bytes that are moved at a time where rows of a recording are brought together.
MOVED_BYTES = 2**25
DTYPES = ("float32", "float64")
ARGUMENTS = ColumnArguments("time", "group")


def store_table(
    source: Any,
    folder: str | Path,
    *,
    target: Any = None,
    time: Any = None,
    group: Any = None,
    columns: list[Any] | None = None,
    sort_time: bool = False,
    dtype: str = "float32",
) -> StoredTable:
    """Write a table that is larger than memory as files that `fit` can read from.

    Windows are drawn in random order in training, so that their rows must be found
    quickly: Parquet and Zarr would be read and unpacked again and again. The table is
    read once, a block at a time, and lies in plain files then.

    Parameters
    ----------
    source : str, Path, or object
        The path of a Parquet file, of a folder of them (with ``key=value`` folders), of
        a Zarr array or group of columns or of an .npy file; a pyarrow Dataset; a Zarr
        array or group; a memory map or array of shape (n_rows, n_columns); or an
        iterable of frames, such as ``pandas.read_csv(file, chunksize=100_000)``.
    folder : str or Path
        A new or empty folder for the files: `dtype` times rows times inputs.
    target : label or list of labels, default=None
        The columns of y; None for data to predict on.
    time, group : label, default=None
        The columns of the time stamps and of the recordings, or levels of the index of
        frames. None reads them from the index as `fit` does: datetimes or durations,
        and (recording, time) in a MultiIndex. Row numbers are ignored.
    columns : list of labels, default=None
        The inputs, in this order; None is all other columns.
    sort_time : bool, default=False
        Bring the rows of each recording into the order of time. Without it they keep
        the order of the source.
    dtype : {"float32", "float64"}, default="float32"
        Of the inputs: whole numbers above 2**24 and further digits need "float64".

    Returns
    -------
    StoredTable

    Raises
    ------
    InvalidInputError
        If columns are missing or hold no numbers, if a number is too large for `dtype`,
        if whole numbers in a target would lose digits, if the index of a frame is
        neither time, recordings nor row numbers, or if the folder holds anything.
        Nothing is left behind then.
    MissingDependencyError
        If pyarrow or zarr is needed and missing.

    Notes
    -----
    Rows of a recording are brought together, recordings in the order in which they
    first occur; `StoredTable.row` says where each row was. Memory is needed for a
    block, and 8 to 32 bytes a row for labels and their order.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from LNN.data import store_table
    >>> chunks = [
    ...     pd.DataFrame({"unit": ["a", "b"], "level": [1.0, 5.0]}),
    ...     pd.DataFrame({"unit": ["a", "b"], "level": [2.0, 6.0]}),
    ... ]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = store_table(chunks, folder, group="unit")
    ...     table.X["level"].tolist(), table.groups.tolist(), table.row.tolist()
    ([1.0, 2.0, 5.0, 6.0], ['a', 'a', 'b', 'b'], [0, 2, 1, 3])
    """
    if dtype not in DTYPES:
        raise InvalidInputError(f"dtype must be one of {DTYPES}, got {dtype!r}.")
    roles = _roles(target, time, group, columns, sort_time)
    path = Path(folder)
    with _new_folder(path):
        with Writer(path, roles, np.dtype(dtype)) as writer:
            for block in blocks_of(source, roles.wanted):
                writer.add(block)
            told = writer.finish()
        bring_together(path, told, sort_time)
        # Last: a folder without it is not complete.
        (path / NAME).write_text(json.dumps(told), encoding="utf-8")
    return open_table(path)


def _roles(target: Any, time: Any, group: Any, columns: Any, sort_time: bool) -> Roles:
    """Check which columns are what."""
    if columns is not None:
        columns = _labels(columns, "columns", "None takes all other columns.")
    several = isinstance(target, list)
    targets = [] if target is None else [target]
    if several:
        targets = _labels(target, "target", "None stores rows without targets.")
    for name, label in (("time", time), ("group", group), ("target", target)):
        if not (isinstance(label, Hashable) or (name == "target" and several)):
            raise InvalidInputError(
                f"Expected {name} as the label of one column, got {label!r}."
            )
    return Roles(targets, several, time, group, columns, sort_time)


def _labels(given: Any, name: str, none: str) -> list[Any]:
    """Return labels of columns as a list; refuse what is none, and repeated ones."""
    several = isinstance(given, list | tuple | np.ndarray | pd.Index)
    labels = list(given) if several else []
    if not labels or not all(isinstance(label, Hashable) for label in labels):
        raise InvalidInputError(
            f"Expected {name} as a list of at least one label, got {given!r}. {none}"
        )
    if len(set(labels)) < len(labels):
        raise InvalidInputError(
            f"Expected {name} that differ, got {labels}. Name each column once."
        )
    return labels


@dataclass(frozen=True)
class Roles:
    """Which columns are what, by their labels."""

    targets: list[Any]
    several: bool
    time: Any
    group: Any
    columns: list[Any] | None
    sort_time: bool

    @property
    def apart(self) -> list[Any]:
        """The columns that are not inputs unless `columns` names them."""
        others = (label for label in (self.time, self.group) if label is not None)
        return [*self.targets, *others]

    @property
    def wanted(self) -> list[Any] | None:
        """The columns to read; None is all."""
        return None if self.columns is None else self.named

    @property
    def named(self) -> list[Any]:
        """The columns that have a name in the call."""
        return list(dict.fromkeys([*(self.columns or []), *self.apart]))

    def inputs(self, there: list[Any]) -> list[Any]:
        """Return the inputs of a table with these columns."""
        refuse_unknown([*self.apart, *(self.columns or [])], there)
        if self.columns is not None:
            return list(self.columns)
        inputs = [label for label in there if label not in self.apart]
        if not inputs:
            raise InvalidInputError(
                f"Expected inputs beside {self.apart}, got the columns {there}. Add at "
                "least one."
            )
        return inputs


@dataclass
class Codes:
    """Labels as numbers, in the order in which they first occur in any block."""

    what: str
    known: dict[Any, int] = field(default_factory=dict)

    def of(self, column: pd.Series, begin: int) -> np.ndarray:
        """Return a number for each label; `begin` is the number of the first row."""
        local, labels = pd.factorize(column)
        if (local < 0).any():
            row = begin + int(np.argmax(local < 0))
            raise InvalidInputError(
                f"Expected a label for every row in {self.what}, got a missing one in "
                f"row {row}. Fill it in, or leave the row out."
            )
        numbers = [self._number(label) for label in labels]
        return np.asarray(numbers, dtype=np.int32)[local]

    def _number(self, label: Any) -> int:
        label = label.item() if isinstance(label, np.generic) else label
        if not isinstance(label, str | int | float | bool):
            raise InvalidInputError(
                f"Expected text or numbers as labels in {self.what}, got {label!r}. "
                "Turn them into text (astype(str))."
            )
        return self.known.setdefault(label, len(self.known))


@contextmanager
def _new_folder(path: Path) -> Iterator[None]:
    """Make a folder, or take an empty one; leave nothing behind after an error."""
    there = path.exists()
    if there and (not path.is_dir() or any(path.iterdir())):
        raise InvalidInputError(
            f"Expected a new or empty folder, got {path}, which holds something. Name "
            "another one, or remove it; open_table reads what is stored."
        )
    path.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for file in path.iterdir():  # it was empty
            file.unlink()
        if not there:
            path.rmdir()
        raise


class Writer:
    """Appends blocks to the files of a table."""

    def __init__(self, path: Path, roles: Roles, dtype: np.dtype):
        self.path, self.roles, self.dtype = path, roles, dtype
        self.n_rows = 0
        self.names: list[Any] = []
        self.zone: str | None = None
        self.groups, self.classes = Codes("the group column"), Codes("the target")
        self.kinds: dict[str, tuple[np.dtype, tuple[int, ...]]] = {}
        self._indexed = (False, False)
        self._files: dict[str, BinaryIO] = {}
        self._open = ExitStack()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def add(self, block: pd.DataFrame) -> None:
        """Append the rows of a block."""
        roles = self.roles
        block = with_levels(block, roles.named)
        labels = list(block.columns)
        if len(set(labels)) < len(labels):
            raise InvalidInputError(
                f"Expected columns with names of their own, got {labels[:20]}. Rename "
                "those that are alike."
            )
        if not self.n_rows:
            self.names = roles.inputs(labels)
        refuse_unknown([*roles.apart, *self.names], labels)
        times, owners = self._labels(block)
        self._append("X", self._inputs(block[self.names]))
        if roles.targets:
            self._append("y", self._target(block[roles.targets]))
        if times is not None:
            self._append("timestamps", self._times(times))
        if owners is not None:
            self._append("groups", self.groups.of(owners, self.n_rows))
        self.n_rows += len(block)

    def finish(self) -> dict[str, Any]:
        """Return what tells of the files, once all blocks are in them."""
        if not self.n_rows:
            raise InvalidInputError(
                "Expected at least one row, got an empty table. Check the source."
            )
        self._open.close()
        arrays = {
            name: {"dtype": dtype.str, "shape": [self.n_rows, *shape]}
            for name, (dtype, shape) in self.kinds.items()
        }
        return {
            "format": FORMAT,
            "arrays": arrays,
            "names": self.names
            if all(isinstance(n, str) for n in self.names)
            else None,
            "zone": self.zone,
            "classes": list(self.classes.known) or None,
            "groups": list(self.groups.known),
        }

    def _labels(self, block: pd.DataFrame) -> IndexLabels:
        """Return time stamps and recordings, from columns or else from the index."""
        times, owners = labels_of_index(block.index)
        indexed = times is not None, owners is not None
        if not self.n_rows:
            self._indexed = indexed
        elif indexed != self._indexed:
            raise InvalidInputError(
                "Expected an index of the same kind in every frame, got "
                f"{block.index.dtype} from row {self.n_rows} on. Give all of them the "
                "time (and recording) as index, or none: frame.reset_index()."
            )
        roles = self.roles
        if roles.time is not None:
            times = block[roles.time]
        if roles.group is not None:
            owners = block[roles.group]
        if roles.sort_time and times is None:
            raise InvalidInputError(
                "Expected time= with sort_time=True, got none. Name the column of the "
                "time stamps, or make them the index."
            )
        return IndexLabels(times, owners)

    def _inputs(self, block: pd.DataFrame) -> np.ndarray:
        """Return the inputs of a block in the dtype of the file."""
        refuse_times(block, "the table", arguments=ARGUMENTS)
        self._refuse_complex(block)
        with naming_non_numeric(block, "the table", arguments=ARGUMENTS):
            values = block.to_numpy(dtype=np.float64, na_value=np.nan)
        with np.errstate(over="ignore"):
            cast = values.astype(self.dtype)
        lost = np.isinf(cast) & np.isfinite(values)
        if lost.any():
            row, column = (int(places[0]) for places in np.nonzero(lost))
            raise InvalidInputError(
                f"Expected numbers that {self.dtype} can hold, got "
                f"{values[row, column]} in row {self.n_rows + row}, column "
                f'{self.names[column]!r}. Check that value, or use dtype="float64".'
            )
        return cast

    def _refuse_complex(self, block: pd.DataFrame) -> None:
        for label, kind in zip(block.columns, block.dtypes, strict=True):
            if kind.kind == "c":
                raise InvalidInputError(
                    f"Complex data not supported: column {label!r} of the table holds "
                    f"{kind}. Give real and imaginary parts, or size and angle, "
                    "columns of their own."
                )

    def _target(self, block: pd.DataFrame) -> np.ndarray:
        """Return the targets of a block: numbers as they are, labels as codes."""
        self._refuse_complex(block)
        kinds = [kind.kind for kind in block.dtypes]
        numbers = all(kind in "iuf" for kind in kinds)
        if self.n_rows and numbers == bool(self.classes.known):
            raise self._other_kind("y", list(block.dtypes))
        if numbers:
            values = self._as_before(target_numbers(block, self.n_rows))
            return values if self.roles.several else values[:, 0]
        if self.roles.several:
            raise InvalidInputError(
                f"Expected numbers in the targets {self.roles.targets}, got "
                f"{list(map(str, block.dtypes))}. One column may hold labels: "
                "target='name'."
            )
        return self.classes.of(block.iloc[:, 0], self.n_rows)

    def _as_before(self, values: np.ndarray) -> np.ndarray:
        """Return numbers of the kind that the file of targets has."""
        known, shape = self.kinds.get("y", (values.dtype, ()))
        if values.dtype == known:
            return values
        if values.dtype == np.int64:
            return as_floats(values, self.n_rows)
        # Whole numbers with a gap come as floats, perhaps in a late block only.
        self._files["y"].flush()
        widen(self.path / "y.bin", values.shape[1])
        self.kinds["y"] = values.dtype, shape
        return values

    def _times(self, column: pd.Series) -> np.ndarray:
        """Return the time stamps of a block; those with a zone in universal time."""
        zone = getattr(column.dtype, "tz", None)
        name = None if zone is None else str(zone)
        if self.n_rows and name != self.zone:
            raise InvalidInputError(
                f"Expected time stamps of one time zone, got {name} from row "
                f"{self.n_rows} on, after {self.zone}. Convert them to one."
            )
        self.zone = name
        if zone is not None:
            column = column.dt.tz_convert("UTC").dt.tz_localize(None)
        values = column.to_numpy()
        if values.dtype.kind not in "iufmM":
            raise InvalidInputError(
                f"Expected numbers, datetimes or durations as time stamps, got "
                f"{column.dtype} in column {column.name!r}. Convert them "
                "(pandas.to_datetime)."
            )
        return values

    def _append(self, name: str, values: np.ndarray) -> None:
        known, _ = self.kinds.setdefault(name, (values.dtype, values.shape[1:]))
        if values.dtype != known:
            if not np.can_cast(values.dtype, known, "same_kind"):
                raise self._other_kind(name, values.dtype)
            cast = values.astype(known)
            if not ((cast == values) | (values != values)).all():
                raise self._other_kind(name, values.dtype)
            values = cast
        if name not in self._files:
            file = (self.path / f"{name}.bin").open("wb")
            self._files[name] = self._open.enter_context(file)
        np.ascontiguousarray(values).tofile(self._files[name])

    def _other_kind(self, name: str, got: Any) -> InvalidInputError:
        return InvalidInputError(
            f"Expected {name} of one type, got {got} from row {self.n_rows} on, after "
            f"{self.kinds[name][0]}. Give the column one type in all blocks."
        )


def bring_together(path: Path, told: dict[str, Any], sort_time: bool) -> None:
    """Move rows so that those of a recording lie together, if they do not."""
    order = _order(path, told["arrays"], sort_time)
    if order is None:
        return
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    for name, part in told["arrays"].items():
        file, moved = path / f"{name}.bin", path / f"{name}.moved"
        how = np.dtype(part["dtype"]), tuple(part["shape"])
        source = np.memmap(file, how[0], "r", shape=how[1])
        goal = np.memmap(moved, how[0], "w+", shape=how[1])
        step = max(1, MOVED_BYTES // (source[:1].nbytes or 1))
        # Read in a row and written apart: blocks hold several rows of a recording.
        for begin in range(0, len(source), step):
            rows = slice(begin, begin + step)
            goal[place[rows]] = source[rows]
        goal.flush()
        moved.replace(file)
    order.tofile(path / "row.bin")
    told["arrays"]["row"] = {"dtype": order.dtype.str, "shape": [len(order)]}


def _order(path: Path, arrays: dict[str, Any], sort_time: bool) -> np.ndarray | None:
    """Return which row comes when; None if all stay where they are."""
    keys: list[np.ndarray] = []
    for name in ("timestamps", "groups") if sort_time else ("groups",):
        if name in arrays:
            keys.append(np.memmap(path / f"{name}.bin", arrays[name]["dtype"], "r"))
    if not keys or _is_sorted(keys):
        return None
    return np.lexsort(keys).astype(np.int64, copy=False)


def _is_sorted(keys: list[np.ndarray]) -> bool:
    """Tell whether rows are in the order of the last key, and of those before in it."""
    *inner, outer = keys
    step = np.diff(outer)
    if (step < step.dtype.type(0)).any():
        return False
    if not inner:
        return True
    within = np.diff(inner[0])
    return not ((step == step.dtype.type(0)) & (within < within.dtype.type(0))).any()
