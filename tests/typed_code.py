"""What users of LNN write, for type checkers: `make lint` runs mypy over it.

`assert_type` says what editors show. Each `type: ignore` stands for a mistake that has
to be found: mypy refuses one that hides nothing. Nothing here is run.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from LNN import (
    LTC,
    CfC,
    LiquidClassifier,
    LiquidNetwork,
    LiquidRegressor,
    Wiring,
    fit_many,
)
from LNN.baselines import Baseline
from LNN.layers import SequenceLayer
from LNN.streaming import LiquidStream


def regression(X: NDArray, y: NDArray) -> None:
    """Train a regressor, predict and score."""
    model = LiquidRegressor(8, window_length=4, epochs=2, loss="huber", random_state=0)
    assert_type(model.fit(X, y), LiquidRegressor)
    assert_type(model.fit(X, y, timestamps=np.arange(60)).n_neurons, int)
    assert_type(model.partial_fit(X, y), LiquidRegressor)
    assert_type(fit_many([model], X, y, n_jobs=1), list[LiquidRegressor])
    seeds = fit_many(model, X, y, {"random_state": range(2)}, n_jobs=1, epochs=3)
    assert_type(seeds, list[LiquidRegressor])
    assert_type(fit_many(model, X, y, cv=2, n_jobs=1)[0], dict[str, Any])
    assert_type(model.predict(X), NDArray | Any)
    assert_type(model.model_.predict(X), NDArray | Any)
    model.predict(X).reshape(-1, 1)
    answers, safety = model.predict(X, return_safety=True)
    safety.feasible.all(), answers.mean()
    assert_type(model.score(X, y), float)
    assert_type(model.network_, LiquidNetwork)
    LiquidRegressor(n_neuron=8)  # type: ignore[call-arg]
    LiquidRegressor(epochs=[2])  # type: ignore[arg-type]
    LiquidRegressor(scoring=lambda model, _, y: np.float32(0.5))
    LiquidRegressor(scoring=lambda model, _, y: "r2")  # type: ignore[arg-type, return-value]
    model.fit(X, y, weight=y)  # type: ignore[call-arg]


def recordings(model: LiquidRegressor, X: NDArray, y: NDArray) -> None:
    """Say when and in which recording each row was taken."""
    times = [datetime(2026, 1, 1, hour) for hour in range(24)]
    days = [time.date() for time in times]
    model.fit(X, y, timestamps=times, groups=days)
    model.fit(X, y, X_val=X, y_val=y, timestamps_val=times, groups_val=days)
    model.partial_fit(X, y, timestamps=times, groups=days)
    model.predict(X, timestamps=times, groups=days)
    model.score(X, y, timestamps=times, groups=days)
    model.model_.predict(X, timestamps=times, groups=days)
    model.fit(X, y, timestamps=times[0])  # type: ignore[arg-type]


def classification(X: NDArray, y: NDArray) -> None:
    """Train a classifier, predict and score."""
    model = LiquidClassifier(window_length=4, class_weight="balanced")
    assert_type(model.fit(X, y), LiquidClassifier)
    assert_type(model.predict_proba(X), NDArray | Any)
    assert_type(model.predict_log_proba(X), NDArray | Any)
    assert_type(model.score(X, y), float)
    weights = {"up": 1, "down": 3}
    LiquidClassifier(class_weight=weights)
    LiquidClassifier(class_weight=[1.0, 3.0])  # type: ignore[arg-type]
    LiquidClassifier(quantile=0.5)  # type: ignore[call-arg]


def streams(model: LiquidClassifier, x: NDArray) -> None:
    """Predict row by row, and learn on the way."""
    stream = model.stream("carry", adapt="readout", forgetting=0.99)
    assert_type(stream, LiquidStream)
    stream.step(x, dt=1.0)
    stream.step({"x": 1.0}, timestamp=datetime(2026, 1, 1))
    stream.step([datetime(2026, 1, 1), 1.0])
    stream.update("a")
    assert_type(stream.step_proba(x), NDArray)
    assert_type(stream.step_proba({"x": 1.0}), NDArray)
    assert_type(stream.predict_proba_one({"x": 1.0}), dict[Any, float])
    model.stream(forgets=0.99)  # type: ignore[call-arg]


def layers(inputs: Tensor) -> None:
    """Run layers on a wiring."""
    wiring = Wiring.ncp(n_inputs=2, n_neurons=12, n_outputs=1, seed=3)
    assert_type(wiring.layers[0].neurons, NDArray[np.int64])
    for layer in (LTC(2, wiring), CfC(2, 8, mixed_memory=True)):
        assert_type(layer.wiring, Wiring)
        assert_type(layer.states(inputs)[0], Tensor)
    LTC(2)  # type: ignore[call-arg]


def network(inputs: Tensor) -> None:
    """Look into a network."""
    made = LiquidNetwork(2, 8, 1, n_layers=2, model_type="LTC")
    assert_type(made.layers[0], SequenceLayer | Baseline)
    assert_type([layer.n_neurons for layer in made.layers], list[int])
    assert_type(made.wirings[0], Wiring)
    assert_type(made.states(inputs)[0], Tensor)
    LiquidNetwork(2, 8)  # type: ignore[call-arg]
