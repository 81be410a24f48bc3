"""The time between the rows of a stream, in the units that the network knows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from LNN._warnings import warn
from LNN.data.clock import far_gaps_warning, other_gaps_warning, refuse_coarse_time
from LNN.data.containers import plain
from LNN.data.gap_range import ENOUGH
from LNN.estimators.fitted import FittedModel
from LNN.exceptions import InvalidInputError

_TICKS_PER_SECOND = 1e9
_NAMED = "datetimes or durations"


class Gaps(NamedTuple):
    """What a clock has read: gaps in units, and the stamps to remember."""

    units: float | np.ndarray
    stamps: np.ndarray | None


class StreamClock:
    """Turns `dt` or time stamps into gaps, by the rules of `LNN.data.timestamps`.

    Parameters
    ----------
    model : FittedModel
    n : int
        Number of streams.

    Attributes
    ----------
    started : ndarray of bool, shape (n,)
        Whether a stream has had a row; its first one has a gap of one unit.
    stamps : ndarray of shape (n,), or None
        The last time stamps, if rows came with some: nanoseconds or numbers.
    """

    def __init__(self, model: FittedModel, n: int):
        clock, self.preparation = model.clock, model.preparation
        self.learnt = clock
        self.unit, self.tolerance = clock.unit, self.preparation.tolerance
        self.kind, self.regular = clock.kind, clock.regular
        self.gap_range, self.standing = clock.gap_range, clock.standing
        self.first_gaps = np.empty(0)
        self.owner = model.owner
        # Rows that are independent of each other have no time between them.
        self.timeless = model.layout.timeless
        self.per_second = _TICKS_PER_SECOND if self.kind == _NAMED else 1.0
        self.stamped: str | None = None  # what kind of datetimes came so far
        self.warned = False
        self.longest = self.preparation.largest * min(1.0, self.unit)
        self.started = np.zeros(n, dtype=bool)
        self.stamps: np.ndarray | None = None

    def read(self, dt: Any, timestamp: Any) -> Gaps:
        """Return the gaps of a row; nothing is remembered before `accept`.

        Parameters
        ----------
        dt : float, timedelta or array-like of shape (n,), or None
            Seconds for a model fitted on datetimes or durations, the time stamps' own
            unit for one fitted on numbers, steps for one fitted without time.
        timestamp : number, datetime, duration or array-like of shape (n,), or None
        """
        if self.timeless and not (dt is None and timestamp is None):
            raise InvalidInputError(
                f"Expected no time, got some: {self.owner} was fitted with "
                "window_length=1, so rows are independent of each other. Leave dt and "
                "timestamp out."
            )
        if timestamp is not None:
            if dt is not None:
                raise InvalidInputError("Expected dt or timestamp, got both. Drop one.")
            return self._from_stamps(timestamp)
        if dt is None:
            return Gaps(self._without_time(), None)
        if type(dt) is float or type(dt) is int:
            return Gaps(self._scalar(dt), None)
        return Gaps(self._units(self._seconds(dt)), None)

    def accept(self, gaps: Gaps) -> None:
        """Remember the row that was read: the step was taken."""
        # None after a gap that came as dt: the time of that row is not known.
        self.stamps = gaps.stamps
        self.started[:] = True

    def reset(self, which: np.ndarray | slice) -> None:
        """Let streams begin anew."""
        self.started[which] = False

    def _scalar(self, dt: float) -> float | np.ndarray:
        # A path of its own: arrays of one number would take most of a step's time.
        if not 0 <= dt <= self.longest:
            raise InvalidInputError(_wrong_gap(dt))
        if not self.started.all():
            return self._units(np.full(len(self.started), float(dt)))
        units = dt / self.unit  # as `normalised`, for one number
        if abs(units - 1.0) <= self.tolerance:
            units = 1.0
        if not self.warned:
            self._warn_of_gaps(dt, dt, units)
        return units

    def _units(self, gaps: np.ndarray) -> np.ndarray:
        if gaps.shape not in ((), self.started.shape):
            raise InvalidInputError(
                f"Expected one time, or one per stream, shape {self.started.shape}, "
                f"got shape {gaps.shape}."
            )
        gaps = np.broadcast_to(gaps, self.started.shape)
        known = gaps[self.started]
        good = (known >= 0) & (known <= self.longest)
        if not good.all():
            raise InvalidInputError(_wrong_gap(known[~good][0]))
        # The first row of a stream, as of a recording, has a gap of one unit.
        gaps = np.where(self.started, gaps, np.nan)
        units = self.preparation.units(gaps)
        if not self.warned and len(known):
            self._warn_of_gaps(known, known.max(), units)
        return units

    def _warn_of_gaps(
        self, gaps: float | np.ndarray, longest: float, units: float | np.ndarray
    ) -> None:
        """Warn once of gaps that training never showed, as predict does."""
        if self.regular:
            # A stream is told dt = 1 in most steps, which should cost nothing.
            one = isinstance(units, float) and units == 1.0
            if not one and not self.learnt.shows(units):
                self.warned = True
                warn(other_gaps_warning(self.owner, "this stream", self.learnt))
            return
        if self.gap_range is None:
            return
        begins = len(self.first_gaps) < ENOUGH
        if not begins and longest <= self.gap_range.far:
            return
        # The first ones together, as predict sees them: their median tells the unit.
        gaps = np.append(self.first_gaps, gaps) if begins else np.atleast_1d(gaps)
        if begins:
            self.first_gaps = gaps
        stands = not gaps.any() and not self.standing
        if stands and len(gaps) >= ENOUGH and len(self.started) == 1:
            self.warned = True
            warn(
                f"Time stands still in the first {len(gaps)} steps of this stream. "
                "Pass the time of each row as timestamp=, or the time since the row "
                "before as dt=."
            )
            return
        far = self.gap_range.describe_far_gaps(gaps, self.kind)
        if far:
            self.warned = True
            warn(far_gaps_warning(self.owner, "The stream", far))

    def _without_time(self) -> float:
        if self.regular or not self.started.any():
            return 1.0
        raise InvalidInputError(
            f"{self.owner} was fitted on irregular time stamps, but this row comes "
            "without time. Pass dt=, the time since the row before, or timestamp=."
        )

    def _seconds(self, dt: Any) -> np.ndarray:
        """Return gaps in the unit of the training data's."""
        values = np.asarray(dt)
        if values.dtype.kind in "iuf" and values.ndim < 2:
            return values.astype(np.float64)
        if self.kind == _NAMED and values.ndim < 2:
            try:
                gaps = pd.to_timedelta(np.atleast_1d(values)).total_seconds().to_numpy()
                return gaps if values.ndim else gaps[0]
            except (TypeError, ValueError) as error:
                raise InvalidInputError(
                    f"Expected dt as seconds or a duration, got {dt!r}: {error}."
                ) from error
        raise InvalidInputError(
            f"Expected dt as a number or one per stream, got {dt!r}: {self.owner} was "
            f"fitted on {self.kind or 'rows without time stamps'}."
        )

    def _from_stamps(self, timestamp: Any) -> Gaps:
        stamps = self._ticks(plain(timestamp))
        if stamps.shape != self.started.shape:
            if stamps.size != 1:
                raise InvalidInputError(
                    f"Expected one timestamp, or one per stream, shape "
                    f"{self.started.shape}, got shape {stamps.shape}."
                )
            stamps = np.broadcast_to(stamps.ravel(), self.started.shape)
        if self.stamps is None:
            if self.started.any():
                raise InvalidInputError(
                    "Expected dt again, got timestamp: the rows before came without "
                    "one, so the time since then is unknown. Pass timestamp with every "
                    "row, or reset the stream."
                )
            return Gaps(1.0, stamps)
        elapsed = (stamps - self.stamps) / self.per_second
        back = self.started & (elapsed < 0)
        if back.any():
            by: Any = float(-elapsed[back][0])
            by = pd.Timedelta(seconds=by) if self.kind == _NAMED else f"{by:g}"
            raise InvalidInputError(
                "Expected time stamps in order, but time goes back from the row before "
                f"by {by}. Leave out rows that come late, or wait for them and sort "
                "before stepping. Only another recording needs reset()."
            )
        # One stream is the common case, and a number much quicker than an array. A
        # stream that was reset begins with one unit, whatever the time since then.
        one = len(elapsed) == 1 and self.started[0]
        units = self._scalar(elapsed.item()) if one else self._units(elapsed)
        return Gaps(units, stamps)

    def _ticks(self, timestamp: Any) -> np.ndarray:
        """Return stamps as numbers whose differences are exact, as far as they can."""
        if self.kind is None:
            raise InvalidInputError(
                f"{self.owner} was fitted without time stamps, so they have no unit "
                "here. Pass dt= in steps, or fit with time stamps."
            )
        if self.kind == _NAMED:
            return self._nanoseconds(timestamp)
        values = np.asarray(timestamp)
        if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
            raise InvalidInputError(
                f"Expected timestamp as a number, as in fit, got {timestamp!r}."
            )
        # Whole numbers stay whole: large ones lose their last digits as float64.
        if values.dtype.kind != "f":
            return values.astype(np.int64)
        refuse_coarse_time(float(np.spacing(np.abs(values).max())), self.unit)
        return values.astype(np.float64)

    def _nanoseconds(self, timestamp: Any) -> np.ndarray:
        stamp = as_stamp(timestamp)
        kind = "datetimes with a time zone"
        if isinstance(stamp, pd.Timedelta | pd.TimedeltaIndex):
            kind = "durations"
        elif stamp.tz is None:
            kind = "datetimes without a time zone"
        if self.stamped not in (None, kind) and self.started.any():
            raise InvalidInputError(
                f"Expected {self.stamped} as before, got {timestamp!r}. Use one kind "
                "throughout, or reset the stream."
            )
        self.stamped = kind
        if isinstance(stamp, pd.Index):
            return stamp.asi8
        return np.array([stamp.value])


def as_stamp(timestamp: Any) -> Any:
    """Return a Timestamp, a Timedelta or an index of them; never NaT."""
    try:
        stamp = _read_stamp(timestamp)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInputError(
            f"Expected timestamp as a datetime or duration, as in fit, got "
            f"{timestamp!r}, which cannot be read: {error}. Pass dt= for a number of "
            "seconds."
        ) from error
    if np.any(pd.isna(stamp)):
        raise InvalidInputError("Expected a time stamp, got NaT. Pass the row's time.")
    return stamp


def _read_stamp(timestamp: Any) -> Any:
    if isinstance(timestamp, timedelta | np.timedelta64):
        return pd.Timedelta(timestamp).as_unit("ns")
    if isinstance(timestamp, pd.Period):
        timestamp = timestamp.to_timestamp()
    if isinstance(timestamp, datetime | np.datetime64 | str):
        return pd.Timestamp(timestamp).as_unit("ns")
    listed = [timestamp] if np.ndim(timestamp) == 0 else timestamp
    index = pd.Index(listed).infer_objects()
    if index.dtype.kind in "iufbc":
        raise TypeError("it is a number")
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if not isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
        index = pd.to_datetime(index)
    return index.as_unit("ns")


def _wrong_gap(gap: float) -> str:
    return (
        "Expected dt, the time since the row before, to be finite, >= 0 and not larger "
        f"than the network's numbers, got {gap}. Reset the stream to begin another "
        "recording."
    )
