"""What a caller calls a series, read into tracks; and forecasts given back alike.

A track is one recording: the times of its rows, the targets, and nothing else. A Series
or an array is one track; a frame is one with several targets; a panel has many.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from LNN.data import without_mask
from LNN.data.containers import plain
from LNN.data.non_numeric import refuse_times
from LNN.data.timestamps import as_times
from LNN.exceptions import InvalidInputError

__all__ = ["SeriesForm", "Track", "read_tracks"]

# Squares of numbers up to this one, and sums of many of these, are float64.
LARGEST = 1e150


class Track(NamedTuple):
    """Rows of one recording, in time order.

    Attributes
    ----------
    name : hashable or None
        What the panel calls it.
    times : Index of length n
    values : ndarray of shape (n, n_columns)
        NaN is unseen.
    """

    name: Hashable
    times: pd.Index
    values: np.ndarray


@dataclass(frozen=True)
class SeriesForm:
    """The container that series came in, and that forecasts go back in.

    Attributes
    ----------
    container : {"array", "list", "series", "frame", "table"}
        A table has its times in a column.
    columns : Index or None
        Names of the targets.
    single : bool
        Whether there is one target, without an axis of its own.
    levels : tuple of str or None
        Names of the index; several are those of a panel, time last.
    period : str or None
        Frequency of a PeriodIndex.
    time_column, group_column : hashable or None
        Columns of a table.
    """

    container: str
    columns: pd.Index | None = None
    single: bool = True
    levels: tuple[Hashable, ...] = (None,)
    period: str | None = None
    time_column: Hashable | None = None
    group_column: Hashable | None = None

    @property
    def is_panel(self) -> bool:
        """Whether recordings have names."""
        return len(self.levels) > 1 or self.group_column is not None

    def give_back(self, tracks: Sequence[Track], columns: Any = None) -> Any:
        """Return forecasts in the caller's container.

        Parameters
        ----------
        tracks : sequence of Track
        columns : Index, default=None
            Names of the columns, where they are not those of the targets.
        """
        own = columns is None
        columns = self.columns if own else columns
        if self.container in ("array", "list"):
            squeeze = self.single and own
            arrays = [t.values[:, 0] if squeeze else t.values for t in tracks]
            return arrays if self.container == "list" else arrays[0]
        index = self._index(tracks)
        values = np.concatenate([track.values for track in tracks])
        if self.container == "series" and own:
            name = None if columns is None else columns[0]
            return pd.Series(values[:, 0], index=index, name=name)
        frame = pd.DataFrame(values, index=index, columns=columns)
        if self.container != "table":
            return frame
        if self.time_column is None:  # the times were the index, and are again
            return frame.reset_index(level=0)
        return frame.reset_index()

    def _index(self, tracks: Sequence[Track]) -> pd.Index:
        times = [self.as_given(track.times) for track in tracks]
        if not self.is_panel:
            return times[0].rename(self.levels[0])
        names: list[Any] = [track.name for track in tracks]
        levels = list(self.levels)
        parts = []
        for name, index in zip(names, times, strict=True):
            labels = name if isinstance(name, tuple) and len(levels) > 2 else (name,)
            arrays = [[label] * len(index) for label in labels]
            parts.append(pd.MultiIndex.from_arrays([*arrays, index], names=levels))
        return parts[0].append(parts[1:])

    def as_given(self, times: pd.Index) -> pd.Index:
        """Return times as the caller has them: periods stay periods."""
        if self.period is None or not isinstance(times, pd.DatetimeIndex):
            return times
        return times.to_period(self.period)


def read_tracks(
    y: Any,
    *,
    what: str = "y",
    time_column: Hashable | None = None,
    group_column: Hashable | None = None,
    columns: Sequence[Hashable] | None = None,
) -> tuple[list[Track], SeriesForm]:
    """Read series of any container.

    Parameters
    ----------
    y : Series, DataFrame, array-like of shape (n,) or (n, n_columns), or list of these
    what : str
        What the data are called in messages.
    time_column, group_column : hashable, default=None
        Columns of a frame that are no series.
    columns : sequence of hashable, default=None
        Columns of a frame that are read; None is all others.

    Returns
    -------
    tracks : list of Track
    form : SeriesForm

    Raises
    ------
    InvalidInputError
        If the data hold no numbers, or if a time occurs twice in a recording.
    """
    y = plain(y)
    if isinstance(y, pd.Series):
        columns_found = None if y.name is None else pd.Index([y.name])
        form = SeriesForm("series", columns_found, True, tuple(y.index.names))
        return _from_frame(y.to_frame(), form, what)
    if isinstance(y, pd.DataFrame):
        return _from_table(y, what, time_column, group_column, columns)
    if time_column is not None or group_column is not None:
        raise InvalidInputError(
            f"time_column and group_column name columns of a frame, got {what} as "
            f"{type(y).__name__}. Pass a DataFrame, or leave them out."
        )
    if isinstance(y, list | tuple) and len(y) and np.ndim(y[0]) > 0:
        return _from_list(list(y), what)
    values = _numbers(np.asarray(without_mask(y)), what)
    form = SeriesForm("array", None, values.ndim == 1)
    if values.ndim not in (1, 2):
        raise InvalidInputError(
            f"Expected {what} of shape (n,) or (n, n_targets), got shape "
            f"{values.shape}. Pass one series per column, or a list of series."
        )
    values = values.reshape(len(values), -1)
    return [Track(None, pd.RangeIndex(len(values)), values)], form


def _from_list(parts: list, what: str) -> tuple[list[Track], SeriesForm]:
    """Read a list with one series in each place."""
    read = [read_tracks(part, what=f"{what}[{k}]") for k, part in enumerate(parts)]
    forms = [form for _, form in read]
    sizes = {tracks[0].values.shape[1] for tracks, _ in read}
    if len(sizes) > 1 or any(form.is_panel for form in forms):
        raise InvalidInputError(
            f"Expected one series in each place of {what}, with the same targets, got "
            f"{sorted(sizes)} targets. For panels pass a frame with a MultiIndex."
        )
    tracks = [t._replace(name=k) for k, (found, _) in enumerate(read) for t in found]
    return tracks, SeriesForm("list", None, forms[0].single)


def _from_table(
    frame: pd.DataFrame,
    what: str,
    time_column: Hashable | None,
    group_column: Hashable | None,
    columns: Sequence[Hashable] | None,
) -> tuple[list[Track], SeriesForm]:
    special = [c for c in (group_column, time_column) if c is not None]
    needed = [*special, *(columns or ())]
    missing = [c for c in needed if c not in frame.columns]
    if missing:
        raise InvalidInputError(
            f"Expected columns {needed} in {what}, which lacks {missing}: it has "
            f"{list(frame.columns)[:20]}. Check the spelling."
        )
    others = [c for c in frame.columns if c not in special]
    chosen = others if columns is None else list(columns)
    if not chosen or not len(frame):
        raise InvalidInputError(
            f"Expected {what} with at least one row and one column of numbers, got "
            f"shape {frame.shape}. Check what was selected."
        )
    if special:
        if time_column is None:
            levels: list = [frame[group_column], frame.index]
        else:
            levels = [frame[c] for c in special]
        index = pd.MultiIndex.from_arrays(levels) if len(levels) > 1 else None
        index = pd.Index(levels[0]) if index is None else index
        frame = frame[chosen].set_axis(index, axis=0)
        form = SeriesForm(
            "table",
            pd.Index(chosen),
            len(chosen) == 1,
            tuple(index.names),
            time_column=time_column,
            group_column=group_column,
        )
        return _from_frame(frame, form, what)
    form = SeriesForm("frame", pd.Index(chosen), False, tuple(frame.index.names))
    return _from_frame(frame[chosen], form, what)


def _from_frame(
    frame: pd.DataFrame, form: SeriesForm, what: str
) -> tuple[list[Track], SeriesForm]:
    """Read a frame of targets, whose index is the time or (recording, ..., time)."""
    values = _columns(frame, what)
    index = frame.index
    if not isinstance(index, pd.MultiIndex):
        times, period = _times(index, what)
        return [_track(None, times, values, what)], replace(form, period=period)
    _refuse_time_in_front(index, what)
    times, period = _times(index.get_level_values(-1), what)
    named = index.droplevel(-1)
    codes, names = pd.factorize(named)
    order = np.argsort(codes, kind="stable")
    cuts = np.searchsorted(codes[order], np.arange(1, len(names)))
    tracks = [
        _track(name, times[rows], values[rows], what)
        for name, rows in zip(names, np.split(order, cuts), strict=True)
    ]
    return tracks, replace(form, period=period)


def _track(name: Hashable, times: pd.Index, values: np.ndarray, what: str) -> Track:
    """Return rows in time order; refuse a time that occurs twice."""
    if not times.is_monotonic_increasing:
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
    if not times.is_unique:
        twice = times[times.duplicated()][0]
        where = "" if name is None else f" in recording {name!r}"
        raise InvalidInputError(
            f"Expected one row for each time in {what}, got {twice} more than "
            f"once{where}. Drop one of them, or name the recordings: a MultiIndex "
            "(recording, time), or group_column=."
        )
    return Track(name, times, values)


def _refuse_time_in_front(index: pd.MultiIndex, what: str) -> None:
    """Refuse (time, recording): the last level is the time."""
    dated = [isinstance(level, pd.DatetimeIndex) for level in index.levels]
    if any(dated) and not dated[-1]:
        k = dated.index(True)
        order = [level for level in range(index.nlevels) if level != k] + [k]
        raise InvalidInputError(
            f"Expected the time as the last level of the index of {what}, got it as "
            f"level {k}{'' if index.names[k] is None else f', {index.names[k]!r}'}. "
            f"Change the order: {what}.reorder_levels({order})."
        )


def _times(index: pd.Index, what: str) -> tuple[pd.Index, str | None]:
    """Return an index as numbers, datetimes or durations."""
    period = index.freqstr if isinstance(index, pd.PeriodIndex) else None
    times = as_times(index)
    known = isinstance(times, pd.DatetimeIndex | pd.TimedeltaIndex)
    if not known and not pd.api.types.is_any_real_numeric_dtype(times.dtype):
        raise InvalidInputError(
            f"Expected times in the index of {what} (datetimes, periods, durations or "
            f"numbers), got {times.dtype} such as {times[0]!r}. Convert them: "
            "pandas.to_datetime(...); or drop them: reset_index(drop=True)."
        )
    if times.hasnans:
        row = int(np.argmax(times.isna()))
        raise InvalidInputError(
            f"Expected a time for every row of {what}, but that of row {row} is "
            "missing. Fill it in or drop the row."
        )
    return times, period


def _columns(frame: pd.DataFrame, what: str) -> np.ndarray:
    refuse_times(frame, what)
    parts = [
        _numbers(frame.iloc[:, k], f"column {name!r} of {what}")
        for k, name in enumerate(frame.columns)
    ]
    return np.column_stack(parts)


def _numbers(values: Any, what: str) -> np.ndarray:
    try:
        if values.dtype.kind in "mM":
            raise TypeError("times, not numbers")
        if values.dtype.kind == "c":
            raise InvalidInputError(
                f"Complex data not supported: {what} holds {values.dtype}. Pass real "
                "and imaginary parts, or size and angle, as targets of their own."
            )
        if isinstance(values, pd.Series):
            if isinstance(values.dtype, pd.CategoricalDtype):
                raise TypeError("categories")
            found = values.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            found = np.asarray(values, dtype=np.float64)
    except InvalidInputError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInputError(
            f"Expected numbers in {what}, got {getattr(values, 'dtype', 'objects')}: "
            f"{error}. Encode categories as columns (pandas.get_dummies), and name "
            "columns of times and of recordings by time_column= and group_column=."
        ) from error
    if np.isinf(found).any():
        row = int(np.argmax(np.isinf(found.reshape(len(found), -1)).any(axis=1)))
        raise InvalidInputError(
            f"Expected finite numbers in {what}, got an infinite value in row {row}. "
            "Pass NaN for a missing value."
        )
    large = np.abs(found) > LARGEST
    if large.any():
        place = tuple(axis[0] for axis in np.nonzero(large))
        raise InvalidInputError(
            f"Expected numbers whose spread float64 can hold in {what}, up to "
            f"{LARGEST:g}, got {found[place]:g} in row {place[0]}. Look for wrong "
            "values there, or divide all by one number."
        )
    return found
