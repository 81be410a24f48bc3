"""Arguments in messages, by the names under which the caller passed them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# What is quoted is the caller's own: a label "y", a column "X".
_ARGUMENTS = re.compile(
    r"""(?<![\w.'"])(X|y|timestamps|groups|sample_weight)(?![\w'"])"""
)
_suffix: ContextVar[str] = ContextVar("suffix", default="")


@contextmanager
def arguments_end_in(suffix: str) -> Iterator[None]:
    """Let errors and warnings from here speak of `X_val` in place of `X`, and so on.

    Parameters
    ----------
    suffix : str
        "_val" for the data to validate with.

    Examples
    --------
    >>> with arguments_end_in("_val"):
    ...     raise ValueError("Expected as many rows in X as in y")
    Traceback (most recent call last):
    ValueError: Expected as many rows in X_val as in y_val
    """
    before = _suffix.set(suffix)
    try:
        yield
    except (TypeError, ValueError) as error:
        if error.args and isinstance(error.args[0], str):
            error.args = (as_passed(error.args[0]), *error.args[1:])
        raise
    finally:
        _suffix.reset(before)


def as_passed(message: str) -> str:
    """Return a message with the names that arguments have here."""
    suffix = _suffix.get()
    return _ARGUMENTS.sub(rf"\1{suffix}", message) if suffix else message


__all__ = ["arguments_end_in", "as_passed"]
