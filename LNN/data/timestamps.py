"""From time stamps to elapsed time.

Stamps may be numbers, datetimes or durations; what the network needs is the gap to the
row before. Gaps of datetimes and durations are in seconds, gaps of numbers in the
numbers' own unit.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from LNN.exceptions import InvalidInputError

from .containers import plain
from .non_numeric import without_mask
from .weighted import weighted_median
from .written_dates import line_for_numbers, line_for_text

__all__ = [
    "as_times",
    "elapsed_time",
    "in_words",
    "is_regular",
    "normalised",
    "plain_array",
    "plain_stamps",
    "read_time",
    "seconds_between",
    "time_unit",
    "tolerance",
]

_TICKS_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}

# Gaps this near to one unit are one unit: regular data then gives the same bits with
# and without time stamps.
_SNAP = 1e-6
_WIDEST_SNAP = 0.1

Place = Callable[[int], str]

_MINUTE, _HOUR = 60.0, 3600.0
_MOST_OF_A_YEAR = np.timedelta64(300, "D")
_SORT = (
    "This is what train_test_split(shuffle=True) does: use shuffle=False or "
    "TimeSeriesSplit, or sort the rows by time; if they belong to several recordings, "
    "pass groups (or group_column)."
)
_ADD_UP = (
    " Or are these gaps between rows (timespans, as ncps takes them)? Then pass the "
    "times: numpy.cumsum(dt) for rows, numpy.cumsum(dt, axis=1) for sequences, one by "
    "one for a list."
)
_SAY_ZONE = (
    "Is it local time at the end of summer time? Say the zone: "
    "tz_localize(zone, ambiguous='infer'). If not, sort the rows by time; if they "
    "belong to several recordings, pass groups (or group_column)."
)


@dataclass(frozen=True)
class _Ticks:
    """Stamps as numbers whose differences are as exact as the stamps are."""

    values: np.ndarray
    per_unit: float
    resolution: float
    kind: str = "numbers"


def elapsed_time(
    stamps: Any,
    is_first: np.ndarray,
    *,
    order: np.ndarray | None = None,
    place: Place | None = None,
    name: str = "timestamps",
) -> tuple[np.ndarray, float, str]:
    """Return the gap of every row to the row before it in its recording.

    Parameters
    ----------
    stamps : array-like of shape (n,)
        Numbers, datetimes (time zones are fine), dates or durations.
    is_first : ndarray of bool, shape (n,)
        Positions at which a recording begins.
    order : ndarray of int, shape (n,), optional
        Position ``k`` holds stamp ``order[k]``.
    place : callable, optional
        Turns the number of a stamp into words for messages ("row 7").
    name : str
        What the stamps are called in messages.

    Returns
    -------
    gaps : ndarray of float64, shape (n,)
        Seconds for datetimes and durations; NaN at the first row of each recording.
    resolution : float
        Rounding of the stamps in the same unit, 0 for exact ones.
    kind : str
        "numbers", or "datetimes or durations", whose gaps are seconds.

    Raises
    ------
    InvalidInputError
        If a stamp is missing or infinite, if time zones are mixed, or if time goes back
        inside a recording.

    Examples
    --------
    >>> import numpy as np
    >>> elapsed_time(np.array([0, 2, 5]), np.array([True, False, False]))[0].tolist()
    [nan, 2.0, 3.0]
    """
    place = place or (lambda number: f"row {number}")
    stamps = _as_column(stamps, name)
    ticks = _to_ticks(stamps, place, name)
    values = ticks.values if order is None else ticks.values[order]
    gaps = np.empty(len(values))
    if len(values):
        gaps[0] = np.nan
        # Integers are subtracted as integers: nanoseconds since 1970 do not fit into
        # a double.
        gaps[1:] = np.diff(values)
    gaps[is_first] = np.nan
    gaps /= ticks.per_unit
    backwards = np.flatnonzero(gaps < 0)
    if len(backwards):
        here = backwards if order is None else order[backwards]
        advice = _SORT
        if ticks.kind == "numbers" and (values >= 0).all():
            advice = "Are the rows shuffled? " + _SORT + _ADD_UP
        if _summer_time_ends(stamps, here, gaps, int(is_first.sum())):
            advice = _SAY_ZONE
        before = int(backwards[0]) - 1
        before = before if order is None else int(order[before])
        message = _went_back(stamps, int(here[0]), before, place, name)
        raise InvalidInputError(message + advice)
    return gaps, ticks.resolution, ticks.kind


def read_time(
    stamps: Any, is_first: np.ndarray, source: str, **how: Any
) -> dict[str, Any]:
    """Return what a `SequenceSet` holds of time, from stamps that stood in `source`.

    Parameters
    ----------
    stamps, is_first, **how
        As in `elapsed_time`.
    source : str
        As `SequenceSet.time_source`.

    Returns
    -------
    dict
        By the names of its fields.
    """
    elapsed, resolution, kind = elapsed_time(stamps, is_first, **how)
    column = _as_column(stamps, source)
    return {
        "elapsed": elapsed,
        "time_resolution": resolution,
        "time_kind": kind,
        "time_zoned": _zoned(column),
        "time_source": source,
        "time_line": line_for_numbers(column),
    }


def _zoned(column: np.ndarray | pd.Index) -> bool | None:
    """Tell whether datetimes have a time zone; None for other stamps."""
    return column.tz is not None if isinstance(column, pd.DatetimeIndex) else None


def plain_stamps(stamps: Any) -> tuple[np.ndarray, bool]:
    """Return time stamps as an array, and whether they had a time zone.

    Parameters
    ----------
    stamps : array-like of shape (n,)
        As in `elapsed_time`, which has read them without an error.

    Returns
    -------
    stamps : ndarray of int64, float64, datetime64 or timedelta64, shape (n,)
        Datetimes of a time zone are in UTC.
    zoned : bool
    """
    column = _as_column(stamps, "timestamps")
    if isinstance(column, pd.DatetimeIndex) and column.tz is not None:
        return column.tz_convert("UTC").tz_localize(None).to_numpy(), True
    if isinstance(column, pd.DatetimeIndex | pd.TimedeltaIndex):
        return column.to_numpy(), False
    return _to_ticks(column, "row {}".format, "timestamps").values, False


def seconds_between(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the gaps between stamps of `plain_stamps`; of numbers in their own unit.

    Parameters
    ----------
    before, after : ndarray of shape (n,)

    Returns
    -------
    ndarray of float64, shape (n,)
        As `elapsed_time` has them.
    """
    gaps = after - before
    if gaps.dtype.kind != "m":
        return gaps.astype(np.float64)
    per_second = _TICKS_PER_SECOND[np.datetime_data(gaps.dtype)[0]]
    return gaps.astype(np.int64) / per_second


def time_unit(gaps: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return one unit of time: the median of the positive gaps, 1 if there is none.

    Parameters
    ----------
    gaps : ndarray of float
        NaN is ignored.
    weights : ndarray of float, same shape, default=None
        Above 0; a weight of 2 is the same as the gap twice. None is ones.

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> time_unit(np.array([np.nan, 60.0, 60.0, 0.0, 120.0]))
    60.0
    """
    positive = gaps > 0
    # The median, as one outage would move a mean; gaps of 0 are events at one time, and
    # say nothing of the clock.
    if not positive.any():
        return 1.0
    if weights is None:
        return float(np.median(gaps[positive]))
    return weighted_median(gaps[positive], weights[positive])


def is_regular(gaps: np.ndarray, unit: float, resolution: float = 0.0) -> bool:
    """Tell whether all known gaps are one unit, up to rounding.

    Parameters
    ----------
    gaps : ndarray of float
        NaN is ignored.
    unit : float
        As from `time_unit`.
    resolution : float
        Rounding of the time stamps the gaps came from.

    Returns
    -------
    bool

    Examples
    --------
    >>> import numpy as np
    >>> is_regular(np.array([np.nan, 0.1, 0.30000000000000004 - 0.2]), 0.1)
    True
    """
    known = gaps[~np.isnan(gaps)]
    off = np.abs(known / unit - 1.0)
    return bool((off <= tolerance(unit, resolution)).all())


def in_words(gap: float, kind: str | None) -> str:
    """Return a gap as a message shows it: a duration where stamps are of a clock.

    Parameters
    ----------
    gap : float
        As `elapsed_time` has it.
    kind : str or None
        As from `elapsed_time`; None without time stamps.

    Returns
    -------
    str

    Examples
    --------
    >>> in_words(5400.0, "datetimes or durations"), in_words(2.5, "numbers")
    ('1:30:00', '2.5')
    """
    if kind in (None, "numbers"):
        return f"{gap:g}"
    if abs(gap) < _MINUTE:
        return f"{gap:g} s"
    try:
        text = str(datetime.timedelta(seconds=round(gap, 3)))
    except OverflowError:
        return f"{gap:g} s"
    return text.rstrip("0") if "." in text else text


def normalised(gaps: np.ndarray, unit: float, resolution: float = 0.0) -> np.ndarray:
    """Return gaps in units, exactly 1 where they are one unit up to rounding.

    Parameters
    ----------
    gaps : ndarray of float, any shape
        NaN (the first row of a recording) becomes 1.
    unit : float
        As from `time_unit`.
    resolution : float
        Rounding of the time stamps the gaps came from.

    Returns
    -------
    ndarray of float64, same shape

    Examples
    --------
    >>> import numpy as np
    >>> normalised(np.array([np.nan, 60.0, 60.00000001, 90.0]), 60.0).tolist()
    [1.0, 1.0, 1.0, 1.5]
    """
    units = np.asarray(gaps, dtype=np.float64) / unit
    one = np.isnan(units) | (np.abs(units - 1.0) <= tolerance(unit, resolution))
    units[one] = 1.0
    return units


def tolerance(unit: float, resolution: float) -> float:
    """Return how far from one unit a gap may be, in units, and still be one."""
    # Each of the two stamps of a gap is off by up to half the resolution.
    return min(max(_SNAP, 2.0 * resolution / unit), _WIDEST_SNAP)


def plain_array(stamps: Any) -> Any:
    """Return tensors and the like as arrays; lists and what pandas knows stay.

    Parameters
    ----------
    stamps : array-like

    Returns
    -------
    array-like
    """
    known = pd.Index | pd.Series | pd.DataFrame | pd.api.extensions.ExtensionArray
    if isinstance(stamps, known) or not hasattr(stamps, "__array__"):
        return stamps
    return np.asarray(without_mask(stamps))


def as_times(column: pd.Index) -> pd.Index:
    """Return objects as what they hold; periods and plain dates as datetimes.

    Parameters
    ----------
    column : Index

    Returns
    -------
    Index
        Datetimes in mixed zones stay objects, as do dates among other things.

    Examples
    --------
    >>> import datetime
    >>> import pandas as pd
    >>> type(as_times(pd.Index([datetime.date(2024, 2, 29)]))).__name__
    'DatetimeIndex'
    """
    column = plain(column).infer_objects()
    if isinstance(column, pd.PeriodIndex):
        return column.to_timestamp()
    if column.dtype == object and pd.api.types.infer_dtype(column) == "date":
        try:
            return pd.to_datetime(column)
        except ValueError:  # datetimes with a zone among them: left as they are
            return column
    return column


def _as_column(stamps: Any, name: str) -> np.ndarray | pd.Index:
    """Stamps as a numeric array or an index with datetimes, durations or objects."""
    stamps = plain_array(stamps)
    if not isinstance(stamps, np.ndarray | pd.Index | pd.Series):
        stamps = pd.Index(list(stamps)) if np.ndim(stamps) == 1 else np.asarray(stamps)
    if stamps.ndim == 2 and stamps.shape[1] == 1:
        stamps = stamps[:, 0]
    if stamps.ndim != 1:
        raise InvalidInputError(
            f"Expected {name} of shape (n_rows,), got shape {stamps.shape}. Pass one "
            "time stamp per row."
        )
    if isinstance(stamps, np.ndarray) and stamps.dtype.kind in "iuf":
        return stamps
    return as_times(pd.Index(stamps))


def _to_ticks(stamps: np.ndarray | pd.Index, place: Place, name: str) -> _Ticks:
    if isinstance(stamps, pd.Index):
        if isinstance(stamps, pd.DatetimeIndex | pd.TimedeltaIndex):
            _refuse(stamps.isna(), "is missing (NaT)", place, name)
            # In the index's own unit: seconds may reach further than nanoseconds can.
            per_second = _TICKS_PER_SECOND[stamps.unit]
            return _Ticks(stamps.asi8, per_second, 0.0, "datetimes or durations")
        stamps = _numbers_of(stamps, place, name)
    # Unsigned integers wrap around when time goes back.
    if stamps.dtype.kind == "i" or (stamps.dtype.kind == "u" and _fits_int64(stamps)):
        return _Ticks(stamps.astype(np.int64, copy=False), 1.0, 0.0)
    _refuse(np.isnan(stamps), "is NaN", place, name)
    _refuse(np.isinf(stamps), "is infinite", place, name)
    # The step to the next number of this type at the largest stamp: float32 seconds
    # since 1970 are rounded to 128.
    largest = np.abs(stamps).max() if len(stamps) else stamps.dtype.type(0)
    return _Ticks(stamps.astype(np.float64), 1.0, float(np.spacing(largest)))


def _fits_int64(stamps: np.ndarray) -> bool:
    return not len(stamps) or int(stamps.max()) <= np.iinfo(np.int64).max


def _numbers_of(stamps: pd.Index, place: Place, name: str) -> np.ndarray:
    """An index of another kind as numbers, or the reason why it is not time."""
    kind = stamps.dtype
    if pd.api.types.is_any_real_numeric_dtype(kind):
        if pd.api.types.is_integer_dtype(kind) and not stamps.hasnans:
            return stamps.to_numpy(dtype=np.int64)
        return stamps.to_numpy(dtype=np.float64, na_value=np.nan)
    _refuse_mixed_zones(stamps, place, name)
    if kind.kind == "O" and not any(isinstance(stamp, str | bool) for stamp in stamps):
        try:
            return stamps.to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError):
            pass
    example = stamps[0] if len(stamps) else None
    line = line_for_text(stamps) or "pandas.to_datetime(...) does it for text"
    raise InvalidInputError(
        f"Expected {name} to be numbers, datetimes or durations, got {kind} (such as "
        f"{example!r}). Convert them first: {line.format('...')}."
    )


def _refuse_mixed_zones(stamps: pd.Index, place: Place, name: str) -> None:
    zones = [str(s.tzinfo) if hasattr(s, "tzinfo") else None for s in stamps]
    known = [zone for zone in zones if zone is not None]
    if len(set(known)) < 2:
        return
    row = next(k for k, zone in enumerate(zones) if zone not in (None, known[0]))
    raise InvalidInputError(
        f"Expected {name} in one time zone, got {known[0]} first and {zones[row]} in "
        f"{place(row)}. Convert them first: pandas.to_datetime(..., utc=True)."
    )


def _refuse(bad: np.ndarray, what: str, place: Place, name: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        raise InvalidInputError(
            f"Expected a time stamp for every row, but {name} {what} in {place(row)}. "
            "Fill it in or drop the row."
        )


def _went_back(
    stamps: np.ndarray | pd.Index, here: int, before: int, place: Place, name: str
) -> str:
    return (
        f"Expected {name} in time order inside a recording, but time goes back: "
        f"{place(here)} is at {stamps[here]}, the row before it ({place(before)}) at "
        f"{stamps[before]}. "
    )


def _summer_time_ends(
    stamps: np.ndarray | pd.Index, rows: np.ndarray, gaps: np.ndarray, recordings: int
) -> bool:
    """Tell whether time goes back in these rows because a clock was put back."""
    if not isinstance(stamps, pd.DatetimeIndex) or stamps.tz is not None:
        return False
    real = gaps[gaps < 0] + _HOUR
    if (real <= 0).any() or (real > np.nanmax(gaps)).any():
        return False  # not a gap like the others
    days = np.unique(stamps[rows].floor("D"))  # the same one in many recordings
    once = len(rows) <= recordings * len(days)
    return once and bool((np.diff(days) > _MOST_OF_A_YEAR).all())
