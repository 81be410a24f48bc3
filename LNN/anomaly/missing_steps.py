"""Steps at which no row came: windows hold unseen rows (NaN) there.

The network reads rows at equal steps, and no times. If missing rows were skipped, a
window would reach further back in time, and a wave in it would be out of phase.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from LNN.anomaly.plan import DetectorPlan
from LNN.anomaly.recordings import Recordings

__all__ = ["Bridged", "missing_steps"]


def missing_steps(gaps: np.ndarray, window_length: int) -> np.ndarray:
    """Return how many unseen rows belong into each gap, at most `window_length`.

    Parameters
    ----------
    gaps : ndarray
        In steps.
    window_length : int

    Examples
    --------
    >>> import numpy as np
    >>> missing_steps(np.array([1.0, 3.1, 0.0, 100.0]), 8).tolist()
    [0, 2, 0, 8]
    """
    return np.clip(np.round(gaps) - 1, 0, window_length).astype(np.int64)


class Bridged(NamedTuple):
    """Rows with unseen ones between them.

    Attributes
    ----------
    inputs : ndarray of shape (n_places, n_inputs)
        What the network reads. Channels that nobody saw are NaN; a calendar stays that
        of the row before.
    recording : ndarray of int, shape (n_places,)
    place : ndarray of int, shape (n_rows,)
        Where each row is.
    """

    inputs: np.ndarray
    recording: np.ndarray
    place: np.ndarray

    @classmethod
    def of(cls, rows: Recordings, plan: DetectorPlan) -> Bridged:
        """Put unseen rows at the steps where none came."""
        gaps = np.diff(plan.steps(rows), prepend=0.0)
        gaps[rows.first] = 1.0
        n = missing_steps(gaps, plan.window_length)
        place = np.arange(len(rows)) + np.cumsum(n)
        # The last row that came at or before each place.
        came = np.zeros(int(place[-1]) + 1, dtype=np.int64)
        came[place] = np.arange(len(rows))
        came = np.maximum.accumulate(came)
        inputs = plan.inputs(rows)[came]
        unseen = np.ones(len(came), dtype=bool)
        unseen[place] = False
        inputs[unseen, : rows.values.shape[1]] = np.nan
        return cls(inputs, rows.recording[came], place)

    def spread(self, found: np.ndarray) -> np.ndarray:
        """Return something of each row at the place of each; 0 elsewhere."""
        whole = np.zeros((len(self.inputs), *found.shape[1:]), dtype=found.dtype)
        whole[self.place] = found
        return whole
