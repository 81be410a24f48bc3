"""What a fit learns of rows that are not abnormal: units, ranks, and what is usual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LNN.anomaly.recordings import Recordings
from LNN.anomaly.residuals import ResidualEngine, Residuals
from LNN.anomaly.scores import Scorer, averaged
from LNN.anomaly.spreads import Spreads

__all__ = ["Calibration"]

# What a stream goes on from.
RECENT_UNITS, RECENT_RARE = 1_000, 10_000


@dataclass(frozen=True, eq=False)
class Calibration:
    """Turns residuals into scores.

    Attributes
    ----------
    spreads : Spreads
    scorer : Scorer
    aggregate : {"mean", "max"}
    units : ndarray of shape (n_recent, n_channels, n_horizons)
        Residuals of the last rows of the fit that count.
    rarest : ndarray of shape (n_recent,)
        What `scorer.last` ranks, of the last ones.
    """

    spreads: Spreads
    scorer: Scorer
    aggregate: str
    units: np.ndarray
    rarest: np.ndarray

    @classmethod
    def fit(
        cls,
        engine: ResidualEngine,
        rows: Recordings,
        clean: np.ndarray,
        aggregate: str,
        spans: tuple[float, ...],
        owner: np.ndarray | None,
    ) -> tuple[Calibration, np.ndarray]:
        """Learn from the rows of a fit; return their sizes too.

        Sizes of rows that do not count are NaN.

        Parameters
        ----------
        engine : ResidualEngine
        rows : Recordings
        clean : ndarray of bool, shape (n,)
            Rows that are not marked as abnormal.
        aggregate : {"mean", "max"}
        spans : tuple of float
        owner : ndarray of int, shape (n,), or None
            As in `Scorer.fit`.
        """
        found = engine.residuals(rows)
        counts = clean & engine.plan.judged(rows)
        usable = (found.origins >= 0) & counts[:, None] & clean[found.origins]
        spreads = Spreads.fit(found, usable, _spread(rows.values[clean]))
        units = np.where(usable[:, None], spreads.units(found), np.nan)
        sizes = averaged(units, aggregate)
        scorer, rarest = Scorer.fit(sizes, engine.plan.steps(rows), spans, owner)
        counted = np.isfinite(sizes)
        recent = cls(
            spreads,
            scorer,
            aggregate,
            units[counted][-RECENT_UNITS:],
            rarest[np.isfinite(rarest)][-RECENT_RARE:],
        )
        return recent, sizes

    def sizes_of(self, found: Residuals, judged: np.ndarray) -> np.ndarray:
        """Return the sizes of residuals, one a row (n,); NaN if it is not judged."""
        sizes = averaged(self.spreads.units(found), self.aggregate)
        return np.where(judged, sizes, np.nan)


def _spread(values: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each channel; 0 where nothing was seen."""
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=0), 1)
    centre = np.where(known, values, 0.0).sum(axis=0) / count
    away = np.where(known, values - centre, 0.0)
    return np.sqrt((away**2).sum(axis=0) / count)
