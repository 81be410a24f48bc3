"""The unit that a length of time is read best in."""

from __future__ import annotations

# From how many seconds on a unit is used, and how many it has.
UNITS = (
    (4 * 86400.0, 86400.0, "days"),
    (3 * 3600.0, 3600.0, "hours"),
    (5 * 60.0, 60.0, "minutes"),
    (0.1, 1.0, "seconds"),
    (0.0, 0.001, "milliseconds"),
)


def readable_unit(unit_name: str, typical: float) -> tuple[float, str]:
    """Return how much a readable unit is, and its name.

    Parameters
    ----------
    unit_name : str
        Anything but "seconds" stays as it is.
    typical : float
        A time as long as many that are shown, in this unit.

    Examples
    --------
    >>> readable_unit("seconds", 7200.0), readable_unit("steps", 7200.0)
    ((60.0, 'minutes'), (1.0, 'steps'))
    """
    if unit_name != "seconds":
        return 1.0, unit_name
    return next((size, name) for least, size, name in UNITS if typical >= least)
