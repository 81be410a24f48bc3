"""Rows as they come: `update`, streams, and intervals that adapt."""

import numpy as np
import pandas as pd
import pytest
from forecast_cases import quick

from LNN.exceptions import InvalidInputError
from LNN.forecasting.adaptive import AdaptiveWidths, adapted
from LNN.forecasting.intervals import widths


def test__update__forecasts_begin_after_the_new_rows(series):
    model = quick().fit(series[:120])
    expected = model.predict(y=series[:125])
    assert model.update(series[120:125]).cutoff_ == series.index[124]
    np.testing.assert_array_equal(model.predict(), expected)


def test__update__known_rows_only__is_refused(series):
    with pytest.raises(InvalidInputError, match="after the last one that is known"):
        quick().fit(series).update(series[:130])


def test__update__one_series_of_a_panel__leaves_the_others(panel):
    train = panel.groupby(level=0).head(80)
    model = quick().fit(train)
    before = model.predict()
    model.update(panel.loc[["a"]][80:85])
    np.testing.assert_allclose(model.predict().loc["b"], before.loc["b"], rtol=1e-6)
    assert model.cutoff_["a"] > model.cutoff_["b"]


def test__stream__each_row__forecasts_as_predict_does(series):
    model = quick().fit(series[:120])
    stream = model.stream()
    for place in range(120, 126):
        found = stream.step(series[place : place + 1])
        alone = model.predict(y=series[: place + 1])
        np.testing.assert_allclose(found, alone, rtol=1e-6)
        assert found.index[0] == series.index[place + 1]
    assert model.cutoff_ == series.index[119]


def test__stream__intervals__are_those_of_an_adaptive_backtest(series):
    model = quick().fit(series[:110])
    tested = model.backtest(series, coverage=0.8, adaptive=True)
    stream = model.stream(coverage=0.8)
    for place in range(110, 130):
        stream.step(series[place : place + 1])
        part = tested[tested.cutoff == series.index[place]]
        band = stream.interval()
        np.testing.assert_allclose(band.lower, part.lower, rtol=1e-5)
        np.testing.assert_allclose(band.upper, part.upper, rtol=1e-5)


def test__stream__without_coverage__has_no_intervals(series):
    stream = quick().fit(series).stream()
    with pytest.raises(InvalidInputError, match="coverage=0.9"):
        stream.interval()


def test__adaptive_widths__errors_that_grew__are_covered_again():
    rng = np.random.default_rng(0)
    past, later = rng.normal(size=(400, 1)), 1.5 * rng.normal(size=(3000, 1))
    found = adapted(past, 0.8, np.arange(3000), np.abs(later))
    fixed = np.mean(np.abs(later) <= widths(past, 0.8))
    assert fixed < 0.65
    assert np.mean(np.abs(later) <= found) == pytest.approx(0.8, abs=0.02)


def test__adapted__truths_that_have_not_come__change_nothing():
    rng = np.random.default_rng(0)
    past, errors = rng.normal(size=(100, 5)), np.abs(rng.normal(size=(40, 5)))
    other = errors.copy()
    for number in range(40):  # what forecast 19 does not know yet
        other[number, max(0, 19 - number) :] = 100.0
    place = np.arange(40)
    both = [adapted(past, 0.8, place, e)[19] for e in (errors, other)]
    np.testing.assert_array_equal(*both)


def test__adaptive_widths__begin_as_the_fixed_ones():
    past = np.random.default_rng(0).normal(size=(100, 5))
    np.testing.assert_array_equal(AdaptiveWidths(past, 0.9).now(), widths(past, 0.9))


@pytest.mark.parametrize("unseen", [1, 40])
def test__stream__rows_that_nobody_saw__forecast_as_predict_does(unseen, series):
    model = quick().fit(series[:80])
    rows = series.copy()
    rows.iloc[80 : 80 + unseen] = np.nan
    stream = model.stream(coverage=0.8)
    for place in range(80, 82 + unseen):
        found = stream.step(rows[place : place + 1])
    alone = model.predict(y=rows[: 82 + unseen])
    np.testing.assert_allclose(found, alone, rtol=1e-6)


def test__stream__new_series_without_a_value__is_refused(panel):
    stream = quick().fit(panel.loc[["a"]]).stream()
    with pytest.raises(InvalidInputError, match="at least one value .* recording 'b'"):
        stream.step(panel.loc[["b"]] * np.nan)


def test__stream__good_row_after_two_of_a_reset_clock__is_told_the_way_out(series):
    stream = quick().fit(series[:120]).stream()
    far = series[120:122]
    far = far.set_axis(far.index + pd.DateOffset(months=2000))
    with pytest.raises(InvalidInputError, match="clock"):
        stream.step(far[:1])
    stream.step(far[1:])
    with pytest.raises(InvalidInputError, match="go on in a new stream"):
        stream.step(series[120:121])
