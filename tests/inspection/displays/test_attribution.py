"""Pictures of shares hold what was computed, under the names of the columns."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.inspection import (
    AttributionDisplay,
    ExplanationDisplay,
    attribution,
    explain,
)

TIMES = pd.date_range("2026-03-01 10:00", periods=60, freq="min")
ROWS = pd.DataFrame(
    np.random.default_rng(0).normal(size=(60, 2)), TIMES, columns=["heat", "flow"]
)
WIDE = np.random.default_rng(0).normal(size=(30, 12, 20))


@pytest.fixture(autouse=True)
def without_a_screen():
    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def model():
    return LiquidRegressor(6, window_length=5, epochs=3, random_state=0).fit(
        ROWS, ROWS["heat"]
    )


def names_of(ax, axis="y"):
    labels = ax.get_yticklabels() if axis == "y" else ax.get_xticklabels()
    return [label.get_text() for label in labels]


def test__heat__of_one_row__shares_values_and_times(model):
    display = AttributionDisplay.from_estimator(model, ROWS, rows=[30])
    shares = attribution(model, ROWS, rows=[30]).attributions[0]
    np.testing.assert_array_equal(display.image_.get_array(), shares.T)
    assert names_of(display.ax_) == ["heat", "flow"]
    assert sorted(names_of(display.ax_, "x"))[-1] == "10:30:00"
    assert "2026-03-01" in display.ax_.get_xlabel()
    curves = [line.get_ydata() for line in display.ax_.get_lines() if line.get_label()]
    heat = ROWS["heat"].iloc[26:31] - model.scaler_.center_[0]
    curve = next(c for c in curves if len(c) == 5)
    assert np.corrcoef(curve, heat)[0, 1] == pytest.approx(-1)  # y goes down


def test__heat__of_several_rows__mean_sizes_by_steps_before(model):
    display = AttributionDisplay.from_estimator(model, ROWS)
    found = attribution(model, ROWS).attributions
    np.testing.assert_allclose(
        display.image_.get_array(), np.nanmean(np.abs(found), axis=0).T
    )
    assert "answer" in names_of(display.ax_, "x")


def test__bars__columns_in_order_on_the_axes_that_are_given(model):
    _, ax = plt.subplots()
    display = AttributionDisplay.from_estimator(model, ROWS, kind="bars", ax=ax)
    assert display.ax_ is ax
    widths = [bar.get_width() for bar in display.bars_]
    assert widths == sorted(widths, reverse=True)
    with pytest.raises(InvalidInputError, match="kind among"):
        display.plot(kind="pie")


def test__many_columns__the_largest_are_drawn_and_the_others_counted():
    model = LiquidClassifier(6, epochs=3, random_state=0).fit(WIDE, WIDE[:, -1, 0] > 0)
    display = AttributionDisplay.from_estimator(model, WIDE, rows=[3], n_columns=5)
    assert len(names_of(display.ax_)) == 5
    assert "15 columns with smaller shares" in display.ax_.get_xlabel()


def test__explanation__three_parts_with_its_numbers(model):
    found = explain(model, ROWS, 30)
    display = ExplanationDisplay(found).plot()
    heat, columns, neurons = display.axes_
    assert found.title in heat.get_title(loc="left")
    assert set(names_of(columns)) == {"heat", "flow"}
    assert names_of(neurons)[0] == "into inter"
    widths = sum(bar.get_width() for bar in columns.patches)
    assert widths == pytest.approx(found.difference)
    _, ax = plt.subplots()
    assert ExplanationDisplay(found).plot(ax=ax).ax_ is ax


def test__missing_values__leave_gaps_in_curves():
    X = np.where(np.random.default_rng(1).random(WIDE.shape) < 0.3, np.nan, WIDE)
    model = LiquidRegressor(6, missing="hold", epochs=2, random_state=0)
    model.fit(X, WIDE[:, -1, 0])
    display = AttributionDisplay.from_estimator(model, X, rows=[3], n_columns=20)
    curves = display.ax_.get_lines()
    assert any(
        np.isnan(line.get_ydata()).any() for line in curves if len(line.get_ydata())
    )


def test__attributions__of_a_classifier__say_whose_log_odds_they_are():
    y = np.where(ROWS["heat"] > 0, "warm", "cold")
    model = LiquidClassifier(6, window_length=5, epochs=1, random_state=0).fit(ROWS, y)
    shown = AttributionDisplay.from_estimator(model, ROWS, rows=[9])
    assert shown.unit == "log odds of warm"
    shown = AttributionDisplay.from_estimator(model, ROWS, rows=[9], output="cold")
    assert shown.unit == "log odds of cold"
