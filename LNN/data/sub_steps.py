"""Into how many sub-steps a long gap is cut."""

from __future__ import annotations

import numpy as np

__all__ = ["MAX_SUB_STEPS", "sub_steps"]

# A gap takes at most this many sub-steps, so that one outage costs no more than a few
# dozen rows; they are longer than `max_step` then.
MAX_SUB_STEPS = 32
# A gap of 2.00001 units is two steps of one unit: time stamps are rounded.
_ROUNDING = 1e-4


def sub_steps(units: np.ndarray | float, max_step: float) -> np.ndarray:
    """Return into how many equal sub-steps each gap is cut.

    Parameters
    ----------
    units : ndarray or float
        Gaps in units of time.
    max_step : float
        The longest sub-step, in units of time.

    Returns
    -------
    ndarray of int64
        Of the same shape, 1 to `MAX_SUB_STEPS`.

    Examples
    --------
    >>> import numpy as np
    >>> sub_steps(np.array([0.0, 1.0, 1.5, 2.0, 1e6]), max_step=1.0).tolist()
    [1, 1, 2, 2, 32]
    """
    count = np.ceil(np.asarray(units) / max_step - _ROUNDING)
    return np.clip(count, 1, MAX_SUB_STEPS).astype(np.int64)
