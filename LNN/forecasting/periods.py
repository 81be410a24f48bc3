"""Periods of series whose rows come at odd times: peaks of a periodogram.

Where steps are equal, a season is a number of rows; here it is a length of time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LNN.forecasting.calendar import waves

__all__ = ["find_periods"]

MOST_PERIODS = 2
# Rows that are looked at, the last ones; frequencies for each cycle in all of the time.
MOST_ROWS, OVERSAMPLING = 2_000, 5
# Frequencies times rows that are held at a time. Bursts far apart would ask for more:
# then the highest frequencies are left out.
MOST_CELLS = 20_000_000
# A period is seen three times at least, and explains so much of the variance.
LEAST_CYCLES, LEAST_POWER = 3, 0.08
# Half the frequency is the period if it explains this part of what the peak does.
OF_THE_PEAK = 0.4


def find_periods(
    times: Sequence[np.ndarray], values: Sequence[np.ndarray]
) -> tuple[float, ...]:
    """Return the periods that series share, the strongest first.

    Parameters
    ----------
    times : sequence of ndarray of shape (n_i,)
        Numbers, in order.
    values : sequence of ndarray of shape (n_i,)
        NaN is unseen.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.sort(np.random.default_rng(0).uniform(0, 100, 300))
    >>> np.round(find_periods([t], [np.sin(2 * np.pi * t / 7)]), 1).tolist()
    [7.0]
    """
    series = [_seen(t, v) for t, v in zip(times, values, strict=True)]
    series = [(t, v) for t, v in series if len(t) >= 30 and v.std() > 0]
    found: list[float] = []
    while series and len(found) < MOST_PERIODS:
        period = _strongest(series)
        if period is None:
            break
        found.append(period)
        series = [(t, _without(t, v, period)) for t, v in series]
    return tuple(found)


def _seen(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    seen = np.isfinite(values)
    times, values = times[seen][-MOST_ROWS:], values[seen][-MOST_ROWS:]
    return times, values - values.mean() if len(values) else values


def _strongest(series: Sequence[tuple[np.ndarray, np.ndarray]]) -> float | None:
    """Return the period with the highest mean power; None if none stands out."""
    longest = max(t[-1] - t[0] for t, _ in series)
    gap = float(np.median(np.concatenate([np.diff(t) for t, _ in series])))
    rows = max(len(t) for t, _ in series)
    most = min(0.5 / gap, MOST_CELLS / rows / OVERSAMPLING / longest)
    count = int(OVERSAMPLING * longest * most)
    frequencies = np.linspace(LEAST_CYCLES / longest, most, max(count, 2))
    power = _power(series, frequencies)
    best = int(np.argmax(power))
    seen = sum(len(t) for t, _ in series)
    # Of noise the highest of many peaks grows with the logarithm of their number.
    if power[best] < max(LEAST_POWER, 3 * np.log(len(frequencies)) / seen):
        return None
    chosen = _refined(series, frequencies[best], longest)
    half = _refined(series, chosen / 2, longest)
    peak, lower = _power(series, np.array([chosen, half]))
    if half * longest >= LEAST_CYCLES and lower >= OF_THE_PEAK * peak:
        chosen = half
    return float(1 / chosen)


def _refined(
    series: Sequence[tuple[np.ndarray, np.ndarray]], frequency: float, longest: float
) -> float:
    """Return the best frequency near one."""
    near = frequency + np.linspace(-1, 1, 41) / (OVERSAMPLING * longest)
    near = near[near > 0]
    return float(near[int(np.argmax(_power(series, near)))])


def _power(
    series: Sequence[tuple[np.ndarray, np.ndarray]], frequencies: np.ndarray
) -> np.ndarray:
    """Return the part of the variance that each frequency explains."""
    from scipy.signal import lombscargle  # takes long, and few series need it

    angular = 2 * np.pi * frequencies
    return np.mean(
        [lombscargle(t, v, angular, normalize=True) for t, v in series], axis=0
    )


def _without(times: np.ndarray, values: np.ndarray, period: float) -> np.ndarray:
    """Return what a period and its harmonics leave over."""
    columns = waves([times / period], len(times))
    weights = np.linalg.lstsq(columns, values, rcond=None)[0]
    return values - columns @ weights
