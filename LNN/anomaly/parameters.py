"""The parameters of the detector: what they may be, said before any work is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from LNN.estimators.parameters import DEFAULTS
from LNN.estimators.rules import N_JOBS, NONE, Rule, check_values, integer, one_of, real
from LNN.exceptions import InvalidInputError
from LNN.forecasting.parameters import CALENDAR

__all__ = ["OWNER", "check", "check_min_gap", "network_options"]

OWNER = "LiquidAnomalyDetector"
# What the detector sets itself.
TAKEN = (
    *("task", "n_neurons", "model_type", "learning_rate", "dropout", "epochs"),
    *("batch_size", "missing", "return_sequences", "random_state", "callback"),
    *("n_jobs", "window_length", "layout", "time_column", "group_column"),
    *("anchor", "warm_start", "stride", "scale_target", "pooling"),
)


def _are_horizons(value: Any) -> bool:
    if not isinstance(value, list | tuple) or not len(value):
        return False
    return all(real(0, ends="()").allows(v) for v in value)


def _are_options(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    # Of several quantiles none would be what is foreseen.
    one = np.ndim(value.get("quantile", 0.5)) == 0
    return one and all(name in DEFAULTS and name not in TAKEN for name in value)


RULES: dict[str, Rule] = {
    "n_neurons": integer(1),
    "horizons": one_of("auto")
    | Rule(_are_horizons, "a list of numbers > 0, in usual gaps between rows"),
    "window_length": integer(1),
    "season": one_of("auto") | NONE | real(0, ends="()"),
    "calendar": CALENDAR,
    "aggregate": one_of("mean", "max"),
    "smooth": one_of("auto") | NONE | real(0, ends="()"),
    "alarm_rate": real(0, 0.5, ends="()"),
    "rows": one_of("steps", "sequences"),
    "learning_rate": real(0, ends="()"),
    "dropout": real(0, 1),
    "epochs": one_of("auto") | integer(1),
    "batch_size": integer(1),
    "network": NONE
    | Rule(
        _are_options,
        "a dict of parameters of LiquidRegressor that the detector does not set, with "
        "one quantile at most",
    ),
    "n_jobs": N_JOBS,
}


MIN_GAP = NONE | real(0)


def check_min_gap(value: Any) -> None:
    """Refuse a gap between events that is none."""
    if not MIN_GAP.allows(value):
        raise InvalidInputError(
            f"Expected min_gap to be {MIN_GAP}, in usual gaps between rows, got "
            f"{value!r}."
        )


def check(values: Mapping[str, Any]) -> None:
    """Refuse the first value that is not allowed."""
    check_values(OWNER, RULES, values)


def network_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of the network."""
    names = ("n_neurons", "model_type", "learning_rate", "dropout", "epochs")
    given = {name: values[name] for name in (*names, "batch_size", "n_jobs")}
    return {**given, "pooling": "last", **(values["network"] or {})}
