"""Where a row was foreseen from."""

import numpy as np
import pandas as pd
from anomaly_cases import HOURS, frame, quick

from LNN.anomaly.origins import changes, held, origins_at_equal_steps
from LNN.anomaly.recordings import Recordings


def recording(values):
    n = np.arange(len(values))
    index = pd.Index(n)
    values = np.asarray(values, dtype=float)[:, None]
    return Recordings(values, np.zeros(len(n), int), None, index, index, n)


def test__held__is_the_last_value_and_its_age():
    values, age = held(recording([np.nan, 4, np.nan, np.nan, 6]), np.arange(5.0))
    np.testing.assert_array_equal(values[:, 0], [np.nan, 4, 4, 4, 6])
    np.testing.assert_array_equal(age[:, 0], [np.nan, 0, 1, 2, 0])


def test__changes__from_a_value_older_than_the_horizon__are_unknown():
    rows, steps = recording([1, np.nan, np.nan, 5.0, 9.0]), np.arange(5.0)
    row, origin = np.array([3, 4]), np.array([2, 2])
    short = changes(rows, steps, row, origin, 1.0)
    long = changes(rows, steps, row, origin, np.array([2.0, 2.0]))
    assert np.isnan(short).all()
    np.testing.assert_array_equal(long[:, 0], [4, 8])


def test__origins__of_rows_at_one_time__are_before_it():
    steps = np.array([0.0, 1, 1, 2])
    assert origins_at_equal_steps(steps, 1).tolist() == [-1, 0, 0, 1]


def test__rows_nearly_at_equal_steps__are_taken_for_such():
    late = pd.to_timedelta(np.zeros(1200), unit="s").to_numpy().copy()
    late[5::100] = np.timedelta64(700, "s")
    rows = frame().set_axis(HOURS + pd.to_timedelta(late))
    found = quick(calendar=None).fit(rows)
    assert found.model_.engine.plan.regular
    even = quick(calendar=None).fit(frame())
    scores = found.anomaly_scores(rows), even.anomaly_scores(frame())
    # Means are over time, and a few rows are late.
    assert np.corrcoef(*scores)[0, 1] > 0.99
