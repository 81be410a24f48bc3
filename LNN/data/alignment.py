"""Rows count, not their labels: labels that disagree are told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from LNN._warnings import warn

from .timestamps import as_times

__all__ = ["warn_if_misaligned"]

# How many places are tried for the row of X at which y begins: names may repeat.
PLACES = 100


def warn_if_misaligned(X: Any, y: Any, suffix: str = "", **others: Any) -> None:
    """Warn if the labels of X and of what belongs to its rows disagree.

    Parameters
    ----------
    X, y : any object
        What has no index of pandas, or another length, is not compared. Of lists the
        parts are compared, one by one.
    suffix : str
        "_val" for validation data, for messages.
    **others : any object
        What else has one entry per row, by name. Where X has no labels, these are
        compared with those of y.
    """
    given = {f"X{suffix}": X, f"y{suffix}": y}
    given |= {f"{name}{suffix}": value for name, value in others.items()}
    labelled = {name: v for name, v in given.items() if _labels(v) is not None}
    if labelled and _warn_of_first(labelled) or not isinstance(X, list):
        return
    lists = {k: v for k, v in given.items() if isinstance(v, list) and _parts_named(v)}
    for number in range(len(X) if len(lists) > 1 else 0):
        parts = {f"{k}[{number}]": v[number] for k, v in lists.items() if v[number:]}
        if parts and _warn_of_first(parts):
            return


def _warn_of_first(given: dict[str, Any]) -> bool:
    """Warn of the first whose labels are not those of the one before all others."""
    (name, data), *others = given.items()
    return any(_warn_if_apart(name, data, *other) for other in others)


def _labels(data: Any) -> pd.Index | None:
    index = getattr(data, "index", None)
    return index if isinstance(index, pd.Index) else None


def _parts_named(parts: list) -> bool:
    return bool(parts) and _labels(parts[0]) is not None


def _warn_if_apart(name: str, data: Any, other_name: str, other: Any) -> bool:
    """Warn if two that have one entry per row disagree; return whether it warned."""
    ours, theirs = _labels(data), _labels(other)
    if ours is None or theirs is None or len(ours) != len(theirs):
        return False
    if ours.equals(theirs) or _are_levels(ours, theirs) or _are_one_clock(ours, theirs):
        return False
    # Numbered together: labels of any type are then compared as whole numbers.
    both = _as_read(ours).append(_as_read(theirs))
    here, there = np.split(pd.factorize(both)[0], 2)
    advice = _advice(ours, theirs, here, there)
    if not advice:
        return False
    row = int(np.argmax(here != there))
    label, other_label = ours[row], theirs[row]
    if str(label) == str(other_label):  # a date, and the same date as text
        label, other_label = repr(label), repr(other_label)
    warn(
        f"The index says that rows of {name} and {other_name} do not belong together: "
        f"row {row} is {label} in {name} and {other_label} in {other_name}. Rows "
        f"count, not their labels: {advice.format(X=name, y=other_name)}, or pass "
        f"{other_name}.to_numpy() if they are right as they stand."
    )
    return True


def _advice(
    ours: pd.Index, theirs: pd.Index, here: np.ndarray, there: np.ndarray
) -> str:
    """Return what to do about labels that disagree; "" if they need not agree.

    Equal labels have equal numbers in `here` and `there`.
    """
    if (here == there).all():
        return ""
    if np.array_equal(np.sort(here), np.sort(there)):
        once = ours.is_unique
        return "align them ({y}.loc[{X}.index])" if once else "sort both alike"
    # An index that was reset, or was never set, numbers the rows and says no more.
    if _numbers_rows(ours) or _numbers_rows(theirs) or _is_ahead(here, there):
        return ""
    if np.isin(there, here).any():
        return "keep the rows that both have ({X}.index.intersection({y}.index))"
    return "give both the same index"


def _as_read(index: pd.Index) -> pd.Index:
    return index if isinstance(index, pd.MultiIndex) else as_times(index)


def _numbers_rows(index: pd.Index) -> bool:
    return isinstance(index, pd.RangeIndex) and index.step > 0


def _are_levels(ours: pd.Index, theirs: pd.Index) -> bool:
    """Tell whether one is a level of the other: the time without the recording, say."""
    if ours.nlevels == theirs.nlevels:
        return False
    more, few = (ours, theirs) if ours.nlevels > theirs.nlevels else (theirs, ours)
    if few.nlevels > 1:
        return False
    return any(more.get_level_values(k).equals(few) for k in range(more.nlevels))


def _are_one_clock(ours: pd.Index, theirs: pd.Index) -> bool:
    """Tell whether times are the same, but one is text or has no time zone."""
    ours, theirs = _as_read(ours), _as_read(theirs)
    if isinstance(ours, pd.DatetimeIndex) != isinstance(theirs, pd.DatetimeIndex):
        return _are_iso_text(ours, theirs) or _are_iso_text(theirs, ours)
    zones = [getattr(index, "tz", None) is not None for index in (ours, theirs)]
    if zones[0] == zones[1]:
        return False
    zoned, naive = (ours, theirs) if zones[0] else (theirs, ours)
    local, universal = zoned.tz_localize(None), zoned.tz_convert(None)
    return local.equals(naive) or universal.equals(naive)


def _are_iso_text(times: pd.Index, text: pd.Index) -> bool:
    dates = isinstance(times, pd.DatetimeIndex) and len(times)
    if not dates or not isinstance(text[0], str):
        return False
    read = pd.to_datetime(text, format="ISO8601", errors="coerce")
    return bool(times.equals(read))


def _is_ahead(here: np.ndarray, there: np.ndarray) -> bool:
    """Tell whether this is a forecast: X = rows[:-k] and y = series[k:].

    Each recording of several may be cut like this.
    """
    places = np.flatnonzero(here == there[0])[:PLACES]
    # In one row alone any two may agree.
    return any(
        np.mean(here[ahead:] == there[:-ahead]) > 0.5
        for ahead in places
        if 0 < ahead < len(here) - 1
    )
