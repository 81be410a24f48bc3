"""What the index of a frame says about time, recordings and order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from LNN._warnings import warn
from LNN.exceptions import InvalidInputError

from .tables import Table, group_codes

__all__ = [
    "joined",
    "split_multi_index",
    "time_of_index",
    "warn_if_shuffled",
    "warn_of_single_rows",
]


def time_of_index(parts: list[Table]) -> pd.Index | None:
    """Return the time stamps that the frames' indices carry (context first)."""
    indices = [part.index for part in parts if len(part.values)]
    timed = [_is_time(index) for index in indices]
    if not any(timed):
        return None
    if not all(timed):
        raise InvalidInputError(
            "Expected a time index on both context and X, got one without. Give both "
            "the same kind of index, or pass timestamps for the rows of both."
        )
    if len(indices) == 2 and indices[0].max() > indices[1].min():
        raise InvalidInputError(
            f"Expected context to end before X begins, got context until "
            f"{indices[0].max()} and X from {indices[1].min()}. Pass the rows that "
            "came just before X."
        )
    return joined(indices)


def split_multi_index(index: pd.MultiIndex) -> tuple[pd.Index | None, np.ndarray]:
    """Return the time level, if the last one is, and the recording of each row."""
    last = index.get_level_values(-1)
    numeric = pd.api.types.is_numeric_dtype(last.dtype)
    timed = _is_time(last) or (numeric and not pd.api.types.is_bool_dtype(last.dtype))
    owners = np.zeros(len(index), dtype=np.int64)
    for level in range(index.nlevels - timed):
        codes = group_codes(
            index.get_level_values(level), len(index), unit="row", name="index labels"
        )
        # Numbered again after each level, so that the product never overflows.
        merged = owners * (int(codes.max()) + 1) + codes
        owners = pd.factorize(merged)[0].astype(np.int64, copy=False)
    return (last if timed else None), owners


def _is_time(index: pd.Index | None) -> bool:
    return isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex | pd.PeriodIndex)


def joined(stamps: list[Any]) -> Any:
    """Stamps of context and X as one, without a trip through other types."""
    if len(stamps) == 1:
        return stamps[0]
    if isinstance(stamps[0], np.ndarray):
        return np.concatenate(stamps)
    first, *others = (pd.Index(part) for part in stamps)
    return first.append(others)


def warn_of_single_rows(index: pd.MultiIndex) -> None:
    """Warn that every row is a recording, which is hardly meant."""
    if len(index) > 1:
        warn(
            f"Each row is a recording by the levels {list(index.names)} of the "
            "index, so that no prediction sees a row before its own. The last "
            "level should be the time (datetimes, durations or numbers), the others "
            "the recording."
        )


def warn_if_shuffled(
    index: pd.Index | None, order: np.ndarray | None, is_first: np.ndarray
) -> None:
    """Warn if a numeric index goes back inside a recording."""
    if index is None or isinstance(index, pd.MultiIndex):
        return
    numeric = pd.api.types.is_numeric_dtype(index.dtype)
    if not numeric or index.is_monotonic_increasing:
        return
    numbers = index.to_numpy()
    # The last ones belong to X: context has its own index before it.
    is_first = is_first[-len(numbers) :]
    ordered = numbers if order is None else numbers[order]
    back = np.flatnonzero((ordered[1:] < ordered[:-1]) & ~is_first[1:]) + 1
    if not len(back):
        return
    row = int(back[0] if order is None else order[back[0]])
    warn(
        "Expected rows in time order, but they look shuffled: the index of X goes back "
        f"in row {row} (to {numbers[row]}). train_test_split(shuffle=True) does this: "
        "use shuffle=False or TimeSeriesSplit. Pass groups if these are several "
        "recordings; if the order is right, X.reset_index(drop=True) stops this "
        "warning."
    )
