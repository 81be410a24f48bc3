from __future__ import annotations

import numpy as np
import pytest

from LNN.experiments.archive.changes import CHANGES, changed

LINE = [np.arange(n, dtype=float)[:, None] for n in (41, 80)]
WAVE = [np.sin(0.3 * x) for x in LINE]


@pytest.mark.parametrize("name", CHANGES)
def test__changed__same_place__is_the_same_for_all_and_leaves_the_original(name):
    before = [x.copy() for x in WAVE]
    X, times = changed(name, WAVE, "GunPoint", 3)
    again, _ = changed(name, WAVE, "GunPoint", 3)
    for x, y, t in zip(X, again, times, strict=True):
        np.testing.assert_array_equal(x, y)
        assert x.shape == (len(t), 1)
        assert (np.diff(t) > 0).all()
    for x, y in zip(WAVE, before, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    "name", ["clean", "half rate", "double rate", "30 % missing", "60 % missing"]
)
def test__changed__rates_and_missing_steps__stamps_tell_where_values_stand(name):
    for x, t in zip(*changed(name, LINE, 0), strict=True):
        np.testing.assert_allclose(x[:, 0], t, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "lengths"),
    [
        ("half rate", [20, 40]),
        ("double rate", [81, 159]),
        ("30 % missing", [29, 56]),
        ("60 % missing", [16, 32]),
        ("faster", [27, 53]),
        ("slower", [62, 120]),
    ],
)
def test__changed__number_of_steps__is_that_of_the_change(name, lengths):
    assert [len(x) for x in changed(name, LINE, 0)[0]] == lengths


def test__changed__pace__keeps_both_ends_at_the_rate_of_training():
    for name in ("faster", "slower"):
        for x, t, old in zip(*changed(name, LINE, 0), LINE, strict=True):
            assert x[[0, -1]].tolist() == old[[0, -1]].tolist()
            assert set(np.diff(t)) == {1.0}


@pytest.mark.parametrize(("name", "size"), [("noise 0.1", 0.1), ("noise 1.0", 1.0)])
def test__changed__noise__is_as_large_as_it_says(name, size):
    X = [np.sin(np.arange(5000.0))[:, None] * 3]
    noise = changed(name, X, 0)[0][0] - X[0]
    assert np.std(noise) == pytest.approx(size * np.std(X[0]), rel=0.05)


@pytest.mark.parametrize(("name", "share"), [("held 30 %", 0.3), ("held 60 %", 0.6)])
def test__changed__held_sensor__repeats_its_last_reading(name, share):
    X = [np.arange(5000.0)[:, None]]
    x = changed(name, X, 0)[0][0][:, 0]
    assert np.mean(np.diff(x) == 0) == pytest.approx(share, abs=0.03)
    fresh = x == np.arange(5000)
    np.testing.assert_array_equal(x, np.maximum.accumulate(np.where(fresh, x, 0)))
