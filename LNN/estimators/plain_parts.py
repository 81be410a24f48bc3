"""Fitted parts as plain values and arrays, and back, for pickles and other readers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import tzinfo
from typing import Any, ClassVar

import pandas as pd

from LNN.estimators.fitted import FittedModel
from LNN.exceptions import InvalidInputError

__all__ = ["Parts", "PlainState"]

# Increase it when an older reader could misread what is written.
FORMAT = 1
# The key that names what a dict was; no dict of a caller's parameters has it.
_KIND = "__kind__"
_TIMES: tuple[Any, ...] = (pd.DatetimeIndex, pd.TimedeltaIndex)


class Parts:
    """The classes that a fitted model is made of.

    Readers such as skops build no object of pandas, and every class that they do build
    has to be looked at by whoever loads a file. Nothing but numbers, text, arrays, and
    lists and dicts of them is left here. What a caller made stays as it is.

    Parameters
    ----------
    classes : iterable of type
        Dataclasses and named tuples: only these are built.

    Examples
    --------
    >>> from LNN.forecasting.calendar import Calendar
    >>> parts = Parts([Calendar])
    >>> plain = parts.to_plain(Calendar(("day",)))
    >>> plain["cycles"], parts.from_plain(plain)
    (('day',), Calendar(cycles=('day',), periods=(), origin=None))
    """

    def __init__(self, classes: Iterable[type]):
        self.classes: dict[str, Any] = {own.__name__: own for own in classes}

    def to_plain(self, value: Any) -> Any:
        """Return a value without classes of LNN and pandas."""
        name = type(value).__name__
        if self.classes.get(name) is type(value):
            own = {key: self.to_plain(part) for key, part in _parts(value).items()}
            return {_KIND: name, **own}
        if isinstance(value, FittedModel):
            return {_KIND: "FittedModel", "model": value.to_plain()}
        if isinstance(value, pd.Index | pd.Timestamp | pd.Timedelta):
            return self._from_pandas(value)
        if isinstance(value, tzinfo) and _named(value):
            return {_KIND: "zone", "name": str(value)}
        if isinstance(value, Mapping):
            return {key: self.to_plain(part) for key, part in value.items()}
        if type(value) in (list, tuple):
            return type(value)(map(self.to_plain, value))
        return value

    def from_plain(self, plain: Any) -> Any:
        """Return what `to_plain` took apart."""
        if type(plain) in (list, tuple):
            return type(plain)(map(self.from_plain, plain))
        if not isinstance(plain, dict):
            return plain
        own = {k: self.from_plain(part) for k, part in plain.items() if k != _KIND}
        kind = plain.get(_KIND)
        if kind is None:
            return own
        if kind == "FittedModel":
            return FittedModel.from_plain(plain["model"])
        if kind in _PANDAS:
            return _PANDAS[kind](own)
        if kind not in self.classes:
            raise InvalidInputError(
                f"Expected a part of {', '.join(self.classes)}, got {kind!r}: a later "
                "version of LNN wrote it. Install that version or a newer one."
            )
        return self.classes[kind](**own)

    def _from_pandas(self, value: Any) -> Any:
        if value is pd.NaT or isinstance(value, pd.MultiIndex):
            return value
        if isinstance(value, pd.Timestamp | pd.Timedelta):
            index: Any = pd.Index([value])
            kind = "time"
        else:
            index, kind = value, "index"
        name = self.to_plain(index.name)
        if isinstance(index, pd.RangeIndex):
            ends = (index.start, index.stop, index.step)
            return {_KIND: "range", "ends": ends, "name": name}
        if isinstance(index, _TIMES):
            zone = getattr(index, "tz", None)
            if zone is not None and not _named(zone):
                return value  # a zone that only its own object knows
            unit = index.unit
            zone = None if zone is None else str(zone)
            told = {"ticks": index.asi8.copy(), "unit": unit, "zone": zone}
            told["dates"] = isinstance(index, pd.DatetimeIndex)
            return {_KIND: kind, **told, "name": name}
        labels = index.to_numpy()
        if labels.dtype.kind not in "iufb":
            labels = [self.to_plain(label) for label in index]
        return {
            _KIND: "labels",
            "labels": labels,
            "type": str(index.dtype),
            "name": name,
        }


class PlainState:
    """A fitted value whose pickles hold plain values and arrays."""

    _parts: ClassVar[Parts]

    def __getstate__(self) -> dict[str, Any]:
        """Return what other readers than pickle take, too."""
        own = {key: self._parts.to_plain(part) for key, part in vars(self).items()}
        return {"format": FORMAT, **own}

    def __setstate__(self, plain: dict[str, Any]) -> None:
        # Before there was a format, pickles held the parts themselves.
        if plain.get("format", 0) > FORMAT:
            raise InvalidInputError(
                f"Expected a {type(self).__name__} stored in format {FORMAT} or older, "
                f"got format {plain['format']}: a later version of LNN wrote it. "
                "Install that version or a newer one."
            )
        parts = {key: part for key, part in plain.items() if key != "format"}
        vars(self).update(self._parts.from_plain(parts))


def _parts(value: Any) -> dict[str, Any]:
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    named: dict[str, Any] = value._asdict()
    return named


def _named(zone: Any) -> bool:
    """Tell whether the name of a zone is enough to find it again."""
    try:
        known: Any = pd.Timestamp(0, tz=str(zone)).tz
    except (TypeError, ValueError, LookupError, OSError):
        return False
    return str(known) == str(zone)


def _times(own: dict[str, Any]) -> Any:
    if not own["dates"]:
        ticks = own["ticks"].view(f"m8[{own['unit']}]")
        return pd.TimedeltaIndex(ticks, name=own["name"])
    found = pd.DatetimeIndex(own["ticks"].view(f"M8[{own['unit']}]"), name=own["name"])
    if own["zone"] is None:
        return found
    return found.tz_localize("UTC").tz_convert(own["zone"])


def _labels(own: dict[str, Any]) -> pd.Index:
    return pd.Index(own["labels"], dtype=own["type"], name=own["name"])


_PANDAS: dict[str, Any] = {
    "range": lambda own: pd.RangeIndex(*own["ends"], name=own["name"]),
    "index": _times,
    "time": lambda own: _times(own)[0],
    "labels": _labels,
    "zone": lambda own: pd.Timestamp(0, tz=own["name"]).tz,
}
