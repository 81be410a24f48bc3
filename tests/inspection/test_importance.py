"""A planted rule is found: which column, and which part of the time."""

import numpy as np
import pandas as pd
import pytest

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.inspection import permutation_importance


@pytest.fixture(scope="module")
def cube():
    X = np.random.default_rng(0).normal(size=(120, 12, 3))
    y = 2 * X[:, -1, 1] + 0.5 * X[:, -2, 2]
    return X, y, LiquidRegressor(12, epochs=80, random_state=0).fit(X, y)


def test__sequences__features__are_in_order_of_their_share(cube):
    X, y, model = cube
    found = permutation_importance(model, X, y, random_state=0)
    assert found.names == [0, 1, 2]
    assert list(np.argsort(found.importances_mean)) == [0, 2, 1]
    assert found.importances.shape == (3, 5)
    assert found.score == model.score(X, y)
    assert found.importances_mean[0] < 0.1 < found.importances_mean[2]


def test__sequences__time__the_end_matters(cube):
    X, y, model = cube
    found = permutation_importance(model, X, y, over="time", n_blocks=4, random_state=0)
    assert found.names[-1] == (0.75, 1.0)
    assert found.importances_mean.argmax() == 3
    assert found.importances_mean[3] > 1
    assert np.abs(found.importances_mean[:2]).max() < 0.2


def test__ragged__frames__columns_by_name():
    random = np.random.default_rng(0)
    X = [
        pd.DataFrame(random.normal(size=(n, 2)), columns=["noise", "news"])
        for n in random.integers(5, 12, size=60)
    ]
    y = np.array([x["news"].mean() > 0 for x in X])
    model = LiquidClassifier(8, epochs=60, random_state=0).fit(X, y)
    found = permutation_importance(
        model, X, y, scoring="neg_log_loss", random_state=0, n_repeats=3
    )
    assert found.names == ["noise", "news"]
    assert found.importances_mean[1] > 5 * abs(found.importances_mean[0])


def test__rows__column_keeps_its_course_in_time():
    random = np.random.default_rng(0)
    X = pd.DataFrame(random.normal(size=(300, 2)), columns=["a", "b"])
    X["hour"] = np.arange(300.0)
    y = X["a"].shift(1, fill_value=0.0).to_numpy()
    model = LiquidRegressor(
        8, window_length=4, time_column="hour", epochs=60, random_state=0
    ).fit(X, y)
    found = permutation_importance(model, X, y, random_state=0)
    assert found.names == ["a", "b"]  # not the column that tells the time
    assert found.importances_mean[0] > 0.5 > 0.05 > abs(found.importances_mean[1])


def test__rows__each_value_is_used_once():
    seen = []

    class Model:
        def score(self, X, y):
            seen.append(X.copy())
            return 0.0

    X = np.arange(40.0).reshape(20, 2)
    permutation_importance(Model(), X, None, n_repeats=2, random_state=0)
    for moved in seen[1:3]:
        assert sorted(moved[:, 0]) == sorted(X[:, 0])
        assert (moved[:, 0] != X[:, 0]).all()
        assert (moved[:, 1] == X[:, 1]).all()
        assert len(set(np.diff(moved[:, 0]) == 2)) == 2  # one break at most


def test__same_random_state__same_numbers(cube):
    X, y, model = cube
    one, two = (
        permutation_importance(model, X, y, random_state=3, features=[1]).importances
        for _ in range(2)
    )
    assert (one == two).all()


def test__what_cannot_be_mixed_up__is_refused(cube):
    X, y, model = cube
    with pytest.raises(InvalidInputError, match="attribution"):
        permutation_importance(model, X[0], y, over="time")
    with pytest.raises(InvalidInputError, match="two sequences"):
        permutation_importance(model, X[:1], y[:1], scoring=lambda *_: 0.0)
    with pytest.raises(InvalidInputError, match=r"among \[0, 1, 2\], got \['x'\]"):
        permutation_importance(model, X, y, features=["x"])
    with pytest.raises(InvalidInputError, match='"features" or "time"'):
        permutation_importance(model, X, y, over="rows")
