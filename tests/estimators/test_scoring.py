"""`scoring=`: a score of the validation part decides which weights are kept."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    mean_squared_error,
    roc_auc_score,
)

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError


def _classes(n=120, steps=6, seed=0):
    random = np.random.RandomState(seed)
    X = random.randn(n, steps, 2)
    y = np.where(X.sum(axis=(1, 2)) > 1, "yes", "no")
    return X, y


def _series(n=90, steps=5, seed=0):
    random = np.random.RandomState(seed)
    X = random.randn(n, steps, 2)
    return X, np.cumsum(X, axis=1)


@pytest.mark.parametrize(
    ("scoring", "score"),
    [
        ("accuracy", lambda m, X, y: accuracy_score(y, m.predict(X))),
        (
            "roc_auc",
            lambda m, X, y: roc_auc_score(y == "yes", m.predict_proba(X)[:, 1]),
        ),
        ("f1_macro", lambda m, X, y: f1_score(y, m.predict(X), average="macro")),
    ],
)
def test__scoring__classifier__weights_of_the_best_epoch_are_kept(scoring, score):
    X, y = _classes()
    told = []
    model = LiquidClassifier(
        8, scoring=scoring, epochs=12, callback=told.append, random_state=0
    )
    model.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    assert len(model.validation_scores_) == model.n_iter_
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert [epoch.validation_score for epoch in told] == model.validation_scores_
    expected = score(model, X[80:], y[80:])
    assert model.best_validation_score_ == pytest.approx(expected, abs=1e-6)


def test__scoring__differs_from_the_loss__the_score_decides():
    X, y = _classes()
    # The score is best in the first epoch by construction, the loss later.
    calls = []

    def falling(estimator, X, y):
        calls.append(len(y))
        return -len(calls)

    model = LiquidClassifier(8, scoring=falling, epochs=8, random_state=0)
    model.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    once = LiquidClassifier(8, epochs=8, random_state=0)
    once.set_params(callback=lambda epoch: True)
    once.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    assert np.argmin(model.validation_loss_curve_) > 0
    np.testing.assert_array_equal(
        model.predict_proba(X[80:]), once.predict_proba(X[80:])
    )
    assert set(calls) == {40}


def test__scoring__targets_per_step_with_gaps__known_steps_count_in_user_units():
    X, y = _series()
    y = 100 * y
    y[::3, :2] = np.nan
    model = LiquidRegressor(
        6, scoring="neg_mean_squared_error", epochs=5, random_state=0
    )
    model.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    known = ~np.isnan(y[60:]).any(axis=-1)
    expected = mean_squared_error(y[60:][known], model.predict(X[60:])[known])
    assert -model.best_validation_score_ == pytest.approx(expected, rel=1e-5)


def test__scoring__held_out_part_of_rows__scores_only_that_part():
    t = np.arange(400)
    X, y = np.sin(0.3 * t)[:, None], np.sin(0.3 * (t + 1))
    y[:360] *= 1000  # were these scored, the error would be huge
    model = LiquidRegressor(
        6,
        window_length=5,
        scoring="neg_mean_absolute_error",
        early_stopping=True,
        validation_fraction=0.1,
        epochs=2,
        random_state=0,
    ).fit(X, y)
    expected = np.abs(model.predict(X)[360:] - y[360:]).mean()
    assert -model.best_validation_score_ == pytest.approx(expected, rel=1e-5)


def test__scoring__sample_weight_val__weighs():
    X, y = _classes()
    weight = np.linspace(0, 2, 40)
    model = LiquidClassifier(8, scoring="accuracy", epochs=4, random_state=0)
    model.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:], sample_weight_val=weight)
    expected = accuracy_score(y[80:], model.predict(X[80:]), sample_weight=weight)
    assert model.best_validation_score_ == pytest.approx(expected)


def test__scoring__early_stopping__counts_epochs_without_a_better_score():
    X, y = _classes()
    model = LiquidClassifier(
        8,
        scoring=lambda estimator, X, y: 0.5,
        epochs=50,
        n_iter_no_change=3,
        random_state=0,
    )
    model.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    assert model.n_iter_ == 4


def test__scoring__nothing_held_out__error_says_what_to_do():
    X, y = _classes(30)
    with pytest.raises(InvalidInputError, match="Pass X_val and y_val"):
        LiquidClassifier(8, scoring="f1_macro").fit(X, y)


def test__scoring__unknown_name__error_before_training():
    X, y = _classes(30)
    with pytest.raises(InvalidInputError, match="get_scorer_names"):
        LiquidClassifier(8, scoring="best").fit(X, y, X_val=X, y_val=y)


@pytest.mark.parametrize(
    ("kind", "scoring", "y"),
    [
        (LiquidRegressor, "accuracy", np.linspace(0, 1, 30)),
        (LiquidRegressor, "roc_auc", np.linspace(0, 1, 30)),
        (LiquidClassifier, "roc_auc", np.arange(30) % 3),
        (LiquidClassifier, "f1", np.array(["no", "yes"] * 15)),
    ],
)
def test__scoring__that_does_not_suit__named_error_before_training(kind, scoring, y):
    X, _ = _classes(30)
    told = []
    model = kind(8, scoring=scoring, epochs=2, callback=told.append)
    with pytest.raises(
        InvalidInputError, match=f"'{scoring}' cannot score this.*Choose"
    ):
        model.fit(X, y, X_val=X, y_val=y)
    assert not told
    assert not hasattr(model, "network_")


def test__scoring__fails_on_these_answers__named_error():
    X, y = _classes(30)[0], np.linspace(0, 1, 30)
    levels = {"loss": "quantile", "quantile": [0.1, 0.9]}
    model = LiquidRegressor(8, scoring="r2", epochs=2, **levels)
    with pytest.raises(InvalidInputError, match="different number of output"):
        model.fit(X, y, X_val=X, y_val=y)


def test__scoring__error_of_ones_own_callable__is_raised_as_it_is():
    X, y = _classes(30)

    def fail(estimator, X, y):
        raise ValueError("mine")

    with pytest.raises(ValueError, match="^mine$"):
        LiquidClassifier(8, scoring=fail, epochs=2).fit(X, y, X_val=X, y_val=y)


def test__scoring__one_class_in_validation__named_error():
    X, y = _classes()
    only = np.flatnonzero(y == "no")[:10]
    model = LiquidClassifier(8, scoring="roc_auc", epochs=2, random_state=0)
    with (
        pytest.warns(match="[Oo]nly one class"),
        pytest.raises(InvalidInputError, match="validation score is nan"),
    ):
        model.fit(X, y, X_val=X[only], y_val=y[only])


def test__summary__scoring__is_shown():
    X, y = _classes()
    model = LiquidClassifier(8, scoring="accuracy", epochs=2, random_state=0)
    model.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    assert f"accuracy {model.best_validation_score_:.4g}" in model.summary()
