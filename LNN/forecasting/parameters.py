"""The parameters of the forecaster: what they may be, said before any work is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from LNN.estimators.parameters import DEFAULTS
from LNN.estimators.rules import (
    BOOL,
    N_JOBS,
    NONE,
    Rule,
    check_values,
    integer,
    one_of,
    real,
)
from LNN.forecasting.calendar import CYCLES
from LNN.forecasting.normalising import ANCHORS, SCALES

__all__ = ["CALENDAR", "RULES", "check", "network_options"]

# What the forecaster sets itself.
TAKEN = (
    *("task", "n_neurons", "model_type", "learning_rate", "dropout", "epochs"),
    *("batch_size", "loss", "missing", "early_stopping", "return_sequences"),
    *("random_state", "callback", "n_jobs", "verbose", "window_length", "layout"),
    *("time_column", "group_column", "anchor", "warm_start", "validation_fraction"),
    # The network forecasts changes in units of its own: it has no limits on levels.
    "output_constraints",
)


def _are_cycles(value: Any) -> bool:
    names = isinstance(value, list | tuple) and all(isinstance(v, str) for v in value)
    return names and all(v in CYCLES for v in value)


CALENDAR = (
    one_of("auto")
    | NONE
    | Rule(_are_cycles, f"a list of {', '.join(map(repr, CYCLES))}")
)


def _is_options(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        name in DEFAULTS and name not in TAKEN for name in value
    )


def _is_columns(value: Any) -> bool:
    return isinstance(value, list | tuple)


RULES: dict[str, Rule] = {
    "horizon": integer(1),
    "n_neurons": integer(1),
    "window_length": one_of("auto") | integer(1),
    "season": one_of("auto") | NONE | integer(1),
    "anchor": one_of(*ANCHORS),
    "normalise": one_of("auto", *SCALES),
    "linear": BOOL,
    "patch": one_of("auto") | integer(1),
    "calendar": CALENDAR,
    "known_future": NONE
    | one_of("all")
    | Rule(_is_columns, "a list of columns of X (an empty one if none is known)"),
    "stride": one_of("auto") | integer(1),
    "learning_rate": real(0, ends="()"),
    "dropout": real(0, 1),
    "epochs": integer(1),
    "batch_size": integer(1),
    "n_seeds": integer(0),
    "validation_fraction": real(0, 1, ends="()"),
    "network": NONE
    | Rule(
        _is_options,
        "a dict of parameters of LiquidRegressor that the forecaster does not set, "
        "without output_constraints (clip forecasts where they have limits)",
    ),
    "n_jobs": N_JOBS,
}


def check(values: Mapping[str, Any]) -> None:
    """Refuse the first value that is not allowed."""
    check_values("LiquidForecaster", RULES, values)


def network_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of the network."""
    names = ("n_neurons", "model_type", "learning_rate", "dropout", "epochs")
    given = {name: values[name] for name in (*names, "batch_size", "n_jobs")}
    patience = {"n_iter_no_change": min(6, values["epochs"])}
    loss = {"loss": "absolute_error", "tol": 0.0, "pooling": "last"}
    return {**given, **patience, **loss, **(values["network"] or {})}
