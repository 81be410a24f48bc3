"""Plain values as JSON and named arrays, and back: what JSON lacks is marked.

A dict of one key that begins with "$" is a mark. Arrays of numbers are kept apart, by
name; text, dates and labels are lists, so that no file holds an object of Python.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from LNN.exceptions import InvalidModelFileError

# What arrays may be made of: numbers alone.
NUMBERS = frozenset("biuf")
_DATE = re.compile(r"[mM]8\[(s|ms|us|ns|D)\]")
_MOST_LABELS = 2**20


def encode(value: Any, arrays: dict[str, np.ndarray], name: str) -> Any:
    """Return a value as JSON has it.

    Parameters
    ----------
    value : object
        Numbers, text, None, arrays, and dicts, lists and tuples of them.
    arrays : dict of str to ndarray
        Takes in the arrays that the JSON names.
    name : str
        Where the value stands, which is the name of an array, and is told in errors.

    Raises
    ------
    InvalidModelFileError
        If it is an object of the caller's, which only a pickle can hold.
    """
    if isinstance(value, np.ndarray):
        return _encode_array(value, arrays, name)
    if isinstance(value, np.generic):
        # Numbers of numpy differ from Python's in nothing that a model is made of.
        return encode(value.item(), arrays, name)
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": str(value)}
    if isinstance(value, list):
        return [encode(v, arrays, f"{name}.{k}") for k, v in enumerate(value)]
    if isinstance(value, tuple):
        return {"$tuple": encode(list(value), arrays, name)}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and key[:1] != "$" for key in value):
            return {k: encode(v, arrays, f"{name}.{k}") for k, v in value.items()}
        return {"$items": encode([list(i) for i in value.items()], arrays, name)}
    raise InvalidModelFileError(
        f"Expected numbers, text and arrays, got an object of "
        f"{type(value).__name__} as {name.rpartition('.')[2]}: a file without pickle "
        "cannot hold it. Leave it out (set_params), or keep the model as a pickle: "
        "pickle.dump(estimator, file)."
    )


def _encode_array(value: np.ndarray, arrays: dict[str, np.ndarray], name: str) -> Any:
    kind = value.dtype.kind
    if kind in NUMBERS:
        arrays[name] = value
        return {"$array": name}
    if kind in "mM":
        arrays[name] = value.astype(value.dtype.newbyteorder("=")).view(np.int64)
        return {"$dates": [name, value.dtype.str[1:]]}
    if kind in "UO" and value.ndim == 1:
        labels = encode(value.tolist(), arrays, name)
        return {"$labels": [kind, labels]}
    raise InvalidModelFileError(
        f"Expected numbers, text or dates, got an array of {value.dtype} as {name}. "
        "Keep the model as a pickle: pickle.dump(estimator, file)."
    )


def decode(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """Return the value that `encode` wrote.

    Raises
    ------
    InvalidModelFileError
        If nothing that `encode` writes looks like this.
    """
    if isinstance(value, list):
        return [decode(v, arrays) for v in value]
    if not isinstance(value, dict):
        return value
    mark = next(iter(value), "")
    if mark[:1] != "$":
        return {k: decode(v, arrays) for k, v in value.items()}
    known = _MARKS.get(mark)
    if known is None or len(value) != 1:
        raise InvalidModelFileError(f"Expected one mark of values, got {list(value)}.")
    return known(value[mark], arrays)


def _float(value: Any, arrays: Mapping[str, np.ndarray]) -> float:
    if value not in ("nan", "inf", "-inf"):
        raise InvalidModelFileError(f"Expected nan, inf or -inf, got {value!r}.")
    return float(value)


def _tuple(value: Any, arrays: Mapping[str, np.ndarray]) -> tuple:
    return tuple(_list(decode(value, arrays)))


def _items(value: Any, arrays: Mapping[str, np.ndarray]) -> dict:
    pairs = [_list(pair) for pair in _list(decode(value, arrays))]
    if any(len(pair) != 2 or isinstance(pair[0], dict | list) for pair in pairs):
        raise InvalidModelFileError("Expected pairs of a key and a value.")
    return dict(pairs)


def _list(value: Any) -> list:
    if not isinstance(value, list):
        raise InvalidModelFileError(f"Expected a list, got {type(value).__name__}.")
    return value


def _array(value: Any, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    if not isinstance(value, str) or value not in arrays:
        raise InvalidModelFileError(f"Expected the name of an array, got {value!r}.")
    return arrays[value]


def _dates(value: Any, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    name, kind = _two(value)
    ticks = _array(name, arrays)
    if not isinstance(kind, str) or not _DATE.fullmatch(kind):
        raise InvalidModelFileError(f"Expected a kind of dates, got {kind!r}.")
    if ticks.dtype != np.int64:
        raise InvalidModelFileError(f"Expected int64 ticks, got {ticks.dtype}.")
    return ticks.view(np.dtype(f"={kind}"))


def _labels(value: Any, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    kind, labels = _two(value)
    labels = _list(labels)
    plain = all(isinstance(label, str | int | float | None) for label in labels)
    if kind not in ("U", "O") or not plain or len(labels) > _MOST_LABELS:
        raise InvalidModelFileError("Expected labels that are text or numbers.")
    if kind == "U":
        if not all(isinstance(label, str) for label in labels):
            raise InvalidModelFileError("Expected labels that are text.")
        # One array cell is as long as the longest text.
        longest = max(map(len, labels), default=0)
        if longest * len(labels) > 4 * _MOST_LABELS:
            raise InvalidModelFileError("Expected labels of a few words.")
        return np.array(labels, dtype=str)
    found = np.empty(len(labels), dtype=object)
    found[:] = labels
    return found


def _two(value: Any) -> list:
    if len(_list(value)) != 2:
        raise InvalidModelFileError(f"Expected two values, got {len(value)}.")
    return value


_MARKS = {
    "$float": _float,
    "$tuple": _tuple,
    "$items": _items,
    "$array": _array,
    "$dates": _dates,
    "$labels": _labels,
}
