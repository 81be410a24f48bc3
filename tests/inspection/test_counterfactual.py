"""Edits are answered by `predict` itself."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.inspection import counterfactual

QUICK = {"epochs": 3, "random_state": 0}
X = np.random.default_rng(0).normal(size=(24, 10, 3))
TIMES = pd.date_range("2026-03-01 10:00", periods=60, freq="min")
ROWS = pd.DataFrame(
    np.random.default_rng(0).normal(size=(60, 2)), TIMES, columns=["heat", "flow"]
)


@cache
def rows_model(**parameters):
    model = LiquidRegressor(6, **QUICK, **{"window_length": 5, **parameters})
    return model.fit(ROWS, ROWS["heat"] + 0.5 * ROWS["flow"])


@pytest.mark.parametrize("settings", [{}, {"window_length": None}, {"anchor": "heat"}])
def test__rows__the_edited_row_by_its_label(settings):
    model = rows_model(**settings)
    found = counterfactual(model, ROWS, 30, edits={("2026-03-01 10:29", "heat"): 4.0})
    changed = ROWS.copy()
    changed.loc["2026-03-01 10:29", "heat"] = 4.0
    pd.testing.assert_frame_equal(found.X, changed)
    assert found.before == pytest.approx(model.predict(ROWS)[30], rel=1e-6)
    assert found.after == pytest.approx(model.predict(changed)[30], rel=1e-6)
    assert found.difference == found.after - found.before != 0
    assert found.edits == [(TIMES[29], "heat", ROWS["heat"].iloc[29], 4.0)]


def test__rows_that_come_later__change_nothing():
    found = counterfactual(rows_model(), ROWS, 30, edits={(31, "heat"): 4.0})
    assert found.difference == 0


def test__sequences__steps_of_this_one():
    model = LiquidClassifier(6, **QUICK).fit(X, np.digitize(X[:, -1, 0], [-0.5, 0.5]))
    found = counterfactual(model, X, 3, edits={(-1, 0): 4.0, (2, 1): 0.0})
    changed = X.copy()
    changed[3, -1, 0], changed[3, 2, 1] = 4.0, 0.0
    np.testing.assert_array_equal(found.X, changed)
    p = model.predict_proba(changed)[3]
    np.testing.assert_allclose(found.probabilities_after, p, rtol=1e-6)
    np.testing.assert_allclose(
        found.difference, p - model.predict_proba(X)[3], atol=1e-7
    )
    assert found.after == model.predict(changed)[3]


def test__per_step_and_ragged__one_step():
    ragged = [x[: 4 + k % 5] for k, x in enumerate(X)]
    model = LiquidRegressor(6, return_sequences=True, **QUICK)
    model.fit(ragged, [x[:, 0] for x in ragged])
    found = counterfactual(model, ragged, 3, edits={(1, 0): 4.0}, step=2)
    assert found.before == pytest.approx(model.predict(ragged)[3][2], rel=1e-6)
    assert found.after == pytest.approx(model.predict(found.X)[3][2], rel=1e-6)
    earlier = counterfactual(model, ragged, 3, edits={(3, 0): 4.0}, step=2)
    assert earlier.difference == 0


def test__missing__is_a_value_where_the_model_takes_it():
    model = LiquidRegressor(6, missing="hold", **QUICK).fit(X, X[:, -1, 0])
    found = counterfactual(model, X, 3, edits={(-1, 0): np.nan})
    held = X[[3]].copy()
    held[0, -1, 0] = held[0, -2, 0]
    assert found.after == pytest.approx(model.predict(held)[0], rel=1e-5)
    strict = LiquidRegressor(6, **QUICK).fit(X, X[:, -1, 0])
    with pytest.raises(InvalidInputError, match="NaN"):
        counterfactual(strict, X, 3, edits={(-1, 0): np.nan})


@pytest.mark.parametrize(
    ("edits", "told"),
    [
        ({}, "an entry at least"),
        ([(0, "heat", 1.0)], "edits as a dict"),
        ({"heat": 1.0}, r"\(t, column\) as a key"),
        ({(0, "wind"): 1.0}, r"input \('heat', 'flow'\), got 'wind'"),
        ({(60, "heat"): 1.0}, "row of X by its label"),
        ({("2026-04-01", "heat"): 1.0}, "row of X by its label"),
        ({(0, "heat"): "hot"}, "number in the unit of 'heat'"),
        ({(0, "heat"): np.inf}, "number in the unit of 'heat'"),
    ],
)
def test__bad_edits__are_refused(edits, told):
    with pytest.raises(InvalidInputError, match=told):
        counterfactual(rows_model(), ROWS, 30, edits=edits)


def test__unknown_row__is_refused():
    with pytest.raises(InvalidInputError, match="rows as numbers from -60 to 59"):
        counterfactual(rows_model(), ROWS, 60, edits={(0, "heat"): 1.0})
