"""The picture of a forecast says what it shows, and draws whatever was fitted."""

import numpy as np
import pandas as pd
import pytest
from forecast_cases import quick

from LNN.exceptions import InvalidInputError, LNNWarning
from LNN.forecasting.intervals import highest_coverage, widths


@pytest.fixture(autouse=True)
def pyplot():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def _legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test__plot__names_the_values_and_the_interval(series):
    ax = quick(n_seeds=0).fit(series).plot(coverage=0.8, truth=series[-3:])
    assert ax.get_ylabel() == "sales"
    told = ["what is known", "interval, coverage 0.8", "forecast", "what came"]
    assert _legend(ax) == told


def test__plot__forecast_begins_at_the_last_known_value(series):
    series.iloc[-2:] = np.nan
    model = quick(n_seeds=0).fit(series)
    line = model.plot().lines[1]
    assert line.get_ydata()[0] == series.iloc[-3]
    np.testing.assert_allclose(line.get_ydata()[1:], model.predict())
    assert line.get_xdata()[0] == series.index[-3]


def test__plot__too_few_forecasts__shows_the_highest_coverage(series):
    model = quick(12, window_length=12, n_seeds=0).fit(series[:110])
    with pytest.raises(InvalidInputError, match="a coverage of 0.85 at most"):
        model.predict_interval()
    with pytest.warns(LNNWarning, match="they allow, 0.85"):
        ax = model.plot()
    assert "interval, coverage 0.85" in _legend(ax)
    band = model.predict_interval(coverage=0.85)  # as the error says
    drawn = ax.collections[0].get_datalim(ax.transData)
    known = series.iloc[109]
    assert drawn.ymax == max(known, band.upper.max())
    assert drawn.ymin == min(known, band.lower.min())


def test__highest_coverage__is_the_highest_that_widths_give():
    for n in range(1, 130):
        errors, highest = (
            np.arange(float(n))[:, None],
            highest_coverage(np.zeros((n, 1))),
        )
        widths(errors, highest)
        if highest < 0.99:
            with pytest.raises(InvalidInputError):
                widths(errors, highest + 0.01)
    assert highest_coverage(np.full((5, 2), np.nan)) == 0


def test__plot__panel__draws_the_series_that_is_named(panel):
    model = quick(n_seeds=0).fit(panel)
    ax = model.plot(series="b")
    assert ax.get_title(loc="right") == "b"
    np.testing.assert_allclose(ax.lines[1].get_ydata()[1:], model.predict()["b"])
    upper = model.predict_interval()["upper"]["b"]
    assert ax.collections[0].get_datalim(ax.transData).ymax >= upper.max()
    with pytest.raises(InvalidInputError, match="one of 'a', 'b', 'c', got None"):
        model.plot()
    with pytest.raises(InvalidInputError, match="truth.loc"):
        model.plot(series="b", truth=panel)


def test__plot__columns__are_named_or_numbered(series):
    frame = pd.DataFrame({"x": series, "y": 3 * series})
    model = quick(n_seeds=0).fit(frame)
    ax = model.plot(series="y")
    assert ax.get_ylabel() == "y"
    np.testing.assert_allclose(ax.lines[1].get_ydata()[1:], model.predict()["y"])
    array = quick(n_seeds=0).fit(frame.to_numpy())
    drawn = array.plot(series=1).lines[1].get_ydata()[1:]
    np.testing.assert_allclose(drawn, array.predict()[:, 1])
    both = quick(n_seeds=0).fit(pd.concat({"s": frame, "t": 2 * frame}))
    drawn = both.plot(series=("t", "y")).lines[1].get_ydata()[1:]
    np.testing.assert_allclose(drawn, both.predict().loc["t", "y"])


def test__plot__one_series__array_and_list_and_periods(series):
    for y in (series.to_numpy(), [series.to_numpy()], series.to_period("M")):
        model = quick(n_seeds=0).fit(y)
        ax = model.plot(truth=series.to_numpy()[:2])
        assert len(ax.lines) == 3
    with pytest.raises(InvalidInputError, match="Leave it out"):
        model.plot(series="sales")


def test__plot__odd_times__has_an_interval():
    times = np.random.default_rng(0).exponential(size=150).cumsum()
    y = pd.Series(np.sin(times), times, name="level")
    ax = quick(2, n_seeds=0, window_length=12).fit(y).plot(coverage=0.8)
    assert len(ax.lines[1].get_xdata()) == 3
