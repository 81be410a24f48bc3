"""Time in words: the unit that durations of a model are told in."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.estimators.fitted import FittedModel

# Seconds in each, and from how many of the smaller unit on it is used.
_UNITS = (("days", 86_400.0), ("hours", 3600.0), ("minutes", 60.0), ("seconds", 1.0))


def usual_tau(records: list[dict[str, Any]]) -> float:
    """Return a time constant that a page chooses one unit for all by; NaN of none."""
    known = [own["tau"][1] for own in records if own["tau"] and all(own["tau"])]
    return float(np.median(known)) if known else np.nan


def time_scale(fitted: FittedModel, typical: float) -> tuple[float, str]:
    """Return what units of the model's clock are multiplied by, and the unit then.

    Parameters
    ----------
    fitted : FittedModel
    typical : float
        A usual duration, in units of the clock.
    """
    clock = fitted.clock
    if clock.kind is None:
        return 1.0, "steps"
    if clock.kind == "numbers":
        return clock.unit, "units of the time stamps"
    for name, seconds in _UNITS:
        if typical * clock.unit >= 2 * seconds:
            return clock.unit / seconds, name
    return clock.unit, "seconds"
