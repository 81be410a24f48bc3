"""What code written for river expects beside the names."""

import json

import numpy as np
import pandas as pd
import pytest
from tiny import TINY

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError

ROWS = np.random.default_rng(0).normal(size=(40, 2))
FRAME = pd.DataFrame(ROWS, columns=["a", "b"])
SETTINGS = TINY | {"epochs": 1, "window_length": 4}
UP = ROWS[:, 0] > 0
LABELS = {
    "bool": UP,
    "int": UP.astype(int),
    "float": UP.astype(float),
    "text": np.where(UP, "up", "down"),
    "objects": np.where(UP, "up", "down").astype(object),
}


@pytest.mark.parametrize("kind", LABELS)
def test__labels__of_any_kind__go_into_json(kind):
    model = LiquidClassifier(**SETTINGS).fit(ROWS, LABELS[kind])
    stream, row = model.stream(), dict(enumerate(ROWS[0]))
    label = stream.predict_one(row)
    assert json.loads(json.dumps(label)) == label
    assert type(label) in (bool, int, float, str)
    probabilities = stream.predict_proba_one(row)
    json.dumps(probabilities)
    assert label == max(probabilities, key=probabilities.get)


def test__numbers__go_into_json():
    stream = LiquidRegressor(**SETTINGS).fit(ROWS, ROWS[:, 0]).stream()
    answer = stream.predict_one(dict(enumerate(ROWS[0])))
    assert type(answer) is float
    assert json.loads(json.dumps(answer)) == answer


@pytest.mark.parametrize("X", [ROWS, FRAME])
def test__unknown_keys__are_left_out(X):
    model = LiquidClassifier(**SETTINGS).fit(X, UP)
    one, other = model.stream(adapt="sgd"), model.stream(adapt="sgd")
    names = list(FRAME) if X is FRAME else [0, 1]
    for k in range(10):
        row = dict(zip(names, ROWS[k], strict=True))
        more = {"id": "x7", **row, "note": None}
        assert one.predict_one(more) == other.predict_one(row)
        assert one.predict_proba_one(more) == other.predict_proba_one(row)
        one.learn_one(more, UP[k])
        other.learn_one(row, UP[k])


@pytest.mark.parametrize("missing", ["error", "hold"])
def test__unknown_key__beside_a_missing_column__is_refused_as_misspelt(missing):
    model = LiquidRegressor(**SETTINGS, missing=missing).fit(FRAME, ROWS[:, 0])
    for row in ({"a": 1.0, "B": 2.0}, {"a": 1.0, "B": 2.0, "id": 3}):
        with pytest.raises(InvalidInputError, match="unknown"):
            model.stream().predict_one(row)


def test__probabilities_of_a_regressor__name_what_it_has():
    stream = LiquidRegressor(**SETTINGS).fit(FRAME, ROWS[:, 0]).stream()
    with pytest.raises(AttributeError, match=r"^predict_proba_one .* Use predict_one"):
        stream.predict_proba_one({"a": 0.1, "b": 0.2})
