"""Rows that arrive at a stream: what they hold, and when they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from LNN.anomaly.fitted import FittedDetector
from LNN.anomaly.parameters import OWNER
from LNN.anomaly.plan import NEAR
from LNN.anomaly.recordings import as_table
from LNN.data.time_index import time_of_recording
from LNN.exceptions import InvalidInputError
from LNN.forecasting.stray import LONG, TIMES, LoneRow
from LNN.streaming.arrivals import as_numbers
from LNN.streaming.stream_clock import as_stamp

__all__ = ["DetectorArrivals", "DetectorRow"]

# Steps are float64: rows after so many could not be told apart.
MOST_STEPS = 2.0**53


class DetectorRow(NamedTuple):
    """A row that arrived.

    Attributes
    ----------
    values : ndarray of shape (n_channels,)
    step : float
        When it is, in usual gaps since the first row.
    calendar : ndarray of shape (n_calendar,)
    """

    values: np.ndarray
    step: float
    calendar: np.ndarray


class DetectorArrivals:
    """Reads rows as `fit` has read those of X.

    Parameters
    ----------
    model : FittedDetector
    """

    def __init__(self, model: FittedDetector):
        self._plan, self._form = model.engine.plan, model.form
        self._step = 0.0
        self._began = False
        self._now: Any = None
        self._lone: Any = None
        self._group: Any = None

    def take(self, x: Any, dt: Any, timestamp: Any) -> DetectorRow:
        """Read one row."""
        values, stamp = self._read(x)
        stamp = stamp if timestamp is None else timestamp
        stamp = None if stamp is None else self._as_stamp(stamp)
        gap = self._gap(dt, stamp)
        if not 0 <= gap < np.inf:
            raise InvalidInputError(
                f"Expected a row at or after the one before{self._when()}, got a gap "
                f"of {gap * self._plan.unit:g}. Pass rows in time "
                "order. If a wrong time was taken before (a clock that jumped ahead), "
                "go on in a new stream: detector.stream(context=the last good rows)."
            )
        if self._step + gap > MOST_STEPS:
            raise _too_long(dt)
        self._refuse_lone(stamp, gap)
        now = self._later(gap) if stamp is None else stamp
        calendar = self._calendar(now)
        self._step += gap if self._began else 0.0
        self._began, self._now, self._lone = True, now, None
        return DetectorRow(values, self._step, calendar)

    def rows_of(self, context: Any) -> tuple[np.ndarray, Any]:
        """Return the rows of a table, and their times if its index holds them."""
        table, layout = as_table(context), self._form.layout
        if np.ndim(table) != 2:
            got = f"shape {np.shape(table)}" if np.ndim(table) else repr(table)
            raise InvalidInputError(
                f"Expected context of shape (n_rows, n_features), got {got}. Pass the "
                "rows that came just before, such as the last ones of the fit."
            )
        if not isinstance(table, pd.DataFrame):
            return np.asarray(table), None
        if layout.columns.names is not None:
            self._refuse_lacking(table.columns)
            table = table[list(layout.columns.names)]
        index = table.index
        if isinstance(index, pd.MultiIndex) and index.droplevel(-1).nunique() > 1:
            self._refuse_several(*index.droplevel(-1).unique()[:2])
        known = self._form.clock.kind and layout.options.time_column is None
        return table.to_numpy(), time_of_recording(index) if known else None

    def _read(self, x: Any) -> tuple[np.ndarray, Any]:
        """Return the channels of a row, and its time if a column holds it."""
        columns = self._form.layout.columns
        if isinstance(x, Mapping | pd.Series) and columns.names is not None:
            self._refuse_lacking(x.keys())
            x = [x[name] for name in columns.names]
        cells = np.asarray(x, dtype=object).reshape(-1)
        if len(cells) != columns.n_features_in:
            raise InvalidInputError(
                f"Expected a row of {columns.n_features_in} values, as X in fit, got "
                f"{len(cells)}. Pass all columns of X, NaN for a missing value."
            )
        values = as_numbers(cells[np.asarray(columns.inputs)])
        if np.isinf(values).any():
            raise InvalidInputError(
                "Expected finite values in a row, got an infinite one. Pass NaN for a "
                "missing value."
            )
        if columns.group is not None:
            group = cells[columns.group]
            if self._began and group != self._group:
                self._refuse_several(self._group, group)
            self._group = group
        return values, None if columns.time is None else cells[columns.time]

    def _when(self) -> str:
        return "" if self._now is None else f" ({self._now})"

    def _refuse_lacking(self, here: Any) -> None:
        names: Any = self._form.layout.columns.names
        lacking = [name for name in names if name not in here]
        if lacking:
            raise InvalidInputError(
                f"Expected a row with the columns {list(names)}, got one that lacks "
                f"{lacking}. Pass NaN for a missing value."
            )

    def _refuse_several(self, before: Any, now: Any) -> None:
        raise InvalidInputError(
            f"Expected rows of one recording, got {before!r} and {now!r}. A stream is "
            "one recording: open one for each."
        )

    def _refuse_lone(self, stamp: Any, gap: float) -> None:
        """Refuse a row far from all before it, unless another such one was soon before.

        It may have the time of a clock that was reset. All later rows would come before
        it, and be refused.
        """
        if stamp is None or gap <= LONG or gap <= TIMES * self._step:
            return
        if self._lone is not None:
            since = self._seconds(stamp - self._lone) / self._plan.unit
            if 0 <= since <= LONG:
                return
        self._lone = stamp
        raise LoneRow(self._group, stamp, self._now, gap)

    def _as_stamp(self, stamp: Any) -> Any:
        """Return a time stamp whose differences are those of the fit."""
        kind = self._form.clock.kind
        if kind is None:
            raise InvalidInputError(
                f"{OWNER} was fitted without time stamps, so they have no unit here. "
                "Pass dt= in steps, or fit with time stamps."
            )
        if kind == "numbers":
            value = np.asarray(stamp)
            if value.ndim or value.dtype.kind not in "iuf" or not np.isfinite(value):
                raise InvalidInputError(
                    f"Expected timestamp as a number, as in fit, got {stamp!r}."
                )
            return stamp
        found, before = as_stamp(stamp), self._now
        zoned = isinstance(found, pd.Timestamp) and found.tz is not None
        known = self._form.clock.zoned
        if isinstance(found, pd.Timestamp) and known is not None and zoned != known:
            raise InvalidInputError(
                f"Expected a time {'with' if known else 'without'} a time zone, as in "
                f"fit, got {stamp!r}. Convert it first (tz_localize, tz_convert)."
            )
        if before is not None and _kind_of(found) != _kind_of(before):
            raise InvalidInputError(
                f"Expected a time of the kind of {before!r}, the row before, got "
                f"{stamp!r}. Use one kind, with or without a time zone, throughout."
            )
        return found

    def _gap(self, dt: Any, stamp: Any) -> float:
        """Return the usual gaps since the row before."""
        if not self._began:
            return 0.0
        if stamp is not None and self._now is not None:
            dt = stamp - self._now
        if dt is None:
            return 1.0
        gap = self._seconds(dt) / self._plan.unit
        if not (self._plan.regular and 0 <= gap < np.inf):
            return gap
        whole = float(np.round(gap))
        return whole if abs(gap - whole) <= NEAR else gap

    def _seconds(self, dt: Any) -> float:
        """Return a gap in the unit of the time stamps of the fit."""
        kind = self._form.clock.kind
        duration = isinstance(dt, np.timedelta64) or hasattr(dt, "total_seconds")
        if duration and kind not in (None, "numbers"):
            try:
                return pd.Timedelta(dt).total_seconds()
            except (ValueError, OverflowError) as error:
                raise _too_long(dt) from error
        try:
            return float(dt)
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                f"Expected dt as a number, or a duration where the fit saw datetimes "
                f"or durations (it saw {kind or 'no time stamps'}), got {dt!r}."
            ) from error

    def _later(self, gap: float) -> Any:
        if self._now is None:
            return None
        if isinstance(self._now, pd.Timestamp | pd.Timedelta):
            seconds = gap * self._plan.unit
            try:
                return self._now + pd.Timedelta(seconds=seconds)
            except (ValueError, OverflowError) as error:
                raise _too_long(seconds) from error
        return self._now + gap * self._plan.unit

    def _calendar(self, now: Any) -> np.ndarray:
        calendar = self._plan.calendar
        if not calendar.n_columns:
            return np.empty(0)
        if now is None:
            raise InvalidInputError(
                f"The model reads the calendar ({calendar.cycles}), so it has to know "
                "when the first row is. Pass step(x, timestamp=...), or a frame with "
                "a DatetimeIndex as stream(context=...)."
            )
        return self._plan.calendar_of(pd.DatetimeIndex([now]))[0]


def _too_long(dt: Any) -> InvalidInputError:
    return InvalidInputError(
        f"Expected a gap that ends at a time which can be stored, got dt={dt!r}. Check "
        "its unit: seconds where the fit saw dates, else that of its time stamps."
    )


def _kind_of(stamp: Any) -> tuple[type, bool]:
    """Return what two stamps must have in common to lie some time apart."""
    return type(stamp), getattr(stamp, "tz", None) is None
