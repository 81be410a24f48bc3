"""Whether two values of a parameter are the same."""

from __future__ import annotations

from typing import Any

import numpy as np


def same(now: Any, then: Any) -> bool:
    """Compare two values of a parameter by what is in them.

    Their repr would not do: numpy abbreviates arrays, and many objects show only their
    address, which differs between copies.
    """
    if now is then:
        return True
    names = [isinstance(value, str) or value is None for value in (now, then)]
    if any(names):
        return all(names) and now == then
    if hasattr(now, "__array__") or hasattr(then, "__array__"):  # frames too
        return np.array_equal(np.asarray(now), np.asarray(then))
    if isinstance(now, list | tuple) and isinstance(then, list | tuple):
        return len(now) == len(then) and all(map(same, now, then))
    if isinstance(now, dict) and isinstance(then, dict):
        return now.keys() == then.keys() and all(same(now[k], then[k]) for k in now)
    if hasattr(now, "get_params") and type(now) is type(then):
        return same(now.get_params(deep=False), then.get_params(deep=False))
    equal = now == then
    return equal if isinstance(equal, bool) else False  # sparse matrices: unknown
