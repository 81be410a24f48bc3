"""Tables that are read block by block: Parquet, Zarr, memory maps, chunks of frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from LNN.exceptions import InvalidInputError, MissingDependencyError

from .containers import plain
from .stored_index import nameless_levels

__all__ = ["blocks_of"]

# Rows of a block take no more than this as float64.
BLOCK_BYTES = 2**24
KNOWN = (
    "the path of a Parquet file or folder, of a Zarr array or group or of an .npy "
    "file, a pyarrow Dataset, a Zarr array or group, a 2-D array, or an iterable of "
    "frames (pandas.read_csv(..., chunksize=...))"
)


def blocks_of(source: Any, columns: list[Any] | None) -> Iterator[pd.DataFrame]:
    """Read a table block by block.

    Parameters
    ----------
    source : str, Path, or object
        As in `store_table`.
    columns : list or None
        The columns to read; None is all. Sources that must read a row whole give all.

    Yields
    ------
    DataFrame of at least one row
        Columns of 2-D arrays are named by their numbers.

    Raises
    ------
    InvalidInputError
        If this is not such a source.
    MissingDependencyError
        If pyarrow or zarr is needed and missing.
    """
    if isinstance(source, str | Path):
        source = _opened(Path(source))
    kind = type(source).__module__.partition(".")[0]
    if kind == "pyarrow" and hasattr(source, "get_fragments"):
        return _of_dataset(source, columns)
    if kind == "zarr":
        return _of_zarr(source, columns)
    if isinstance(source, np.ndarray):
        return _of_array(source)
    known = isinstance(source, pd.DataFrame)  # others are asked for their kind
    frame = None if known else nw.from_native(source, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        raise InvalidInputError(
            f"Expected {KNOWN}, got a lazy frame ({type(source).__name__}). Write it "
            "as Parquet (polars: sink_parquet), and pass the path."
        )
    known |= isinstance(frame, nw.DataFrame)
    if known or not isinstance(source, Iterable):
        raise InvalidInputError(
            f"Expected {KNOWN}, got {type(source).__name__}. A table in memory needs "
            "no storing: pass it to fit, or a list of it to store it all the same."
        )
    return _of_frames(source)


def _opened(path: Path) -> Any:
    """Open what a path leads to, by its name and its content."""
    if not path.exists():
        raise InvalidInputError(
            f"Expected {KNOWN}, got {path}, which does not exist. Check the path."
        )
    if path.suffix == ".npy":
        return np.load(path, mmap_mode="r")
    inside = ("zarr.json", ".zarray", ".zgroup")
    if path.suffix == ".zarr" or any((path / name).exists() for name in inside):
        return _zarr().open(str(path), mode="r")
    if path.is_dir() or path.suffix in (".parquet", ".pq"):
        return _dataset(path)
    raise InvalidInputError(
        f"Expected {KNOWN}, got the file {path.name}. Read it in chunks, or rename it "
        "so that its name ends in .parquet, .zarr or .npy."
    )


def _dataset(path: Path) -> Any:
    try:
        import pyarrow.dataset
    except ImportError as error:
        raise MissingDependencyError(
            'Parquet needs pyarrow. Install it with: pip install "LNN[parquet]"'
        ) from error
    try:
        return pyarrow.dataset.dataset(path, format="parquet", partitioning="hive")
    except pyarrow.ArrowInvalid as error:
        raise InvalidInputError(
            f"Expected Parquet that reads as one table, got {path}: {error} Check the "
            "files. Columns need names of their own: write them again with others."
        ) from error


def _zarr() -> Any:
    try:
        import zarr
    except ImportError as error:
        raise MissingDependencyError(
            'Zarr needs zarr. Install it with: pip install "LNN[zarr]"'
        ) from error
    return zarr


def _of_dataset(dataset: Any, columns: list[Any] | None) -> Iterator[pd.DataFrame]:
    """Read a pyarrow Dataset in the order of its files."""
    there = dataset.schema.names
    refuse_unknown(columns or [], there)
    if columns is not None:  # the index may hold time and recordings
        columns = list(dict.fromkeys([*columns, *nameless_levels(there)]))
    # Nothing is read ahead: by default a file would be read into memory whole.
    how: dict[str, Any] = {"columns": columns, "schema": dataset.schema}
    how |= {"batch_size": rows_of_block(len(columns or there)), "use_threads": False}
    how |= {"batch_readahead": 1, "fragment_readahead": 1}
    parts = dataset.get_fragments()
    if _is_parquet(dataset):
        from pyarrow.dataset import ParquetFragmentScanOptions

        lean = ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True)
        how["fragment_scan_options"] = lean
        # One group of rows after another: a scan of several keeps those it has read.
        groups = (part.split_by_row_group(schema=dataset.schema) for part in parts)
        parts = chain.from_iterable(groups)
    for part in parts:
        for batch in part.to_batches(**how):
            if batch.num_rows:
                yield plain(batch)


def _is_parquet(dataset: Any) -> bool:
    return getattr(getattr(dataset, "format", None), "default_extname", "") == "parquet"


def _of_zarr(source: Any, columns: list[Any] | None) -> Iterator[pd.DataFrame]:
    if hasattr(source, "shape"):  # an array
        yield from _of_array(source)
        return
    names = columns if columns is not None else sorted(source.array_keys())
    refuse_unknown(names, sorted(source.array_keys()))
    arrays = {name: source[name] for name in names}
    shapes = {name: array.shape for name, array in arrays.items()}
    if not arrays or len(set(shapes.values())) > 1 or len(shapes[names[0]]) != 1:
        raise InvalidInputError(
            "Expected a Zarr group of columns, which are 1-D arrays of one length, got "
            f"{shapes}. Name those that belong together as columns=, or pass one 2-D "
            "array of the group."
        )
    n_rows, size = shapes[names[0]][0], rows_of_block(len(names))
    for begin in range(0, n_rows, size):
        block = slice(begin, begin + size)
        yield pd.DataFrame({name: array[block] for name, array in arrays.items()})


def _of_array(array: Any) -> Iterator[pd.DataFrame]:
    """Read a 2-D array of numpy or Zarr."""
    if len(array.shape) != 2:
        raise InvalidInputError(
            f"Expected a 2-D array (n_rows, n_columns), got shape {array.shape}. "
            "Sequences of one length, (n, T, features), need no storing: fit reads a "
            "memory map of them as it is (numpy.load(..., mmap_mode='r'))."
        )
    size = rows_of_block(array.shape[1])
    for begin in range(0, array.shape[0], size):
        yield pd.DataFrame(np.asarray(array[begin : begin + size]))


def _of_frames(frames: Iterable[Any]) -> Iterator[pd.DataFrame]:
    for number, frame in enumerate(frames):
        block = plain(frame)
        if isinstance(block, np.ndarray) and block.ndim == 2:
            block = pd.DataFrame(block)
        if not isinstance(block, pd.DataFrame):
            raise InvalidInputError(
                f"Expected frames or 2-D arrays, got {type(frame).__name__} as number "
                f"{number}. Yield tables with the same columns, some rows at a time."
            )
        if len(block):
            yield block


def rows_of_block(n_columns: int) -> int:
    """Return how many rows are read at a time."""
    return max(1, BLOCK_BYTES // (8 * max(1, n_columns)))


def refuse_unknown(names: list[Any], there: list[Any]) -> None:
    """Refuse columns that a table does not have."""
    unknown = [name for name in names if name not in there]
    if unknown:
        raise InvalidInputError(
            f"Expected columns of the table, got {unknown}, which are not among "
            f"{list(there)[:20]}. Check the spelling."
        )
