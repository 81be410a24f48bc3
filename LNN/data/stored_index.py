"""Time and recordings in the index of frames that are stored, read as `fit` does."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pandas as pd

from LNN.exceptions import InvalidInputError

from .time_index import time_of_recording

__all__ = ["IndexLabels", "labels_of_index", "nameless_levels", "with_levels"]

# What pandas calls the columns of an index without names in a Parquet file.
_NAMELESS = re.compile(r"__index_level_\d+__")


class IndexLabels(NamedTuple):
    """What the index of a block says, one label a row.

    Attributes
    ----------
    time, group : Series or None
        Time stamps and recordings; None if the index holds none.
    """

    time: pd.Series | None
    group: pd.Series | None


def nameless_levels(names: list[Any]) -> list[Any]:
    """Return the columns of a Parquet file that were an index without names.

    Examples
    --------
    >>> nameless_levels(["a", "__index_level_0__"])
    ['__index_level_0__']
    """
    return [name for name in names if isinstance(name, str) and _is_nameless(name)]


def with_levels(block: pd.DataFrame, wanted: list[Any]) -> pd.DataFrame:
    """Return a block in which levels of its index that are asked for are columns.

    Columns that were an index without names are the index again, unless asked for.

    Parameters
    ----------
    block : DataFrame
    wanted : list of labels
        Columns that are asked for by name.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"a": [1.0]}, index=pd.Index([5], name="hour"))
    >>> list(with_levels(frame, ["a", "hour"]).columns)
    ['hour', 'a']
    """
    levels = [n for n in nameless_levels(list(block.columns)) if n not in wanted]
    if levels:
        block = block.set_index(levels)
    named = [name for name in block.index.names if name is not None]
    levels = [name for name in wanted if name in named and name not in block.columns]
    return block.reset_index(level=levels) if levels else block


def labels_of_index(index: pd.Index) -> IndexLabels:
    """Return the time and the recordings that an index holds.

    Parameters
    ----------
    index : Index of length n_rows
        Datetimes, periods or durations; (recording, time) or (recording,) in levels;
        or whole numbers without a name, which say nothing.

    Returns
    -------
    IndexLabels

    Raises
    ------
    InvalidInputError
        If the index holds anything else, or several levels of recordings.

    Examples
    --------
    >>> import pandas as pd
    >>> labels_of_index(pd.RangeIndex(3))
    IndexLabels(time=None, group=None)
    """
    time = time_of_recording(index)
    if isinstance(index, pd.MultiIndex):
        named = list(range(index.nlevels - (time is not None)))
        if len(named) > 1:
            raise InvalidInputError(
                f"Expected one level of recordings in the index of a frame, got "
                f"{[_name(index, level) for level in named]}. Make one of them: "
                "frame.reset_index(), a column of text such as "
                "frame['a'].astype(str) + '/' + frame['b'].astype(str), and group= "
                "with its name."
            )
        owner = index.get_level_values(0) if named else None
        return IndexLabels(_series(time), _series(owner))
    if time is None and not _says_nothing(index):
        call = (
            "time" if pd.api.types.is_any_real_numeric_dtype(index.dtype) else "group"
        )
        if index.name is None:
            how = f"frame.rename_axis('row') and {call}='row'"
        else:
            how = f"{call}={index.name!r}"
        raise InvalidInputError(
            "Expected the index of a frame to hold datetimes or durations, (recording, "
            f"time), or row numbers, got {index.dtype} such as {index[0]!r}. If it is "
            f"the {'time' if call == 'time' else 'recording'} of each row, pass {how}; "
            "if it is neither time nor recording, frame.reset_index(drop=True)."
        )
    return IndexLabels(_series(time), None)


def _says_nothing(index: pd.Index) -> bool:
    """Tell whether an index has row numbers only, perhaps those of chosen rows."""
    if isinstance(index, pd.RangeIndex):
        return True
    return index.dtype.kind in "iu" and _is_nameless(index.name)


def _is_nameless(name: Any) -> bool:
    return name is None or _NAMELESS.fullmatch(str(name)) is not None


def _series(labels: pd.Index | None) -> pd.Series | None:
    return None if labels is None else labels.to_series().reset_index(drop=True)


def _name(index: pd.MultiIndex, level: int) -> Any:
    return level if index.names[level] is None else index.names[level]
