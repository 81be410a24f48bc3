"""Rows as the detector reads them: recordings end to end, with the time of each row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from LNN.anomaly.parameters import OWNER
from LNN.data.axes import warn_of_table_of_series
from LNN.data.clock import Clock
from LNN.data.containers import plain
from LNN.data.form import GivenX, InputLayout, ReadOptions
from LNN.data.layouts import layout_of
from LNN.data.sequence_set import SequenceSet
from LNN.data.timestamps import as_times, tolerance
from LNN.exceptions import InvalidInputError

__all__ = [
    "WHOLE",
    "DetectorForm",
    "Recordings",
    "StepClock",
    "as_table",
    "read",
    "read_first",
]

# How far from a whole number of steps a gap may be and still be one, in steps.
WHOLE = 0.01


@dataclass(frozen=True, eq=False)
class Recordings:
    """Rows of all recordings; those of one lie together, in time order.

    Attributes
    ----------
    values : ndarray of shape (n, n_channels)
        NaN is unseen.
    recording : ndarray of int, shape (n,)
        Never decreasing.
    elapsed : ndarray of shape (n,) or None
        Time since the row before, in seconds or in units of the time stamps; NaN at the
        first row of a recording. None without time.
    times : Index
        When the rows were, as the caller calls it; else their numbers.
    names : Index
        What the caller calls the recording of each row.
    row : ndarray of int, shape (n,)
        Place of each row in what the caller gave; of sequences, counted through.
    calendar : ndarray of shape (n, n_calendar), default=None
        What a calendar says of the rows, if it is known already.
    """

    values: np.ndarray
    recording: np.ndarray
    elapsed: np.ndarray | None
    times: pd.Index
    names: pd.Index
    row: np.ndarray
    calendar: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def stamps(self) -> pd.DatetimeIndex | None:
        """When the rows were, if a clock says so."""
        return self.times if isinstance(self.times, pd.DatetimeIndex) else None

    @property
    def first(self) -> np.ndarray:
        """Whether each row is the first of its recording."""
        return np.diff(self.recording, prepend=-1) != 0

    def as_given(self, found: np.ndarray) -> np.ndarray:
        """Return something of each row in the caller's order."""
        ordered = np.empty_like(found)
        ordered[self.row] = found
        return ordered


@dataclass(frozen=True)
class StepClock(Clock):
    """Equal steps: unseen rows stand where no row came, however many these are."""

    def shows(self, units: np.ndarray | float, resolution: float = 0.0) -> bool:
        """Return whether gaps are whole numbers of steps."""
        near = max(WHOLE, tolerance(self.unit, max(resolution, self.resolution)))
        return bool((np.abs(units - np.round(units)) <= near).all())


# What pickles of older versions call it.
_StepClock = StepClock


@dataclass(frozen=True)
class DetectorForm:
    """What X of a fit looked like, which later X must match.

    Attributes
    ----------
    layout : InputLayout
    clock : Clock
    by_row : bool
        Whether each row of 2-D X is a sequence of one channel.
    n_steps : int
        Length of these.
    """

    layout: InputLayout
    clock: Clock
    by_row: bool
    n_steps: int

    @property
    def per_sequence(self) -> bool:
        """Whether there is one score for a sequence, not one for a row."""
        return self.by_row or not self.layout.in_rows


def as_table(X: Any) -> Any:
    """Return X as pandas or numpy has it; a Series is a frame of one channel."""
    X = plain(X)
    return X.to_frame() if isinstance(X, pd.Series) else X


def read_first(
    X: Any, timestamps: Any, groups: Any, values: Mapping[str, Any]
) -> tuple[Recordings, DetectorForm]:
    """Read the X of a fit, and learn what later X must look like."""
    X = as_table(X)
    table = layout_of(X, name="X") == "rows"
    by_row = table and values["rows"] == "sequences"
    special = values["time_column"], values["group_column"]
    if by_row:
        _refuse_labels(timestamps, groups, *special)
    elif table and timestamps is None and groups is None and special == (None, None):
        warn_of_table_of_series(X)
    options = ReadOptions(
        OWNER,
        window_length=1 if by_row else None,
        time_column=special[0],
        group_column=special[1],
        allow_missing=True,
    )
    sequences = options.read(GivenX(X, timestamps, groups, per_step=True))
    n_steps = sequences.n_features_in if by_row else 0
    clock = Clock.of(sequences, "float64")
    # Its network knows which gaps were seen; to be told once is enough.
    clock = replace(clock, gap_range=None)
    if clock.regular:
        known = {field.name: getattr(clock, field.name) for field in fields(clock)}
        clock = StepClock(**(known | {"max_step": 1.0}))
    form = DetectorForm(InputLayout.of(options, sequences), clock, by_row, n_steps)
    return _recordings(sequences, X, timestamps, groups, form), form


def read(X: Any, timestamps: Any, groups: Any, form: DetectorForm) -> Recordings:
    """Read later X, and check it against that of the fit."""
    X = as_table(X)
    if form.by_row:
        _refuse_labels(timestamps, groups)
    given = GivenX(X, timestamps, groups, per_step=True)
    sequences = form.layout.read(given, form.clock)
    return _recordings(sequences, X, timestamps, groups, form)


def _recordings(
    sequences: SequenceSet, X: Any, timestamps: Any, groups: Any, form: DetectorForm
) -> Recordings:
    values = sequences.rows.block(0, len(sequences.recording)).astype(np.float64)
    if form.by_row:
        n, steps = values.shape
        each, place = np.repeat(np.arange(n), steps), np.arange(n * steps)
        values = values.reshape(-1, 1)
        return Recordings(values, each, None, pd.Index(place), pd.Index(each), place)
    recording, row = sequences.recording, sequences.row_of_position
    times, names = pd.RangeIndex(len(values)), pd.Index(recording)
    if row is None:
        return Recordings(values, recording, sequences.elapsed, times, names, times)
    options = form.layout.options
    times = _labels(X, plain(timestamps), options.time_column, last=True)
    named = _labels(X, plain(groups), options.group_column, last=False)
    times = pd.RangeIndex(len(values)) if times is None else as_times(times)
    if named is not None:
        names = named[row]
    return Recordings(values, recording, sequences.elapsed, times[row], names, row)


def _labels(X: Any, given: Any, column: Any, *, last: bool) -> pd.Index | None:
    """Return what rows of X are called: by an argument, a column or the index.

    Parameters
    ----------
    X : array-like or DataFrame
    given : array-like or None
    column : column name or None
    last : bool
        Whether the last level of a MultiIndex is meant, or all others.
    """
    if isinstance(X, pd.DataFrame) and column in X.columns and column is not None:
        return pd.Index(X[column])
    if column is not None:
        return pd.Index(np.asarray(X)[:, column])
    if given is not None:
        return pd.Index(given)
    if not isinstance(X, pd.DataFrame):
        return None
    if isinstance(X.index, pd.MultiIndex):
        return X.index.get_level_values(-1) if last else X.index.droplevel(-1)
    return X.index if last else None


def _refuse_labels(*given: Any) -> None:
    if any(part is not None for part in given):
        raise InvalidInputError(
            'Expected no time stamps and groups with rows="sequences", got some: the '
            "columns of a row are its steps, and each row is a recording. Pass 3-D X, "
            'or rows="steps".'
        )
