"""`DetectorPlan`: horizons, season and calendar, decided by the rows of a fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import numpy as np
import pandas as pd

from LNN.anomaly.recordings import WHOLE, Recordings
from LNN.anomaly.season import find_season
from LNN.data.timestamps import time_unit
from LNN.exceptions import InvalidInputError
from LNN.forecasting.calendar import Calendar, calendar_for

__all__ = ["DetectorPlan", "settle"]

# Rows come at equal steps if so many gaps are a whole number of units, nearly.
MOSTLY, NEAR = 0.95, WHOLE
# What stands in for a season fits so often into a recording, and so do the rows that
# nothing is judged by, because they have hardly any before them.
SHORTEST = 4
# Parts of a season that rows are foreseen ahead, beside one step: what is wrong shows
# at some of them, and the mean of many is steadier.
PARTS = (1 / 12, 1 / 6, 1 / 3, 1 / 2, 1)


@dataclass(frozen=True)
class DetectorPlan:
    """What a fit has decided before it learns.

    Attributes
    ----------
    unit : float
        The usual gap between rows: one step.
    regular : bool
        Whether rows come at equal steps, but for some that lack.
    horizons : tuple of float
        How many steps ahead rows are foreseen, the shortest first.
    season : float
        Steps after which rows look alike, or those of a window where there is none.
    window_length : int
    least : int
        Rows that a recording has shown before what comes next is judged.
    calendar : Calendar
    spans : tuple of float
        Steps that sizes of residuals are averaged over; 0 is the row alone.
    zone : tzinfo or None
        Whose clock the calendar is read by.
    seasonal : bool
        Whether `season` was found or given; else a window stands in for it.
    """

    unit: float
    regular: bool
    horizons: tuple[float, ...]
    season: float
    window_length: int
    least: int
    calendar: Calendar
    spans: tuple[float, ...]
    zone: tzinfo | None = None
    seasonal: bool = True

    def steps(self, rows: Recordings) -> np.ndarray:
        """Return the time of rows in steps, which grows from recording to recording.

        Between recordings lies more time than any horizon or span reaches.
        """
        gaps = np.ones(len(rows))
        if rows.elapsed is not None:
            gaps = rows.elapsed / self.unit
        if self.regular:
            # Stamps that are a little off would add up.
            whole = np.round(gaps)
            gaps = np.where(np.abs(gaps - whole) <= NEAR, whole, gaps)
        apart = max(self.horizons[-1], *self.spans) + 2
        gaps[rows.first] = apart
        return np.cumsum(gaps)

    def warm(self, rows: Recordings) -> np.ndarray:
        """Return which rows have enough before them to foresee others from."""
        place = np.arange(len(rows))
        begin = np.maximum.accumulate(np.where(rows.first, place, 0))
        return place - begin >= self.least - 1

    @property
    def first_judged(self) -> float:
        """Steps from the first row of a recording to the first one that is judged.

        Before that not all horizons are known, and the mean of a few varies more.
        """
        return self.horizons[-1] + self.least - 1

    def judged(self, rows: Recordings) -> np.ndarray:
        """Return which rows are judged: those with enough steps before them, (n,)."""
        steps, place = self.steps(rows), np.arange(len(rows))
        begin = np.maximum.accumulate(np.where(rows.first, place, 0))
        return steps - steps[begin] >= self.first_judged - NEAR

    def inputs(self, rows: Recordings) -> np.ndarray:
        """Return what the network reads of rows: channels, and the calendar."""
        if not self.calendar.n_columns:
            return rows.values
        if rows.calendar is not None:
            return np.concatenate([rows.values, rows.calendar], axis=1)
        if rows.stamps is None:
            raise InvalidInputError(
                f"The model was fitted with a calendar ({self.calendar.cycles}), so it "
                "has to know when rows were. Pass timestamps= as datetimes or a frame "
                "with a DatetimeIndex, as in fit; or fit with calendar=None."
            )
        return np.concatenate([rows.values, self.calendar_of(rows.stamps)], axis=1)

    def calendar_of(self, stamps: pd.DatetimeIndex) -> np.ndarray:
        """Return the calendar at these times, by the clock of the zone of the fit."""
        if self.zone is not None and stamps.tz is not None:
            stamps = stamps.tz_convert(self.zone)
        return self.calendar.of(stamps)


def settle(values: Mapping[str, Any], rows: Recordings) -> DetectorPlan:
    """Decide what the parameters leave open.

    Parameters
    ----------
    values : mapping of str
        The parameters.
    rows : Recordings
        Those of the fit.
    """
    unit, regular = _clock(rows)
    lengths = np.bincount(rows.recording)
    longest = int(np.max(lengths))
    season, window = values["season"], int(values["window_length"])
    if season == "auto":
        season = find_season(rows, unit, regular)
    seasonal = season is not None
    if season is None:
        season = window
        # Longer than a part of what there is would leave nothing to learn from.
        season = min(season, max(1, longest // SHORTEST))
    horizons = values["horizons"]
    if horizons == "auto":
        ahead = {1.0, *(np.round(part * season) for part in PARTS)}
        horizons = [h for h in ahead if h >= 1]
    horizons = tuple(sorted({float(h) for h in horizons}))
    if regular:
        horizons = _whole(horizons)
    return DetectorPlan(
        unit,
        regular,
        horizons,
        float(season),
        window,
        max(1, min(window, longest // SHORTEST)),
        _calendar(values["calendar"], rows, unit, window if regular else 0),
        _spans(values["smooth"], float(season)),
        getattr(rows.stamps, "tz", None),
        seasonal,
    )


def _spans(wanted: Any, season: float) -> tuple[float, ...]:
    if wanted == "auto":
        return (0.0,) if season <= 2 else (0.0, season / 2, season)
    return (0.0,) if wanted is None or wanted <= 1 else (float(wanted),)


def _clock(rows: Recordings) -> tuple[float, bool]:
    """Return the usual gap, and whether rows come at equal steps."""
    if rows.elapsed is None:
        return 1.0, True
    gaps = rows.elapsed[~rows.first]
    unit = time_unit(gaps)
    if not len(gaps):
        return unit, True
    steps = gaps / unit
    return unit, bool((np.abs(steps - np.round(steps)) <= NEAR).mean() >= MOSTLY)


def _whole(horizons: tuple[float, ...]) -> tuple[float, ...]:
    odd = [h for h in horizons if not h.is_integer()]
    if odd:
        raise InvalidInputError(
            f"Expected horizons as whole numbers of steps, as rows come at equal ones, "
            f"got {odd[0]:g}. Round it."
        )
    return horizons


def _calendar(wanted: Any, rows: Recordings, unit: float, window: int) -> Calendar:
    if wanted is None or rows.stamps is None:
        if wanted not in (None, "auto"):
            raise InvalidInputError(
                f"calendar={wanted!r} needs rows with datetimes, got none. Pass "
                "timestamps= or a frame with a DatetimeIndex, or calendar=None."
            )
        return Calendar(())
    if wanted != "auto":
        return Calendar(tuple(wanted))
    begins = np.flatnonzero(rows.first)
    indices = [
        pd.DatetimeIndex(part) for part in np.split(rows.stamps, begins[1:].tolist())
    ]
    return Calendar(calendar_for(indices, unit, window * unit))
