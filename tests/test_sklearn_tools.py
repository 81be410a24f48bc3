"""scikit-learn's tools around the estimators: searches, pipelines, routing."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.inspection import permutation_importance
from sklearn.linear_model import RANSACRegressor, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.multiclass import OneVsOneClassifier
from sklearn.multioutput import ClassifierChain, RegressorChain
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from tiny import TINY

from LNN import (
    LiquidClassifier,
    LiquidNeuralNetwork,
    LiquidRegressor,
    SequenceScaler,
)
from LNN.estimators import fitting
from LNN.exceptions import InvalidInputError

Regressor = partial(LiquidRegressor, **TINY)
Classifier = partial(LiquidClassifier, **TINY)
N, T, F = 24, 6, 2


@pytest.fixture
def cube():
    return np.random.default_rng(0).normal(size=(N, T, F))


@pytest.fixture
def y(cube):
    return cube[:, :, 0].mean(axis=1)


@pytest.fixture
def ragged():
    rng = np.random.default_rng(1)
    return [rng.normal(size=(length, F)) for length in rng.integers(2, 9, N)]


@pytest.fixture
def rows():
    t = np.arange(120)
    return np.column_stack([np.sin(0.3 * t), np.cos(0.3 * t)])


@pytest.fixture
def irregular():
    """Rows whose last column is the time, with gaps that differ."""
    rng = np.random.default_rng(2)
    time = np.cumsum(rng.choice([0.5, 1.0, 2.0], 120))
    return np.column_stack([np.sin(0.3 * time), np.cos(0.3 * time), time])


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


# --------------------------------------------------------------- model selection


@pytest.mark.parametrize("layout", ["cube", "list"])
def test__cross_val_score__sequences__one_score_per_fold(cube, y, layout):
    X = cube if layout == "cube" else list(cube)
    scores = cross_val_score(Regressor(), X, y, cv=3)
    assert scores.shape == (3,)
    np.testing.assert_array_equal(scores, cross_val_score(Regressor(), cube, y, cv=3))


def test__cross_val_score__ragged_classes__are_stratified(ragged):
    labels = np.where(np.arange(N) % 4 == 0, "rare", "common")
    proba = cross_val_predict(
        Classifier(), ragged, labels, cv=3, method="predict_proba"
    )
    assert proba.shape == (N, 2)
    # Each fold holds out 2 of the 6 rare ones: none lacks a class.
    assert np.isfinite(cross_val_score(Classifier(), ragged, labels, cv=6)).all()


def test__cross_val_score__front_door_with_classes__is_stratified(cube):
    """Sorted classes: unstratified folds would train on one class and raise."""
    labels = np.repeat([0, 1], N // 2)
    model = LiquidNeuralNetwork(**TINY, task="classification")
    assert np.isfinite(cross_val_score(model, cube, labels, cv=2)).all()


def test__grid_search__names_in_an_array__are_names(cube, y):
    grid = {"model_type": np.array(["CfC", "GRU"]), "scale_target": np.array([True])}
    search = GridSearchCV(Regressor(), grid, cv=2, error_score="raise").fit(cube, y)
    assert search.best_params_["model_type"] in {"CfC", "GRU"}


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [None, 2])
def test__grid_search__cube__finds_the_same_with_any_n_jobs(cube, y, n_jobs):
    grid = {"n_neurons": [6, 8], "learning_rate": [1e-5, 0.02]}
    search = GridSearchCV(Regressor(), grid, cv=2, n_jobs=n_jobs).fit(cube, y)
    assert search.best_params_["learning_rate"] == 0.02
    assert search.predict(cube).shape == (N,)
    alone = Regressor(**search.best_params_).fit(cube, y)
    np.testing.assert_array_equal(search.predict(cube), alone.predict(cube))


def test__time_series_split__rows__score_on_what_comes_later(rows):
    scores = cross_validate(
        Regressor(window_length=5, epochs=30, learning_rate=0.03),
        rows[:-1],
        rows[1:, 0],
        cv=TimeSeriesSplit(3),
        return_train_score=True,
    )
    assert (scores["test_score"] > 0.5).all()


def test__cross_val_predict__time_column__survives_the_tool(irregular):
    """Predictions are those of models that know the time of their rows."""
    y = irregular[:, 0]
    model = Regressor(window_length=4, time_column=2)
    groups = np.repeat([0, 1, 2], 40)
    predicted = cross_val_predict(model, irregular, y, groups=groups, cv=GroupKFold(3))
    for held in range(3):
        train = groups != held
        fold = clone(model).fit(irregular[train], y[train])
        assert not fold.model_.clock.regular
        np.testing.assert_array_equal(
            predicted[~train], fold.predict(irregular[~train])
        )


def test__permutation_importance__time_column__runs_and_ranks(irregular):
    X, y = irregular[:-1], irregular[1:, 0]
    model = Regressor(window_length=3, epochs=20, learning_rate=0.03, time_column=2)
    model.fit(X, y)
    # A permuted time goes back, which is refused: permute the inputs only.
    with pytest.raises(InvalidInputError, match="time goes back"):
        permutation_importance(model, X, y, n_repeats=1, random_state=0)
    frame = pd.DataFrame(
        X[:, :2], columns=["a", "b"], index=pd.to_timedelta(X[:, 2], unit="s")
    )
    by_index = Regressor(window_length=3, epochs=20, learning_rate=0.03).fit(frame, y)
    found = permutation_importance(by_index, frame, y, n_repeats=2, random_state=0)
    assert found.importances_mean.shape == (2,)
    assert found.importances_mean[0] > 0


# --------------------------------------------------------------- pipelines


@pytest.mark.parametrize("layout", ["cube", "ragged"])
def test__pipeline__sequence_scaler__equals_scaling_inside(cube, ragged, layout):
    X = cube * [3.0, 5.0] + 7.0 if layout == "cube" else [x * 3 + 7 for x in ragged]
    y = np.array([x[:, 0].mean() for x in X])
    settings = {"dtype": "float64", "early_stopping": False}
    outside = make_pipeline(SequenceScaler(), Regressor(scale="none", **settings))
    inside = Regressor(scale="standard", **settings)
    np.testing.assert_allclose(
        outside.fit(X, y).predict(X), inside.fit(X, y).predict(X), rtol=1e-7
    )


def test__pipeline__standard_scaler_on_rows__keeps_a_datetime_index(rows):
    index = pd.date_range("2024", periods=len(rows), freq="h")[
        np.r_[0:60, 60:120]
    ] + pd.to_timedelta(np.arange(len(rows)) % 3, unit="min")
    frame = pd.DataFrame(rows, columns=["a", "b"], index=index)
    model = make_pipeline(StandardScaler(), Regressor(window_length=4))
    model.set_output(transform="pandas").fit(frame, rows[:, 0])
    assert model[-1].time_unit_ > 1
    assert model[-1].time_unit_ == pytest.approx(3660)


def test__pipeline__scaled_time_column__does_no_harm(irregular):
    plain = Regressor(window_length=4, time_column=2, dtype="float64")
    y = irregular[:, 0]
    piped = make_pipeline(StandardScaler(), plain).fit(irregular, y)
    np.testing.assert_allclose(
        piped.predict(irregular), plain.fit(irregular, y).predict(irregular), atol=1e-6
    )


def test__pipeline__transform_input__scales_the_validation_data(rows, routing):
    X = rows * 10 + 50

    class Recorder(LiquidRegressor):
        def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
            self.seen_ = X_val
            return super().fit(X, y, sample_weight, X_val=X_val, y_val=y_val)

    last = Recorder(**TINY, window_length=4).set_fit_request(X_val=True, y_val=True)
    model = Pipeline(
        [("scale", StandardScaler()), ("lnn", last)], transform_input=["X_val"]
    )
    model.fit(X[:90], X[:90, 0], X_val=X[90:], y_val=X[90:, 0])
    seen = model[-1].seen_
    np.testing.assert_allclose(seen, model[0].transform(X[90:]))
    assert abs(seen.mean()) < 1
    assert len(model[-1].validation_loss_curve_) == model[-1].n_iter_


def test__pipeline__timestamps_and_groups__are_routed(irregular, routing):
    X, time = irregular[:, :2], irregular[:, 2]
    groups = np.repeat([0, 1], 60)
    stamped = np.r_[time[:60], time[60:] - time[60]]
    last = (
        Regressor(window_length=4, dtype="float64")
        .set_fit_request(timestamps=True, groups=True)
        .set_predict_request(timestamps=True, groups=True)
        .set_score_request(timestamps=True, groups=True)
    )
    model = make_pipeline(StandardScaler(), last)
    given = {"timestamps": stamped, "groups": groups}
    model.fit(X, X[:, 0], **given)
    alone = Regressor(window_length=4, dtype="float64").fit(
        StandardScaler().fit_transform(X), X[:, 0], **given
    )
    assert not model[-1].model_.clock.regular
    np.testing.assert_array_equal(
        model.predict(X, **given),
        alone.predict(StandardScaler().fit_transform(X), **given),
    )
    assert model.score(X, X[:, 0], **given) == pytest.approx(
        alone.score(StandardScaler().fit_transform(X), X[:, 0], **given)
    )


def test__cross_validate__routed_timestamps__are_cut_with_the_rows(irregular, routing):
    X, time = irregular[:, :2], irregular[:, 2]
    model = (
        Regressor(window_length=4)
        .set_fit_request(timestamps=True)
        .set_score_request(timestamps=True)
    )
    scores = cross_validate(
        model, X, X[:, 0], cv=TimeSeriesSplit(2), params={"timestamps": time}
    )
    assert np.isfinite(scores["test_score"]).all()


# --------------------------------------------------------------- ensembles


def test__voting__sequences__average(cube, y):
    members = [("a", Regressor()), ("b", Regressor(random_state=1))]
    voting = VotingRegressor(members).fit(cube, y)
    parts = [member.predict(cube) for member in voting.estimators_]
    np.testing.assert_allclose(voting.predict(cube), np.mean(parts, axis=0))


def test__voting__soft_classes__average_probabilities(cube):
    labels = np.where(cube[:, 0, 0] > 0, "up", "down")
    front_door = LiquidNeuralNetwork(**TINY, task="classification")
    voting = VotingClassifier(
        [("a", Classifier()), ("b", front_door)], voting="soft"
    ).fit(cube, labels)
    assert voting.predict_proba(cube).shape == (N, 2)
    assert set(voting.predict(cube)) <= {"up", "down"}


def test__stacking__sequences__feeds_the_final_estimator(cube, y):
    stack = StackingRegressor(
        [("a", Regressor()), ("b", Regressor(random_state=1))], Ridge(), cv=2
    )
    assert stack.fit(cube, y).predict(cube).shape == (N,)


def test__transformed_target__sequences__comes_back_in_its_units(cube, y):
    model = TransformedTargetRegressor(Regressor(), func=np.exp, inverse_func=np.log)
    predicted = model.fit(cube, y).predict(cube)
    assert predicted.shape == (N,)
    assert np.isfinite(predicted).all()


def test__transformed_target__timestamps__are_passed_on(irregular):
    X, time = irregular[:, :2], irregular[:, 2]
    model = TransformedTargetRegressor(
        Regressor(window_length=4), transformer=StandardScaler()
    )
    model.fit(X, X[:, 0], timestamps=time)
    assert not model.regressor_.model_.clock.regular
    predicted = model.predict(X, timestamps=time)
    assert predicted.shape == (len(X),)
    with pytest.raises(InvalidInputError, match="without any"):
        model.predict(X)


def test__transformed_target__timestamps_by_routing__are_passed_on(irregular, routing):
    X, time = irregular[:, :2], irregular[:, 2]
    inner = Regressor(window_length=4).set_fit_request(timestamps=True)
    inner.set_predict_request(timestamps=True)
    model = TransformedTargetRegressor(inner, transformer=StandardScaler())
    model.fit(X, X[:, 0], timestamps=time)
    assert not model.regressor_.model_.clock.regular
    assert model.predict(X, timestamps=time).shape == (len(X),)


# --------------------------------------------------------------- tools that make arrays

# The tool, the kind of target, and what becomes of a time column given by number.
MAKE_ARRAYS = {
    "scaler": (partial(make_pipeline, StandardScaler()), "value", "kept"),
    "bagging": (partial(BaggingRegressor, n_estimators=1), "value", "kept"),
    "bagged classes": (partial(BaggingClassifier, n_estimators=1), "class", "kept"),
    "boosted classes": (partial(AdaBoostClassifier, n_estimators=1), "class", "kept"),
    "chain": (RegressorChain, "values", "kept"),
    "chain of classes": (ClassifierChain, "classes", "kept"),
    "one against one": (OneVsOneClassifier, "class", "kept"),
    "self-training": (SelfTrainingClassifier, "class", "kept"),
    "boosting": (partial(AdaBoostRegressor, n_estimators=1), "value", "goes back"),
    "RANSAC": (partial(RANSACRegressor, min_samples=60), "value", "goes back"),
    "selection": (
        partial(SequentialFeatureSelector, n_features_to_select=1, cv=2),
        "value",
        "time_column in X, got 2",
    ),
}


@pytest.fixture
def units(monkeypatch):
    """The `time_unit_` of each fit, copies inside of tools included."""
    seen, fit = [], fitting.train_model

    def spy(run, *rest):
        seen.append(run.model.clock.unit)
        return fit(run, *rest)

    monkeypatch.setattr(fitting, "train_model", spy)
    return seen


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:y contains no unlabeled samples")
@pytest.mark.parametrize("tool", MAKE_ARRAYS)
def test__tools_that_make_arrays__lose_an_index_silently(irregular, units, tool):
    """As the table in docu/compliance.md says: nothing here can be noticed by LNN."""
    make, kind, column = MAKE_ARRAYS[tool]
    values = np.column_stack([irregular[:, 0], irregular[:, 1]])
    y = values if kind.startswith("value") else (values > 0).astype(int)
    y = y if kind in ("values", "classes") else y[:, 0]
    estimator = Regressor if kind.startswith("value") else Classifier
    estimator = partial(estimator, window_length=4, epochs=30)
    frame = pd.DataFrame(irregular[:, :2], index=pd.to_timedelta(irregular[:, 2], "s"))
    make(estimator()).fit(frame, y)
    assert set(units) == {1.0}
    units.clear()
    make = partial(make, estimator(time_column=2))
    if column != "kept":
        with pytest.raises(ValueError, match=column):
            make().fit(irregular, y)
        return
    make().fit(np.column_stack([irregular[:, :2], 7 * irregular[:, 2]]), y)
    assert 1.0 not in units


def test__cross_val_score__groups__reach_the_splitter_only(rows):
    y, groups, cv = rows[:, 0], np.arange(120) % 4, GroupKFold(2)
    scores = cross_val_score(Regressor(), rows, y, groups=groups, cv=cv)

    def by_hand(*names):
        for train, test in cv.split(rows, groups=groups):
            cut = [{name: groups[part] for name in names} for part in (train, test)]
            model = Regressor().fit(rows[train], y[train], **cut[0])
            yield model.score(rows[test], y[test], **cut[1])

    np.testing.assert_array_equal(scores, list(by_hand()))
    assert (scores != list(by_hand("groups"))).all()


# --------------------------------------------------------------- clone and display


def test__clone__every_parameter__is_kept_and_nothing_fitted(cube, y):
    model = LiquidRegressor(
        9,
        wiring="full",
        model_type="LTC",
        quantile=[0.1, 0.9],
        loss="quantile",
        scale=StandardScaler(),
        epochs=2,
        device="cpu",
    ).fit(cube, y)
    again = clone(model)
    assert not hasattr(again, "network_")
    for name, value in model.get_params(deep=False).items():
        other = getattr(again, name)
        assert other == value or type(other) is type(value), name


def test__html_repr__unfitted_and_fitted__renders(cube, y):
    pytest.importorskip("sklearn", minversion="1.9", reason="the fitted attributes")
    model = Regressor()
    assert "LiquidRegressor" in model._repr_html_()
    html = model.fit(cube, y)._repr_html_()
    assert "n_neurons" in html
    assert "loss_curve_" in html or "n_iter_" in html
    assert "LiquidRegressor(" in repr(model)


def test__html_repr__front_door_in_a_pipeline__renders(cube, y):
    model = make_pipeline(SequenceScaler(), LiquidNeuralNetwork(**TINY)).fit(cube, y)
    assert "LiquidNeuralNetwork" in model._repr_html_()


def test__set_params__nested_scaler__reaches_it():
    model = Regressor(scale=StandardScaler()).set_params(scale__with_mean=False)
    assert model.scale.with_mean is False
