"""`ForecastStream`: rows come in, forecasts of the next ones come out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from LNN.exceptions import InvalidInputError
from LNN.forecasting.adaptive import AdaptiveWidths
from LNN.forecasting.fitted import FittedForecaster
from LNN.forecasting.history import SeriesHistory
from LNN.forecasting.rolling import moved_on
from LNN.forecasting.stray import LoneRow

__all__ = ["ForecastStream"]


class _Made(NamedTuple):
    """A forecast of one series whose true values are still to come.

    Attributes
    ----------
    times : Index of length horizon
    values : ndarray of shape (horizon, n_targets)
    reach : ndarray of shape (horizon, n_targets)
        How far the interval reaches to both sides.
    """

    times: pd.Index
    values: np.ndarray
    reach: np.ndarray


class ForecastStream:
    """A fitted forecaster that takes its rows as they come.

    Made by `forecaster.stream(...)`. It does not change the forecaster. The model does
    not learn from the rows; only the widths of intervals adapt to the true values as
    they come, for each series, target and step separately.

    Parameters
    ----------
    model : FittedForecaster
    coverage : float or None
        Coverage of the intervals; None makes none.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidForecaster
    >>> y = np.sin(np.arange(130) * 2 * np.pi / 12)
    >>> stream = LiquidForecaster(2, epochs=2, random_state=0).fit(y[:120]).stream()
    >>> for value in y[120:]:
    ...     forecast = stream.step([value])
    >>> forecast.shape
    (2,)
    """

    def __init__(self, model: FittedForecaster, coverage: float | None = None):
        self.model, self.coverage = model, coverage
        self._widths: dict[Any, list[AdaptiveWidths]] = {}
        self._made: dict[Any, list[_Made]] = {}
        self._refused: dict[Any, Any] = {}
        if coverage is not None and not model.engine.inputs.n_known:
            self._remember(None)

    def step(self, y: Any, X: Any = None, *, known: Any = None) -> Any:
        """Take in rows and forecast the next ones.

        Parameters
        ----------
        y, X : as in `LiquidForecaster.fit`
            The rows that came, usually one of each series; NaN where nothing was seen.
            A series without new rows may be left out.
        known : as X, default=None
            Columns of `known_future` at the times to forecast.

        Returns
        -------
        Series, DataFrame, ndarray or list
            As `LiquidForecaster.predict`.

        Raises
        ------
        InvalidInputError
            Also for a single row more than a thousand steps after the one before it,
            as a clock may have been reset. If the pause was real, pass the next row.
        """
        before = {h.name: h.times[-1] for h in self.model.context}
        try:
            self.model = moved_on(self.model, y, X, self._refused)
        except LoneRow as row:
            self._refused[row.name] = row.time
            raise
        self._refused.clear()
        if self.coverage is not None:
            for history in self.model.context:
                self._learn(history, before.get(history.name))
            self._remember(known)
        return self.model.predict(None, None, known)

    def interval(self, *, known: Any = None) -> Any:
        """Return intervals of the next rows, with widths adapted to past errors.

        Parameters
        ----------
        known : as X, default=None
            As in `step`.

        Returns
        -------
        DataFrame, ndarray or list
            As `LiquidForecaster.predict_interval`.
        """
        if self.coverage is None:
            raise InvalidInputError(
                "Expected a stream that was opened with a coverage, got one without. "
                "Open it with stream(coverage=0.9)."
            )
        reach = np.stack([self._reach(h) for h in self.model.context])
        offsets = np.stack([-reach, reach], axis=2)
        return self.model.bands(None, None, known, offsets, ["lower", "upper"])

    def _reach(self, history: SeriesHistory) -> np.ndarray:
        """Return the widths of one series now (n_targets, horizon)."""
        assert self.coverage is not None
        if history.name not in self._widths:
            residuals = self.model.judged.residuals
            self._widths[history.name] = [
                AdaptiveWidths(residuals, self.coverage)
                for _ in range(history.values.shape[1])
            ]
        return np.stack([own.now() for own in self._widths[history.name]])

    def _learn(self, history: SeriesHistory, before: Any) -> None:
        """Compare what came with the forecasts of it."""
        new = slice(None) if before is None else np.asarray(history.times > before)
        for time, truth in zip(history.times[new], history.values[new], strict=True):
            for made in self._made.get(history.name, ()):
                step = int(made.times.get_indexer([time])[0])
                if step < 0:
                    continue
                inside = np.abs(truth - made.values[step]) <= made.reach[step]
                for k in np.flatnonzero(np.isfinite(truth)):
                    self._widths[history.name][k].learn(step, bool(inside[k]))
        last = history.times[-1]
        kept = [m for m in self._made.get(history.name, ()) if m.times[-1] > last]
        self._made[history.name] = kept

    def _remember(self, known: Any) -> None:
        """Keep the forecasts of now, until their truths come."""
        model = self.model
        times, values = model.forecasts(None, None, known)
        spreads = model.engine.spreads(model.context)
        for k, history in enumerate(model.context):
            reach = (self._reach(history) * spreads[k][:, None]).T
            made = _Made(times[k], values[k], reach)
            self._made.setdefault(history.name, []).append(made)
