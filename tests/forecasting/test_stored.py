"""Pickles and skops: forecasts of every container come back as they were."""

import pickle
from datetime import timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from dateutil import tz
from forecast_cases import quick, wave

from LNN.exceptions import InvalidInputError

N = 140
DATES = pd.date_range("2026-01-01", periods=N, freq="h")
VIENNA = pd.date_range("2026-01-01", periods=N, freq="D", tz=ZoneInfo("Europe/Vienna"))
EAST = DATES.tz_localize(timezone(timedelta(hours=2)))
OWNED = DATES.tz_localize(tz.gettz("Europe/Vienna"))
ODD = DATES[0] + pd.to_timedelta(
    np.random.default_rng(0).exponential(size=N).cumsum(), unit="h"
)
FRAME = pd.DataFrame({"a": wave(), "b": wave(seed=1)}, DATES)
PANEL = pd.concat({("x", 1): FRAME["a"], ("y", 2): FRAME["b"]}, names=["of", "no", "t"])

SERIES = {
    "array": wave(),
    "list": [wave(), wave(100, 1)],
    "dates": pd.Series(wave(), DATES, name="level"),
    "seconds": pd.Series(wave(), DATES.as_unit("s").rename("when")),
    "zone": pd.Series(wave(), VIENNA),
    "fixed zone": pd.Series(wave(), EAST),
    "zone of an object": pd.Series(wave(), OWNED),
    "durations": pd.Series(wave(), DATES - DATES[0]),
    "periods": pd.Series(wave(), DATES.to_period("h")),
    "weekdays": pd.Series(wave(), pd.bdate_range("2026-01-01", periods=N)),
    "months": pd.Series(wave(), pd.date_range("2001", periods=N, freq="MS")),
    "numbers": pd.Series(wave(), np.arange(N) * 0.5),
    "odd times": pd.Series(wave(), ODD),
    "frame": FRAME,
    "numbered columns": FRAME.set_axis([3, 7], axis=1),
    "panel": PANEL,
    "table": FRAME["a"].rename_axis("when").reset_index(),
}
SETTINGS = {"table": {"time_column": "when"}}


def fitted(name):
    settings = SETTINGS.get(name, {})
    return quick(calendar="auto", **settings).fit(SERIES[name])


def assert_alike(found, expected):
    if isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(found, expected)
    elif isinstance(expected, pd.Series):
        pd.testing.assert_series_equal(found, expected)
    else:
        np.testing.assert_array_equal(np.ravel(found), np.ravel(expected))


def parts_of(value):
    """Return every value inside of a plain one."""
    inside = []
    if isinstance(value, dict):
        inside = list(value.values())
    elif isinstance(value, list | tuple):
        inside = list(value)
    return [value, *(part for own in inside for part in parts_of(own))]


@pytest.mark.parametrize("name", SERIES)
def test__pickle__forecasts_of_each_container__are_the_same(name):
    model = fitted(name)
    again = pickle.loads(pickle.dumps(model))
    assert_alike(again.predict(), model.predict())
    assert_alike(again.predict(y=SERIES[name]), model.predict(y=SERIES[name]))
    assert again.cutoff_ == model.cutoff_
    assert again.summary() == model.summary()


@pytest.mark.parametrize(
    "name", [name for name in SERIES if "of an object" not in name]
)
def test__state__holds_plain_values_alone(name):
    state = fitted(name).model_.__getstate__()
    plain = (dict, list, tuple, np.ndarray, str, int, float, bool, type(None))
    others = {type(part) for part in parts_of(state) if not isinstance(part, plain)}
    assert not {kind for kind in others if not issubclass(kind, np.generic)}


@pytest.mark.parametrize("name", ["array", "list", "zone", "odd times", "panel"])
def test__skops__two_classes_are_trusted__forecasts_are_the_same(name):
    skops = pytest.importorskip("skops.io")
    model = fitted(name)
    blob = skops.dumps(model)
    unknown = skops.get_untrusted_types(data=blob)
    assert unknown == [
        "LNN.forecasting.fitted.FittedForecaster",
        "LNN.forecasting.forecaster.LiquidForecaster",
    ]
    assert_alike(skops.loads(blob, trusted=unknown).predict(), model.predict())


def test__skops__with_columns_known_in_future__forecasts_are_the_same():
    skops = pytest.importorskip("skops.io")
    model = quick(known_future=["b"]).fit(FRAME["a"], FRAME[["b"]])
    blob = skops.dumps(model)
    again = skops.loads(blob, trusted=skops.get_untrusted_types(data=blob))
    later = FRAME[["b"]][:3].set_axis(DATES[-1] + pd.to_timedelta([1, 2, 3], unit="h"))
    assert_alike(again.predict(X=later), model.predict(X=later))


def test__pickle__of_a_later_version__is_refused():
    model = fitted("array").model_
    with pytest.raises(InvalidInputError, match="a later version of LNN wrote it"):
        model.__setstate__(model.__getstate__() | {"format": 99})
    state = model.__getstate__()
    state["engine"] = {"__kind__": "datetime"}
    with pytest.raises(InvalidInputError, match="got 'datetime'"):
        model.__setstate__(state)
