"""The picture of time constants holds what `time_constants` returns."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

from LNN import LiquidRegressor
from LNN.inspection import TimeConstantDisplay, time_constants
from LNN.inspection.displays.units import readable_unit

matplotlib.use("Agg")
import matplotlib.pyplot as plt

RANDOM = np.random.default_rng(0)
STAMPS = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(30), unit="h")
ROWS = pd.DataFrame(RANDOM.normal(size=(30, 2)), STAMPS, columns=["heat", "flow"])


def test__ranges_and_medians__are_drawn_in_a_unit_that_is_read_well():
    model = LiquidRegressor(6, window_length=4, epochs=2, random_state=0)
    model.fit(ROWS, ROWS["heat"])
    found = time_constants(model, ROWS)
    _, ax = plt.subplots()
    display = TimeConstantDisplay.from_estimator(model, ROWS, ax=ax)
    assert display.ax_ is ax
    assert ax.get_xlabel() == "Time constant, in minutes (exact)"
    np.testing.assert_allclose(display.medians_.get_xdata(), 60 * found.median)
    ends = [segment[:, 0] for segment in display.ranges_.get_segments()]
    expected = 60 * np.column_stack([found.minimum, found.maximum])
    np.testing.assert_allclose(ends, expected)
    assert [t.get_text() for t in ax.get_yticklabels()] == found.neurons
    plt.close("all")


@pytest.mark.parametrize(
    ("seconds", "name"),
    [
        (0.01, "milliseconds"),
        (30, "seconds"),
        (900, "minutes"),
        (4e4, "hours"),
        (1e6, "days"),
    ],
)
def test__seconds__are_told_in_the_unit_that_fits(seconds, name):
    assert readable_unit("seconds", seconds)[1] == name
    assert readable_unit("steps", seconds) == (1.0, "steps")
