"""From what arrives at a step to what the network reads: as `predict` reads a row."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from LNN.data.containers import plain
from LNN.data.time_index import time_of_recording
from LNN.estimators.fitted import FittedModel
from LNN.exceptions import InvalidInputError
from LNN.streaming.stream_clock import Gaps, StreamClock

# Names of a Series that are not a time: the number or text of its row in an index.
_NO_TIME = (int, float, str, np.number, type(None))


class Arrival(NamedTuple):
    """One row of each stream, read and checked.

    Attributes
    ----------
    values : ndarray of float64, shape (n, F)
        Scaled; NaN where missing.
    gaps : Gaps
    present : ndarray of shape (n, K), or None
        The anchors' values.
    group : Any
        The recordings' labels, if X has a column for them, or a MultiIndex.
    inputs : ndarray of float64, shape (n, F)
        As they were before scaling, anchor columns as changes.
    """

    values: np.ndarray
    gaps: Gaps
    present: np.ndarray | None
    group: Any
    inputs: np.ndarray

    @property
    def units(self) -> float | np.ndarray:
        """Time since the row before, in units."""
        return self.gaps.units


class Arrivals:
    """Reads rows of streams, one of each at a time.

    Parameters
    ----------
    model : FittedModel
    n : int or None
        Number of streams; None is a single one whose rows have no axis for it.

    Attributes
    ----------
    optional : tuple of str
        Keys of `state` that are left out when they have no value.
    """

    optional = ("stamps", "stamped", "present", "group")

    def __init__(self, model: FittedModel, n: int | None):
        self.n, self.count = n, 1 if n is None else n
        self.columns, self.preparation = model.layout.columns, model.preparation
        self.clock = StreamClock(model, self.count)
        self.allow_missing = model.layout.options.allow_missing
        self.largest = self.preparation.largest
        self.present: np.ndarray | None = None
        self.group: list | None = None

    def read(self, x: Any, dt: Any, timestamp: Any) -> Arrival:
        """Read one row of each stream; nothing changes before `accept`."""
        if not isinstance(x, np.ndarray | dict):
            x = plain(x)
        values, time, group = self._parts(x)
        timed = dt is not None or timestamp is not None
        if time is not None and timed:
            raise InvalidInputError(
                "Expected the time in the row's time column only, got dt or "
                "timestamp too. Drop it."
            )
        timed = timed or time is not None
        if not self.clock.timeless:
            timestamp = timestamp if time is None else time
            if not (timed and group is not None):
                by_index, labels = _read_index(x)
                group = labels if group is None else group
                # A model fitted without time stamps has no unit for them.
                if not timed and self.clock.kind is not None:
                    timestamp = by_index
        self._check_group(group)
        return self.of_inputs(values, dt, timestamp, group)

    def of_inputs(
        self, values: np.ndarray, dt: Any, timestamp: Any, group: list | None
    ) -> Arrival:
        """Read the inputs of each stream's row, (n, n_channels), as `read` does."""
        # A sum is finite if all are, and much cheaper to look at.
        if not math.isfinite(values.sum()):
            self._check_finite(values)
        # All checks come before `accept`: a row that is refused leaves no trace.
        gaps = self.clock.read(dt, timestamp)
        present = None
        if self.columns.anchors is not None:
            values = values.copy()  # it may be the caller's own array
            present = values[:, self.columns.anchors]
            # The first row of a recording has a change of 0, as in `with_anchors`.
            before = present if self.present is None else self.present
            change = np.where(self.clock.started[:, None], present - before, 0.0)
            values[:, self.columns.anchors] = change
        scaled = self.preparation.scaled(values)
        if not abs(scaled.sum()) < self.largest:  # NaN too: something may be missing
            self._check_size(scaled, values)
        return Arrival(scaled, gaps, present, group, values)

    def accept(self, arrival: Arrival) -> None:
        """Remember what the next row is read from."""
        self.clock.accept(arrival.gaps)
        self.present, self.group = arrival.present, arrival.group

    def reset(self, which: np.ndarray | slice) -> None:
        """Let streams begin anew."""
        self.clock.reset(which)

    def state(self) -> dict[str, Any]:
        """Return what the next row is read from."""
        clock = self.clock
        known = {
            "stamps": clock.stamps,
            "stamped": clock.stamped,
            "present": self.present,
            "group": self.group,
        }
        found = {name: value for name, value in known.items() if value is not None}
        return {"started": clock.started, **found}

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        """Take what `state` returned, as arrays."""
        clock, stamped, group = self.clock, state.get("stamped"), state.get("group")
        clock.started = np.array(state["started"], dtype=bool)
        clock.stamps, self.present = state.get("stamps"), state.get("present")
        clock.stamped = None if stamped is None else str(stamped)
        self.group = None if group is None else group.tolist()

    def _parts(self, x: Any) -> tuple[np.ndarray, Any, Any]:
        """Return inputs (n, F), time stamps and group labels."""
        columns = self.columns
        if isinstance(x, dict | pd.Series | pd.DataFrame):
            return self._named_parts(x)
        given = _as_array(x)
        shape: tuple[int, ...] = (columns.n_features_in,)
        if self.n is not None:
            shape = (self.n, *shape)
        if given.shape != shape and given.shape != (self.count, shape[-1]):
            what = "a row of X" if self.n is None else "one row of X per stream"
            raise InvalidInputError(
                f"Expected {what}, shape {shape}, got shape {given.shape}. Lay it out "
                "as in fit, columns of time and group included."
            )
        given = given.reshape(self.count, -1)
        if columns.all_inputs:
            return as_numbers(given), None, None
        # Taken before it becomes float64: a rounded time is told by its type.
        time = None if columns.time is None else given[:, columns.time]
        group = None if columns.group is None else given[:, columns.group].tolist()
        return as_numbers(given[:, columns.inputs]), _plain(time), group

    def _named_parts(self, x: Any) -> tuple[np.ndarray, Any, Any]:
        """Do the same for a dict, a Series or, for many streams, a frame."""
        columns = self.columns
        framed = isinstance(x, pd.DataFrame)
        count = len(x) if framed else 1
        if count != self.count:
            raise InvalidInputError(
                f"Expected {self.count} row(s), one per stream, got {count} as a "
                f"{type(x).__name__}. Pass an array or a frame with a row for each."
            )
        here = list(x.columns if framed else x.keys())
        places = self._places(here, isinstance(x, dict))
        if framed:
            row = [column.to_numpy() for _, column in x.items()]
            # A frame has all columns.
            parts = [row[place] for place in places if place is not None]
        else:
            row = list(x.values()) if isinstance(x, dict) else x.to_numpy()
            parts = [[np.nan if place is None else row[place]] for place in places]
        inputs = [as_numbers(parts[column]) for column in columns.inputs]
        time = None if columns.time is None else np.asarray(parts[columns.time])
        group = None if columns.group is None else list(parts[columns.group])
        return np.stack(inputs, axis=1), _plain(time), group

    def _places(self, here: list, is_dict: bool) -> list[int | None]:
        """Return where each column of X is; None where a dict leaves it out."""
        names, count = self.columns.names, self.columns.n_features_in
        wanted = list(range(count)) if names is None else list(names)
        # Fit does not keep labels that are not text: as in predict, the place counts.
        by_place = names is None and not is_dict and len(here) == count
        if here == wanted or (by_place and not any(isinstance(k, str) for k in here)):
            return list(range(count))
        self._check_names(here, wanted, is_dict)
        where = {name: place for place, name in enumerate(here)}
        return [where.get(name) for name in wanted]

    def _check_names(self, here: list, wanted: list, may_lack: bool) -> None:
        """Refuse unknown columns; a dict may leave out what was not measured."""
        unknown = [name for name in here if name not in wanted]
        lacking = [name for name in wanted if name not in here]
        if unknown or (lacking and not (self.allow_missing and may_lack)):
            fix = "Name them as in fit."
            if self.columns.names is None:
                fix = "The fit saw no column names (text): pass the row as an array."
            odd = {"unknown": unknown, "lacking": lacking}
            told = ", ".join(f"{word} {names}" for word, names in odd.items() if names)
            raise InvalidInputError(
                f"Expected a row with the columns {wanted}, got {here}: {told}. {fix}"
            )

    def _check_size(self, scaled: np.ndarray, values: np.ndarray) -> None:
        """Refuse numbers that would be infinite in the network's precision."""
        bad = np.abs(scaled) > self.largest
        if bad.any():
            stream, column = np.argwhere(bad)[0]
            raise InvalidInputError(
                f"Expected numbers that the network can hold, got "
                f"{values[stream, column]} in {self.columns.describe(column)}. Check "
                "the row."
            )

    def _check_group(self, group: list | None) -> None:
        if group is None or self.group is None or group == self.group:
            return
        # A stream that was reset may be another recording from now on.
        for stream in np.flatnonzero(self.clock.started):
            before, now = self.group[stream], group[stream]
            if before != now:
                raise InvalidInputError(
                    f"The recording of stream {stream} was {before!r} and is {now!r} "
                    "now. A stream is one recording: reset it first, or open one "
                    "stream for each."
                )

    def _check_finite(self, values: np.ndarray) -> None:
        bad = np.isinf(values)
        if not self.allow_missing:
            bad |= np.isnan(values)
        elif self.columns.anchors is not None:
            bad[:, self.columns.anchors] |= np.isnan(values[:, self.columns.anchors])
        if not bad.any():
            return
        stream, column = np.argwhere(bad)[0]
        where = self.columns.describe(column)
        if self.n is not None:
            where += f" of stream {stream}"
        raise InvalidInputError(
            f"Expected finite numbers, got {values[stream, column]} in {where}. Fill "
            'it in or leave the row out; models fitted with missing="hold" or "mask" '
            "take NaN where a value is missing (except in anchor columns)."
        )


def _read_index(x: Any) -> tuple[Any, list | None]:
    """Return the time and the recordings that `predict` reads in the index of a frame.

    The name of a Series is the index of the row that it was.
    """
    if isinstance(x, pd.DataFrame):
        index = x.index
    elif not isinstance(x, pd.Series) or isinstance(x.name, _NO_TIME):
        return None, None
    else:
        levels = x.name if isinstance(x.name, tuple) else (x.name,)
        if isinstance(levels[-1], pd.Timestamp | pd.Timedelta):
            # The common case; an index is much slower.
            return levels[-1], _labels([levels[:-1]])
        index = pd.Index([x.name])  # of several levels, if it is a tuple
    time = time_of_recording(index)
    if not isinstance(index, pd.MultiIndex):
        return time, None
    above = index.nlevels - (time is not None)
    return time, _labels([levels[:above] for levels in index])


def _labels(recordings: list[tuple]) -> list | None:
    """Return a label per recording: one text for several levels, which arrays hold."""
    if not recordings[0]:
        return None
    return [
        levels[0] if len(levels) == 1 else ", ".join(map(repr, levels))
        for levels in recordings
    ]


def _as_array(x: Any) -> np.ndarray:
    try:
        return np.asarray(x.detach() if hasattr(x, "detach") else x)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"Expected a row as an array, Series or dict, got {x!r}: {error}."
        ) from error


def as_numbers(values: Any) -> np.ndarray:
    """Return values as float64; None and pandas.NA are NaN."""
    array = np.asarray(values)
    if array.dtype == object:
        array = np.where(pd.isna(array), np.nan, array)
    try:
        return array.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"Expected numbers in every input column, got {values!r}: {error}."
        ) from error


def _plain(time: np.ndarray | None) -> Any:
    """Return times that came in an array of objects as what they are."""
    if time is None or time.dtype != object:
        return time
    return pd.Index(time).infer_objects().to_numpy()
