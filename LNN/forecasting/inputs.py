"""Inputs beside the series: known in future, known in the past only, and the calendar.

They are matched with the series by their labels. A constant column of a recording is a
static input; nothing has to be said of it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from LNN.exceptions import InvalidInputError
from LNN.forecasting.calendar import Calendar
from LNN.forecasting.series import SeriesForm, Track, read_tracks

__all__ = ["Inputs", "matched", "read_inputs"]


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a fit learnt about the columns of X.

    Attributes
    ----------
    columns : tuple of hashable
        Those known in the past only first, then those known in future.
    n_known : int
        How many are known in future.
    centre, scale : ndarray of shape (n_columns,)
    calendar : Calendar
        Its columns follow, and are known at any time.
    """

    columns: tuple[Hashable, ...]
    n_known: int
    centre: np.ndarray
    scale: np.ndarray
    calendar: Calendar

    @classmethod
    def fit(
        cls,
        columns: Sequence[Hashable],
        n_known: int,
        tables: Sequence[np.ndarray],
        calendar: Calendar,
    ) -> Inputs:
        """Learn the scale of each column."""
        table = np.concatenate(tables) if columns else np.empty((1, 0))
        unseen = np.flatnonzero(np.isnan(table).all(axis=0)).tolist()
        if columns and unseen:
            raise InvalidInputError(
                "Expected at least one value in every column of X, got none in "
                f"{[columns[k] for k in unseen]}. Drop these columns."
            )
        spread = np.nanstd(table, axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        return cls(tuple(columns), n_known, np.nanmean(table, axis=0), spread, calendar)

    @property
    def n_future(self) -> int:
        """Number of columns known in future, with those of the calendar."""
        return self.n_known + self.calendar.n_columns

    def scaled(self, times: pd.Index, table: np.ndarray) -> np.ndarray:
        """Return inputs (n, n_columns + n_calendar) as models read them."""
        columns = (table - self.centre) / self.scale
        return np.concatenate([columns, self.calendar.of(times)], axis=1)

    def future(self, times: pd.Index, table: np.ndarray | None) -> np.ndarray:
        """Return inputs of times to come; `table` has the known columns alone."""
        found = np.full((len(times), len(self.columns)), np.nan)
        if table is not None:
            found[:, len(self.columns) - self.n_known :] = table
        return self.scaled(times, found)


def read_inputs(
    X: Any, known_future: Any, time_column: Any, group_column: Any
) -> tuple[list[Track], list[Hashable], int, SeriesForm]:
    """Read X; put the columns known in future last.

    Returns
    -------
    tracks : list of Track
    columns : list of hashable
        Names, or numbers where X has none.
    n_known : int
    form : SeriesForm
    """
    tracks, form = read_tracks(
        X, what="X", time_column=time_column, group_column=group_column
    )
    n = tracks[0].values.shape[1]
    names = list(range(n)) if form.columns is None else list(form.columns)
    if known_future is None:
        raise InvalidInputError(
            "Expected known_future to say which columns of X are known in advance, got "
            f"X with {names[:20]} and no word on it. Set known_future=[...] (the "
            'calendar, prices, plans), "all", or [] if none is: a column that is not '
            "known in future must not be read there, and one that is should be."
        )
    wanted = names if isinstance(known_future, str) else list(known_future)
    unknown = [c for c in wanted if c not in names]
    if unknown:
        raise InvalidInputError(
            f"Expected known_future to name columns of X, got {unknown}; X has "
            f"{names[:20]}. Check the spelling."
        )
    order = [c for c in names if c not in wanted] + wanted
    places = [names.index(c) for c in order]
    tracks = [t._replace(values=t.values[:, places]) for t in tracks]
    return tracks, order, len(wanted), form


def matched(
    given: Sequence[Track],
    form: SeriesForm,
    names: Sequence[Hashable],
    times: Sequence[pd.Index],
) -> list[np.ndarray]:
    """Return the rows of X that belong to times of each recording.

    Rows without labels are matched by their place, and have to be as many.

    Raises
    ------
    InvalidInputError
        If a recording or a time is missing; the first one is named.
    """
    by_name = {track.name: track for track in given}
    if len(given) == 1 and len(names) == 1:
        by_name = {names[0]: given[0]}
    found = []
    for name, wanted in zip(names, times, strict=True):
        where = "" if name is None else f" of recording {name!r}"
        track = by_name.get(name)
        if track is None:
            raise InvalidInputError(
                f"Expected rows of X for recording {name!r}, got those of "
                f"{list(by_name)[:10]}. Pass X for every recording of y."
            )
        if form.container in ("array", "list"):
            if len(track.values) != len(wanted):
                raise InvalidInputError(
                    f"Expected X with a row for each of the {len(wanted)} times from "
                    f"{wanted[0]} to {wanted[-1]}{where}, got {len(track.values)} "
                    "rows. X has no index, so rows are matched by their place: pass as "
                    "many, or a frame with the times as its index."
                )
            found.append(track.values)
            continue
        rows = _rows(track.times, wanted)
        if (rows < 0).any():
            first = wanted[int(np.argmax(rows < 0))]
            raise InvalidInputError(
                f"Expected a row of X for every time, but there is none for "
                f"{first}{where}: X runs from {track.times[0]} to {track.times[-1]}. "
                "Add the row; NaN stands for what is not known there."
            )
        found.append(track.values[rows])
    return found


def _rows(times: pd.Index, wanted: pd.Index) -> np.ndarray:
    try:
        return times.get_indexer(wanted)
    except TypeError as error:  # zones that one has and the other has not
        raise InvalidInputError(
            f"Expected the times of X to be like those of y ({wanted.dtype}), got "
            f"{times.dtype}. Convert them (tz_localize, tz_convert)."
        ) from error
