"""What float32 leaves of rows and answers, for runtimes that take no other numbers."""

from __future__ import annotations

import numpy as np

from LNN.exceptions import InvalidInputError

__all__ = ["rounding_of_rows"]

# How far float32 may be off in a column, in units of its scale.
COARSEST = 0.01


def rounding_of_rows(arrays: dict[str, np.ndarray]) -> float:
    """Return how far float32 is off at the centre of a column, in units of its scale.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Those of a spec.

    Raises
    ------
    InvalidInputError
        If too little is left of a column.
    """
    off = 0.0
    for name, what in (("scaler", "X"), ("target_scaler", "y")):
        if f"{name}.scale" not in arrays:
            continue
        center, scale = arrays[f"{name}.center"], arrays[f"{name}.scale"]
        each = np.abs(center) / scale * np.finfo(np.float32).eps
        worst = int(each.argmax())
        if each[worst] > COARSEST:
            raise InvalidInputError(
                f"Expected columns that float32 can tell apart, got {what} around "
                f"{center[worst]:g} with changes of about {scale[worst]:g} (number "
                f"{worst} of those read). Subtract a constant such as "
                f"{center[worst]:.6g} before the fit, and where the model runs."
            )
        off = max(off, float(each[worst]))
    return off
