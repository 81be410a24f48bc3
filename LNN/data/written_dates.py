"""Dates that are not times yet: written as text, or as numbers such as 20240131."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["line_for_numbers", "line_for_text"]

# Labels that are tried, evenly spaced.
SOME_LABELS, SOME_NUMBERS = 12, 200
# Numbers that are dates, by how many digits they have: how they are written, and where
# counting goes on in the next month, day, hour or year.
_AS_NUMBERS = {
    6: ("%Y%m", 100),
    7: ("%Y%j", 1000),
    8: ("%Y%m%d", 100),
    10: ("%Y%m%d%H", 100),
    12: ("%Y%m%d%H%M", 100),
    14: ("%Y%m%d%H%M%S", 100),
}
# Warnings are caught for the whole process: threads would take them from each other.
_one_at_a_time = threading.Lock()
FEWEST, FIRST_YEAR, LAST_YEAR = 3, 1900, 2100
# What pandas does not find by itself.
_FORMATS = (
    *("%H:%M", "%H:%M:%S", "%Y_%m_%d", "%Y%m%d_%H%M%S", "%Y-%m-%d_%H:%M:%S"),
    *(
        "%d.%m.%Y %H.%M",
        "%d/%b/%Y:%H:%M:%S",
        "%d/%b/%Y:%H:%M:%S %z",
        "%G-W%V-%u",
        "%GW%V%u",
    ),
)


def line_for_text(labels: Any) -> str | None:
    """Return the line that makes times of dates written as text; None for other text.

    Parameters
    ----------
    labels : Index

    Returns
    -------
    str or None
        With ``{}`` in the place of the labels.

    Examples
    --------
    >>> import pandas as pd
    >>> line_for_text(pd.Index(["30.12.2020", "31.12.2020", "01.01.2021"]))
    'pandas.to_datetime({}, dayfirst=True)'
    >>> line_for_text(pd.Index(["sensor 1", "sensor 2"])) is None
    True
    """
    labels = pd.Index(labels).dropna()
    some = tuple(labels[_evenly(len(labels), SOME_LABELS)])
    if not some or not all(isinstance(label, str) for label in some):
        return None
    return _line_for_labels(some)


# A model that serves reads the same labels again and again.
@lru_cache(maxsize=256)
def _line_for_labels(labels: tuple[str, ...]) -> str | None:
    some = pd.Index(labels, dtype=object)
    if pd.to_numeric(some, errors="coerce").notna().all():
        return _line_for_digits(labels)
    lines = []
    for line, stamps in _readings(some):
        if stamps.is_monotonic_increasing:
            return line
        lines.append(line)
    return lines[0] if lines else None


def _line_for_digits(labels: tuple[str, ...]) -> str | None:
    if not all(map(str.isdecimal, labels)):
        return None
    found = _format_of_numbers(pd.Index(labels).astype(np.float64))
    # As text these are not read as numbers, so no gap between them is wrong yet.
    if found and (found[1] or len(labels[0]) in (8, 10, 12, 14)):
        return _line(format=found[0])
    return None


def line_for_numbers(stamps: Any) -> str | None:
    """Return the line that makes times of dates written as numbers; None for others.

    Only where their gaps are wrong: 20240131 and 20240201 are a day apart, not 70.

    Parameters
    ----------
    stamps : array-like of shape (n,)

    Returns
    -------
    str or None
        With ``{}`` in the place of the numbers, an array or column.

    Examples
    --------
    >>> line_for_numbers([20240130, 20240131, 20240201])
    'pandas.to_datetime({}.astype(str), format="%Y%m%d")'
    >>> line_for_numbers([20240130, 20240131, 20240132]) is None
    True
    """
    numbers = stamps if isinstance(stamps, pd.Index) else pd.Index(stamps)
    if not pd.api.types.is_any_real_numeric_dtype(numbers.dtype):
        return None
    found = _format_of_numbers(numbers)
    if found is None or not found[1]:
        return None
    whole = pd.api.types.is_integer_dtype(numbers.dtype)
    return _line(
        "{}.astype(str)" if whole else "{}.astype(int).astype(str)", format=found[0]
    )


def _format_of_numbers(numbers: pd.Index) -> tuple[str, bool] | None:
    """Return how dates are written as numbers, and whether gaps between them are wrong.

    None if they are something else.
    """
    low, high = numbers.min(), numbers.max()
    if not 0 < low <= high < 1e15:  # not if there is none either
        return None
    digits, years = len(str(int(low))), [int(str(int(k))[:4]) for k in (low, high)]
    if digits != len(str(int(high))) or digits not in _AS_NUMBERS:
        return None
    if years[0] < FIRST_YEAR or years[1] > LAST_YEAR:
        return None
    some = numbers[_evenly(len(numbers), SOME_NUMBERS)].unique()
    some = some.to_numpy(dtype=np.float64, na_value=np.nan)
    if (some != np.floor(some)).any():  # NaN too
        return None
    format_, base = _AS_NUMBERS[digits]
    text = pd.Index(some.astype(np.int64).astype(str))
    if pd.to_datetime(text, format=format_, errors="coerce").isna().any():
        return None
    return format_, len(some) >= FEWEST and low // base != high // base


def _readings(labels: pd.Index) -> Iterator[tuple[str, pd.DatetimeIndex]]:
    """Go through the ways to read these labels as dates."""
    attempts: list[dict[str, Any]] = [{}, {"format": "mixed"}]
    if not labels[0][:4].isdecimal():  # where the year is first, the day is not
        day_first = [{**how, "dayfirst": True} for how in attempts]
        # Dots are written where the day comes first.
        dots = labels[0].partition(" ")[0].count(".") == 2
        attempts = day_first + attempts if dots else attempts + day_first
    attempts += [{"format": "mixed", "utc": True}]
    attempts += [{"format": format_} for format_ in _FORMATS]
    for how in attempts:
        stamps = _parsed(labels, how)
        if stamps is None:
            continue
        guessed = how.get("format") in (None, "mixed")
        if guessed and how.get("dayfirst") in _impossible(labels, stamps):
            continue
        if all(map(_names_date, labels, stamps)):
            yield _line(**how), stamps
    # Weeks, of which the first day is meant.
    stamps = _parsed(labels + "-1", {"format": "%G-W%V-%u"})
    if stamps is not None:
        yield _line('{} + "-1"', format="%G-W%V-%u"), stamps


def _parsed(labels: pd.Index, how: dict[str, Any]) -> pd.DatetimeIndex | None:
    stamps: Any = None
    with _one_at_a_time, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            for some in (labels[:1], labels):  # most fail at the first
                stamps = pd.to_datetime(some, **how)
        except (ValueError, TypeError, OverflowError):
            return None
    # pandas guesses, and says so: the caller should not have to read that.
    if any(issubclass(warning.category, UserWarning) for warning in told):
        return None
    whole = isinstance(stamps, pd.DatetimeIndex) and not stamps.hasnans
    return stamps if whole else None


def _impossible(labels: pd.Index, stamps: pd.DatetimeIndex) -> set[bool | None]:
    """Return which `dayfirst` cannot be, from days that cannot be months.

    pandas reads each label as it can, some with the day first and some without.
    """
    found: set[bool | None] = set()
    for label, stamp in zip(labels, stamps, strict=True):
        first = label[:2] if label[:2].isdecimal() else label[:1]
        if stamp.day > 12 and first.isdecimal() and not label[:4].isdecimal():
            found.add(None if int(first) == stamp.day else True)
    return found


def _names_date(label: str, stamp: pd.Timestamp) -> bool:
    """Tell whether the text names a whole date: pandas reads one into "1-2" too."""
    if label[-3:-2] == ":" and len(label) < 9:  # a time of day, as its format gives it
        return stamp.year == 1900
    # A week of one year may begin or end in another.
    years = stamp.year, stamp.isocalendar().year
    if any(f"{year:04d}" in label for year in years):
        return len(label) > 5
    if f"{stamp.year % 100:02d}" not in label:
        return False
    day = label.partition(" ")[0]
    dotted = [len(part) for part in day.split(".")] == [2, 2, 2]
    return dotted or day.count("/") == 2 or any(map(str.isalpha, label))


def _line(labels: str = "{}", **how: Any) -> str:
    said = [f'{k}="{v}"' if isinstance(v, str) else f"{k}={v}" for k, v in how.items()]
    return f"pandas.to_datetime({', '.join([labels, *said])})"


def _evenly(n: int, most: int) -> np.ndarray:
    return np.unique(np.linspace(0, n - 1, min(n, most)).astype(np.int64))
