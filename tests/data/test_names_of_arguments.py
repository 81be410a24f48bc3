"""Errors and warnings call arguments what the caller called them."""

import re

import numpy as np
import pandas as pd
import pytest

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import LNNWarning

RNG = np.random.default_rng(0)
CUBE = RNG.normal(size=(20, 5, 2))
ROWS, Y = CUBE.reshape(-1, 2), CUBE[:, 0, 0]
STAMPS = np.cumsum(RNG.exponential(size=(20, 5)), axis=1)
# Any of them without the ending is another argument.
BARE = re.compile(r"""(?<![\w.'"])(X|y|timestamps|groups|sample_weight)(?![\w'"])""")


def regressor(**parameters):
    return LiquidRegressor(6, epochs=1, random_state=0, **parameters)


def message_of(X, y, model=None, **how):
    model = regressor() if model is None else model
    with pytest.raises(ValueError, match=".") as caught:
        model.fit(X, y, **how)
    return str(caught.value)


WRONG = {
    "y NaN": {"y_val": np.full(20, np.nan)},
    "y infinite": {"y_val": np.full(20, np.inf)},
    "y text": {"y_val": ["a"] * 20},
    "y dates": {"y_val": pd.date_range("2024", periods=20)},
    "y too short": {"y_val": Y[:-1]},
    "y one value": {"y_val": 3.0},
    "y missing": {},
    "y of more outputs": {"y_val": np.ones((20, 2))},
    "y of more axes": {"y_val": np.ones((20, 5, 1))},
    "weights too short": {"y_val": Y, "sample_weight_val": np.ones(3)},
    "weights negative": {"y_val": Y, "sample_weight_val": -np.ones(20)},
    "weights text": {"y_val": Y, "sample_weight_val": ["a"] * 20},
    "weights 2-D": {"y_val": Y, "sample_weight_val": np.ones((20, 5))},
    "stamps too short": {"y_val": Y, "timestamps_val": STAMPS[:3]},
    "stamps in reverse": {"y_val": Y, "timestamps_val": STAMPS[:, ::-1]},
    "stamps NaN": {"y_val": Y, "timestamps_val": STAMPS * np.nan},
    "stamps text": {"y_val": Y, "timestamps_val": np.full((20, 5), "a")},
    "X NaN": {"X_val": CUBE * np.nan, "y_val": Y},
    "X wider": {"X_val": np.ones((20, 5, 3)), "y_val": Y},
    "X rows": {"X_val": ROWS, "y_val": Y},
}


@pytest.mark.parametrize("name", WRONG)
def test__wrong_validation_data__are_called_by_their_names(name):
    how = {"timestamps": STAMPS, "X_val": CUBE, "timestamps_val": STAMPS}
    message = message_of(CUBE, Y, **{**how, **WRONG[name]})
    assert "_val" in message
    assert not BARE.search(message), message


def test__stamps_left_out__are_asked_for_by_their_name():
    message = message_of(CUBE, Y, timestamps=STAMPS, X_val=CUBE, y_val=Y)
    assert "timestamps_val=" in message


@pytest.mark.parametrize(
    "wrong",
    [
        {"groups_val": [1, 2]},
        {"y_val": ROWS[:7, 0], "groups_val": np.zeros(100)},
        {"timestamps_val": [1]},
    ],
)
def test__wrong_validation_rows__are_called_by_their_names(wrong):
    how = {"X_val": ROWS, "y_val": ROWS[:, 0], "groups": np.arange(100) // 50}
    message = message_of(ROWS, ROWS[:, 0], **{**how, **wrong})
    assert "_val" in message
    assert not BARE.search(message), message


@pytest.mark.parametrize("label", ["X", "y", "groups"])
def test__labels__are_left_as_they_are(label):
    model = LiquidClassifier(6, epochs=1)
    classes = np.where(Y > 0, "up", "down")
    message = message_of(CUBE, classes, model, X_val=CUBE, y_val=[label] * 20)
    assert message.startswith(f"y_val has the label {label!r}")


def test__training_data__keep_their_names():
    message = message_of(CUBE, np.full(20, np.nan), X_val=CUBE, y_val=Y)
    assert "_val" not in message
    assert "Input y contains NaN" in message


def test__warning__of_validation_data__names_them():
    y, groups = ROWS[:, 0], np.arange(100) // 50
    with pytest.warns(LNNWarning, match="Pass groups_val=.*len.X_val"):
        regressor().fit(ROWS, y, groups=groups, X_val=ROWS, y_val=y)


def test__lengths__that_differ__are_both_named():
    assert "X has 20, y has 19" in message_of(CUBE, Y[:-1])
