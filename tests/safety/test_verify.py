from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.safety import contraction_rate, output_bounds, verify

HOW = {"n_neurons": 8, "window_length": 5, "epochs": 3, "random_state": 0}
BOX = ([-1.0, 0.0], [1.0, 2.0])


def rows(n=200):
    random = np.random.default_rng(0)
    X = np.column_stack([random.uniform(-1, 1, n), random.uniform(0, 2, n)])
    return X, 10 + 5 * X[:, 0] * X[:, 1]


@pytest.fixture(scope="module")
def lnn():
    return LiquidRegressor(**HOW).fit(*rows())


def in_box(X, box=BOX):
    return bool(np.all((np.asarray(X) >= box[0]) & (np.asarray(X) <= box[1])))


def test__verify__what_the_bounds_hold__is_proved(lnn):
    bounds = output_bounds(lnn, BOX)
    found = verify(lnn, BOX, (bounds.low, bounds.high))
    assert found.status == "proved"
    assert found.X is None
    one_side = verify(lnn, BOX, (-np.inf, bounds.high))
    assert one_side.status == "proved"


def test__verify__what_predict_does_not_hold__has_a_counterexample(lnn):
    answers = lnn.predict(rows()[0])
    for goal in ((answers.min() + 0.1, 1e9), (-1e9, answers.max() - 0.1)):
        found = verify(lnn, BOX, goal)
        assert found.status == "counterexample"
        assert in_box(found.X)
        answer = lnn.predict(found.X)[-1]
        assert answer == found.answer
        assert not goal[0] <= answer <= goal[1]


def test__verify__between_both__is_unknown_and_the_search_is_no_worse_than_chance(lnn):
    bounds = output_bounds(lnn, BOX)
    middle = (bounds.low + bounds.high) / 2
    wide = (bounds.high - bounds.low) / 2
    found = verify(lnn, BOX, (middle - 0.999 * wide, middle + 0.999 * wide))
    assert found.status == "unknown"
    random = np.random.default_rng(1)
    answers = lnn.predict(random.uniform(*BOX, size=(5000, 2)))
    assert found.nearest[0] <= answers.min()
    assert found.nearest[1] >= answers.max()
    assert bounds.low <= found.nearest[0] <= found.nearest[1] <= bounds.high


def test__verify__sequences_per_step_and_targets__are_searched():
    random = np.random.default_rng(0)
    X = random.uniform(*BOX, size=(30, 12, 2))
    y = np.stack([X[:, :, 0], 3 * X[:, :, 1]], axis=-1)
    lnn = LiquidRegressor(8, epochs=3, random_state=0).fit(X, y)
    found = verify(lnn, BOX, ([-9, -99], [9, 0.5]))
    assert found.status == "counterexample"
    assert found.answer[1] > 0.5
    np.testing.assert_array_equal(lnn.predict(found.X)[0][-1], found.answer)
    ragged = LiquidRegressor(8, epochs=3, random_state=0).fit(list(X), y[:, -1, 0])
    found = verify(ragged, BOX, (-99, -50))
    assert ragged.predict(found.X)[0] == found.answer > -50


def test__verify__frames_with_dates__have_a_counterexample_of_their_kind():
    X, y = rows()
    random = np.random.default_rng(0)
    dates = pd.Timestamp("2026-01-01") + pd.to_timedelta(
        np.cumsum(random.uniform(60, 600, len(X))), unit="s"
    )
    frame = pd.DataFrame(X, columns=["a", "b"])
    lnn = LiquidRegressor(**HOW).fit(frame, y, timestamps=dates)
    found = verify(lnn, BOX, (1000, 2000), gaps=(60, 600))
    assert found.status == "counterexample"
    assert list(found.X.columns) == ["a", "b"]
    assert lnn.predict(found.X, timestamps=found.timestamps)[-1] == found.answer


def test__verify__classifier__is_about_probabilities():
    X, y = rows()
    lnn = LiquidClassifier(**HOW).fit(X, y > 10)
    assert verify(lnn, BOX, (0, 1)).status == "proved"
    found = verify(lnn, BOX, ([0.0, 0.0], [1.0, 0.3]))
    assert found.status == "counterexample"
    np.testing.assert_array_equal(lnn.predict_proba(found.X)[-1], found.answer)


def test__verify__group_column__is_proved_or_left_unknown():
    X, y = rows()
    grouped = np.column_stack([X, np.repeat([0, 1], 100)])
    lnn = LiquidRegressor(**HOW, group_column=2).fit(grouped, y)
    assert verify(lnn, BOX, (-1e6, 1e6)).status == "proved"
    assert verify(lnn, BOX, (1e5, 1e6)).status == "unknown"


@pytest.mark.parametrize("box", [(1, 0), ([0, 0, 0], 1), 5])
def test__verify__other_goals__are_refused(lnn, box):
    with pytest.raises(InvalidInputError, match="box_out"):
        verify(lnn, BOX, box)


def test__verify__gaps_without_end__searches_among_usual_ones():
    X = np.sin(0.2 * np.arange(100))[:, None]
    time = np.cumsum(np.random.default_rng(0).exponential(size=100))
    lnn = LiquidRegressor(8, window_length=8, epochs=2, random_state=0)
    lnn.fit(X, X[:, 0], timestamps=time)
    found = verify(lnn, (-1, 1), (10, 50), gaps=(0, np.inf))
    assert found.status == "counterexample"
    assert np.diff(found.timestamps).max() < 200


@pytest.mark.parametrize("n_starts", ["x", 0, 1.5, None])
def test__contraction_rate__starts_that_are_no_number__are_refused(n_starts):
    with pytest.raises(InvalidInputError, match="n_starts as an int >= 1"):
        contraction_rate(None, None, n_starts=n_starts)
