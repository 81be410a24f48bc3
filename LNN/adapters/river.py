"""Classifier, regressor and forecaster as river's own; needs river.

They learn from rows that come one at a time: a network is trained once, on the first
rows, and its read-out (or all of it) then goes on learning from each row.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from LNN.adapters import parameters
from LNN.adapters.parameters import original, with_parameters_of
from LNN.estimators.classifier import LiquidClassifier as _Classifier
from LNN.estimators.regressor import LiquidRegressor as _Regressor
from LNN.exceptions import InvalidInputError
from LNN.forecasting import LiquidForecaster as _Forecaster
from LNN.streaming import LiquidStream

try:
    from river import base
    from river.time_series.base import Forecaster
except ImportError as error:
    raise parameters.missing("river", error) from error

__all__ = ["LiquidClassifier", "LiquidForecaster", "LiquidRegressor"]

# What belongs to tables, or is no matter of an adapter.
_LEFT_OUT = (
    *("group_column", "layout", "return_sequences", "anchor"),
    *("callback", "warm_start"),
)
_ONLINE = {
    "missing": "hold",
    "grace_period": 200,
    "adapt": "readout",
    "forgetting": None,
    "stream_mode": "window",
}


class _Online:
    """What a classifier and a regressor share: the first rows, then a stream.

    Attributes
    ----------
    stream : LiquidStream or None
        None until the network is trained.
    """

    grace_period: int
    time_column: Hashable

    def __init__(self) -> None:
        self.stream: LiquidStream | None = None
        self._rows: deque = deque(maxlen=self.grace_period)
        self._names: list = []

    def _learn(self, x: dict, y: Any) -> None:
        self._rows.append((dict(x), y))
        if self.stream is None or self._lacks(y):
            if len(self._rows) >= self.grace_period and self._can_train():
                self._train()
            return
        values, time = self._row(x)
        self.stream.learn_one(values, y, **time)

    def _lacks(self, y: Any) -> bool:
        """Tell whether the network has to be trained anew to know a truth."""
        return False

    def _can_train(self) -> bool:
        return True

    def _train(self) -> None:
        """Train on the rows that are kept, and go on after them."""
        rows, truths = zip(*self._rows, strict=True)
        names = {name for x in rows for name in x} - {self.time_column}
        self._names = sorted(names, key=lambda name: (str(type(name)), str(name)))
        read = [self._row(x) for x in rows]
        how: dict[str, Any] = {}
        if self.time_column is not None:
            how["timestamps"] = pd.Index([time["timestamp"] for _, time in read])
        X, y = np.array([list(values.values()) for values, _ in read]), np.array(truths)
        trained = original(self, time_column=None).fit(X, y, **how)
        self.stream = trained.stream(
            self.stream_mode,  # type: ignore[attr-defined]
            adapt=self.adapt,  # type: ignore[attr-defined]
            forgetting=self.forgetting,  # type: ignore[attr-defined]
            context="fit",
        )

    def _row(self, x: dict) -> tuple[dict[int, float], dict[str, Any]]:
        """Return the values of a row by number, NaN where it has none, and its time."""
        values = [x.get(name) for name in self._names]
        try:
            # None is not a number here, and NaN there.
            numbers = np.array(values, dtype=np.float64).tolist()
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                f"Expected numbers in a row, got {x!r}: {error}. Put an encoder such "
                "as river's preprocessing.OneHotEncoder in front."
            ) from error
        found = dict(enumerate(numbers))
        if self.time_column is None:
            return found, {}
        if x.get(self.time_column) is None:
            raise InvalidInputError(
                f"Expected the time of each row as {self.time_column!r}, got the keys "
                f"{list(x)}."
            )
        return found, {"timestamp": x[self.time_column]}


@with_parameters_of(_Classifier, *_LEFT_OUT, **_ONLINE)
class LiquidClassifier(_Online, base.Classifier):
    """Liquid neural network that classifies rows as they come, for river.

    `LNN.LiquidClassifier` is trained on the first `grace_period` rows, and then goes on
    learning as a stream. Until then the most frequent class is the answer. A class that
    was not there before trains the network anew, on the last `grace_period` rows.

    Parameters
    ----------
    time_column : hashable, default=None
        Key of the rows' time: a number, datetime or duration. Without it rows are
        equally far apart.
    grace_period : int, default=200
        Rows that the network is trained on.
    adapt : {"readout", "sgd", None}, default="readout"
        How it goes on learning: the read-out by recursive least squares, or all weights
        by gradient descent; None is not at all.
    forgetting : float, default=None
        As in `LNN.LiquidStream`.
    stream_mode : {"window", "carry"}, default="window"
        As `mode` in `LNN.LiquidStream`.

    Examples
    --------
    >>> from river import datasets, metrics
    >>> from LNN.adapters.river import LiquidClassifier
    >>> model = LiquidClassifier(8, window_length=4, epochs=5, random_state=0)
    >>> accuracy = metrics.Accuracy()
    >>> for x, y in datasets.Phishing().take(300):
    ...     accuracy.update(y, model.predict_one(x))
    ...     model.learn_one(x, y)
    >>> accuracy.get() > 0.5
    True
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: Counter = Counter()

    @property
    def _multiclass(self) -> bool:
        return True

    def learn_one(self, x: dict, y: Any) -> None:
        """Learn the class of a row."""
        self._seen[y] += 1
        self._learn(x, y)

    def predict_proba_one(self, x: dict, **kwargs: Any) -> dict[Any, float]:
        """Return the probability of each class that has been seen."""
        if self.stream is None:
            total = self._seen.total()
            return {label: count / total for label, count in self._seen.items()}
        values, time = self._row(x)
        known = self.stream.predict_proba_one(values, **time)
        return {label: 0.0 for label in self._seen if label not in known} | known

    def _lacks(self, y: Any) -> bool:
        return self.stream is not None and y not in self.stream.classes_.tolist()

    def _can_train(self) -> bool:
        return len({y for _, y in self._rows}) > 1


@with_parameters_of(_Regressor, *_LEFT_OUT, **_ONLINE)
class LiquidRegressor(_Online, base.Regressor):
    """Liquid neural network that predicts a number for rows as they come, for river.

    `LNN.LiquidRegressor` is trained on the first `grace_period` rows, and then goes on
    learning as a stream. Until then the mean is the answer.

    Parameters
    ----------
    time_column : hashable, default=None
        Key of the rows' time: a number, datetime or duration. Without it rows are
        equally far apart.
    grace_period : int, default=200
        Rows that the network is trained on.
    adapt : {"readout", "sgd", None}, default="readout"
        How it goes on learning: the read-out by recursive least squares, or all weights
        by gradient descent; None is not at all.
    forgetting : float, default=None
        As in `LNN.LiquidStream`.
    stream_mode : {"window", "carry"}, default="window"
        As `mode` in `LNN.LiquidStream`.

    Examples
    --------
    >>> from river import datasets, metrics
    >>> from LNN.adapters.river import LiquidRegressor
    >>> model = LiquidRegressor(8, window_length=4, epochs=5, random_state=0)
    >>> error = metrics.MAE()
    >>> for x, y in datasets.TrumpApproval().take(300):
    ...     error.update(y, model.predict_one(x))
    ...     model.learn_one(x, y)
    >>> error.get() < 5
    True
    """

    def learn_one(self, x: dict, y: float) -> None:
        """Learn the number of a row."""
        self._learn(x, y)

    def predict_one(self, x: dict) -> float:
        """Predict the number of a row."""
        if self.stream is None:
            return float(np.mean([y for _, y in self._rows])) if self._rows else 0.0
        values, time = self._row(x)
        return self.stream.predict_one(values, **time)


@with_parameters_of(
    _Forecaster,
    *("known_future", "target", "time_column", "group_column"),
    grace_period=200,
    refit_every=None,
)
class LiquidForecaster(Forecaster):
    """Forecasts by a linear path and a liquid network, for river.

    `LNN.LiquidForecaster` is trained on the first `grace_period` rows, and forecasts
    from the last ones; until then forecasts repeat the last value. Rows that come later
    are learnt from where `refit_every` says so.

    Parameters
    ----------
    grace_period : int, default=200
        Rows that the forecaster is trained on, and that it keeps.
    refit_every : int, default=None
        Rows after which it is trained anew, on the last `grace_period`; None is never.

    Examples
    --------
    >>> from river import datasets
    >>> from LNN.adapters.river import LiquidForecaster
    >>> model = LiquidForecaster(3, 8, epochs=5, grace_period=120, random_state=0)
    >>> for x, y in datasets.AirlinePassengers():
    ...     model.learn_one(y)
    >>> len(model.forecast(3))
    3
    """

    def __init__(self) -> None:
        self.forecaster: _Forecaster | None = None
        self._rows: deque = deque(maxlen=self.grace_period)
        self._names: list = []
        self._age = 0

    def learn_one(self, y: float, x: dict | None = None) -> None:
        """Take in a value, with what was known of its time beforehand."""
        self._rows.append((float(y), dict(x or {})))
        self._age += 1
        due = self.refit_every is not None and self._age >= self.refit_every
        if len(self._rows) >= self.grace_period and (self.forecaster is None or due):
            self._train()

    def forecast(self, horizon: int, xs: list[dict] | None = None) -> list[float]:
        """Forecast the next values.

        Parameters
        ----------
        horizon : int
            Number of values; further than that of the constructor is allowed, with a
            warning.
        xs : list of dict, default=None
            What is known of the times to come; what is left out is not known.
        """
        if self.forecaster is None:
            return [self._rows[-1][0] if self._rows else 0.0] * horizon
        values, known = zip(*self._rows, strict=True)
        X = None
        if self._names:
            X = self._table([*known, *list(xs or [])[:horizon]], len(known) + horizon)
        found = self.forecaster.predict(horizon, X=X, y=pd.Series(values))
        return found.tolist()

    def _train(self) -> None:
        values, known = zip(*self._rows, strict=True)
        self._names = sorted({name for x in known for name in x}, key=str)
        X = self._table(known, len(known)) if self._names else None
        how = {"known_future": "all" if self._names else None}
        self.forecaster = original(self, **how).fit(pd.Series(values), X)
        self._age = 0

    def _table(self, known: Any, n: int) -> pd.DataFrame:
        """Return what is known of n times, NaN where it is not."""
        rows = [[x.get(name) for name in self._names] for x in known]
        rows += [[None] * len(self._names)] * (n - len(rows))
        return pd.DataFrame(rows, columns=self._names, dtype=np.float64)
