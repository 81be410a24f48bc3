"""Curves of scores on disturbed data: for any model, and the same data for all."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tiny import TINY

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.inspection import robustness


@pytest.fixture(scope="module")
def cube():
    X = np.random.default_rng(0).normal(size=(80, 12, 3))
    y = X[:, -1, 1]
    model = LiquidRegressor(8, epochs=60, missing="hold", random_state=0)
    return X, y, model.fit(X, y)


def test__all_disturbances__default__curves_that_fall(cube):
    X, y, model = cube
    found = robustness(model, X, y, random_state=0)
    assert list(found.strengths) == list(found.scores)
    clean = model.score(X, y)
    for name, strengths in found.strengths.items():
        assert found.scores[name].shape == (1, len(strengths), 3)
        assert (found.scores[name][:, 0] == clean).all()
        assert np.isfinite(found.scores[name]).all()
    assert found.strengths["rate"].tolist() == [1, 2, 3, 4]
    for name in ("noise", "drift", "sensor_at_mean", "missing"):
        assert found.scores[name][0, -1].mean() < clean - 0.1
    # The last step is read at every rate, and it is all that counts.
    assert found.scores["rate"][0, 1].min() > 0.5
    table = found.table
    assert len(table) == sum(len(s) for s in found.strengths.values())
    row = table[(table.disturbance == "noise") & (table.strength == 1.0)]
    assert row.score.item() == found.scores["noise"][0, -1].mean()


def test__beside__every_model_sees_the_same_data(cube):
    X, y, model = cube

    class Seen:
        def __init__(self):
            self.data = []

        def score(self, X, y):
            self.data.append(X)
            return 0.0

    one, two = Seen(), Seen()
    found = robustness(
        model, X, y, beside={"one": one, "two": two}, n_repeats=2, random_state=0
    )
    assert found.models == ["LiquidRegressor", "one", "two"]
    assert len(one.data) == len(two.data) > 20
    for a, b in zip(one.data, two.data, strict=True):
        np.testing.assert_array_equal(a, b)


def test__features__only_these_are_disturbed(cube):
    X, y, model = cube
    found = robustness(
        model, X, y, disturbances={"noise": [3.0]}, features=[0, 2], random_state=0
    )
    on_all = robustness(model, X, y, disturbances={"noise": [3.0]}, random_state=0)
    assert found.scores["noise"][0, 1].min() > on_all.scores["noise"][0, 1].max()


def test__same_random_state__same_scores(cube):
    X, y, model = cube
    one, two = (
        robustness(model, X, y, disturbances=names, random_state=4)
        for names in (["noise"], ["drift", "noise"])
    )
    np.testing.assert_array_equal(one.scores["noise"], two.scores["noise"])


def test__model_without_missing_values__is_told_apart_not_hidden(cube):
    X, y, model = cube
    strict = LiquidRegressor(**TINY).fit(X, y)
    found = robustness(
        model, X, y, beside={"strict": strict}, disturbances=["missing", "noise"]
    )
    assert list(found.refused) == [("missing", "strict")]
    assert "missing" in found.refused["missing", "strict"].lower()
    assert np.isnan(found.scores["missing"][1, 1:]).all()
    assert np.isfinite(found.scores["missing"][0]).all()
    assert np.isfinite(found.scores["noise"]).all()


def test__rows__rate__targets_and_stamps_go_along():
    t = np.arange(200.0)
    X = pd.DataFrame({"t": t, "wave": np.sin(0.1 * t), "noise": np.cos(2.3 * t)})
    y = pd.Series(X["wave"])
    model = LiquidRegressor(**TINY, window_length=4, time_column="t").fit(X, y)
    line = make_pipeline(StandardScaler(), LinearRegression()).fit(X, y)
    found = robustness(
        model, X, y, beside={"line": line}, disturbances=["rate", "noise"]
    )
    np.testing.assert_allclose(found.scores["rate"][1], 1.0)
    # The column that tells the time has no noise, or the clock would run backwards.
    assert found.scores["noise"][1, -1].mean() < 0.9


def test__stamps_and_groups__reach_those_that_take_them():
    X = np.random.default_rng(0).normal(size=(60, 2))
    groups, times = np.repeat([0, 1], 30), np.tile(np.arange(30.0), 2)
    model = LiquidRegressor(**TINY, window_length=4, missing="hold")
    model.fit(X, X[:, 0], timestamps=times, groups=groups)
    ridge = Ridge().fit(X, X[:, 0])
    found = robustness(
        model,
        X,
        X[:, 0],
        beside={"ridge": ridge},
        disturbances=["rate", "missing"],
        timestamps=times,
        groups=groups,
    )
    assert np.isfinite(found.scores["rate"]).all()
    assert list(found.refused) == [("missing", "ridge")]


def test__answers_at_each_step__rate__keeps_their_targets():
    X = [np.random.default_rng(n).normal(size=(n, 2)) for n in (9, 12, 14, 20)]
    y = [x[:, 0] > 0 for x in X]
    model = LiquidClassifier(**TINY).fit(X, y)
    seen = []

    class Model:
        def score(self, X, y):
            seen.append((X, y))
            return 0.0

    robustness(model, X, y, beside={"seen": Model()}, disturbances={"rate": [3]})
    for x, target, old in zip(*seen[1], X, strict=True):
        np.testing.assert_array_equal(x, old[(len(old) - 1) % 3 :: 3])
        np.testing.assert_array_equal(target, x[:, 0] > 0)


def test__what_does_not_suit__is_refused(cube):
    X, y, model = cube
    with pytest.raises(InvalidInputError, match="got 'fog'"):
        robustness(model, X, y, disturbances=["fog"])
    with pytest.raises(InvalidInputError, match="whole numbers above 1"):
        robustness(model, X, y, disturbances={"rate": [1.5]})
    with pytest.raises(InvalidInputError, match="above 0 .standard|above 0 "):
        robustness(model, X, y, disturbances={"noise": [-1]})
    with pytest.raises(InvalidInputError, match="other than"):
        robustness(model, X, y, beside={"LiquidRegressor": model})
    with pytest.raises(InvalidInputError, match="Pass the estimator"):
        robustness(model.model_, X, y)
    with pytest.raises(InvalidInputError, match=r"among \[0, 1, 2\]"):
        robustness(model, X, y, features=[7])
