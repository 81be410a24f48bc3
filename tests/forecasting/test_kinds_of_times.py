"""Later rows have times of the kind of the fit: datetimes, numbers, a time zone."""

import numpy as np
import pandas as pd
import pytest
from forecast_cases import quick, wave

from LNN.exceptions import InvalidInputError, LNNWarning

HOURS = pd.date_range("2024-01-01", periods=140, freq="h")
HOURLY = pd.Series(wave(), HOURS)
ZONED = HOURLY.tz_localize("Europe/Vienna")


@pytest.fixture(scope="module")
def model():
    """A forecaster of hours."""
    return quick(n_seeds=0).fit(HOURLY)


@pytest.fixture(scope="module")
def zoned():
    """The same in a time zone."""
    return quick(n_seeds=0).fit(ZONED)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(HOURLY.to_numpy(), id="array"),
        pytest.param(HOURLY.tolist(), id="list"),
        pytest.param(HOURLY.reset_index(drop=True), id="row numbers"),
        pytest.param(HOURLY.set_axis(HOURS - HOURS[0]), id="durations"),
        pytest.param(ZONED, id="zone"),
    ],
)
def test__predict__fitted_on_datetimes__others_are_refused(model, other):
    for use in (lambda: model.predict(y=other), lambda: model.stream().step(other)):
        with pytest.raises(
            InvalidInputError, match="fitted on times that are datetimes without"
        ):
            use()


def test__predict__fitted_on_an_array__datetimes_are_refused():
    model = quick(n_seeds=0).fit(HOURLY.to_numpy())
    for use in (lambda: model.predict(y=HOURLY), lambda: model.stream().step(HOURLY)):
        with pytest.raises(InvalidInputError, match="row numbers .* are datetimes"):
            use()


def test__predict__fitted_in_a_zone__the_advice_is_how_to_convert(zoned):
    for other, advice in [
        (HOURLY, r"tz_localize\('Europe/Vienna'\)"),
        (ZONED.tz_convert("UTC"), r"tz_convert\('Europe/Vienna'\)"),
    ]:
        with pytest.raises(InvalidInputError, match=advice):
            zoned.predict(y=other)
        with pytest.raises(InvalidInputError, match=advice):
            zoned.predict(times=other.index[-1:] + pd.Timedelta(hours=1))


def test__predict__at_text__says_how_to_convert(model):
    with pytest.raises(InvalidInputError, match="pandas.to_datetime"):
        model.predict(times="2024-01-08 12:00")


def test__stream__a_single_number__says_what_a_row_is(model):
    with pytest.raises(InvalidInputError, match=r"pandas.Series\(\[5.0\], index="):
        model.stream().step(5.0)
    counted = quick(n_seeds=0).fit(HOURLY.to_numpy())
    with pytest.raises(InvalidInputError, match=r"in a list, \[5.0\]"):
        counted.stream().step(5.0)
    assert np.isfinite(counted.stream().step([5.0])).all()


def test__predict__every_sixth_row__warns_of_another_rate(model):
    with pytest.warns(LNNWarning, match=r"y are usually 6 steps of .*1:00:00 apart"):
        model.predict(y=HOURLY.iloc[::6])


def test__predict__rows_that_lack__are_the_same_rate(model):
    kept = np.random.default_rng(0).random(140) < 0.4
    kept[60:90] = False
    kept[90:] = True
    assert np.isfinite(model.predict(y=HOURLY[kept])).all()


def test__predict__odd_times_in_another_unit__warns_of_another_rate():
    hours = np.random.default_rng(0).exponential(2.0, 140).cumsum()
    model = quick(n_seeds=0, season=None).fit(HOURLY.set_axis(hours))
    with pytest.warns(LNNWarning, match="60 times as far apart"):
        model.predict(y=HOURLY.set_axis(hours * 60))
    assert np.isfinite(model.predict(y=HOURLY.set_axis(hours * 3))).all()
