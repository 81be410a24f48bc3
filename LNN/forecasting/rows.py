"""Tracks on a grid, end to end in one table; windows are places in it.

A cutoff is a place between two rows: all before it is known, nothing after it. Windows
of the past end there, and those of the future begin there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

__all__ = ["Cutoffs", "TrackRows", "Windows"]


class Cutoffs(NamedTuple):
    """Where forecasts begin.

    Attributes
    ----------
    row : ndarray of int, shape (n,)
        The first row that is not known.
    column : ndarray of int, shape (n,)
        The target.
    track : ndarray of int, shape (n,)
    ahead : ndarray of int, shape (n,)
        Rows between the cutoff and the first one that is forecast.
    """

    row: np.ndarray
    column: np.ndarray
    track: np.ndarray
    ahead: np.ndarray

    def subset(self, chosen: np.ndarray) -> Cutoffs:
        """Return some of them."""
        return Cutoffs(*(part[chosen] for part in self))

    def each_ahead(self, n: int) -> Cutoffs:
        """Return each of them for every one of the next `n` rows."""
        row, column, track = (np.repeat(part, n) for part in self[:3])
        return Cutoffs(row, column, track, np.tile(np.arange(n), len(self.row)))

    @classmethod
    def joined(cls, parts: Sequence[Cutoffs]) -> Cutoffs:
        """Return all of several."""
        return cls(*(np.concatenate(part) for part in zip(*parts, strict=True)))


class Windows(NamedTuple):
    """What a forecast is made from, one row a cutoff.

    Attributes
    ----------
    past : ndarray of shape (n, window_length)
        The last values, where one is unseen the one before it.
    seen : ndarray of bool, shape (n, window_length)
    past_inputs : ndarray of shape (n, window_length, n_inputs)
        NaN is unseen.
    future_inputs : ndarray of shape (n, horizon, n_known)
    column : ndarray of int, shape (n,)
    times : ndarray of shape (n, window_length + horizon) or None
        When the rows are, and those that are forecast; None at equal steps.
    """

    past: np.ndarray
    seen: np.ndarray
    past_inputs: np.ndarray
    future_inputs: np.ndarray
    column: np.ndarray
    times: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class TrackRows:
    """Rows of all tracks, each followed by rows of its future.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_targets)
        NaN is unseen.
    inputs : ndarray of shape (n_rows, n_inputs)
        Scaled; NaN is unseen. The last `n_known` are known in the future.
    n_known : int
    begin, end : ndarray of int, shape (n_tracks,)
        The first row of each track, and the one after its last known one.
    filled : ndarray of shape (n_rows, n_targets)
        `values` with the last seen value where one is unseen.
    times : ndarray of shape (n_rows,) or None
        In units of the usual gap; None at equal steps.
    """

    values: np.ndarray
    inputs: np.ndarray
    n_known: int
    begin: np.ndarray
    end: np.ndarray
    filled: np.ndarray
    times: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        values: Sequence[np.ndarray],
        inputs: Sequence[np.ndarray],
        n_known: int,
        before: int,
        times: Sequence[np.ndarray] | None = None,
    ) -> TrackRows:
        """Put tracks end to end.

        Parameters
        ----------
        values : sequence of ndarray (n_i, n_targets)
        inputs : sequence of ndarray (n_i + n_after, n_inputs)
            With the rows of the future of each.
        n_known : int
        before : int
            Rows a window needs: shorter tracks get unseen rows in front.
        times : sequence of ndarray (n_i + n_after,), default=None
        """
        parts, filled, others, begin, end, stamps = [], [], [], [], [], []
        place = 0
        for number, (own, known) in enumerate(zip(values, inputs, strict=True)):
            short = max(0, before - len(own))
            after = len(known) - len(own)
            shape = (short, own.shape[1]), (after, own.shape[1])
            if times is not None:
                earlier = times[number][0] - np.arange(short, 0, -1)
                stamps.append(np.concatenate([earlier, times[number]]))
            front, back = (np.full(size, np.nan) for size in shape)
            whole = np.concatenate([front, own, back])
            parts.append(whole)
            filled.append(_held(whole))
            lacking = np.full((short, known.shape[1]), np.nan)
            others.append(np.concatenate([lacking, known]))
            begin.append(place)
            end.append(place + short + len(own))
            place += len(whole)
        return cls(
            np.concatenate(parts),
            np.concatenate(others),
            n_known,
            np.array(begin),
            np.array(end),
            np.concatenate(filled),
            np.concatenate(stamps) if stamps else None,
        )

    @property
    def n_targets(self) -> int:
        """Number of columns that are forecast."""
        return self.values.shape[1]

    def ends(self) -> Cutoffs:
        """Return one cutoff per track and target, where its rows end."""
        return self.cutoffs([np.array([end]) for end in self.end])

    def cutoffs(self, rows: Sequence[np.ndarray]) -> Cutoffs:
        """Return cutoffs at chosen rows of each track, for all its targets.

        Parameters
        ----------
        rows : sequence of ndarray of int
            For each track. The targets of one row follow each other.
        """
        k = self.n_targets
        track = np.repeat(np.arange(len(rows)), [len(own) * k for own in rows])
        row = np.repeat(np.concatenate(rows), k)
        column = np.tile(np.arange(k), len(row) // k)
        return Cutoffs(row, column, track, np.zeros_like(row))

    def windows(self, cutoffs: Cutoffs, length: int, horizon: int) -> Windows:
        """Cut what forecasts are made from."""
        row, column = cutoffs.row[:, None], cutoffs.column[:, None]
        past = row + np.arange(-length, 0)
        future = row + cutoffs.ahead[:, None] + np.arange(horizon)
        known = self.inputs[:, self.inputs.shape[1] - self.n_known :]
        values = self.filled[past, column]
        seen = np.isfinite(self.values[past, column])
        # Before the first value that was seen, the window holds that value.
        early = np.isnan(values)
        if early.any():
            first = np.argmin(early, axis=1)
            start = values[np.arange(len(row)), first]
            values = np.where(early, start[:, None], values)
        times = None
        if self.times is not None:
            times = self.times[np.concatenate([past, future], axis=1)]
        return Windows(
            values, seen, self.inputs[past], known[future], cutoffs.column, times
        )

    def goals(self, cutoffs: Cutoffs, horizon: int) -> np.ndarray:
        """Return what came after cutoffs (n, horizon); NaN is unseen."""
        future = (cutoffs.row + cutoffs.ahead)[:, None] + np.arange(horizon)
        return self.values[future, cutoffs.column[:, None]]


def _held(values: np.ndarray) -> np.ndarray:
    """Return values (n, K) with the last seen one where one is unseen."""
    seen = np.isfinite(values)
    if seen.all():
        return values
    rows = np.where(seen, np.arange(len(values))[:, None], 0)
    last = np.maximum.accumulate(rows, axis=0)
    return np.take_along_axis(values, last, axis=0)
