"""Classifier, regressor and forecaster as sktime's own; needs sktime.

They take what sktime takes (panels and series of any of its types) and work in its
pipelines, searches and evaluations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from LNN._warnings import warn
from LNN.adapters import parameters
from LNN.adapters.parameters import OF_ROWS, original, with_parameters_of
from LNN.estimators.classifier import LiquidClassifier as _Classifier
from LNN.estimators.regressor import LiquidRegressor as _Regressor
from LNN.forecasting import LiquidForecaster as _Forecaster

try:
    from sktime.classification.base import BaseClassifier
    from sktime.forecasting.base import BaseForecaster, ForecastingHorizon
    from sktime.regression.base import BaseRegressor
except ImportError as error:
    raise parameters.missing("sktime", error) from error

__all__ = ["LiquidClassifier", "LiquidForecaster", "LiquidRegressor"]

_TAGS = {
    "authors": ["the LNN developers"],
    "maintainers": ["the LNN developers"],
    "property:randomness": "derandomized",
    "capability:random_state": True,
}
_PANEL_TAGS = {
    **_TAGS,
    "X_inner_mtype": ["df-list", "numpy3D"],
    "capability:multivariate": True,
    "capability:unequal_length": True,
    "capability:multithreading": True,
}
_TINY = {"n_neurons": 6, "epochs": 2, "device": "cpu", "random_state": 0}


def _sequences(X: Any) -> Any:
    """Return a panel as LNN reads sequences: time before channels."""
    if isinstance(X, np.ndarray):
        return X.transpose(0, 2, 1)
    return [frame.to_numpy(dtype=np.float64) for frame in X]


@with_parameters_of(_Classifier, *OF_ROWS)
class LiquidClassifier(BaseClassifier):
    """Liquid neural network that classifies time series, for sktime.

    `LNN.LiquidClassifier` on sequences. Series may have several channels and be of
    unequal length; with ``missing="hold"`` or "mask" also with gaps.

    Attributes
    ----------
    estimator_ : LNN.LiquidClassifier
        The fitted one.

    Examples
    --------
    >>> from sktime.datasets import load_unit_test
    >>> from LNN.adapters.sktime import LiquidClassifier
    >>> X, y = load_unit_test(split="train")
    >>> classifier = LiquidClassifier(8, epochs=5, random_state=0).fit(X, y)
    >>> classifier.predict(X).shape
    (20,)
    """

    _tags = {
        **_PANEL_TAGS,
        "capability:predict_proba": True,
        "capability:class_weight": True,
    }

    def __post_init__(self) -> None:
        """Say whether these parameters allow gaps."""
        self.set_tags(**{"capability:missing_values": self.missing != "error"})

    def _fit(self, X: Any, y: Any) -> LiquidClassifier:
        self.estimator_ = original(self, layout="sequences").fit(_sequences(X), y)
        return self

    def _predict(self, X: Any) -> np.ndarray:
        return self.estimator_.predict(_sequences(X))

    def _predict_proba(self, X: Any) -> np.ndarray:
        return self.estimator_.predict_proba(_sequences(X))

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Return parameters that make tests quick."""
        return [_TINY, _TINY | {"model_type": "LTC", "missing": "mask"}]


@with_parameters_of(_Regressor, *OF_ROWS)
class LiquidRegressor(BaseRegressor):
    """Liquid neural network that finds a number for each time series, for sktime.

    `LNN.LiquidRegressor` on sequences. Series may have several channels and be of
    unequal length; with ``missing="hold"`` or "mask" also with gaps.

    Attributes
    ----------
    estimator_ : LNN.LiquidRegressor
        The fitted one.

    Examples
    --------
    >>> from sktime.datasets import load_unit_test
    >>> from LNN.adapters.sktime import LiquidRegressor
    >>> X, y = load_unit_test(split="train")
    >>> regressor = LiquidRegressor(8, epochs=5, random_state=0)
    >>> regressor.fit(X, y.astype(float)).predict(X).shape
    (20,)
    """

    _tags = dict(_PANEL_TAGS)

    def __post_init__(self) -> None:
        """Say whether these parameters allow gaps."""
        self.set_tags(**{"capability:missing_values": self.missing != "error"})

    def _fit(self, X: Any, y: Any) -> LiquidRegressor:
        self.estimator_ = original(self, layout="sequences").fit(_sequences(X), y)
        return self

    def _predict(self, X: Any) -> np.ndarray:
        return self.estimator_.predict(_sequences(X))

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Return parameters that make tests quick."""
        return [_TINY, _TINY | {"model_type": "LTC", "missing": "mask"}]


@with_parameters_of(
    _Forecaster, "horizon", "known_future", "target", "time_column", "group_column"
)
class LiquidForecaster(BaseForecaster):
    """Forecasts by a linear path and a liquid network, for sktime.

    `LNN.LiquidForecaster`, whose horizon is the furthest step of `fh`. One model is
    fitted to all series of a panel or hierarchy, and to all columns of y. Columns of X
    are known in advance, as sktime has it. `update` takes in rows without learning from
    them, whatever `update_params` says.

    Attributes
    ----------
    estimator_ : LNN.LiquidForecaster
        The fitted one.

    Examples
    --------
    >>> from sktime.datasets import load_airline
    >>> from LNN.adapters.sktime import LiquidForecaster
    >>> y = load_airline()
    >>> forecaster = LiquidForecaster(8, epochs=5, random_state=0)
    >>> forecaster.fit(y, fh=[1, 2, 3]).predict().index
    PeriodIndex(['1961-01', '1961-02', '1961-03'], dtype='period[M]')
    """

    _tags = {
        **_TAGS,
        "y_inner_mtype": ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"],
        "X_inner_mtype": ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"],
        "capability:multivariate": True,
        "capability:exogenous": True,
        "capability:insample": False,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:missing_values": True,
        "capability:update": True,
        "requires-fh-in-fit": True,
    }

    # The estimator holds the rows that it needs.
    _config = {"remember_data": False}
    _y = _X = None

    def _fit(self, y: Any, X: Any, fh: Any) -> LiquidForecaster:
        known = None if X is None else "all"
        steps = _last_step(fh, self.cutoff)
        self.estimator_ = original(self, horizon=steps, known_future=known).fit(y, X)
        return self

    def _update(self, y: Any, X: Any = None, update_params: bool = True) -> Any:
        self.estimator_.update(y, X)
        return self

    def _predict(self, fh: Any, X: Any) -> pd.DataFrame:
        steps = _last_step(fh, self.cutoff)
        forecast = self.estimator_.predict(steps, X=self._at_every_step(X, steps))
        return self._of_steps(fh, forecast)

    def _predict_quantiles(self, fh: Any, X: Any, alpha: Any) -> pd.DataFrame:
        steps = _last_step(fh, self.cutoff)
        residuals = self.estimator_.model_.judged.residuals
        found = self.estimator_.predict_quantiles(
            steps, X=self._at_every_step(X, steps), levels=_within(residuals, alpha)
        )
        columns = pd.MultiIndex.from_product([_names(found), alpha])
        return self._of_steps(fh, found.set_axis(columns, axis=1))

    def _at_every_step(self, X: Any, steps: int) -> Any:
        """Return X with a row for each step to come: fh may leave some out."""
        if X is None:
            return None
        fh = ForecastingHorizon(range(1, steps + 1))
        times = fh.to_absolute_index(self.cutoff)
        if not isinstance(X.index, pd.MultiIndex):
            return X.reindex(times)
        above = X.index.droplevel(-1).unique()
        levels = [a if isinstance(a, tuple) else (a,) for a in above]
        rows = [(*names, time) for names in levels for time in times]
        return X.reindex(pd.MultiIndex.from_tuples(rows, names=X.index.names))

    def _of_steps(self, fh: Any, forecast: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a forecast that were asked for."""
        steps = np.asarray(fh.to_relative(self.cutoff), dtype=int) - 1
        if not isinstance(forecast.index, pd.MultiIndex):
            times = fh.to_absolute_index(self.cutoff)
            return forecast.iloc[steps].set_axis(times)
        above = list(range(forecast.index.nlevels - 1))
        return forecast.groupby(level=above, sort=False).nth(list(steps))

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Return parameters that make tests quick."""
        tiny = {"n_neurons": 6, "epochs": 2, "random_state": 0}
        short = {"window_length": 2, "validation_fraction": 0.4}
        return [tiny | short, tiny | {"n_seeds": 0, "season": None}]


def _last_step(fh: Any, cutoff: Any) -> int:
    return int(max(fh.to_relative(cutoff)))


def _names(found: pd.DataFrame) -> Any:
    """Return the targets that quantiles belong to."""
    several = isinstance(found.columns, pd.MultiIndex)
    return found.columns.get_level_values(0).unique() if several else [0]


def _within(residuals: np.ndarray, levels: Any) -> list[float]:
    """Return levels that so many forecasts of the validation part can tell.

    sktime wants an answer for each level: beyond the largest error it is that error.
    """
    n = int(np.isfinite(residuals).sum(axis=0).min())
    furthest = n / (n + 1)
    if max(max(levels), 1 - min(levels)) > furthest:
        warn(
            f"The validation part has {n} forecast(s) of each step, which tell levels "
            f"from {1 - furthest:.3g} to {furthest:.3g}. Levels beyond get the largest "
            "error, so intervals cover less than was asked. Fit on longer series, or "
            "set a larger validation_fraction."
        )
    return [float(np.clip(level, 1 - furthest, furthest)) for level in levels]
