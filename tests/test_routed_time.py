"""What scikit-learn's tools do with routed time stamps: docu/compliance.md says it."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.inspection import permutation_importance
from sklearn.model_selection import KFold, cross_val_predict, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)

from LNN import LiquidClassifier, LiquidRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 2))
TIME = np.cumsum(RNG.exponential(size=80))
TARGETS = {
    "value": X[:, 0],
    "values": X,
    "class": (X[:, 0] > 0).astype(int),
    "classes": (X > 0).astype(int),
}


pytestmark = pytest.mark.usefixtures("routing")


def model(kind):
    made = LiquidRegressor if kind.startswith("value") else LiquidClassifier
    found = made(4, window_length=4, epochs=1, random_state=0)
    # Bagging asks for the weights that it draws.
    found.set_fit_request(timestamps=True, sample_weight=True)
    if kind.startswith("class"):
        found.set_predict_proba_request(timestamps=True)
    return found.set_predict_request(timestamps=True).set_score_request(timestamps=True)


def named(made):
    return [("a", made)]


WORKS = {
    "bagging": (lambda m: BaggingRegressor(m, 1, random_state=0), "value"),
    "bagged classes": (lambda m: BaggingClassifier(m, 1, random_state=0), "class"),
}
CANNOT_PREDICT = {
    "outputs": (MultiOutputRegressor, "values"),
    "outputs of classes": (MultiOutputClassifier, "classes"),
    "chain": (RegressorChain, "values"),
    "chain of classes": (ClassifierChain, "classes"),
    "one against the rest": (OneVsRestClassifier, "class"),
    "voting": (lambda m: VotingRegressor(named(m)), "value"),
    "voting classes": (lambda m: VotingClassifier(named(m)), "class"),
}
REFUSED = {
    "stacking": (lambda m: StackingRegressor(named(m), cv=2), "value"),
    "stacking classes": (lambda m: StackingClassifier(named(m), cv=2), "class"),
    "calibration": (lambda m: CalibratedClassifierCV(m, cv=2), "class"),
}


@pytest.mark.parametrize("tool", WORKS)
def test__tool__that_routes_to_predict__works(tool):
    pytest.importorskip("sklearn", minversion="1.7")
    make, kind = WORKS[tool]
    fitted = make(model(kind)).fit(X, TARGETS[kind], timestamps=TIME)
    assert len(fitted.predict(X, timestamps=TIME)) == 80


@pytest.mark.parametrize("tool", CANNOT_PREDICT)
def test__tool__that_routes_to_fit_only__refuses_to_predict(tool):
    make, kind = CANNOT_PREDICT[tool]
    fitted = make(model(kind)).fit(X, TARGETS[kind], timestamps=TIME)
    with pytest.raises(TypeError, match="timestamps"):
        fitted.predict(X, timestamps=TIME)
    with pytest.raises(ValueError, match="Pass timestamps="):
        fitted.predict(X)


@pytest.mark.parametrize("tool", REFUSED)
def test__tool__that_predicts_while_it_is_fitted__is_refused(tool):
    make, kind = REFUSED[tool]
    with pytest.raises(ValueError, match="Pass timestamps="):
        make(model(kind)).fit(X, TARGETS[kind], timestamps=TIME)


def test__functions__score_with_the_default_scorer_only():
    y, how = TARGETS["value"], {"params": {"timestamps": TIME}, "cv": KFold(2)}
    made = model("value")
    assert np.isfinite(cross_val_score(made, X, y, **how)).all()
    with pytest.raises(ValueError, match="Pass timestamps="):
        cross_val_score(made, X, y, scoring="r2", error_score="raise", **how)
    with pytest.raises(ValueError, match="Pass timestamps="):
        cross_val_predict(made, X, y, **how)
    fitted = made.fit(X, y, timestamps=TIME)
    with pytest.raises(ValueError, match="Pass timestamps="):
        permutation_importance(fitted, X, y, n_repeats=1)
