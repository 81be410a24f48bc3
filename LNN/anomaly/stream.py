"""`DetectorStream`: rows come in one by one, scores and alarms come out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from LNN.anomaly.adaptive_calibration import AdaptiveCalibration
from LNN.anomaly.arrivals import DetectorArrivals
from LNN.anomaly.fitted import FittedDetector
from LNN.anomaly.plan import NEAR
from LNN.anomaly.scores import FILLED, averaged
from LNN.anomaly.streamed_residuals import streamed_residuals_of
from LNN.exceptions import InvalidInputError

__all__ = ["Answer", "DetectorStream"]


class Answer(NamedTuple):
    """The answer of a stream to a row.

    Attributes
    ----------
    score : float
        As `LiquidAnomalyDetector.anomaly_scores`.
    alarm : bool
        Whether the row is abnormal.
    """

    score: float
    alarm: bool


class DetectorStream:
    """A fitted detector that takes its rows as they come.

    Made by `detector.stream(...)`. It does not change the detector.

    Parameters
    ----------
    model : FittedDetector
    threshold : float
        Scores above it are alarms.
    context : array-like, DataFrame or None
        Rows that came just before.
    adaptive : bool
        Whether the usual size of errors adapts to the rows of the stream.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidAnomalyDetector
    >>> x = np.sin(np.arange(1200) * 2 * np.pi / 50)[:, None]
    >>> x += 0.05 * np.random.default_rng(0).normal(size=x.shape)
    >>> detector = LiquidAnomalyDetector(8, epochs=5, random_state=0).fit(x[:1000])
    >>> stream = detector.stream(context=x[900:1000])
    >>> score, alarm = stream.step(x[1000])
    >>> alarm
    False
    >>> stream.step(x[1001] + 5).alarm
    True
    """

    def __init__(
        self, model: FittedDetector, threshold: float, context: Any, adaptive: bool
    ):
        if model.form.per_sequence:
            raise InvalidInputError(
                "Expected a model of rows that are steps of time, got one that scores "
                "whole sequences. Call anomaly_scores(X) when a sequence is complete."
            )
        self.model, self.threshold, self.adaptive = model, threshold, adaptive
        self._arrivals = DetectorArrivals(model)
        self._residuals = streamed_residuals_of(model.engine)
        self._calibration = AdaptiveCalibration(model.calibration)
        self._steps = np.empty(0)
        self._sizes = np.empty(0)
        if context is not None:
            self._take_in(context)

    def step(self, x: Any, dt: Any = None, *, timestamp: Any = None) -> Answer:
        """Take in a row, and return its score and whether it is an alarm.

        Parameters
        ----------
        x : array-like of shape (n_features,), Series or dict
            A row of X; NaN is a missing value.
        dt : float or timedelta, default=None
            Time since the row before, in seconds or in units of the time stamps. None
            is the usual gap.
        timestamp : number or datetime, default=None
            Time of the row, in place of `dt`. A model with a calendar needs one for the
            first row, unless a context with times came before.

        Returns
        -------
        Answer
            score and alarm.

        Raises
        ------
        InvalidInputError
            Also for a time stamp more than a thousand steps, and ten times as long as
            the stream has run, after the row before: a clock may have been reset, and
            later rows would all come before it. If the pause was real, the next row
            goes on.
        """
        row = self._arrivals.take(x, dt, timestamp)
        found = self._residuals.residuals(row)
        spreads = self.model.calibration.spreads
        units = spreads.units(found)[-1]
        now = units / self._calibration.factor
        size = float(averaged(now[None], self.model.calibration.aggregate)[0])
        if row.step < self.model.engine.plan.first_judged - NEAR:
            size = np.nan
        rarest = self._rarest(size, row.step)
        score = float(np.nan_to_num(self._calibration.tail.rarity_of(np.array(rarest))))
        alarm = bool(score > self.threshold)
        if self.adaptive and not alarm and np.isfinite(rarest):
            self._calibration.learn(units, rarest)
        return Answer(score, alarm)

    def _rarest(self, size: float, step: float) -> float:
        """Return how rare the rarest mean of sizes up to now is; NaN if unseen."""
        scorer = self.model.calibration.scorer
        self._steps = np.append(self._steps, step)
        self._sizes = np.append(self._sizes, size)
        kept = self._steps > step - max(*scorer.spans, 1.0)
        self._steps, self._sizes = self._steps[kept], self._sizes[kept]
        if not np.isfinite(size):
            return np.nan
        means = [self._mean(span, size, step) for span in scorer.spans]
        return float(scorer.rarest([np.array(mean) for mean in means]))

    def _mean(self, span: float, size: float, step: float) -> float:
        if not span:
            return size
        inside = self._sizes[self._steps > step - span]
        inside = inside[np.isfinite(inside)]
        enough = len(inside) >= max(1, int(FILLED * span))
        return float(inside.mean()) if enough else np.nan

    def _take_in(self, context: Any) -> None:
        """Take in rows without learning from them."""
        adaptive, self.adaptive = self.adaptive, False
        rows, times = self._arrivals.rows_of(context)
        for place, row in enumerate(rows):
            self.step(row, timestamp=None if times is None else times[place])
        self.adaptive = adaptive

    def __repr__(self) -> str:
        return f"DetectorStream({self.model.parameters['model_type']})"
