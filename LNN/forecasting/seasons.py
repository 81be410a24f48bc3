"""Seasons: how many rows pass until a series looks alike again.

They come from the step of time, where there is a clock, and from the autocorrelation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from LNN.forecasting.grid import Grid

__all__ = ["find_seasons"]

DAY, WEEK = 86_400.0, 604_800.0
# Autocorrelation of changes: less is no season. Chance gives one series more of it than
# it gives the mean of many.
LEAST_CORRELATION, OF_CHANCE = 0.1, 0.2
# What came twice may be chance: a series holds a season so many times.
LEAST_SEASONS = 4
# A lag that is nearly as good as the best, and shorter, is the season.
NEARLY = 0.8
# A longer cycle, as a week of days, is a multiple that is so much better than those of
# one season more or less.
STANDS_OUT = 0.02
# A peak is the best of lags that differ by this part.
AROUND = 0.2
MOST_LAGS, MOST_SERIES = 800, 200


def find_seasons(grid: Grid, series: Sequence[np.ndarray]) -> tuple[int, ...]:
    """Return the lengths of cycles in rows, the shortest first; (1,) without any.

    Parameters
    ----------
    grid : Grid
    series : sequence of ndarray of shape (n_i,)
        NaN is unseen.

    Examples
    --------
    >>> import numpy as np
    >>> find_seasons(Grid("numbers", 1), [np.sin(np.arange(90) * 2 * np.pi / 12)])
    (12,)
    """
    longest = max(map(len, series))
    known = [n for n in _of_clock(grid) if 2 * n <= longest]
    if known:
        return tuple(known)
    return _of_correlation(series) if grid.kind == "numbers" else (1,)


def _of_clock(grid: Grid) -> list[int]:
    """Return the cycles of a clock or a calendar, in rows."""
    if grid.kind == "weekdays":
        return [5]
    if grid.kind in ("days of months", "month ends"):
        return [12 // grid.step] if grid.step < 12 and 12 % grid.step == 0 else []
    if grid.kind == "numbers":
        return []
    step = pd.Timedelta(grid.step).total_seconds()
    found = []
    if step >= WEEK:
        weeks = 365.25 * DAY / step
        return [round(weeks)] if weeks >= 2 else []
    for cycle in (DAY, WEEK):
        rows = cycle / step
        if rows >= 2 and abs(rows - round(rows)) < 1e-6 and rows <= MOST_LAGS:
            found.append(round(rows))
    return found


def _of_correlation(series: Sequence[np.ndarray]) -> tuple[int, ...]:
    """Return the lag at which changes repeat, and a longer one that stands out."""
    chosen = series[:: max(1, len(series) // MOST_SERIES)]
    longest = int(np.median([len(s) for s in chosen])) // LEAST_SEASONS
    longest = min(MOST_LAGS, longest)
    if longest < 4:
        return (1,)
    found = [_autocorrelation(np.diff(s), longest) for s in chosen]
    usable = [c for c in found if c is not None]
    if not usable:
        return (1,)
    mean = np.mean(usable, axis=0)
    # Near the first lags a smooth series looks like itself; a season comes after that.
    below = np.flatnonzero(mean < 0)
    begin = int(below[0]) if len(below) else longest
    peaks = np.array([p for p in range(begin + 1, longest) if _is_peak(mean, p)], int)
    least = LEAST_CORRELATION + OF_CHANCE / np.sqrt(len(usable))
    peaks = peaks[mean[peaks] >= least]
    if not len(peaks):
        return (1,)
    best = mean[peaks].max()
    season = int(peaks[mean[peaks] >= NEARLY * best][0])
    multiples = mean[season::season]
    rise = multiples[1:-1] - np.maximum(multiples[:-2], multiples[2:])
    longer = 1 + np.flatnonzero(rise > STANDS_OUT)
    if not len(longer):
        return (season,)
    return (season, season * (1 + int(longer[np.argmax(multiples[longer])])))


def _is_peak(mean: np.ndarray, lag: int) -> bool:
    """Tell whether no lag near this one is better: by chance some neighbour may be."""
    near = mean[max(1, int(np.ceil((1 - AROUND) * lag))) : int((1 + AROUND) * lag) + 1]
    beside = mean[lag - 1 : lag + 2]
    return bool(mean[lag] >= max(near.max(), beside.max()))


def _autocorrelation(changes: np.ndarray, longest: int) -> np.ndarray | None:
    """Return the autocorrelation at lags 0 to `longest`; unseen values do not count."""
    seen = np.isfinite(changes)
    if len(changes) <= longest or seen.sum() < 8:
        return None
    centred = np.where(seen, changes - changes[seen].mean(), 0.0)
    power = centred @ centred
    if power <= 0:
        return None
    size = 2 ** int(np.ceil(np.log2(2 * len(centred))))
    spectrum = np.fft.rfft(centred, size)
    products = np.fft.irfft(spectrum * spectrum.conj(), size)[: longest + 1]
    pairs = len(centred) - np.arange(longest + 1)
    return products / power * (len(centred) / pairs)
