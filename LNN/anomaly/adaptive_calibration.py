"""What is usual now: learnt from rows that come, unless they are alarms.

Without that protection an anomaly that lasts becomes what is usual, and the next one is
not seen.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from LNN.anomaly.calibration import RECENT_RARE, RECENT_UNITS, Calibration
from LNN.anomaly.scores import median_of_known
from LNN.anomaly.spreads import NORMAL
from LNN.anomaly.tail import Tail

__all__ = ["AdaptiveCalibration"]

# Rows between two looks at what has come.
EVERY = 50
# Units follow what comes so far at most.
FURTHEST = 5.0


class AdaptiveCalibration:
    """Units and ranks that follow what comes.

    Parameters
    ----------
    calibration : Calibration
        Of the fit: where they begin.
    """

    def __init__(self, calibration: Calibration):
        self.tail = calibration.scorer.last
        self.factor = np.ones(calibration.units.shape[1:])
        self._units = deque(calibration.units, maxlen=RECENT_UNITS)
        self._rare = deque(calibration.rarest, maxlen=RECENT_RARE)
        self._came = 0

    def learn(self, units: np.ndarray, rarest: float) -> None:
        """Take in a row that is no alarm.

        Parameters
        ----------
        units : ndarray of shape (n_channels, n_horizons)
            Residuals in units of the fit.
        rarest : float
            What the tail ranks.
        """
        self._units.append(units)
        self._rare.append(rarest)
        self._came += 1
        if self._came % EVERY:
            return
        size = NORMAL * median_of_known(np.abs(np.stack(self._units)))
        size = np.clip(size, 1 / FURTHEST, FURTHEST)
        self.factor = np.where(np.isfinite(size), size, 1.0)
        self.tail = Tail.fit(np.array(self._rare))
