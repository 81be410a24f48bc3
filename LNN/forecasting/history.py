"""What is known before a forecast: series on the grid, with their inputs."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

import numpy as np
import pandas as pd

from LNN.exceptions import InvalidInputError
from LNN.forecasting.grid import NEAR, Grid
from LNN.forecasting.stray import refuse_sparse

__all__ = ["SeriesHistory", "on_grid"]


class SeriesHistory(NamedTuple):
    """Rows of one recording up to now.

    Attributes
    ----------
    name : hashable or None
    times : Index of length n
    values : ndarray of shape (n, n_targets)
        NaN is unseen.
    table : ndarray of shape (n, n_inputs)
        Columns of X as the caller has them; NaN is unseen.
    """

    name: Hashable
    times: pd.Index
    values: np.ndarray
    table: np.ndarray

    def tail(self, n: int) -> SeriesHistory:
        """Return the last rows."""
        return self._replace(
            times=self.times[-n:], values=self.values[-n:], table=self.table[-n:]
        )

    def until(self, n: int) -> SeriesHistory:
        """Return the first rows."""
        return self._replace(
            times=self.times[:n], values=self.values[:n], table=self.table[:n]
        )

    def followed_by(self, other: SeriesHistory) -> SeriesHistory:
        """Return these rows and those of another that lie after them."""
        later = np.asarray(other.times > self.times[-1])
        return self._replace(
            times=self.times.append(other.times[later]),
            values=np.concatenate([self.values, other.values[later]]),
            table=np.concatenate([self.table, other.table[later]]),
        )


def on_grid(history: SeriesHistory, grid: Grid) -> SeriesHistory:
    """Put rows on a grid; where it has a place and there is no row, nothing was seen.

    Raises
    ------
    InvalidInputError
        If a time lies between two places, the first of which is named; or if there are
        far more places than rows.
    """
    times = history.times
    places = grid.positions(times, times[0])
    off = ~np.isfinite(places) | (np.abs(places - np.round(places)) > NEAR)
    if off.any():
        where = "" if history.name is None else f" of recording {history.name!r}"
        raise InvalidInputError(
            f"Expected times{where} a step of {grid.step} apart, as in fit, got "
            f"{times[int(np.argmax(off))]} after {times[0]}. Pass rows at such times, "
            "or fit on irregular ones."
        )
    rows = np.round(places).astype(np.int64)
    if rows[-1] == len(rows) - 1:
        return history
    refuse_sparse(times, rows, grid.step, history.name)
    n = int(rows[-1]) + 1
    values = np.full((n, history.values.shape[1]), np.nan)
    table = np.full((n, history.table.shape[1]), np.nan)
    values[rows], table[rows] = history.values, history.table
    whole = times[:1].append(grid.after(times[0], n - 1))
    return history._replace(times=whole, values=values, table=table)
