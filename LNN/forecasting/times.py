"""What kind of times series have: later ones have to be of the kind of the fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from LNN.exceptions import InvalidInputError

__all__ = ["incomparable_error", "refuse_other_times", "refuse_past"]

_DATES, _NUMBERS = "datetimes", "numbers, or row numbers where it has none"


def refuse_other_times(
    known: pd.Index, given: pd.Index, what: str, *, written: bool = True
) -> None:
    """Refuse times that cannot be compared with those of the fit.

    Parameters
    ----------
    known : Index
        Times of the fit.
    given : Index
        Times that came.
    what : str
        What has these times, for messages.
    written : bool
        Whether the caller wrote them; rows of an array are merely counted.

    Raises
    ------
    InvalidInputError
        If one has datetimes and the other has numbers, or if their time zones differ.
    """
    fitted, came = _kind(known), _kind(given)
    if fitted == came:
        return
    begin = f"LiquidForecaster was fitted on times that are {fitted}, but "
    if not written:
        raise InvalidInputError(
            f"{begin}{what} is an array or a list, which has none. Pass a Series or a "
            "frame with the times as its index; or fit on an array as well."
        )
    raise InvalidInputError(
        f"{begin}those of {what} are {came}. {_advice(known, given, what)}"
    )


def incomparable_error(known: pd.Index, given: pd.Index) -> InvalidInputError:
    """Return the error for times that cannot be subtracted from those of y."""
    return InvalidInputError(
        f"Expected times like those of y ({known.dtype}), got {given.dtype}. Convert "
        "them: pandas.to_datetime(...) for text, tz_localize or tz_convert for time "
        "zones."
    )


def refuse_past(times: pd.Index, past: NDArray[np.bool_], last: Any) -> None:
    """Refuse to forecast at times that are not after the last row.

    Parameters
    ----------
    times : Index
        Where forecasts are wanted.
    past : ndarray of bool
        Which of them are not later than `last`.
    last : object
        The time of the last row.
    """
    if past.any():
        raise InvalidInputError(
            f"Expected times after the last row, {last}, got "
            f"{times[int(np.argmax(past))]}. To forecast from an earlier row pass the "
            "rows up to it as y=."
        )


def _kind(times: pd.Index) -> str:
    """Return what times are, in words."""
    if isinstance(times, pd.DatetimeIndex):
        zone = "without a time zone" if times.tz is None else f"in the zone {times.tz}"
        return f"{_DATES} {zone}"
    if isinstance(times, pd.TimedeltaIndex):
        return "durations"
    if pd.api.types.is_any_real_numeric_dtype(times.dtype):
        return _NUMBERS
    return f"{times.dtype}, such as {times[0]!r}"


def _advice(known: Any, given: Any, what: str) -> str:
    """Return what to do about times of two kinds."""
    dated = [isinstance(times, pd.DatetimeIndex) for times in (known, given)]
    if all(dated) and known.tz is None:
        return "Drop the zone (tz_localize(None)), or fit on times that have it."
    if all(dated):
        how = "tz_localize" if given.tz is None else "tz_convert"
        return f"Convert them first: {how}({str(known.tz)!r})."
    if dated[0] and not pd.api.types.is_any_real_numeric_dtype(given.dtype):
        return "Convert them first: pandas.to_datetime(...)."
    if dated[1] and _kind(known) == _NUMBERS:
        return (
            f"Fit on a Series or a frame with its times as index, or pass {what} "
            "without them, as an array."
        )
    return "Pass the same kind as in fit."
