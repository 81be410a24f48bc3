"""What the index of a frame says about time, recordings and order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from LNN._warnings import ORDER_OF_ROWS, warn
from LNN.exceptions import InvalidInputError

from .tables import Table, group_codes
from .timestamps import as_times, elapsed_time, time_unit
from .written_dates import line_for_numbers, line_for_text

__all__ = [
    "joined",
    "refuse_time_before_last_level",
    "split_multi_index",
    "time_of_index",
    "time_of_recording",
    "warn_if_shuffled",
    "warn_of_ignored_numbers",
    "warn_of_single_rows",
    "warn_of_written_dates",
]

# Share of gaps that may differ before numbers look like irregular time.
FEW = 0.1
# Numbers do not look like time if at least this many rows, and more than this share of
# them, repeat the number of the row before.
SOME, MOST = 10, 2 / 3


def time_of_index(parts: list[Table]) -> pd.Index | None:
    """Return the time stamps that the frames' indices carry (context first)."""
    found = [_time_in(part.index) for part in parts if len(part.values)]
    indices = [index for index in found if index is not None]
    if not indices:
        return None
    if len(indices) < len(found):
        raise InvalidInputError(
            "Expected a time index on both context and X, got one without. Give both "
            "the same kind of index, or pass timestamps for the rows of both."
        )
    if len({(type(index), str(getattr(index, "tz", ""))) for index in indices}) > 1:
        raise InvalidInputError(
            "Expected the same kind of time index on context and X, got "
            f"{indices[0].dtype} on context and {indices[1].dtype} on X. Convert one "
            "of them, or its time zone (tz_localize, tz_convert)."
        )
    # Zones mixed in one index cannot be compared; `elapsed_time` says where they are.
    comparable = all(index.dtype != object for index in indices)
    if len(indices) == 2 and comparable and indices[0].max() > indices[1].min():
        raise InvalidInputError(
            f"Expected context to end before X begins, got context until "
            f"{indices[0].max()} and X from {indices[1].min()}. Pass the rows that "
            "came just before X."
        )
    if len(indices) == 2 and indices[0][-1] == indices[1][0]:
        _refuse_repeated_row(*parts)
    return joined(indices)


def _refuse_repeated_row(context: Table, table: Table) -> None:
    """Raise if the last row of context is the first of X: time, values and all."""
    last, first = context.values[-1], table.values[0]
    index: Any = table.index
    if np.array_equal(last, first, equal_nan=True):
        raise InvalidInputError(
            f"Expected context to end before X begins, got the row of "
            f"{index[0]} in both, the last of context and the first of X. "
            "X.loc[:t] holds the row t too: use X.loc[X.index < t] for the context. "
            "If they are two rows, pass timestamps for both."
        )


def split_multi_index(index: pd.MultiIndex) -> tuple[pd.Index | None, np.ndarray]:
    """Return the time level, if the last one is, and the recording of each row."""
    time = _time_level(index)
    owners = np.zeros(len(index), dtype=np.int64)
    for level in range(index.nlevels - (time is not None)):
        codes = group_codes(
            index.get_level_values(level), len(index), unit="row", name="index labels"
        )
        # Numbered again after each level, so that the product never overflows.
        merged = owners * (int(codes.max()) + 1) + codes
        owners = pd.factorize(merged)[0].astype(np.int64, copy=False)
    return time, owners


def time_of_recording(index: pd.Index | None) -> pd.Index | None:
    """Return the time stamps in the index of a frame that is one recording."""
    if isinstance(index, pd.MultiIndex):
        refuse_time_before_last_level(index)
        return _time_level(index)
    return _time_in(index)


def refuse_time_before_last_level(index: pd.MultiIndex) -> None:
    """Raise if a level holds time, but not the last one, which is read as time."""
    levels = [index.get_level_values(level) for level in range(index.nlevels)]
    timed = [_time_in(level) is not None for level in levels]
    if timed[-1] or not any(timed):
        return
    names = [k if level.name is None else level.name for k, level in enumerate(levels)]
    early = timed.index(True)
    fix = "X.swaplevel()"
    if index.nlevels > 2:
        order = [name for k, name in enumerate(names) if k != early]
        fix = f"X.reorder_levels({[*order, names[early]]})"
    raise InvalidInputError(
        "Expected an index of X with the levels (recording, ..., time), got time "
        f"({levels[early].dtype}) in level {names[early]!r} and {levels[-1].dtype} in "
        f"the last one, {names[-1]!r}. Put the time last: {fix}; the rows may stay "
        "where they are, or sort X and y alike. If the last level is the time in "
        "recordings named by date, pass timestamps and groups."
    )


def _time_level(index: pd.MultiIndex) -> pd.Index | None:
    last = index.get_level_values(-1)
    numeric = pd.api.types.is_any_real_numeric_dtype(last.dtype)
    return last if numeric else _time_in(last)


def _time_in(index: pd.Index | None) -> pd.Index | None:
    """Return an index as datetimes or durations, if it holds these."""
    if index is None or isinstance(index, pd.MultiIndex):
        return None
    index = as_times(index)
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
        return index
    if index.dtype == object and pd.api.types.infer_dtype(index) in (
        "datetime",
        "date",
    ):
        return index  # zones differ: an error, but one of time
    return None


def joined(stamps: list[Any]) -> Any:
    """Return the stamps of context and X as one, without converting them."""
    if len(stamps) == 1:
        return stamps[0]
    if all(isinstance(part, np.ndarray) for part in stamps):
        return np.concatenate(stamps)
    first, *others = (pd.Index(part) for part in stamps)
    return first.append(others)


def warn_of_single_rows(index: pd.MultiIndex, is_first: np.ndarray) -> None:
    """Warn if every row is a recording of its own, which is hardly intended."""
    if len(index) > 1 and is_first.all():
        warn(
            f"Each row is a recording by the levels {list(index.names)} of the "
            "index, so that no prediction sees a row before its own. The last "
            "level should be the time (datetimes, durations or numbers), the others "
            "the recording."
        )


def warn_of_written_dates(index: pd.Index | None, *, as_list: bool = False) -> bool:
    """Warn of dates in an index that are text or numbers, and so no time.

    Returns whether it warned.
    """
    if isinstance(index, pd.MultiIndex):
        return _warn_of_level(index, as_list)
    line = None if index is None else _line_for(index)
    if line is None:
        return False
    fix = f"X.index = {line.format('X.index')}"
    if as_list:
        fix = f"X = [x.set_axis({line.format('x.index')}) for x in X]"
    warn(
        f"The index of X looks like dates as {_kind_of(index)} and is ignored. If it "
        f"is the time of the rows, convert it: {fix}. If not, "
        "X.reset_index(drop=True) stops this warning."
    )
    return True


def _warn_of_level(index: pd.MultiIndex, as_list: bool) -> bool:
    """Warn of dates in a level that is read as the name of a recording."""
    if _time_in(index.get_level_values(-1)) is not None:
        return False  # recordings may be named by date
    named = index.nlevels - (_time_level(index) is not None)
    for number in range(named):
        level = index.get_level_values(number).unique()
        line = _line_for(level)
        if line is None:
            continue
        old = f"{'x' if as_list else 'X'}.index"
        levels = line.format(f"{old}.levels[{number}]")
        fix = f"{old}.set_levels({levels}, level={number})"
        if number < index.nlevels - 1:
            order = [k for k in range(index.nlevels) if k != number]
            fix += f".reorder_levels({[*order, number]})"
        fix = f"X = [x.set_axis({fix}) for x in X]" if as_list else f"X.index = {fix}"
        warn(
            f"Level {number if level.name is None else level.name!r} of the index of X "
            f"looks like dates as {_kind_of(level)} and is read as the name of a "
            f"recording. If it is the time of the rows, convert it: {fix}. If not, "
            "pass timestamps and groups."
        )
        return True
    return False


def _line_for(labels: pd.Index) -> str | None:
    """Return the line that makes times of labels; None if they are not dates."""
    if pd.api.types.is_any_real_numeric_dtype(labels.dtype):
        return line_for_numbers(labels)
    return line_for_text(labels)


def _kind_of(labels: pd.Index) -> str:
    first = labels.dropna()[0]
    return f"text ({first!r})" if isinstance(first, str) else f"numbers ({first})"


def _mostly_zero(gaps: np.ndarray) -> bool:
    """Tell whether most numbers repeat the one before; of events in pairs half do."""
    zero = np.count_nonzero(gaps == 0)
    return bool(zero >= SOME and zero > MOST * np.count_nonzero(~np.isnan(gaps)))


def warn_of_ignored_numbers(
    index: pd.Index | None,
    order: np.ndarray | None = None,
    is_first: np.ndarray | None = None,
    *,
    as_list: bool = False,
) -> bool:
    """Warn of an index of numbers that looks like time or recordings.

    Returns whether it warned.
    """
    if index is None or isinstance(index, pd.MultiIndex | pd.RangeIndex):
        return False
    if not pd.api.types.is_any_real_numeric_dtype(index.dtype):
        return False
    begins = np.zeros(len(index), bool) if is_first is None else is_first
    try:
        # The last ones belong to X: context has its own index before it.
        begins = begins[len(begins) - len(index) :]
        gaps, _, _ = elapsed_time(index, begins, order=order)
    except InvalidInputError:
        return False  # missing, or not in order: this is not time
    unit = time_unit(gaps)
    if _mostly_zero(gaps):
        told = as_list or begins.sum() > 1
        return not told and _warn_if_several(gaps)
    # Whole numbers are row numbers more often than time, with holes in places.
    if pd.api.types.is_integer_dtype(index.dtype) and unit <= 1:
        return False
    uneven = ~np.isclose(gaps[gaps > 0], unit, rtol=0.01)
    # Regular rows with some left out, as in the folds of a search, need no warning.
    if uneven.sum() <= FEW * len(gaps):
        return False
    stamps = "[x.index for x in X]" if as_list else "X.index"
    warn(
        "The index of X holds increasing numbers with unequal gaps and is ignored: "
        "only datetimes and durations are taken as time unasked. If it is the time of "
        f"the rows, pass timestamps={stamps}. If not, reset_index(drop=True) stops "
        "this warning."
    )
    return True


def _warn_if_several(gaps: np.ndarray) -> bool:
    """Warn of an index that looks like the recordings, which is ignored."""
    if not (gaps > 0).any():
        return False  # one number: one recording
    warn(
        "The index of X holds numbers that repeat from row to row and is ignored: all "
        "rows are one recording. If it names recordings, pass groups=X.index; if not, "
        "reset_index(drop=True) stops this warning."
    )
    return True


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
        "warning.",
        about=ORDER_OF_ROWS,
    )
