"""Intervals cover, and are refused where nothing says how wide they are."""

import numpy as np
import pandas as pd
import pytest
from forecast_cases import quick

from LNN.exceptions import InvalidInputError
from LNN.forecasting.intervals import level_offsets, widths


def test__widths__of_exchangeable_scores__cover():
    rng = np.random.default_rng(0)
    inside = [
        np.abs(errors[-1]) <= widths(errors[:-1, None], 0.8)[0]
        for errors in rng.standard_t(3, size=(4000, 20))
    ]
    assert 0.8 - 0.02 < np.mean(inside) < 0.8 + 1 / 20 + 0.02


def test__widths__too_few__says_how_many_it_needs():
    errors = np.arange(18.0)[:, None]
    with pytest.raises(InvalidInputError, match="at least 19 forecasts .* got 18"):
        widths(errors, 0.95)
    assert widths(np.arange(19.0)[:, None], 0.95) == 18.0


def test__level_offsets__rise_with_the_level():
    rng = np.random.default_rng(0)
    offsets = level_offsets(rng.normal(size=(99, 4)), [0.9, 0.1, 0.5])
    assert (offsets[1] < offsets[2]).all()
    assert (offsets[2] < offsets[0]).all()


def test__predict_interval__of_a_series__holds_the_forecast(series):
    model = quick().fit(series)
    band, forecast = model.predict_interval(coverage=0.8), model.predict()
    pd.testing.assert_index_equal(band.index, forecast.index)
    assert list(band.columns) == ["lower", "upper"]
    assert ((band.lower < forecast) & (forecast < band.upper)).all()
    wide = model.predict_interval(coverage=0.9)
    assert (wide.upper - wide.lower >= band.upper - band.lower).all()


def test__predict_interval__scaled_series__scales(panel):
    model = quick(normalise="std").fit(panel)
    band = model.predict_interval(y=64.0 * panel)
    np.testing.assert_allclose(band, 64.0 * model.predict_interval(), rtol=1e-5)


def test__predict_interval__containers__are_those_of_y(series):
    frame = pd.DataFrame({"a": series, "b": series})
    found = quick().fit(frame).predict_interval()
    assert found.columns.tolist() == [
        *(("a", "lower"), ("a", "upper"), ("b", "lower"), ("b", "upper"))
    ]
    assert quick().fit(series.to_numpy()).predict_interval().shape == (3, 2)
    assert quick().fit(frame.to_numpy()).predict_interval().shape == (3, 2, 2)


def test__predict_quantiles__columns__are_levels(series):
    found = quick().fit(series).predict_quantiles(levels=[0.2, 0.5, 0.8])
    assert found.columns.tolist() == [0.2, 0.5, 0.8]
    assert (found.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)


@pytest.mark.parametrize("coverage", [0, 1, 90, "90%"])
def test__predict_interval__coverage_that_is_none__is_told(series, coverage):
    with pytest.raises(InvalidInputError, match="between 0 and 1"):
        quick().fit(series).predict_interval(coverage=coverage)


def test__predict_interval__beyond_the_horizon__is_refused(series):
    with pytest.raises(InvalidInputError, match="at most 3 steps"):
        quick().fit(series).predict_interval(4)


def test__predict_interval__several_coverages__are_a_level_more(series):
    both = pd.DataFrame({"u": series, "v": 2 * series})
    model = quick(n_seeds=0).fit(both)
    found = model.predict_interval(coverage=[0.5, 0.8])
    alone = model.predict_interval(coverage=0.8)
    for name in ("u", "v"):
        pd.testing.assert_frame_equal(found[name][0.8], alone[name])
        assert (found[name][0.5].lower > found[name][0.8].lower).all()
    one = quick(n_seeds=0).fit(series)
    wide = one.predict_interval(coverage=[0.8, 0.5])
    assert wide.columns.tolist() == [
        *((0.8, "lower"), (0.8, "upper"), (0.5, "lower"), (0.5, "upper"))
    ]
    counted = quick(n_seeds=0).fit(series.to_numpy())
    ends = counted.predict_interval(coverage=[0.8, 0.5])
    assert ends.shape == (3, 2, 2)
    np.testing.assert_array_equal(ends[:, 0], counted.predict_interval(coverage=0.8))


@pytest.mark.parametrize("coverage", [[], [0.5, 0.5], [0.5, 2.0], "0.9"])
def test__predict_interval__coverages_that_are_none__are_refused(series, coverage):
    with pytest.raises(InvalidInputError, match=r"Expected coverage"):
        quick(n_seeds=0).fit(series).predict_interval(coverage=coverage)
