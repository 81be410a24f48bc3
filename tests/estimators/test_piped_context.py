"""`pipe.predict(X, context=rows)`: scikit-learn would leave the rows untransformed."""

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tiny import TINY

from LNN import InvalidInputError, LiquidClassifier, LiquidRegressor

X = np.sin(np.arange(60)[:, None] / [3, 5])  # in units that do not look unscaled
Y = X[:, 0] * X[:, 1]
CUT = 40
BEFORE, AFTER = X[:CUT], X[CUT:]
SETTINGS = TINY | {"window_length": 5, "epochs": 1}


def piped(*steps, y=Y, last=LiquidRegressor):
    return make_pipeline(*steps, last(**SETTINGS)).fit(BEFORE, y[:CUT])


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
def test__rows__beside_a_step_that_transforms__are_refused(method):
    pipe = piped(StandardScaler(), y=Y > 0, last=LiquidClassifier)
    with pytest.raises(InvalidInputError, match="'standardscaler'") as caught:
        getattr(pipe, method)(AFTER, context=BEFORE)
    # What the message says works, both ways.
    message = str(caught.value)
    names = {"pipe": pipe, "X": AFTER, "context": BEFORE, "rows": X}
    one = message.split("last step: ")[1].split(". Or")[0]
    other = message.split("all rows, ")[1].split(";")[0]
    np.testing.assert_array_equal(eval(one, names), eval(other, names))


def test__rows__through_tools_in_between__are_refused():
    inner = TransformedTargetRegressor(LiquidRegressor(**SETTINGS))
    inside = make_pipeline(StandardScaler(), inner).fit(BEFORE, Y[:CUT])
    nested = make_pipeline(StandardScaler(), piped()).fit(BEFORE, Y[:CUT])
    for pipe in (inside, nested):
        with pytest.raises(InvalidInputError, match="hands context on as it is"):
            pipe.predict(AFTER, context=BEFORE)


def test__rows__routed_to_score__are_refused(routing):
    last = LiquidRegressor(**SETTINGS).set_score_request(context=True)
    pipe = make_pipeline(StandardScaler(), last).fit(BEFORE, Y[:CUT])
    with pytest.raises(InvalidInputError, match="hands context on as it is"):
        pipe.score(AFTER, Y[CUT:], context=BEFORE)


def test__context__that_needs_no_transform__is_taken():
    pipe = piped(StandardScaler())
    pipe.predict(AFTER, context="fit")
    pipe.predict(AFTER, context=X[:0])
    pipe[-1].predict(pipe[:-1].transform(AFTER), context=pipe[:-1].transform(BEFORE))
    for idle in (piped(), piped("passthrough"), piped(None)):
        expected = idle[-1].predict(AFTER, context=BEFORE)
        np.testing.assert_array_equal(idle.predict(AFTER, context=BEFORE), expected)


class Ahead(StandardScaler):
    """A step that has a network of its own, with a context of its own."""

    def transform(self, X):
        model = LiquidRegressor(**SETTINGS).fit(BEFORE, Y[:CUT])
        model.predict(X, context=BEFORE[:3])
        return super().transform(X)


def test__rows__of_a_network_inside_a_step__are_its_own():
    piped(Ahead()).predict(AFTER, context="fit")
