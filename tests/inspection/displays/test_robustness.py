"""The curves are those that were measured."""

import matplotlib
import numpy as np
import pytest
from sklearn.linear_model import Ridge
from tiny import TINY

from LNN import LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.inspection import RobustnessDisplay

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(scope="module")
def display():
    X = np.random.default_rng(0).normal(size=(120, 3))
    model = LiquidRegressor(**TINY, window_length=4, missing="hold").fit(X, X[:, 0])
    ridge = Ridge().fit(X, X[:, 0])
    found = RobustnessDisplay.from_estimator(
        model,
        X,
        X[:, 0],
        beside={"ridge": ridge},
        disturbances=["noise", "missing", "rate", "drift", "stuck"],
        score_name="R2",
        random_state=0,
    )
    yield found
    plt.close("all")


def test__lines__are_the_mean_scores(display):
    assert len(display.axes_) == 5
    for name, scores in display.result.scores.items():
        for place, model in enumerate(display.result.models):
            line = display.lines_[name, model]
            assert line.get_label() == model
            np.testing.assert_array_equal(line.get_ydata(), scores[place].mean(axis=1))
            np.testing.assert_array_equal(
                line.get_xdata(), display.result.strengths[name]
            )


def test__models__differ_in_more_than_colour(display):
    one, two = (display.lines_["noise", m] for m in display.result.models)
    assert one.get_marker() != two.get_marker()
    assert one.get_linestyle() != two.get_linestyle()


def test__labels__say_what_the_strength_is(display):
    first = display.axes_[0]
    assert first.get_xlabel() == "noise, in standard deviations"
    assert first.get_ylabel() == "R2"
    assert first.get_title("left") == "noise"
    (words,) = [t.get_text() for t in display.axes_[1].texts]
    assert words.endswith("ridge")
    (legend,) = display.figure_.legends
    assert [t.get_text() for t in legend.get_texts()] == display.result.models


def test__own_axes__one_for_each_disturbance(display):
    figure, axes = plt.subplots(1, 5)
    drawn = RobustnessDisplay(display.result).plot(axes)
    assert drawn.figure_ is figure
    assert drawn.ax_ is drawn.axes_[0] is axes[0]
    assert drawn.axes_[0].get_legend() is not None
    with pytest.raises(InvalidInputError, match="5 disturbances, got 1"):
        RobustnessDisplay(display.result).plot(axes[0])
