"""`FittedDetector`: what a fit makes, and all that scores need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from LNN.anomaly.calibration import Calibration
from LNN.anomaly.direct import Direct
from LNN.anomaly.events import Alarms, find_events
from LNN.anomaly.plan import DetectorPlan
from LNN.anomaly.queried import Queried
from LNN.anomaly.recordings import DetectorForm, Recordings, StepClock, read
from LNN.anomaly.residuals import ResidualEngine
from LNN.anomaly.row_warnings import (
    refuse_stray_rows,
    warn_of_another_rate,
    warn_of_unjudged,
)
from LNN.anomaly.scores import Scorer, mean_of_known
from LNN.anomaly.spreads import Spreads
from LNN.anomaly.tail import Tail
from LNN.data.clock import Clock
from LNN.data.form import InputLayout, ReadOptions
from LNN.data.gap_range import GapRange
from LNN.data.tables import Columns
from LNN.estimators.plain_parts import Parts, PlainState
from LNN.exceptions import InvalidInputError
from LNN.forecasting.calendar import Calendar

__all__ = ["FittedDetector"]


@dataclass(frozen=True, eq=False)
class FittedDetector(PlainState):
    """A trained model, and what it knows of usual rows.

    Attributes
    ----------
    parameters : mapping of str
        Those of the detector when it was fitted.
    form : DetectorForm
        What X looked like.
    engine : Direct or Queried
    calibration : Calibration
    """

    parameters: Mapping[str, Any]
    form: DetectorForm
    engine: ResidualEngine
    calibration: Calibration
    _parts: ClassVar[Parts] = Parts(
        [
            *(
                Calendar,
                Calibration,
                Clock,
                Columns,
                DetectorForm,
                DetectorPlan,
                Direct,
                GapRange,
            ),
            *(InputLayout, Queried, ReadOptions, Scorer, Spreads, StepClock),
            Tail,
        ]
    )

    def read(self, X: Any, timestamps: Any, groups: Any) -> Recordings:
        """Read rows like those of the fit; warn if they come at another rate."""
        rows = read(X, timestamps, groups, self.form)
        if not self.form.per_sequence:
            refuse_stray_rows(rows)
        warn_of_another_rate(rows, self.engine.plan, self.form.clock.kind)
        return rows

    def scores(self, rows: Recordings) -> np.ndarray:
        """Return scores, high where abnormal: of rows as given, or of sequences."""
        steps, sizes = self.engine.plan.steps(rows), self._sizes(rows)
        if self.form.per_sequence:
            return self.calibration.scorer(sizes, steps, rows.recording)
        return rows.as_given(self.calibration.scorer(sizes, steps))

    def judged(self, rows: Recordings) -> np.ndarray:
        """Return which rows, or sequences, are judged; others have the score 0."""
        known = np.isfinite(self._sizes(rows))
        if not self.form.per_sequence:
            return rows.as_given(known)
        return np.logical_or.reduceat(known, np.flatnonzero(rows.first))

    def _sizes(self, rows: Recordings) -> np.ndarray:
        """Return the sizes of residuals of rows; NaN if they are not judged."""
        ready = self.engine.plan.judged(rows)
        sizes = self.calibration.sizes_of(self.engine.residuals(rows), ready)
        warn_of_unjudged(rows, self.engine.plan, ready, sizes)
        return sizes

    def contributions(self, rows: Recordings) -> np.ndarray:
        """Return sizes of residuals by channel and horizon, as `scores`."""
        found = self.engine.residuals(rows)
        sizes = np.abs(self.calibration.spreads.units(found))
        if not self.form.per_sequence:
            return rows.as_given(sizes)
        parts = np.split(sizes, np.flatnonzero(rows.first)[1:])
        return np.stack([mean_of_known(part, axis=0) for part in parts])

    def events(self, rows: Recordings, threshold: float, gap: float) -> pd.DataFrame:
        """Return runs of rows above a threshold; see `LiquidAnomalyDetector`."""
        if self.form.per_sequence:
            raise InvalidInputError(
                "Expected rows that are steps of time: the model scores whole "
                "sequences, which have no events. predict(X) tells which of them are "
                "abnormal."
            )
        found = self.engine.residuals(rows)
        units = self.calibration.spreads.units(found)
        steps = self.engine.plan.steps(rows)
        ready = self.engine.plan.judged(rows)
        sizes = self.calibration.sizes_of(found, ready)
        warn_of_unjudged(rows, self.engine.plan, ready, sizes)
        scores = self.calibration.scorer(sizes, steps)
        by_channel = mean_of_known(np.abs(units), axis=2)
        alarms = Alarms(rows, steps, scores, by_channel, self.channels)
        several = self.form.layout.recordings
        return find_events(alarms, threshold, gap, several)

    @property
    def channels(self) -> list[Any]:
        """What the channels are called: columns of X, or numbers."""
        columns = self.form.layout.columns
        if self.form.by_row:
            return [0]
        names = columns.input_names
        numbers = [int(k) for k in columns.inputs]
        return numbers if names is None else list(names)
