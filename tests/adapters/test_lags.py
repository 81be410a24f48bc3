"""Rows of lags reach the network as sequences, the oldest lag first."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_regressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from tiny import TINY

from LNN import InvalidInputError, LiquidRegressor
from LNN.adapters import LagsAsSequence

SERIES = np.sin(0.4 * np.arange(70)) + 0.1 * np.random.default_rng(0).normal(size=70)
WINDOWS = np.lib.stride_tricks.sliding_window_view(SERIES, 7)
OLDEST, Y = WINDOWS[:, :6], WINDOWS[:, 6]
NEWEST = OLDEST[:, ::-1]
BESIDE = np.random.default_rng(1).normal(size=(len(Y), 2))


def network(**how):
    return LiquidRegressor(**TINY | how)


def answers(lags, X, y=Y, **how):
    return LagsAsSequence(network(**how), lags=lags).fit(X, y).predict(X)


@pytest.fixture(scope="module")
def of_sequences():
    """What the network says of the same rows as sequences."""
    cube = OLDEST[:, :, None]
    return network().fit(cube, Y).predict(cube)


NAMED = pd.DataFrame(NEWEST, columns=[f"lag_{k}" for k in range(1, 7)])
WAYS = {
    "oldest first": (range(6, 0, -1), OLDEST),
    "newest first": (range(1, 7), NEWEST),
    "list": ([1, 2, 3, 4, 5, 6], NEWEST),
    "named as in skforecast": ("auto", NAMED),
    "named as in mlforecast": ("auto", NAMED.rename(columns=lambda c: c[:3] + c[4:])),
    "named, in any order": ("auto", NAMED[["lag_3", *NAMED.columns.drop("lag_3")]]),
    "of one named series": ("auto", NAMED.add_prefix("sales_")),
}


@pytest.mark.parametrize("way", WAYS)
def test__lags__however_they_come__are_the_same_sequences(way, of_sequences):
    np.testing.assert_array_equal(answers(*WAYS[way]), of_sequences)


def test__other_columns__stand_beside_every_step():
    cube = np.concatenate(
        [OLDEST[:, :, None], np.repeat(BESIDE[:, None], 6, axis=1)], 2
    )
    expected = network().fit(cube, Y).predict(cube)
    rows = np.hstack([NEWEST, BESIDE])
    np.testing.assert_array_equal(answers(range(1, 7), rows), expected)
    named = NAMED.assign(promo=BESIDE[:, 0], temp_lag_1=BESIDE[:, 1])
    np.testing.assert_array_equal(answers("auto", named), expected)


def test__several_series__are_channels():
    other = OLDEST**2
    cube = np.stack([OLDEST, other], axis=2)
    a, b = (pd.DataFrame(v[:, ::-1], columns=NAMED.columns) for v in (OLDEST, other))
    named = pd.concat([a.add_prefix("a_"), b.add_prefix("b_")], axis=1)
    expected = network().fit(cube, Y).predict(cube)
    np.testing.assert_array_equal(answers("auto", named), expected)


def test__uneven_lags__are_told_as_gaps():
    chosen, cube = [1, 2, 6], OLDEST[:, [0, 4, 5], None]
    times = np.tile([-6, -2, -1], (len(Y), 1))
    model = network().fit(cube, Y, timestamps=times)
    expected = model.predict(cube, timestamps=times)
    found = answers(chosen, NEWEST[:, [0, 1, 5]])
    np.testing.assert_array_equal(found, expected)


def test__uneven_lags__estimator_without_time_stamps__is_not_told():
    class Flat(Ridge):
        def fit(self, X, y):
            return super().fit(X.reshape(len(X), -1), y)

        def predict(self, X):
            return super().predict(X.reshape(len(X), -1))

    model = LagsAsSequence(Flat(), lags=[1, 2, 6]).fit(NEWEST[:, [0, 1, 5]], Y)
    plain = Ridge().fit(OLDEST[:, [0, 4, 5]], Y)
    np.testing.assert_allclose(model.estimator_.coef_, plain.coef_)
    assert model.lags_.tolist() == [6, 2, 1]


def test__as_many_targets_as_lags__are_one_vector():
    found = answers(range(6, 0, -1), OLDEST, np.tile(Y[:, None], (1, 6)))
    assert found.shape == (len(Y), 6)
    assert LagsAsSequence(network(), lags=[1]).fit(OLDEST[:, :1], Y).lags_.tolist() == [
        1
    ]


def test__sample_weight__reaches_the_estimator():
    weight = np.where(np.arange(len(Y)) < 20, 0.0, 1.0)
    model = LagsAsSequence(network(), lags=range(6, 0, -1)).fit(OLDEST, Y, weight)
    cube = OLDEST[:, :, None]
    expected = network().fit(cube, Y, sample_weight=weight).predict(cube)
    np.testing.assert_array_equal(model.predict(OLDEST), expected)


def test__missing_lags__reach_an_estimator_that_takes_them():
    gappy = OLDEST.copy()
    gappy[3, 2] = np.nan
    assert np.isfinite(answers(range(6, 0, -1), gappy, missing="mask")).all()
    with pytest.raises(InvalidInputError, match="missing="):
        answers(range(6, 0, -1), gappy)


def test__scikit_learn__clones_describes_and_searches():
    model = LagsAsSequence(network(missing="mask"), lags=range(6, 0, -1))
    tags = get_tags(model)
    assert is_regressor(model)
    assert tags.input_tags.allow_nan
    assert tags.target_tags.multi_output
    assert not tags.input_tags.three_d_array
    copy = clone(model.fit(OLDEST, Y))
    assert not copy.__sklearn_is_fitted__()
    assert copy.get_params()["estimator__missing"] == "mask"
    search = GridSearchCV(copy, {"estimator__n_neurons": [6, 7]}, cv=2).fit(OLDEST, Y)
    assert search.best_estimator_.estimator_.n_parameters_ > 0


EXACT = {"dtype": "float64", "batch_size": 10**6, "early_stopping": False}
LONG = {"n_neurons": 12, "epochs": 40, "learning_rate": 0.05}


@pytest.mark.slow
@parametrize_with_checks([LagsAsSequence(network(**EXACT | LONG), lags=[1])])
def test__sklearn_checks__one_lag__all_pass(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("lags", "X", "message"),
    [
        ("auto", OLDEST, "goes by names.*range\\(1, 13\\).*range\\(12, 0, -1\\)"),
        ("auto", NAMED.rename(columns=lambda c: c[4:]), "names of lags"),
        ("auto", NAMED.rename(columns={"lag_1": "a_lag_1"}).iloc[:, :2], None),
        ("auto", NAMED.add_prefix("a_").assign(b_lag_1=0.0), "same lags of each"),
        (6, OLDEST, "range or list.*Got 6"),
        ("all", OLDEST, "range or list.*'all'"),
        ([1.0, 2.0], OLDEST, "range or list"),
        ([0, 1], OLDEST, "1 or more"),
        ([1, 1], OLDEST, "different"),
        (range(1, 9), OLDEST, "which has 6"),
    ],
)
def test__lags__that_do_not_tell_the_order__are_refused(lags, X, message):
    model = LagsAsSequence(network(), lags=lags)
    if message is None:
        assert model.fit(X, Y).lags_.tolist() == [2]
        return
    with pytest.raises(InvalidInputError, match=message):
        model.fit(X, Y)
