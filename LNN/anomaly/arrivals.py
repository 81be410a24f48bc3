"""Rows that arrive at a stream: what they hold, and when they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from LNN.anomaly.fitted import FittedDetector
from LNN.anomaly.plan import NEAR
from LNN.exceptions import InvalidInputError

__all__ = ["Arrivals", "Row"]


class Row(NamedTuple):
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


class Arrivals:
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

    def take(self, x: Any, dt: Any, timestamp: Any) -> Row:
        """Read one row."""
        values, stamp = self._read(x)
        stamp = stamp if timestamp is None else timestamp
        gap = self._gap(dt, stamp)
        if not gap >= 0:
            raise InvalidInputError(
                f"Expected a row at or after the one before, got a gap of "
                f"{gap * self._plan.unit:g}. Pass rows in time order."
            )
        now = self._later(gap) if stamp is None else stamp
        calendar = self._calendar(now)
        self._step += gap if self._began else 0.0
        self._began, self._now = True, now
        return Row(values, self._step, calendar)

    def reads_index(self, frame: pd.DataFrame) -> bool:
        """Tell whether the index of a frame is the time of its rows."""
        special = self._form.layout.options.time_column
        timed = isinstance(frame.index, pd.DatetimeIndex | pd.TimedeltaIndex)
        return special is None and timed

    def _read(self, x: Any) -> tuple[np.ndarray, Any]:
        """Return the channels of a row, and its time if a column holds it."""
        columns = self._form.layout.columns
        if isinstance(x, Mapping | pd.Series) and columns.names is not None:
            lacking = [name for name in columns.names if name not in x]
            if lacking:
                raise InvalidInputError(
                    f"Expected a row with the columns {list(columns.names)}, which "
                    f"lacks {lacking}."
                )
            x = [x[name] for name in columns.names]
        cells = np.asarray(x, dtype=object).reshape(-1)
        if len(cells) != columns.n_features_in:
            raise InvalidInputError(
                f"Expected a row of {columns.n_features_in} values, as X in fit, got "
                f"{len(cells)}."
            )
        values = cells[np.asarray(columns.inputs)].astype(np.float64)
        if np.isinf(values).any():
            raise InvalidInputError(
                "Expected finite values in a row, got an infinite one. NaN stands for "
                "a value that nobody saw."
            )
        return values, None if columns.time is None else cells[columns.time]

    def _gap(self, dt: Any, stamp: Any) -> float:
        """Return the usual gaps since the row before."""
        if not self._began:
            return 0.0
        if stamp is not None and self._now is not None:
            dt = stamp - self._now
        if dt is None:
            return 1.0
        if isinstance(dt, np.timedelta64) or hasattr(dt, "total_seconds"):
            dt = pd.Timedelta(dt).total_seconds()
        gap = float(dt) / self._plan.unit
        whole = np.round(gap)
        near = self._plan.regular and abs(gap - whole) <= NEAR
        return float(whole) if near else gap

    def _later(self, gap: float) -> Any:
        if self._now is None:
            return None
        if isinstance(self._now, pd.Timestamp | pd.Timedelta):
            return self._now + pd.Timedelta(seconds=gap * self._plan.unit)
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
        return calendar.of(pd.DatetimeIndex([now]))[0]
