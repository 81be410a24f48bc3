"""The one product of a fit: what it answers, and when it is published."""

import copy
import dataclasses
import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import validate_data
from tiny import TINY

from LNN import (
    FittedModel,
    LiquidClassifier,
    LiquidForecaster,
    LiquidNeuralNetwork,
    LiquidRegressor,
    LiquidStream,
    as_fitted,
)
from LNN.exceptions import InvalidInputError, LNNWarning, NonFiniteLossError

SETTINGS = TINY | {"epochs": 3}
Regressor = partial(LiquidRegressor, **SETTINGS, window_length=6)
Classifier = partial(LiquidClassifier, **SETTINGS, window_length=6)


@pytest.fixture
def rows():
    t = np.arange(120)
    return np.column_stack([np.sin(0.25 * t), np.cos(0.1 * t)])


@pytest.fixture
def cube():
    return np.random.default_rng(0).normal(size=(30, 5, 2))


def cases():
    """What a model may be fitted on: estimator, X, y, and what goes with X."""
    rng = np.random.default_rng(0)
    rows, cube = rng.normal(size=(90, 2)), rng.normal(size=(30, 5, 2))
    ragged = [x[: 2 + k % 4] for k, x in enumerate(cube)]
    time = np.cumsum(rng.exponential(size=90))
    labels = np.where(rows[:, 0] > 0, "up", "down")
    dates = pd.date_range("2024", periods=90, freq="h")
    frame = pd.DataFrame(rows, dates, ["a", "b"])
    steps = [np.cumsum(x[:, 0]) for x in ragged]
    quantiles = Regressor(loss="quantile", quantile=[0.1, 0.9])
    whole = Regressor(return_sequences=True)
    return {
        "rows": (Regressor(), rows, rows[:, 0], {"timestamps": time}),
        "frame": (Regressor(anchor="a"), frame, frame["a"] + 0.1 * rows[:, 1], {}),
        "classes": (Classifier(), rows, labels, {"groups": np.arange(90) // 30}),
        "quantiles": (quantiles, cube, cube[:, 0], {}),
        "per step": (whole, ragged, steps, {}),
        "classes per step": (Classifier(), cube, cube[:, :, 0] > 0, {}),
        "two targets": (Regressor(pooling="mean"), cube, cube[:, 0], {}),
    }


CASES = pytest.mark.parametrize("name", cases())


def equal(left, right):
    """Compare arrays, or lists of them."""
    assert len(left) == len(right)
    for a, b in zip(left, right, strict=True):
        np.testing.assert_array_equal(a, b)


# ------------------------------------------------------------------------- answers


@CASES
def test__model__any_data__answers_as_the_estimator(name):
    estimator, X, y, how = cases()[name]
    model = estimator.fit(X, y, **how).model_
    equal(model.predict(X, **how), estimator.predict(X, **how))
    sequences = model.read(X, **how)
    outputs = model.outputs(sequences)
    equal(model.answers(outputs, sequences), estimator.predict(X, **how))
    if model.classifies:
        found = model.probabilities(outputs, sequences)
        equal(found, estimator.predict_proba(X, **how))


def test__as_fitted__whatever_holds_a_model__finds_it(rows):
    estimator = Regressor().fit(rows, rows[:, 0])
    model = as_fitted(estimator)
    assert isinstance(model, FittedModel)
    assert model is estimator.model_
    assert as_fitted(model) is model
    pipeline = make_pipeline(StandardScaler(), Regressor()).fit(rows, rows[:, 0])
    assert as_fitted(pipeline) is pipeline[-1].model_


def test__as_fitted__settings_changed_after_the_fit__are_those_of_now(rows):
    estimator = Regressor().fit(rows, rows[:, 0])
    model = as_fitted(estimator.set_params(n_jobs=2, learning_rate=0.5))
    assert model.parameters["n_jobs"] == 2
    assert model.parameters["learning_rate"] == 0.5
    assert model.network is estimator.network_
    assert estimator.model_.parameters["learning_rate"] == 0.01


@pytest.mark.parametrize(
    "thing",
    [3, Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), StandardScaler, "model.pkl"],
    ids=["number", "ridge", "class", "path"],
)
def test__as_fitted__something_else__says_what_to_pass(thing):
    with pytest.raises(InvalidInputError, match="Expected a fitted LNN estimator"):
        as_fitted(thing)


def test__as_fitted__forecaster__says_that_a_network_is_only_a_part():
    forecaster = LiquidForecaster(1, n_seeds=0).fit(np.sin(0.3 * np.arange(120)))
    told = "got LiquidForecaster, of which a network is only a part"
    with pytest.raises(InvalidInputError, match=told):
        as_fitted(forecaster)


def test__as_fitted__search__says_to_take_its_estimator(rows):
    search = GridSearchCV(Regressor(), {"n_neurons": [6]}, cv=TimeSeriesSplit(2))
    search.fit(rows, rows[:, 0])
    with pytest.raises(InvalidInputError, match="best_estimator_"):
        as_fitted(search)
    assert as_fitted(search.best_estimator_).owner == "LiquidRegressor"


def test__as_fitted__not_fitted__raises_as_scikit_learn():
    for estimator in (Regressor(), make_pipeline(StandardScaler(), Regressor())):
        with pytest.raises(NotFittedError):
            as_fitted(estimator)


# ------------------------------------------------------------------ never changed


@pytest.mark.parametrize("way", ["partial_fit", "warm_start", "fit"])
def test__training__again__makes_another_model_and_leaves_the_first(rows, way):
    estimator = Regressor(warm_start=way == "warm_start").fit(rows, rows[:, 0])
    first, before = estimator.model_, estimator.predict(rows)
    (estimator.partial_fit if way == "partial_fit" else estimator.fit)(
        rows + 1, rows[:, 0] * 2
    )
    assert estimator.model_ is not first
    np.testing.assert_array_equal(first.predict(rows), before)
    assert not np.array_equal(estimator.predict(rows), before)


def test__model__fields__cannot_be_set(rows):
    estimator = Regressor().fit(rows, rows[:, 0])
    with pytest.raises(dataclasses.FrozenInstanceError):
        estimator.model_.network = None
    with pytest.raises(AttributeError, match="belongs to the fitted model"):
        estimator.network_ = None


def test__attributes__before_a_fit__are_not_there():
    estimator = Regressor()
    shown = ["network_", "loss_curve_", "classes_", "n_features_in_", "scaler_"]
    assert not any(hasattr(estimator, name) for name in shown)
    with pytest.raises(AttributeError, match="LiquidRegressor.*'loss_curve_'"):
        estimator.loss_curve_  # noqa: B018


def test__attributes__another_task__are_those_of_the_last_fit(rows):
    names = pd.DataFrame(rows, columns=["a", "b"])
    estimator = LiquidNeuralNetwork(**SETTINGS, task="classification", window_length=6)
    estimator.fit(names, rows[:, 0] > 0)
    assert estimator.classes_.tolist() == [False, True]
    assert list(estimator.feature_names_in_) == ["a", "b"]
    assert not hasattr(estimator, "target_scaler_")
    estimator.set_params(task="regression").fit(rows, rows[:, 0])
    assert hasattr(estimator, "target_scaler_")
    assert not hasattr(estimator, "classes_")
    assert not hasattr(estimator, "feature_names_in_")


# ------------------------------------------------------------------ when published


def test__fit__that_fails_early__writes_nothing(rows):
    estimator = Regressor()
    with pytest.raises(ValueError, match="inconsistent"):
        estimator.fit(rows, rows[:-3, 0])
    with pytest.raises(NonFiniteLossError, match="epoch 1"):
        estimator.fit(rows, rows[:, 0], learning_rate=1e30, clip_value=None)
    assert vars(estimator).keys() == vars(Regressor()).keys()
    model = estimator.fit(rows, rows[:, 0]).model_
    with pytest.raises(NonFiniteLossError, match="epoch 1"):
        estimator.fit(rows, rows[:, 0], learning_rate=1e30, clip_value=0)
    assert estimator.model_ is model


def test__fit__interrupted__publishes_the_epochs_that_are_over(rows):
    def fail(epoch):
        if epoch.epoch == 2:
            raise RuntimeError("mine")

    estimator = Regressor(callback=fail)
    with pytest.raises(RuntimeError, match="mine"):
        estimator.fit(rows, rows[:, 0])
    assert estimator.n_iter_ == 2
    assert np.isfinite(estimator.predict(rows)).all()
    assert estimator.model_.record.moments is None


def test__callback__while_training__sees_the_model_in_the_making(rows):
    seen = []
    estimator = Regressor()

    def watch(epoch):
        seen.append((estimator.n_iter_, estimator.loss_curve_[-1], epoch.loss))

    estimator.set_params(callback=watch).fit(rows, rows[:, 0])
    assert [n for n, *_ in seen] == [1, 2, 3]
    assert all(last == told for _, last, told in seen)


def test__reading__other_data__writes_nothing_to_the_estimator(rows):
    estimator = Regressor().fit(rows, rows[:, 0])
    before = dict(vars(estimator))
    estimator.predict(rows[:40])
    with pytest.raises(ValueError, match="expecting 2 features"):
        estimator.predict(rows[:, :1])
    with pytest.warns(UserWarning, match="has feature names, but LiquidRegressor"):
        estimator.predict(pd.DataFrame(rows, columns=["a", "b"]))
    assert vars(estimator) == before


def test__scoring__callable__gets_answers_of_the_model_in_the_making(rows):
    seen = []

    def score(estimator, X, y):
        seen.append((type(estimator).__name__, X, estimator.predict(X).shape, y.shape))
        return -float(np.mean((estimator.predict(X) - y) ** 2))

    estimator = Regressor(scoring=score)
    estimator.fit(rows, rows[:, 0], X_val=rows[:50], y_val=rows[:50, 0])
    assert seen == [("Answers", None, (50,), (50,))] * 3
    assert estimator.best_validation_score_ == max(estimator.validation_scores_)


# ------------------------------------------------------------------------- copies


def test__copy__shallow__shares_the_model_and_deep_does_not(rows):
    estimator = Regressor().fit(rows, rows[:, 0])
    assert copy.copy(estimator).model_ is estimator.model_
    own = copy.deepcopy(estimator)
    with torch.no_grad():
        for parameter in own.network_.parameters():
            parameter.zero_()
    assert not np.array_equal(own.predict(rows), estimator.predict(rows))


# ------------------------------------------------------------------------ streams


def test__stream__of_a_model__commits_to_nobody_and_returns_the_model(rows):
    model = Regressor().fit(rows, rows[:, 0]).model_
    stream = LiquidStream(model, adapt="readout")
    for row in rows[:20]:
        stream.step(row)
        stream.update(5.0)
    learnt = stream.commit()
    assert learnt is stream.model
    assert learnt is not model
    fresh = LiquidStream(learnt)
    assert np.mean([fresh.step(row) for row in rows[:20]]) > np.mean(
        model.predict(rows[:20])
    )


def test__commit__a_second_stream__is_refused_and_the_first_may_go_on(rows):
    estimator = Regressor().fit(rows, rows[:, 0])
    first, second = (estimator.stream(adapt="readout") for _ in range(2))
    for stream in (first, second):
        stream.step(rows[0])
        stream.update(3.0)
    learnt = first.commit()
    assert estimator.model_ is learnt
    with pytest.raises(InvalidInputError, match="another stream committed"):
        second.commit()
    first.step(rows[1])
    first.update(3.0)
    assert first.commit() is estimator.model_


def test__read__irregular_time_forgotten__is_refused_by_the_model_too(rows):
    time = np.cumsum(np.random.default_rng(0).exponential(size=len(rows)))
    model = Regressor().fit(rows, rows[:, 0], timestamps=time).model_
    with pytest.raises(InvalidInputError, match="LiquidRegressor was fitted on irr"):
        model.read(rows)
    with pytest.warns(LNNWarning, match="same unit as in fit"):
        model.predict(rows, timestamps=time * 1e4)


def test__stream__opened_on_the_estimator_itself__commits_to_it(rows):
    estimator = Regressor().fit(rows, rows[:, 0])
    stream = LiquidStream(estimator, adapt="readout")
    stream.step(rows[0])
    stream.update(3.0)
    assert stream.commit() is estimator.model_


def test__stream__of_a_pipeline__does_not_leave_its_other_steps_out(rows):
    pipeline = make_pipeline(StandardScaler(), Regressor()).fit(rows, rows[:, 0])
    with pytest.raises(InvalidInputError, match="'standardscaler'.*PipelineStream"):
        LiquidStream(pipeline)
    alone = make_pipeline("passthrough", Regressor()).fit(rows, rows[:, 0])
    assert LiquidStream(alone).step(rows[0]) == alone[-1].stream().step(rows[0])


@pytest.mark.parametrize("way", ["deepcopy", "pickle"])
def test__commit__of_a_copied_estimators_own_stream__changes_the_copy(rows, way):
    estimator = Regressor().fit(rows, rows[:, 0])
    estimator.stream_ = estimator.stream(adapt="readout")
    estimator.stream_.step(rows[0])
    first = estimator.model_
    other = copy.deepcopy(estimator)
    if way == "pickle":
        other = pickle.loads(pickle.dumps(estimator))
    other.stream_.step(rows[1])
    other.stream_.update(9.0)
    assert other.stream_.commit() is other.model_
    assert estimator.model_ is first
    stream = copy.deepcopy(estimator.stream_)
    stream.step(rows[1])
    stream.update(9.0)
    stream.commit()
    assert estimator.model_ is first


def test__commit__weights_changed_by_hand__is_refused(rows):
    estimator = Regressor().fit(rows, rows[:, 0])
    stream = estimator.stream(adapt="readout")
    stream.step(rows[0])
    stream.update(1.0)
    own = stream.copy()
    with torch.no_grad():
        next(estimator.network_.parameters()).mul_(2)
    for one in (stream, own):
        with pytest.raises(InvalidInputError, match="changed by hand"):
            one.commit()


# --------------------------------------------------------------------- subclasses


class Steps(LiquidRegressor):
    """A parameter whose name a Pipeline has too, and scikit-learn's own checks."""

    def __init__(self, n_neurons=8, steps=3, random_state=0):
        super().__init__(
            n_neurons, epochs=2, window_length=6, random_state=random_state
        )
        self.steps = steps

    def fit(self, X, y):
        X, y = validate_data(self, X, y)
        return super().fit(X, y)


def test__subclass__steps_and_validate_data__works_as_an_estimator(rows):
    estimator = Steps()
    estimator.fit(rows, rows[:, 0]).predict(rows)
    assert estimator.n_features_in_ == 2
    estimator.fit(rows[:, :1], rows[:, 0])
    assert estimator.n_features_in_ == 1
    assert estimator.summary()
    with pytest.raises(AttributeError, match="cannot be deleted"):
        del estimator.loss_curve_


# ------------------------------------------------------------------ random sources


def test__partial_fit__random_state_of_the_callers__goes_on_in_it(rows):
    source, y = np.random.RandomState(5), rows[:, 0]
    one, other = (LiquidRegressor(8, random_state=source, dropout=0.2) for _ in "ab")
    for _ in range(2):
        one.partial_fit(rows, y)
        other.partial_fit(rows, y)
    assert not np.array_equal(one.predict(rows), other.predict(rows))
    assert one.model_.record.random is None
    before = source.get_state()[1].copy()
    with pytest.raises(NonFiniteLossError):
        one.partial_fit(rows, y * 1e300)
    np.testing.assert_array_equal(source.get_state()[1], before)


def test__fit__overrides_of_one_call__are_not_part_of_the_model(rows):
    estimator = Regressor().fit(rows, rows[:, 0], learning_rate=0.5, clip_value=9.0)
    assert estimator.model_.parameters["learning_rate"] == 0.01
    assert estimator.model_.parameters["clip_value"] == 1.0


def test__callback__that_trains_the_estimator__is_told_that_it_would_be_lost(rows):
    estimator = Regressor()

    def meddle(epoch):
        if epoch.epoch == 1:
            estimator.set_params(callback=None).partial_fit(rows, rows[:, 0])

    estimator.set_params(callback=meddle)
    with pytest.raises(InvalidInputError, match="would undo that"):
        estimator.fit(rows, rows[:, 0])
