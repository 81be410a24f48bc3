"""Pooling row by row is pooling, and remembers no more than it needs."""

import numpy as np
import pytest
import torch

from LNN.pooling import POOLINGS, RunningPool, pooled

NEEDS = {
    "last": set(),
    "mean": {"pool_total", "pool_count"},
    "max": {"pool_largest"},
}
ROW_BY_ROW = pytest.mark.parametrize(
    "pooling", [p for p in POOLINGS if p != "attention"]
)


@pytest.fixture
def states():
    return np.random.default_rng(0).normal(size=(3, 5, 4))


@ROW_BY_ROW
def test__RunningPool__row_by_row__equals_pooled(pooling, states):
    pool = RunningPool(pooling, 3, 4)
    for k in range(5):
        found = pool.add(states[:, k])
        expected = pooled(pooling, torch.from_numpy(states[:, : k + 1]), None)
        np.testing.assert_allclose(found, expected)


@ROW_BY_ROW
def test__RunningPool__reset__forgets_these_streams_only(pooling, states):
    pool, fresh, other = (RunningPool(pooling, 3, 4) for _ in range(3))
    for each in (pool, other):
        each.add(states[:, 0])
    pool.reset([0, 2])
    found = pool.add(states[:, 1])
    np.testing.assert_array_equal(found[[0, 2]], fresh.add(states[:, 1])[[0, 2]])
    np.testing.assert_array_equal(found[1], other.add(states[:, 1])[1])


@ROW_BY_ROW
def test__RunningPool__state__is_what_its_parts_need(pooling, states):
    pool, again = RunningPool(pooling, 3, 4), RunningPool(pooling, 3, 4)
    pool.add(states[:, 0])
    stored = pool.state()
    assert set(stored) == set().union(*(NEEDS[part] for part in pooling.split("+")))
    again.set_state(stored)
    found, expected = (each.add(states[:, 1]) for each in (again, pool))
    np.testing.assert_array_equal(found, expected)
