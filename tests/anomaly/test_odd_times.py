"""Rows at odd times: horizons are durations."""

import numpy as np
import pandas as pd
import pytest
from anomaly_cases import quick

from LNN.anomaly.origins import origins_at_odd_times


@pytest.fixture(scope="module")
def rows():
    """Return a wave of 20 units at random times, and the times."""
    rng = np.random.default_rng(0)
    times = rng.exponential(size=1100).cumsum()
    x = np.sin(2 * np.pi * times / 20)[:, None] + 0.05 * rng.normal(size=(1100, 1))
    return x, times


@pytest.fixture(scope="module")
def fitted(rows):
    x, times = rows
    return quick(epochs=8, season="auto").fit(x[:900], timestamps=times[:900])


def test__odd_times__spike__has_the_highest_score(fitted, rows):
    x, times = rows[0].copy(), rows[1]
    x[1000] += 2
    found = fitted.anomaly_scores(x, timestamps=times)
    assert int(np.argmax(found)) in range(1000, 1004)
    assert found[1000] > 3


def test__odd_times__season__is_a_period_in_usual_gaps(fitted):
    assert fitted.season_ * fitted.time_unit_ == pytest.approx(20, rel=0.1)


def test__odd_times__wave_that_runs_faster__is_seen_by_its_times(fitted, rows):
    x, times = rows
    late = times.copy()
    late[950:] = late[949] + 2 * (times[950:] - times[949])  # it runs at half the speed
    usual = fitted.anomaly_scores(x, timestamps=times)[980:].mean()
    slow = fitted.anomaly_scores(x, timestamps=late)[980:].mean()
    assert slow > 2 * usual


def test__odd_times__rows_that_come_later__change_nothing_before(fitted, rows):
    x, times = rows[0].copy(), rows[1]
    before = fitted.anomaly_scores(x, timestamps=times)[:1000]
    x[1000:] = 9.0
    after = fitted.anomaly_scores(x, timestamps=times)[:1000]
    np.testing.assert_array_equal(after, before)


def test__odd_times__without_any__is_refused(fitted, rows):
    with pytest.raises(ValueError, match="irregular time stamps"):
        fitted.predict(rows[0])


def test__odd_times__datetimes__are_as_seconds(fitted, rows):
    x, times = rows
    index = pd.Timestamp("2024-01-01") + pd.to_timedelta(times, unit="s")
    table = pd.DataFrame(x, index.round("ms"))
    model = quick(epochs=8, season="auto").fit(table[:900])
    found = model.anomaly_scores(table)
    expected = fitted.anomaly_scores(x, timestamps=times)
    assert np.corrcoef(found, expected)[0, 1] > 0.8


def test__origins__at_odd_times__lie_a_horizon_back():
    steps = np.array([10.0, 10.5, 12, 30, 31])
    first = np.array([True, False, False, True, False])
    near = origins_at_odd_times(steps, first, 1)
    assert near.tolist() == [-1, 0, 1, -1, 3]
    assert origins_at_odd_times(steps, first, 2).tolist() == [-1, -1, 0, -1, -1]
