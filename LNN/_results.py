"""`Result`: several named values that are shown in a few lines."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np
from sklearn.utils import Bunch

# Arrays and lists of at most so many entries are shown in full, and so much of a text.
SHORT, MOST_WIDTH = 6, 90


class Result(Bunch):
    """A Bunch whose arrays are shown by their shape and their range.

    Examples
    --------
    >>> import numpy as np
    >>> found = Result(rate=np.linspace(0.5, 2, 40), slowest=0.5, words="all decay")
    >>> found
    Result with
      rate     40 numbers, 0.5 to 2
      slowest  0.5
      words    all decay
    >>> found.rate is found["rate"]
    True
    """

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        lines = [f"  {name:{width}}  {_told(value)}" for name, value in self.items()]
        return "\n".join(["Result with", *lines])


def _told(value: Any) -> str:
    """Return a value in one line."""
    if isinstance(value, Result):
        return f"Result with {', '.join(value)}"
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, str):
        return value if len(value) <= MOST_WIDTH else f"{value[: MOST_WIDTH - 3]}..."
    if hasattr(value, "shape"):  # a frame, a series, a tensor
        return f"{type(value).__name__} {_by(tuple(value.shape))}"
    if isinstance(value, dict):
        return f"{len(value)} by name: {reprlib.repr(list(value))}"
    if isinstance(value, list | tuple):
        return _several(value)
    return reprlib.repr(value)


def _several(values: Any) -> str:
    told = [_told(value) for value in values[:SHORT]]
    whole = "; ".join(told) if any(" " in one for one in told) else ", ".join(told)
    if len(values) <= SHORT and len(whole) <= MOST_WIDTH:
        return f"({whole})"
    return f"{len(values)} of them; the first: {told[0]}"


def _array(array: np.ndarray) -> str:
    if array.ndim == 0:
        return _told(array.item())
    if array.ndim == 1 and array.size <= SHORT:
        shown = np.array2string(array, precision=4, separator=", ", threshold=SHORT)
        if "\n" not in shown and len(shown) <= MOST_WIDTH:
            return shown
    if array.dtype.kind == "b":
        return f"{_by(array.shape)} bools, {int(array.sum())} of them True"
    if array.dtype.kind not in "iuf":
        return f"{_by(array.shape)} {array.dtype}"
    missing = np.isnan(array)
    seen = array[~missing]
    within = f", {seen.min():.4g} to {seen.max():.4g}" if seen.size else ""
    holes = f", {int(missing.sum())} NaN" if missing.any() else ""
    return f"{_by(array.shape)} numbers{within}{holes}"


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
