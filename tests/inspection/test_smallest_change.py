"""What is found is confirmed by `predict`; what is not there is not found."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.inspection import counterfactual, smallest_change

X = np.random.default_rng(0).normal(size=(80, 6, 2))
TIMES = pd.date_range("2026-03-01 10:00", periods=120, freq="min")
ROWS = pd.DataFrame(
    np.random.default_rng(0).normal(size=(120, 2)), TIMES, columns=["heat", "flow"]
)
SETTINGS = {"epochs": 40, "random_state": 0}


@cache
def classifier(model_type="CfC", n_classes=2):
    y = np.digitize(X[:, -1, 0], [0.0] if n_classes == 2 else [-0.5, 0.5])
    settings = SETTINGS | {"epochs": 40 if n_classes == 2 else 200}
    return LiquidClassifier(8, model_type=model_type, **settings).fit(X, y)


@cache
def regressor(**parameters):
    model = LiquidRegressor(8, **SETTINGS, **{"window_length": 4, **parameters})
    return model.fit(ROWS, 2 * ROWS["heat"] - ROWS["flow"].shift(1, fill_value=0.0))


@pytest.mark.slow
@pytest.mark.parametrize("model_type", ["CfC", "LTC", "LSTM"])
def test__classes__flip_as_predict_says(model_type):
    model = classifier(model_type)
    for row in (0, 5):
        found = smallest_change(model, X, row)
        assert found.found
        assert found.before == model.predict(X)[row]
        assert found.after == model.predict(found.X)[row] != found.before
        again = counterfactual(model, X, row, edits=found.edits)
        assert again.after == found.after
        change = (found.X - X)[row] / model.scaler_.scale_
        assert np.linalg.norm(change) == pytest.approx(found.distance, rel=1e-6)
        # Most of the way there is not enough: the change is as small as its direction
        # allows.
        nearly = X.copy()
        nearly[row] += 0.98 * (found.X - X)[row]
        assert model.predict(nearly)[row] == found.before
        others = np.arange(len(X)) != row
        np.testing.assert_array_equal(found.X[others], X[others])


def test__smallest__is_not_above_ways_that_are_known():
    model = classifier()
    for row in (0, 5, 9):
        found = smallest_change(model, X, row)
        other = np.flatnonzero(model.predict(X) != found.before)
        way = (X[other] - X[row]) / model.scaler_.scale_
        shares = np.linspace(0, 1, 101)[1:]
        for k in np.argsort(np.linalg.norm(way, axis=(1, 2)))[:5]:
            path = X[row] + shares[:, None, None] * (X[other[k]] - X[row])
            first = shares[np.argmax(model.predict(path) != found.before)]
            assert found.distance < 1.02 * first * np.linalg.norm(way[k])


def test__three_classes__any_other_or_the_one_that_is_asked_for():
    model = classifier(n_classes=3)
    row = int(np.flatnonzero(model.predict(X) == 1)[0])
    distances = {}
    for target in (0, 2):
        found = smallest_change(model, X, row, target=target)
        assert model.predict(found.X)[row] == target
        distances[target] = found.distance
    nearest = smallest_change(model, X, row)
    assert nearest.distance == min(distances.values())
    assert nearest.probabilities_after.shape == (3,)


def test__n_values__so_many_at_most_and_the_rule_first():
    found = smallest_change(classifier(), X, 5, n_values=1)
    assert list(found.edits) == [(5, 0)]
    assert "1 of its values" in found.text
    assert smallest_change(classifier(), X, 5).distance <= found.distance


@pytest.mark.parametrize("settings", [{}, {"window_length": None}])
def test__numbers__reach_the_target(settings):
    model = regressor(**settings)
    now = model.predict(ROWS)[50]
    for target in (now + 0.4, now - 0.4):
        found = smallest_change(model, ROWS, 50, target=target)
        answer = model.predict(found.X)[50]
        assert (answer - target) * (target - now) >= 0
        assert abs(answer - target) < 0.02
        assert found.after == pytest.approx(answer, rel=1e-6)


def test__columns_and_steps__nothing_else_changes():
    model = regressor()
    target = model.predict(ROWS)[50] + 0.5
    how = {"columns": ["flow"], "steps": [TIMES[49], "2026-03-01 10:50"]}
    found = smallest_change(model, ROWS, 50, target=target, **how)
    assert found.found
    assert set(found.edits) <= {(TIMES[49], "flow"), (TIMES[50], "flow")}
    assert found.X["heat"].equals(ROWS["heat"])


def test__range__is_kept_or_none_is_found():
    model = regressor()
    target = model.predict(ROWS)[50] + 1
    found = smallest_change(model, ROWS, 50, target=target)
    assert bool((ROWS.max() >= found.X).all().all())
    assert bool((ROWS.min() <= found.X).all().all())
    near = 0.01 * ROWS
    none = smallest_change(model, ROWS, 50, target=99.0)
    assert not none.found
    assert none.edits == {}
    assert none.after is None
    assert "none found that gives at least 99" in none.text
    # Values may stay out of the range, and come nearer to it, but not go further.
    inside = smallest_change(model, ROWS, 50, target=target, within=near)
    if inside.found:
        least, most = np.fmin(near.min(), ROWS), np.fmax(near.max(), ROWS)
        assert bool(
            ((least - 1e-9 <= inside.X) & (most + 1e-9 >= inside.X)).all().all()
        )


def test__constants_within__leave_no_room():
    model = regressor()
    still = ROWS.iloc[[50, 50, 50, 50]]
    windowed = pd.concat([still, still])
    windowed.index = TIMES[:8]
    found = smallest_change(model, windowed, 7, target=99.0)
    assert not found.found


def test__anchor__stays_and_its_change_counts():
    model = regressor(anchor="heat")
    target = model.predict(ROWS)[50] + 0.5
    found = smallest_change(model, ROWS, 50, target=target)
    assert found.X["heat"].equals(ROWS["heat"])
    assert model.predict(found.X)[50] >= target
    with pytest.raises(InvalidInputError, match="anchor= does not name"):
        smallest_change(model, ROWS, 50, target=target, columns=["heat"])


def test__outputs_missing_values_and_single_precision__are_kept():
    holed = np.where(np.random.default_rng(1).random(X.shape) < 0.2, np.nan, X)
    holed = holed.astype(np.float32)
    model = LiquidRegressor(8, missing="hold", **SETTINGS).fit(holed, X[:, -1])
    target = model.predict(holed)[3, 1] + 0.5
    found = smallest_change(model, holed, 3, target=target, output=1)
    assert model.predict(found.X)[3, 1] >= target
    np.testing.assert_array_equal(np.isnan(found.X), np.isnan(holed))


def test__same_request__same_change():
    first, second = (smallest_change(classifier(), X, 7) for _ in range(2))
    assert first.edits == second.edits


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"target": 7}, "another class than"),
        ({"n_values": 0}, "1 or more"),
        ({"columns": ["wind"]}, "reads as an input"),
        ({"steps": [9]}, "step from 0 to 5"),
        ({"columns": []}, "leave a value to change"),
        ({"within": np.zeros((4, 6, 3))}, "2 inputs of X, got 3"),
        ({"row": "last"}, "row as the number"),
    ],
)
def test__bad_requests__are_refused(change, told):
    with pytest.raises(InvalidInputError, match=told):
        smallest_change(classifier(), X, **change)


def test__bad_targets_of_numbers__are_refused():
    model = regressor()
    with pytest.raises(InvalidInputError, match="target as the number"):
        smallest_change(model, ROWS, 50)
    with pytest.raises(InvalidInputError, match="target as the number"):
        smallest_change(model, ROWS, 50, target=np.nan)


def test__transformers_as_scale__are_refused():
    model = LiquidRegressor(4, scale=StandardScaler(), epochs=1, random_state=0)
    with pytest.raises(InvalidInputError, match="scale by name"):
        smallest_change(model.fit(X, X[:, -1, 0]), X, 3, target=9.0)
