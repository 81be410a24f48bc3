"""What rows were, less what was foreseen of them, by channel and horizon."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from LNN.anomaly.plan import DetectorPlan
from LNN.anomaly.recordings import Recordings
from LNN.estimators.fitted import FittedModel

__all__ = ["ResidualEngine", "Residuals"]


class Residuals(NamedTuple):
    """How far rows were from what was foreseen.

    Attributes
    ----------
    values : ndarray of shape (n, n_channels, n_horizons)
        NaN where a channel was not seen, or not foreseen.
    origins : ndarray of int, shape (n, n_horizons)
        The row that each was foreseen from; -1 where there is none.
    gaps : ndarray of shape (n, n_horizons)
        How many steps lie between.
    """

    values: np.ndarray
    origins: np.ndarray
    gaps: np.ndarray


@dataclass(frozen=True, eq=False)
class ResidualEngine(ABC):
    """A network, and how it is asked.

    Attributes
    ----------
    plan : DetectorPlan
    model : FittedModel
    """

    plan: DetectorPlan
    model: FittedModel

    @abstractmethod
    def residuals(self, rows: Recordings) -> Residuals:
        """Foresee all rows from those before them."""


def no_residuals(rows: Recordings, plan: DetectorPlan) -> np.ndarray:
    """Return NaN in the shape of residuals."""
    return np.full((*rows.values.shape, len(plan.horizons)), np.nan)
