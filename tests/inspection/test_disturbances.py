"""What each disturbance does to the values, and what it leaves alone."""

import numpy as np
import pandas as pd
import pytest

from LNN.exceptions import InvalidInputError
from LNN.inspection.disturbances import (
    DISTURBANCES,
    Sensors,
    drift,
    noise,
    sensors_at_mean,
    sensors_missing,
    stretches_missing,
    stretches_stuck,
)
from LNN.inspection.recordings import (
    Recordings,
    changeable_columns,
    recordings_of_rows,
)

LINES = [np.arange(2.0 * n).reshape(n, 2) for n in (50, 200)]
SENSORS = Sensors.of(LINES, stretch=10)


def random():
    return np.random.RandomState(0)


def test__sensors__missing_values__do_not_count():
    sensors = Sensors.of([np.array([[1.0, np.nan], [3.0, np.nan]])], 1)
    np.testing.assert_array_equal(sensors.center, [2.0, 0.0])
    np.testing.assert_array_equal(sensors.spread, [1.0, 0.0])


@pytest.mark.parametrize("name", [n for n, d in DISTURBANCES.items() if d.change])
def test__changes__original__stays_as_it_was(name):
    before = [x.copy() for x in LINES]
    DISTURBANCES[name].change(LINES, 1, SENSORS, random())
    for x, y in zip(LINES, before, strict=True):
        np.testing.assert_array_equal(x, y)


def test__noise__size__is_that_of_the_column():
    X = [np.random.default_rng(0).normal(scale=[1, 5], size=(5000, 2))]
    sensors = Sensors.of(X, 1)
    added = noise(X, 0.5, sensors, random())[0] - X[0]
    np.testing.assert_allclose(added.std(axis=0), [0.5, 2.5], rtol=0.05)


def test__drift__recordings__begin_right_and_end_wrong():
    for x, new in zip(LINES, drift(LINES, 2.0, SENSORS, random()), strict=True):
        away = new - x
        np.testing.assert_array_equal(away[0], 0.0)
        np.testing.assert_allclose(np.abs(away[-1]), 2.0 * SENSORS.spread)
        np.testing.assert_allclose(np.diff(away, 2, axis=0), 0.0, atol=1e-9)


def test__lost_sensors__same_ones_in_all_recordings():
    gone = sensors_missing(LINES, 1, SENSORS, random())
    lost = [np.isnan(x).all(axis=0) for x in gone]
    assert lost[0].sum() == 1
    np.testing.assert_array_equal(*lost)
    held = sensors_at_mean(LINES, 2, SENSORS, random())
    assert all((x == SENSORS.center).all() for x in held)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test__stretches__share_of_the_time__in_whole_stretches(share):
    for x in stretches_missing(LINES, share, SENSORS, random()):
        away = np.isnan(x).all(axis=1)
        assert away.mean() == pytest.approx(share, abs=0.06)
        edges = np.flatnonzero(np.diff(np.r_[0, away, 0]))
        lengths = edges[1::2] - edges[::2]
        assert min(lengths) >= min(8, round(share * len(x)))
        assert not away[0]


def test__stretches__short_recordings__lose_their_share():
    X = [np.zeros((12, 1))] * 200
    sensors = Sensors(np.zeros(1), np.ones(1), 10)
    gone = stretches_missing(X, 0.3, sensors, random())
    assert {int(np.isnan(x).sum()) for x in gone} == {4}
    tiny = stretches_missing([np.zeros((1, 1))], 0.5, sensors, random())
    assert not np.isnan(tiny[0]).any()


def test__stuck__readings__are_those_before_the_stretch():
    for x, new in zip(
        LINES, stretches_stuck(LINES, 0.3, SENSORS, random()), strict=True
    ):
        held = (new != x).any(axis=1)
        assert 0.2 < held.mean() < 0.4
        last = np.maximum.accumulate(np.where(held, 0, np.arange(len(x))))
        np.testing.assert_array_equal(new, x[last])


# --------------------------------------------------------------------- containers


def test__recordings__rows_of_groups__come_back_in_their_places():
    X = pd.DataFrame({"a": np.arange(7.0), "k": list("xxyxyyy"), "b": np.arange(7)})
    recordings = Recordings(X, ["b"], X["k"])
    first, second = recordings.values()
    assert first.ravel().tolist() == [0, 1, 3]
    new = recordings.with_values([-first, second])
    assert new["b"].tolist() == [0, -1, 2, -3, 4, 5, 6]
    assert new[["a", "k"]].equals(X[["a", "k"]])
    assert recordings.every(2).index.tolist() == [0, 3, 4, 6]
    assert recordings.every(2, X["k"]).tolist() == ["x", "x", "y", "y"]


def test__recordings__index_of_two_levels__tells_recordings_apart():
    index = pd.MultiIndex.from_product([["p", "q"], range(3)])
    X = pd.DataFrame({"a": np.arange(6.0)}, index=index)
    groups = recordings_of_rows(X, None)
    assert [len(x) for x in Recordings(X, ["a"], groups).values()] == [3, 3]


def test__recordings__sequences__keep_their_kind():
    cube = np.arange(24).reshape(2, 4, 3)
    recordings = Recordings(cube, [2])
    new = recordings.with_values([x + 0.5 for x in recordings.values()])
    assert new.shape == cube.shape
    np.testing.assert_array_equal(new - cube, np.broadcast_to([0, 0, 0.5], cube.shape))
    np.testing.assert_array_equal(recordings.every(3), cube[:, [0, 3]])
    frames = [pd.DataFrame({"a": np.arange(float(n))}) for n in (3, 4)]
    ragged = Recordings(frames, ["a"])
    assert [x["a"].tolist() for x in ragged.every(2)] == [[0, 2], [1, 3]]
    assert isinstance(ragged.with_values(ragged.values())[0], pd.DataFrame)


def test__columns__names_times_and_yes_or_no__are_left_alone():
    X = pd.DataFrame({"t": [1.0], "a": [1], "b": [True], "c": ["x"]})
    assert changeable_columns(X, None, {"t"}) == ["a"]
    with pytest.raises(InvalidInputError, match=r"among \['a'\].*got \['t', 'c'\]"):
        changeable_columns(X, ["t", "a", "c"], {"t"})


def test__recordings__groups_of_another_length__are_refused():
    with pytest.raises(InvalidInputError, match="each of 3 rows, got 2"):
        Recordings(np.zeros((3, 1)), [0], [1, 2])
