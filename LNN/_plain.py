"""Plain Python numbers, made from those of numpy that a grid of parameters may hold."""

from __future__ import annotations

import functools
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")


def plain_number(value: Any) -> Any:
    """Return a number as int, float or bool, a text as str; others as they are.

    torch and native code take Python's own numbers only, and arithmetic of small numpy
    integers overflows. Tuples are looked into; lists and arrays may be long.

    Examples
    --------
    >>> import numpy as np
    >>> plain_number(np.int64(12)), plain_number((np.float32(0.5), "a"))
    (12, (0.5, 'a'))
    """
    if type(value) in (int, float, str, bool) or value is None:
        return value
    if type(value) is tuple:
        return tuple(plain_number(part) for part in value)
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, np.str_):
        return str(value)
    if isinstance(value, np.generic | Real) and not isinstance(value, bool):
        if isinstance(value, Integral):
            return int(value)
        return float(value) if isinstance(value, Real) else value
    return value


def takes_any_number(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function be called with numbers of any kind.

    Examples
    --------
    >>> import numpy as np
    >>> takes_any_number(lambda size: type(size))(np.int64(3))
    <class 'int'>
    """

    @functools.wraps(function)
    def called(*arguments: P.args, **named: P.kwargs) -> R:
        told: Any = [plain_number(value) for value in arguments]
        by_name: Any = {name: plain_number(v) for name, v in named.items()}
        return function(*told, **by_name)

    return called


__all__ = ["plain_number", "takes_any_number"]
