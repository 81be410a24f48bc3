"""A panel and models of it, for the tests of partitioned tables."""

import numpy as np
import pandas as pd

from LNN import LiquidClassifier, LiquidRegressor

TINY = {"n_neurons": 6, "epochs": 1, "random_state": 0, "device": "cpu"}
COLUMNS = {"group_column": "unit", "time_column": "hour", "window_length": 4}


def make_panel():
    """Return 120 rows of six units, one unit after another, and a column more."""
    random = np.random.default_rng(0)
    level = random.normal(size=120).cumsum()
    return pd.DataFrame(
        {
            "unit": np.repeat(list("abcdef"), 20),
            "hour": np.tile(random.exponential(size=20).cumsum(), 6),
            "level": level,
            "note": [f"row {k}" for k in range(120)],
        }
    )


PANEL = make_panel()
X = PANEL[["unit", "hour", "level"]]
LABELS = np.where(X["level"] > 0, "high", "low")


def regressor(**options):
    """Return a fitted regressor that knows the columns of unit and hour."""
    return LiquidRegressor(**TINY, **COLUMNS | options).fit(X, X["level"])


def of_vectors():
    """Return a fitted regressor of two targets."""
    return LiquidRegressor(**TINY, **COLUMNS).fit(X, X[["level", "hour"]].to_numpy())


def classifier():
    """Return a fitted classifier of units and hours."""
    return LiquidClassifier(**TINY, **COLUMNS).fit(X, LABELS)


def of_rows():
    """Return a regressor of rows that are independent."""
    return LiquidRegressor(**TINY, window_length=1).fit(X[["level"]], X["hour"])


def without_group():
    """Return a regressor that knows no recordings."""
    return LiquidRegressor(**TINY).fit(X[["level"]], X["hour"])


def of_sequences():
    """Return a regressor of sequences."""
    return LiquidRegressor(**TINY).fit(np.zeros((9, 3, 1)), np.arange(9.0))


def of_arrays():
    """Return a regressor of an array, whose columns have no names."""
    how = {"group_column": 0, "window_length": 4}
    codes = np.repeat(np.arange(6.0), 20)
    rows = np.column_stack([codes, X["level"]])
    return LiquidRegressor(**TINY, **how).fit(rows, X["level"])
