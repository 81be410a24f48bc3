"""What forecasts at equal and at odd times have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from LNN.forecasting.direct import DirectModel
from LNN.forecasting.history import SeriesHistory
from LNN.forecasting.rows import TrackRows


class ForecastEngine(ABC):
    """Turns histories into forecasts by a model of their last rows."""

    model: DirectModel
    # Whether rows before a long pause do not matter to what comes after it.
    forgets: ClassVar[bool] = False

    @property
    def needed(self) -> int:
        """Number of rows before a cutoff that a forecast reads."""
        return self.model.window_length

    @property
    @abstractmethod
    def gap(self) -> float:
        """The usual gap between rows, in seconds or in units of the times."""

    @abstractmethod
    def describe_other_rate(self, times: pd.Index) -> str | None:
        """Say how rows come at another rate than those of the fit; None if not."""

    @abstractmethod
    def rows(
        self, histories: Sequence[SeriesHistory], *args: Any, **kwargs: Any
    ) -> TrackRows:
        """Put histories end to end, each followed by what is known of its future."""

    def spreads(self, histories: Sequence[SeriesHistory]) -> np.ndarray:
        """Return the local spread at the end of each (n_histories, n_targets)."""
        rows = self.rows(histories)
        windows = rows.windows(rows.ends(), self.needed, 0)
        found = self.model.normaliser.local_spread(windows)
        return found.reshape(len(histories), -1)
