"""What a picture needs, and the error without it."""

from __future__ import annotations

from LNN.exceptions import MissingDependencyError


def refuse_without_matplotlib() -> None:
    """Raise if there is no matplotlib, with the way to it."""
    try:
        import matplotlib.pyplot  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            "Displays draw with matplotlib, which is not installed: "
            "pip install LNN[plot]."
        ) from error
