"""What is chosen is far from what was chosen before."""

import numpy as np
import pandas as pd
import pytest
from tiny import TINY

from LNN import LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.inspection import select_diverse
from LNN.inspection.diversity import farthest_first


def kinds(n=60):
    """Return sequences of five kinds, most of them of the first."""
    random = np.random.default_rng(0)
    kind = np.r_[np.arange(5), np.zeros(60, dtype=int)][:n]
    level = np.array([[0, 0], [8, 0], [0, 8], [-8, 0], [0, -8]])[kind]
    return level[:, None, :] + random.normal(size=(n, 12, 2)), kind


def test__farthest_first__by_hand():
    line = np.array([[0.0], [1.0], [10.0], [4.0], [4.0]])
    random = np.random.RandomState(0)
    assert farthest_first(line, 4, [0], random).tolist() == [2, 3, 1, 4]
    # Points that are the same are taken last, and once each.
    assert farthest_first(line, 2, [1, 2, 0], random).tolist() == [3, 4]


def test__farthest_first__any_start__covers_within_twice_the_best():
    points = np.random.default_rng(0).normal(size=(12, 2))
    between = np.linalg.norm(points[:, None] - points, axis=2)
    best = min(
        between[:, [i, j, k]].min(axis=1).max()
        for i in range(12)
        for j in range(i)
        for k in range(j)
    )
    for seed in range(6):
        found = farthest_first(points, 3, [], np.random.RandomState(seed))
        assert between[:, found].min(axis=1).max() <= 2 * best


@pytest.mark.parametrize("as_list", [False, True])
def test__sequences__rare_kinds__are_all_found(as_list):
    X, kind = kinds()
    X = [pd.DataFrame(x[: 8 + k % 5]) for k, x in enumerate(X)] if as_list else X
    found = select_diverse(X, 5, random_state=0)
    assert sorted(kind[found]) == [0, 1, 2, 3, 4]
    assert (found == select_diverse(X, 5, random_state=0)).all()


def test__chosen__are_not_chosen_again():
    X, kind = kinds()
    found = select_diverse(X, 3, chosen=[1, 2, 40], random_state=0)
    assert set(kind[found[:2]]) == {3, 4}
    everything = select_diverse(X, 57, chosen=[1, 2, 40])
    assert sorted([*everything, 1, 2, 40]) == list(range(60))


def test__units__do_not_matter_and_missing_values_are_left_out():
    X, _ = kinds()
    other = X * [1000.0, 0.01] + [5, 70]
    np.testing.assert_array_equal(
        select_diverse(X, 9, random_state=0), select_diverse(other, 9, random_state=0)
    )
    X[:, 3, 1] = np.nan
    X[8, :, 0] = np.nan
    assert len(set(select_diverse(X, 9, random_state=0))) == 9


def test__rows__recordings_by_label():
    X, kind = kinds(8)
    labels = np.array(list("abcdefgh"))
    rows = pd.DataFrame(X.reshape(-1, 2), columns=["p", "q"])
    groups = np.repeat(labels, 12)
    found = select_diverse(rows, 4, groups=groups, chosen=["a"], random_state=0)
    assert sorted(found) == ["b", "c", "d", "e"]
    rows.index = pd.MultiIndex.from_arrays([groups, np.tile(np.arange(12), 8)])
    again = select_diverse(rows, 4, chosen=["a"], random_state=0)
    assert again.tolist() == found.tolist()
    with pytest.raises(InvalidInputError, match="got rows alone"):
        select_diverse(rows.to_numpy(), 4)


def test__model__what_it_does_not_see_is_the_same_to_it():
    X, kind = kinds()
    # Column 1 never changed in training, so that its weights say nothing of it.
    model = LiquidRegressor(8, epochs=20, random_state=0)
    model.fit(X * [1, 0], X[:, -1, 0])
    seen = select_diverse(X * [1, 0], 3, model=model, chosen=[40], random_state=0)
    assert set(kind[seen[:2]]) == {1, 3}


def test__model__recordings_and_windows_of_rows():
    X, _ = kinds(6)
    rows, groups = X.reshape(-1, 2), np.repeat([7, 3, 5, 1, 9, 2], 12)
    model = LiquidRegressor(**TINY, window_length=4)
    model.fit(rows, rows[:, 0], groups=groups)
    found = select_diverse(rows, 6, model=model, groups=groups, random_state=0)
    assert sorted(found) == [1, 2, 3, 5, 7, 9]
    assert groups[0] == 7
    single = LiquidRegressor(**TINY, window_length=4).fit(rows, rows[:, 0])
    windows = select_diverse(rows, 10, model=single, random_state=0)
    assert len(set(windows)) == 10
    assert windows.max() < len(rows)


def test__group_column_of_the_model__divides_rows():
    X, _ = kinds(4)
    rows = pd.DataFrame(X.reshape(-1, 2), columns=["p", "q"])
    rows["id"] = np.repeat([4, 3, 2, 1], 12)
    model = LiquidRegressor(**TINY, window_length=4, group_column="id")
    model.fit(rows, rows["p"])
    assert sorted(select_diverse(rows, 4, model=model)) == [1, 2, 3, 4]


@pytest.mark.parametrize("n", [0, 61])
def test__too_many_or_none__are_refused(n):
    X, _ = kinds()
    with pytest.raises(InvalidInputError, match="from 1 to 60"):
        select_diverse(X, n)


def test__unknown_chosen_ones__are_refused():
    with pytest.raises(InvalidInputError, match=r"of X, got \[99\]"):
        select_diverse(kinds()[0], 2, chosen=[99])
