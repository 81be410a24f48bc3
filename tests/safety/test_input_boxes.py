"""Boxes of inputs by position and by the names of columns."""

import numpy as np
import pandas as pd
import pytest

from LNN import LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.safety import contraction_bound, output_bounds, verify
from LNN.safety.input_boxes import input_interval

RANDOM = np.random.default_rng(0)
SMALL = {
    "n_neurons": 4,
    "model_type": "LTC",
    "window_length": 4,
    "epochs": 1,
    "random_state": 0,
}
Y = RANDOM.normal(size=60)
FRAME = pd.DataFrame(
    {
        "t": np.arange(60.0),
        "warm": RANDOM.normal(size=60),
        "wet": 9 + RANDOM.normal(size=60),
    }
)
TIMED = LiquidRegressor(**SMALL, time_column="t").fit(FRAME, Y)
LOW, HIGH = (-0.05, 8.98), (0.05, 9.0)  # of warm and of wet
SAME = {
    "mapping": {"wet": (8.98, 9.0), "warm": (-0.05, 0.05)},
    "series": (
        pd.Series({"wet": 8.98, "warm": -0.05}),
        pd.Series({"warm": 0.05, "wet": 9.0}),
    ),
    "one side": ({"wet": 8.98, "warm": -0.05}, HIGH),
    "with the time": {"t": (0, 1), "warm": [-0.05, 0.05], "wet": (8.98, 9.0)},
}


def ends(model, box):
    """Return low and high of each input."""
    return [side.tolist() for side in input_interval(model.model_, box)]


@pytest.mark.parametrize("box", SAME.values(), ids=SAME)
def test__input_box__by_name__is_the_same_as_by_position(box):
    assert ends(TIMED, box) == ends(TIMED, (LOW, HIGH)) == [list(LOW), list(HIGH)]


def test__input_box__ends_of_a_frame__are_taken_by_name():
    frame = FRAME[["wet", "t", "warm"]]
    inputs = FRAME[["warm", "wet"]]
    wanted = [inputs.min().tolist(), inputs.max().tolist()]
    assert ends(TIMED, (frame.min(), frame.max())) == wanted


def test__input_box__by_name__serves_verify_and_contraction_bound():
    box = SAME["mapping"]
    bounds = output_bounds(TIMED, box)
    assert verify(TIMED, box, (bounds.low, bounds.high)).status == "proved"
    by_name = contraction_bound(TIMED, box).factor
    assert by_name == contraction_bound(TIMED, (LOW, HIGH)).factor


@pytest.mark.parametrize(
    ("box", "told"),
    [
        ({"warm": (0, 1)}, r"without \['wet'\]"),
        ({"warm": (0, 1), "wet": (0, 1), "wind": (0, 1)}, r"with \['wind'\]"),
        ({"warm": (0, 1), "wet": 1}, "for each input column"),
        ({"warm": (1, 0), "wet": (0, 1)}, "low <= high"),
        (({"warm": 0}, 1), r"without \['wet'\]"),
        (5, "by|one per input column"),
        ((1, 2, 3), "one per input column"),
    ],
)
def test__input_box__that_says_too_little_or_too_much__is_refused(box, told):
    with pytest.raises(InvalidInputError, match=told):
        output_bounds(TIMED, box)


def test__input_box__names_without_names_in_the_fit__are_refused():
    model = LiquidRegressor(**SMALL).fit(FRAME[["warm", "wet"]].to_numpy(), Y)
    with pytest.raises(InvalidInputError, match="without names of columns"):
        output_bounds(model, SAME["mapping"])
    # A Series by position, as ever.
    box = pd.Series(LOW), pd.Series(HIGH)
    assert ends(model, box) == [list(LOW), list(HIGH)]
