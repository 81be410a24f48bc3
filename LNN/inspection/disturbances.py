"""What may happen to sensors: noise, drift, other rates, values that stay away.

A change takes the values of all recordings, (T_i, F) each, and returns changed ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from LNN.inspection.recordings import Values


@dataclass(frozen=True)
class Sensors:
    """What a change needs to know of the columns.

    Attributes
    ----------
    center, spread : ndarray of shape (F,)
        Mean and standard deviation of each, over all rows.
    stretch : int
        Rows of a stretch that is missing or stuck.
    """

    center: NDArray[np.float64]
    spread: NDArray[np.float64]
    stretch: int

    @classmethod
    def of(cls, values: Values, stretch: int) -> Sensors:
        """Measure the columns of all recordings."""
        rows = np.concatenate(values)
        known = ~np.isnan(rows)
        n = np.maximum(known.sum(axis=0), 1)
        center = np.where(known, rows, 0.0).sum(axis=0) / n
        squares = np.where(known, (rows - center) ** 2, 0.0).sum(axis=0)
        return cls(center, np.sqrt(squares / n), stretch)


Change = Callable[[Values, float, Sensors, Any], Values]


@dataclass(frozen=True)
class Disturbance:
    """One thing that may happen.

    Attributes
    ----------
    words : str
        What the strength is, for axes and tables.
    strengths : tuple of float
        From weak to strong, those that are tried by default.
    none : float
        The strength at which nothing happens.
    change : callable or None
        None is another rate: every k-th row of the data is read.
    """

    words: str
    strengths: tuple[float, ...]
    change: Change | None
    none: float = 0.0


def noise(X: Values, strength: float, sensors: Sensors, random: Any) -> Values:
    """Add Gaussian noise to each value."""
    spread = strength * sensors.spread
    return [x + spread * random.standard_normal(x.shape) for x in X]


def drift(X: Values, strength: float, sensors: Sensors, random: Any) -> Values:
    """Let each sensor drift up or down, from the first row of a recording on."""
    end = strength * sensors.spread * random.choice([-1.0, 1.0], len(sensors.spread))
    return [x + np.linspace(0, 1, len(x))[:, None] * end for x in X]


def sensors_missing(
    X: Values, strength: float, sensors: Sensors, random: Any
) -> Values:
    """Let sensors send nothing."""
    return _lost(X, strength, np.full(len(sensors.center), np.nan), random)


def sensors_at_mean(
    X: Values, strength: float, sensors: Sensors, random: Any
) -> Values:
    """Let sensors send their mean all the time."""
    return _lost(X, strength, sensors.center, random)


def _lost(X: Values, strength: float, values: NDArray, random: Any) -> Values:
    lost = random.permutation(len(values))[: int(strength)]
    X = [x.copy() for x in X]
    for x in X:
        x[:, lost] = values[lost]
    return X


def stretches_missing(
    X: Values, strength: float, sensors: Sensors, random: Any
) -> Values:
    """Let all sensors send nothing for stretches of time."""
    away = [_stretches(len(x), strength, sensors.stretch, random) for x in X]
    return [np.where(a[:, None], np.nan, x) for x, a in zip(X, away, strict=True)]


def stretches_stuck(
    X: Values, strength: float, sensors: Sensors, random: Any
) -> Values:
    """Let all sensors repeat their last reading for stretches of time."""
    away = [_stretches(len(x), strength, sensors.stretch, random) for x in X]
    return [x[last_fresh(~a)] for x, a in zip(X, away, strict=True)]


def _stretches(n: int, share: float, stretch: int, random: Any) -> NDArray[np.bool_]:
    """Draw stretches that cover a share of n rows, and never the first one."""
    away = np.zeros(n, dtype=bool)
    rows = min(round(share * n), n - 1)
    if rows < 1:
        return away
    wanted = max(1, round(rows / stretch))
    length = round(rows / wanted)
    # Blocks side by side: what is drawn of them does not overlap.
    begin = 1 + random.randint((n - 1) % length + 1)
    starts = np.arange(begin, n - length + 1, length)
    for start in random.permutation(starts)[:wanted]:
        away[start : start + length] = True
    return away


def last_fresh(fresh: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each step the last one with a fresh reading; the first one is."""
    return np.maximum.accumulate(np.where(fresh, np.arange(len(fresh)), 0))


DISTURBANCES: dict[str, Disturbance] = {
    "noise": Disturbance("noise, in standard deviations", (0.1, 0.2, 0.5, 1.0), noise),
    "drift": Disturbance(
        "drift at the end, in standard deviations", (0.2, 0.5, 1.0, 2.0), drift
    ),
    "sensor_missing": Disturbance("sensors that send nothing", (1, 2), sensors_missing),
    "sensor_at_mean": Disturbance(
        "sensors that send their mean", (1, 2), sensors_at_mean
    ),
    "missing": Disturbance(
        "share of the time without values", (0.1, 0.3, 0.6), stretches_missing
    ),
    "stuck": Disturbance(
        "share of the time with the last reading", (0.1, 0.3, 0.6), stretches_stuck
    ),
    "rate": Disturbance("rows from one reading to the next", (2, 3, 4), None, 1.0),
}
