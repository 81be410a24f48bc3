"""Classifier, regressor, forecaster and detector as aeon's own; needs aeon.

They take collections and series as aeon does, channels before time, and work in its
pipelines and benchmarks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.adapters import parameters
from LNN.adapters.parameters import OF_ROWS, original, with_parameters_of
from LNN.anomaly import LiquidAnomalyDetector as _Detector
from LNN.estimators.classifier import LiquidClassifier as _Classifier
from LNN.estimators.regressor import LiquidRegressor as _Regressor
from LNN.forecasting import LiquidForecaster as _Forecaster

try:
    from aeon.anomaly_detection.series.base import BaseSeriesAnomalyDetector
    from aeon.classification.base import BaseClassifier
    from aeon.forecasting.base import (
        BaseForecaster,
        DirectForecastingMixin,
        IterativeForecastingMixin,
        SeriesToSeriesForecastingMixin,
    )
    from aeon.regression.base import BaseRegressor
except ImportError as error:
    raise parameters.missing("aeon", error) from error

__all__ = [
    "LiquidAnomalyDetector",
    "LiquidClassifier",
    "LiquidForecaster",
    "LiquidRegressor",
]

_TAGS = {
    "X_inner_type": ["np-list", "numpy3D"],
    "capability:multivariate": True,
    "capability:unequal_length": True,
    "capability:multithreading": True,
}
_TINY = {"n_neurons": 6, "epochs": 2, "device": "cpu", "random_state": 0}


def _sequences(X: Any) -> Any:
    """Return a collection as LNN reads sequences: time before channels."""
    if isinstance(X, np.ndarray):
        return X.transpose(0, 2, 1)
    return [series.T for series in X]


@with_parameters_of(_Classifier, *OF_ROWS, n_jobs=1)
class LiquidClassifier(BaseClassifier):
    """Liquid neural network that classifies time series, for aeon.

    `LNN.LiquidClassifier` on sequences. Series may have several channels and be of
    unequal length; with ``missing="hold"`` or "mask" also with gaps.

    Attributes
    ----------
    estimator_ : LNN.LiquidClassifier
        The fitted one.

    Examples
    --------
    >>> from aeon.datasets import load_unit_test
    >>> from LNN.adapters.aeon import LiquidClassifier
    >>> X, y = load_unit_test(split="train")
    >>> classifier = LiquidClassifier(8, epochs=5, random_state=0).fit(X, y)
    >>> classifier.predict(X).shape
    (20,)
    """

    _tags = dict(_TAGS)

    def __init__(self) -> None:
        super().__init__()
        self.set_tags(**{"capability:missing_values": self.missing != "error"})

    def _fit(self, X: Any, y: Any) -> LiquidClassifier:
        self.estimator_ = original(self, layout="sequences").fit(_sequences(X), y)
        return self

    def _predict(self, X: Any) -> np.ndarray:
        return self.estimator_.predict(_sequences(X))

    def _predict_proba(self, X: Any) -> np.ndarray:
        return self.estimator_.predict_proba(_sequences(X))

    @classmethod
    def _get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        return [_TINY, _TINY | {"model_type": "LTC", "missing": "mask"}]


@with_parameters_of(_Regressor, *OF_ROWS, n_jobs=1)
class LiquidRegressor(BaseRegressor):
    """Liquid neural network that finds a number for each time series, for aeon.

    `LNN.LiquidRegressor` on sequences. Series may have several channels and be of
    unequal length; with ``missing="hold"`` or "mask" also with gaps.

    Attributes
    ----------
    estimator_ : LNN.LiquidRegressor
        The fitted one.

    Examples
    --------
    >>> from aeon.datasets import load_covid_3month
    >>> from LNN.adapters.aeon import LiquidRegressor
    >>> X, y = load_covid_3month(split="train")
    >>> regressor = LiquidRegressor(8, epochs=5, random_state=0).fit(X, y)
    >>> regressor.predict(X).shape
    (140,)
    """

    _tags = dict(_TAGS)

    def __init__(self) -> None:
        super().__init__()
        self.set_tags(**{"capability:missing_values": self.missing != "error"})

    def _fit(self, X: Any, y: Any) -> LiquidRegressor:
        self.estimator_ = original(self, layout="sequences").fit(_sequences(X), y)
        return self

    def _predict(self, X: Any) -> np.ndarray:
        return self.estimator_.predict(_sequences(X))

    @classmethod
    def _get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        return [_TINY, _TINY | {"model_type": "LTC", "missing": "mask"}]


@with_parameters_of(
    _Forecaster, "known_future", "target", "time_column", "group_column", n_jobs=1
)
class LiquidForecaster(
    SeriesToSeriesForecastingMixin,
    DirectForecastingMixin,
    IterativeForecastingMixin,
    BaseForecaster,
):
    """Forecasts by a linear path and a liquid network, for aeon.

    `LNN.LiquidForecaster` of one series. `predict(y)` gives the value `horizon` steps
    after y and learns nothing; `series_to_series_forecast(y, n)` gives n steps from one
    fit.

    Attributes
    ----------
    estimator_ : LNN.LiquidForecaster
        The fitted one.

    Examples
    --------
    >>> from aeon.datasets import load_airline
    >>> from LNN.adapters.aeon import LiquidForecaster
    >>> y = load_airline()
    >>> forecaster = LiquidForecaster(n_neurons=8, epochs=5, random_state=0)
    >>> forecaster.series_to_series_forecast(y, 3).shape
    (3,)
    """

    _tags = {"capability:missing_values": True, "capability:multithreading": True}

    def __init__(self) -> None:
        super().__init__(horizon=self.horizon, axis=1)

    def _fit(self, y: np.ndarray, exog: Any) -> LiquidForecaster:
        self.estimator_ = original(self).fit(y[0])
        return self

    def _predict(self, y: np.ndarray, exog: Any) -> float:
        return float(self.estimator_.predict(y=y[0])[-1])

    def _series_to_series_forecast(
        self, y: Any, prediction_horizon: int, exog: Any
    ) -> np.ndarray:
        series = np.asarray(y, dtype=np.float64).ravel()
        self.estimator_ = original(self, horizon=prediction_horizon).fit(series)
        self.is_fitted = True
        return self.estimator_.predict()

    @classmethod
    def _get_test_params(cls, parameter_set: str = "default") -> dict[str, Any]:
        return {"n_neurons": 6, "epochs": 2, "random_state": 0}


@with_parameters_of(_Detector, "rows", "time_column", "group_column", n_jobs=1)
class LiquidAnomalyDetector(BaseSeriesAnomalyDetector):
    """Finds time points that those before them do not let expect, for aeon.

    `LNN.LiquidAnomalyDetector` of one series: fitted on one that is mostly normal, it
    gives each time point a score, high where it is abnormal. Where y is 1 in `fit`,
    time points are left out of what counts as normal.

    Attributes
    ----------
    estimator_ : LNN.LiquidAnomalyDetector
        The fitted one.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN.adapters.aeon import LiquidAnomalyDetector
    >>> x = np.sin(np.arange(1500) * 2 * np.pi / 50)
    >>> x += 0.05 * np.random.default_rng(0).normal(size=1500)
    >>> x[1300] += 2
    >>> detector = LiquidAnomalyDetector(8, epochs=5, random_state=0).fit(x[:1000])
    >>> int(detector.predict(x[1000:]).argmax())
    300
    """

    _tags = {
        "anomaly_output_type": "anomaly_scores",
        "capability:missing_values": True,
        "capability:multithreading": True,
        "capability:multivariate": True,
        "fit_is_empty": False,
        "learning_type:semi_supervised": True,
    }

    def __init__(self) -> None:
        super().__init__(axis=0)

    def _fit(self, X: np.ndarray, y: Any) -> LiquidAnomalyDetector:
        self.estimator_ = original(self).fit(X, y)
        return self

    def _predict(self, X: np.ndarray) -> np.ndarray:
        return self.estimator_.anomaly_scores(X)

    @classmethod
    def _get_test_params(cls, parameter_set: str = "default") -> dict[str, Any]:
        return {"n_neurons": 6, "epochs": 2, "window_length": 4, "random_state": 0}
