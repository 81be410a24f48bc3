"""`summary()`: a forecaster in a few lines, the baselines always beside it."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["table_of_errors"]


def table_of_errors(errors: Mapping[str, float]) -> str:
    """Return the errors on the validation part, one method a line.

    Parameters
    ----------
    errors : mapping of str to float
        The last one is that of the model.
    """
    width = max(map(len, errors))
    best = min(errors.values())
    lines = [
        f"    {name:{width}s}  {error:8.4g}{'  best' if error == best else ''}"
        for name, error in errors.items()
    ]
    return "\n".join(lines)
