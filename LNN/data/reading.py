"""The door: from array, list, frame, time stamps and groups to a `SequenceSet`."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from LNN.exceptions import InvalidInputError

from .containers import plain
from .layouts import layout_of
from .rows import RowReader
from .samples import read_recordings
from .sequence_set import SequenceSet

__all__ = ["read_sequences"]


def read_sequences(
    X: Any,
    *,
    window_length: int | None,
    stride: int = 1,
    timestamps: Any = None,
    groups: Any = None,
    time_column: Any = None,
    group_column: Any = None,
    anchor: Any = None,
    context: Any = None,
    per_step: bool = False,
    allow_missing: bool = False,
    n_jobs: int | None = None,
    name: str = "X",
) -> SequenceSet:
    """Read data of any layout into spans over rows.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features), (n_samples, n_timesteps, \
n_features), or list of array-likes of shape (T_i, n_features)
        2-D data are the rows of one recording (or several, with groups) in time order;
        row t is predicted from the ``window_length`` rows that end at t. In the other
        layouts each sample is a sequence. An index of datetimes, dates, periods or
        durations gives the time, in each frame of a list too; a MultiIndex
        (recording, ..., time) of 2-D data also the recordings.
    window_length : int or None
        Rows per window; 1 makes rows independent; None reads whole recordings, in
        which every row has a target. 2-D only.
    stride : int
        A window ends at every ``stride``-th row, counted so that the last row of each
        recording has one. 2-D only.
    timestamps : array-like of shape (n,) or (n, T), or list of (T_i,), optional
        Numbers, datetimes, dates or durations. With ``context``, those of the context
        first.
    groups : array-like of shape (n,), optional
        Which recording a row belongs to; windows never cross one. In the other layouts
        one label per sample.
    time_column, group_column : str or int, optional
        Column of X to use instead; the network does not read it.
    anchor : str, int or list, optional
        Columns that enter as their change from the row before.
    context : array-like of shape (n_context, n_features), optional
        Rows just before X, of the same recording, as history without predictions of
        their own. 2-D only.
    per_step : bool
        Whether sequences have a target at every step (3-D and lists).
    allow_missing : bool
        Whether NaN is allowed in X, except in anchor columns. Infinity never is.
    n_jobs : int, optional
        Threads for checks; the result does not depend on it.
    name : str
        What X is called in messages.

    Returns
    -------
    SequenceSet

    Raises
    ------
    InvalidInputError
        A ValueError that says what was expected, what came and what to do. What
        scikit-learn checks (sparse, complex, 1-D, empty) raises its errors.

    Warns
    -----
    LNNWarning
        If an integer index that is not in order suggests that rows are shuffled, or if
        an index of text looks like dates, or one of uneven numbers like time.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.arange(10.0).reshape(5, 2)
    >>> sequences = read_sequences(X, window_length=3)
    >>> len(sequences), sequences.length.tolist()
    (5, [1, 2, 3, 3, 3])
    """
    if timestamps is not None and time_column is not None:
        raise InvalidInputError(
            "Expected timestamps= or time_column=, got both. Drop one of them."
        )
    if groups is not None and group_column is not None:
        raise InvalidInputError(
            "Expected groups= or group_column=, got both. Drop one of them."
        )
    # The one border for containers: behind it there are numpy and pandas alone.
    X, timestamps, context = plain(X), plain(timestamps), plain(context)
    groups = plain(groups)
    layout = layout_of(X, name=name)
    labels = (time_column, group_column, anchor)
    if layout == "rows":
        window = window_length
        if window is not None:
            window = _positive_int(window_length, "window_length")
        step = _positive_int(stride, "stride")
        reader = RowReader(
            window, step, timestamps, groups, context, allow_missing, n_jobs, name
        )
        return reader.read(X, labels)
    if context is not None:
        raise InvalidInputError(
            f"Expected context only with 2-D {name}, got it with sequences. Put the "
            "earlier steps into the sequences themselves."
        )
    return read_recordings(
        X,
        layout,
        labels=labels,
        timestamps=timestamps,
        groups=groups,
        per_step=per_step,
        allow_missing=allow_missing,
        n_jobs=n_jobs,
        name=name,
    )


def _positive_int(value: Any, name: str) -> int:
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if whole and (number := int(value)) >= 1:
        return number
    raise InvalidInputError(
        f"Expected {name} to be an int of 1 or more, got {value!r}. Pass a number of "
        "rows."
    )
