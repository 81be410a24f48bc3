"""`fit_many` does what fits one after another do, and says which one it speaks of."""

import _thread
import pickle
import threading
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from quick import quick
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    ParameterGrid,
    TimeSeriesSplit,
    cross_validate,
)
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from tiny import TINY

from LNN import (
    LiquidClassifier,
    LiquidForecaster,
    LiquidRegressor,
    LNNWarning,
    fit_many,
)
from LNN.estimators import fitting
from LNN.exceptions import InvalidInputError, NonFiniteLossError

SMALL = TINY | {"window_length": 6, "epochs": 3}
GRID = {"random_state": range(2), "learning_rate": [0.01, 0.05]}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the threads that fit
    yield
    torch.set_num_threads(before)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(260, 3))
    return X, np.convolve(X[:, 0], [1, 0.5, 0.25])[:260]


def one_by_one(model, X, y, grid, **how):
    return [
        clone(model).set_params(**values).fit(X, y, **how)
        for values in ParameterGrid(grid)
    ]


def assert_same(found, expected, X):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.get_params() == other.get_params()
        assert one.loss_curve_ == other.loss_curve_
        assert one.validation_loss_curve_ == other.validation_loss_curve_
        np.testing.assert_array_equal(one.predict(X), other.predict(X))


@pytest.mark.parametrize("n_jobs", quick([1, 3], 3))
@pytest.mark.parametrize(
    "settings",
    [
        {"model_type": "CfC"},
        {"model_type": "LTC", "weight_decay": 0.01},
        {"model_type": "LSTM"},  # through autograd
        {"dropout": 0.2, "lr_schedule": "onecycle"},
        {"window_length": None, "early_stopping": True},
        {"early_stopping": True, "n_iter_no_change": 2, "epochs": 12, "tol": 0.05},
    ],
)
def test__fit_many__grid__same_bits_as_fits_one_after_another(table, settings, n_jobs):
    X, y = table
    model = LiquidRegressor(**(SMALL | settings))
    found = fit_many(model, X, y, GRID, n_jobs=n_jobs)
    assert_same(found, one_by_one(model, X, y, GRID), X)
    assert not hasattr(model, "model_")


def test__fit_many__twice__same_bits(table):
    X, y = table
    model, seeds = LiquidRegressor(**SMALL), {"random_state": range(8)}
    assert_same(
        fit_many(model, X, y, seeds, n_jobs=4),
        fit_many(model, X, y, seeds, n_jobs=4),
        X,
    )


def test__fit_many__early_stopping__each_model_stops_by_itself(table):
    X, y = table
    settings = {"epochs": 60, "early_stopping": True, "n_iter_no_change": 2}
    model = LiquidRegressor(**(SMALL | settings))
    grid = {"learning_rate": [1e-4, 0.3], "random_state": [0, 1]}
    found = fit_many(model, X, y, grid, n_jobs=2)
    assert len({each.n_iter_ for each in found}) > 1
    assert_same(found, one_by_one(model, X, y, grid), X)


def test__fit_many__sequence__fits_these_estimators(table):
    X, y = table
    models = [LiquidRegressor(**SMALL), LiquidRegressor(**(SMALL | {"stride": 2}))]
    found = fit_many(models, X, y, n_jobs=2)
    assert all(one is other for one, other in zip(found, models, strict=True))
    assert_same(found, [clone(model).fit(X, y) for model in models], X)


def test__fit_many__classifiers_on_sequences__as_fits_one_after_another():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 9, 2))
    y = np.where(X[:, -3:, 0].mean(axis=1) > 0, "up", "down")
    model = LiquidClassifier(**(TINY | {"early_stopping": True}))
    grid = {"random_state": [0, 1, 2], "class_weight": [None, "balanced"]}
    assert_same(fit_many(model, X, y, grid, n_jobs=2), one_by_one(model, X, y, grid), X)


def test__fit_many__arguments_of_fit__go_to_each(table):
    X, y = table
    when = np.random.default_rng(2).exponential(size=len(X)).cumsum()
    how = {
        "timestamps": when[:200],
        "sample_weight": np.linspace(1, 2, 200),
        "X_val": X[200:],
        "y_val": y[200:],
        "timestamps_val": when[200:],
        "epochs": 4,
    }
    model = LiquidRegressor(**SMALL)
    found = fit_many(model, X[:200], y[:200], GRID, n_jobs=2, **how)
    expected = one_by_one(model, X[:200], y[:200], GRID, **how)
    for one, other in zip(found, expected, strict=True):
        assert one.validation_loss_curve_ == other.validation_loss_curve_
        assert len(one.loss_curve_) == 4


def test__fit_many__other_estimators__are_fitted_too(table):
    X, y = table
    pipe = make_pipeline(StandardScaler(), LiquidRegressor(**SMALL))
    found = fit_many([Ridge(), pipe], X, y, n_jobs=2)
    np.testing.assert_array_equal(found[0].coef_, Ridge().fit(X, y).coef_)
    np.testing.assert_array_equal(found[1].predict(X), clone(pipe).fit(X, y).predict(X))


def test__fit_many__agreeing_fits__read_split_and_scale_once(table, monkeypatch):
    X, y = table
    calls = {"read": 0, "scale": 0}

    def counted(name, function):
        def call(*args, **kwargs):
            calls[name] += 1
            return function(*args, **kwargs)

        return call

    read, scale = fitting.read_examples, fitting.fit_scalers
    monkeypatch.setattr(fitting, "read_examples", counted("read", read))
    monkeypatch.setattr(fitting, "fit_scalers", counted("scale", scale))
    model = LiquidRegressor(**SMALL)
    found = fit_many(model, X, y, GRID, n_jobs=2)
    assert calls == {"read": 1, "scale": 1}
    assert len({id(each.scaler_) for each in found}) == 1
    assert len({id(each.wiring_) for each in found}) == 1
    fit_many(model, X, y, {"window_length": [4, 6]}, n_jobs=2)
    assert calls["read"] == 3
    # Splits that are drawn at random differ by seed, and so do their scalers.
    sequences, target = X[:240].reshape(30, 8, 3), y[:30]
    random = LiquidRegressor(**(TINY | {"early_stopping": True}))
    before = calls["scale"]
    fit_many(random, sequences, target, {"random_state": [0, 1]}, n_jobs=2)
    assert calls["scale"] == before + 2


def test__fit_many__results__are_pickled_and_go_on_by_themselves(table):
    X, y = table
    found = fit_many(LiquidRegressor(**SMALL), X, y, {"random_state": [0, 1]})
    loaded = pickle.loads(pickle.dumps(found))
    assert_same(loaded, found, X)
    before = found[1].predict(X)
    found[0].partial_fit(X, y)
    np.testing.assert_array_equal(found[1].predict(X), before)


# ------------------------------------------------------------------ cross-validation


@pytest.mark.parametrize("cv", [3, TimeSeriesSplit(2)])
@pytest.mark.parametrize("scoring", [None, "r2", ["r2", "neg_mean_absolute_error"]])
def test__fit_many__cv__equals_cross_validate(table, cv, scoring):
    X, y = table
    model = LiquidRegressor(**SMALL)
    grid = {"learning_rate": [0.01, 0.05]}
    found = fit_many(model, X, y, grid, cv=cv, scoring=scoring, n_jobs=2)
    for values, each in zip(ParameterGrid(grid), found, strict=True):
        own = clone(model).set_params(**values)
        expected = cross_validate(
            own, X, y, cv=cv, scoring=scoring, return_estimator=True
        )
        assert set(each) == set(expected)
        for name in expected:
            if name.startswith("test_"):
                np.testing.assert_array_equal(each[name], expected[name])
        assert_same(each["estimator"], expected["estimator"], X)


def test__fit_many__cv_of_a_frame_with_time_and_groups__splits_all_of_it(table):
    X, y = table
    when = np.random.default_rng(3).exponential(size=len(X)).cumsum()
    groups = np.repeat(np.arange(4), 65)
    model, cv = LiquidRegressor(**SMALL), GroupKFold(4)
    how = {"timestamps": when, "groups": groups}
    (found,) = fit_many(model, X, y, cv=cv, n_jobs=2, **how)
    for k, (train, test) in enumerate(cv.split(X, y, groups)):
        own = clone(model).fit(
            X[train], y[train], timestamps=when[train], groups=groups[train]
        )
        score = own.score(X[test], y[test], timestamps=when[test], groups=groups[test])
        assert found["test_score"][k] == score
    index = pd.date_range("2026-01-01", periods=len(X), freq="h")
    frame = pd.DataFrame(X, columns=list("abc"), index=index)
    (found,) = fit_many(model, frame, y, cv=2, n_jobs=2)
    expected = cross_validate(model, frame, y, cv=2)
    np.testing.assert_array_equal(found["test_score"], expected["test_score"])


def test__fit_many__cv_with_groups_that_the_splitter_does_not_read__does_not_warn(
    table,
):
    X, y = table
    groups = np.repeat(np.arange(4), 65)
    (found,) = fit_many(LiquidRegressor(**SMALL), X, y, cv=2, groups=groups)
    assert np.isfinite(found["test_score"]).all()


@pytest.mark.parametrize("splitter_alone", [True, False])
@pytest.mark.parametrize("whole", [True, False])
def test__fit_many__cv_with_group_column__keeps_recordings_whole(
    table, splitter_alone, whole
):
    X, y = table
    column = np.repeat(np.arange(4), 65)
    frame = pd.DataFrame(X, columns=list("abc")).assign(rec=column)
    model = LiquidRegressor(**SMALL, group_column="rec")
    if not whole:
        frame, model = frame.to_numpy(), LiquidRegressor(**SMALL, group_column=3)
    # Of places where recordings were made, say: coarser than the column.
    labels = column // 2 if splitter_alone else column
    cv = GroupKFold(len(np.unique(labels)))
    given = {"groups": labels} if splitter_alone else {}
    (found,) = fit_many(model, frame, y, cv=cv, n_jobs=2, **given)
    search = GridSearchCV(model, {"n_neurons": [model.n_neurons]}, cv=cv)
    search.fit(frame, y, groups=labels)
    for k, score in enumerate(found["test_score"]):
        assert score == search.cv_results_[f"split{k}_test_score"][0]
    if splitter_alone:
        # A model without a column gets them; both may stand in one list.
        plain = LiquidRegressor(**SMALL)
        both = fit_many([clone(model), plain], frame, y, cv=cv, **given)
        np.testing.assert_array_equal(both[0]["test_score"], found["test_score"])
        (own,) = fit_many(plain, frame, y, cv=cv, **given)
        np.testing.assert_array_equal(both[1]["test_score"], own["test_score"])


def test__fit_many__group_column_and_groups_without_cv__are_refused(table):
    X, y = table
    with pytest.raises(InvalidInputError, match="got both"):
        fit_many(LiquidRegressor(**SMALL, group_column=0), X, y, groups=y > 0)


def test__fit_many__cv_of_a_pipeline__splits_its_steps_parameters(table):
    X, y = table
    weight = np.linspace(0.5, 1.5, len(X))
    pipe = make_pipeline(StandardScaler(), LiquidRegressor(**SMALL))
    how = {"liquidregressor__sample_weight": weight}
    (found,) = fit_many(pipe, X, y, cv=2, n_jobs=2, **how)
    expected = cross_validate(pipe, X, y, cv=2, params=how)
    np.testing.assert_array_equal(found["test_score"], expected["test_score"])


# ------------------------------------------------------------------- errors, warnings


def bad(**settings):
    return LiquidRegressor(
        **(SMALL | {"learning_rate": 1e30, "clip_value": None} | settings)
    )


@pytest.mark.parametrize("n_jobs", [1, 2])
def test__fit_many__failing_fit__raises_its_error_and_says_which(table, n_jobs):
    models = [LiquidRegressor(**SMALL), bad()]
    with pytest.raises(NonFiniteLossError, match="became nan") as caught:
        fit_many(models, *table, n_jobs=n_jobs)
    (note,) = caught.value.__notes__
    assert "model 1" in note
    assert "learning_rate=1e+30" in note


@pytest.mark.parametrize("n_jobs", [1, 2])
def test__fit_many__failing_fit_with_a_score__warns_and_goes_on(table, n_jobs):
    X, y = table
    models = [bad(), LiquidRegressor(**SMALL)]
    with pytest.warns(LNNWarning, match="1 of 2 fits failed.*model 0.*NonFinite") as w:
        found = fit_many(models, X, y, error_score=np.nan, n_jobs=n_jobs)
    assert w[0].filename == __file__
    assert not hasattr(found[0], "model_")
    assert_same(found[1:], [LiquidRegressor(**SMALL).fit(X, y)], X)
    grid = {"learning_rate": [1e30, 0.01]}
    with pytest.warns(LNNWarning, match="2 of 4 fits failed"):
        scores = fit_many(bad(), X, y, grid, cv=2, error_score=-9.0, n_jobs=n_jobs)
    np.testing.assert_array_equal(scores[0]["test_score"], [-9, -9])
    assert np.isfinite(scores[1]["test_score"]).all()


def test__fit_many__all_fail__raises_whatever_the_score(table):
    with pytest.raises(NonFiniteLossError):
        fit_many([bad(), bad(random_state=3)], *table, error_score=np.nan)


def test__fit_many__wrong_parameter__is_the_error_of_that_model(table):
    models = [LiquidRegressor(**SMALL), LiquidRegressor(**(SMALL | {"epochs": -1}))]
    with pytest.raises(InvalidInputError, match="'epochs' parameter") as caught:
        fit_many(models, *table, n_jobs=2)
    assert "model 1" in caught.value.__notes__[0]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test__fit_many__warnings__come_once_with_the_models(table, n_jobs):
    X, y = table
    warned = pytest.warns(LNNWarning, match="anchor")
    model = LiquidRegressor(**(SMALL | {"anchor": 1}))
    with warned as alone:
        model.fit(X, y)
    grid = {"anchor": [None, 1], "random_state": [0, 1]}
    with warned as told:
        fit_many(model, X, y, grid, n_jobs=n_jobs)
    (one,) = told
    assert str(one.message).startswith(str(alone[0].message))
    assert "anchor=1, random_state=0; anchor=1, random_state=1" in str(one.message)
    assert one.filename == __file__


def test__fit_many__warnings_as_errors__raise_in_the_caller(table):
    model = LiquidRegressor(**(SMALL | {"anchor": 1}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(LNNWarning, match="each fit"):
            fit_many(model, *table, {"random_state": [0, 1]}, n_jobs=2)


def test__fit_many__shared_generator_or_estimator__is_refused(table):
    source = np.random.RandomState(0)
    models = [LiquidRegressor(**(SMALL | {"random_state": source})) for _ in range(2)]
    with pytest.raises(InvalidInputError, match="models 0 and 1"):
        fit_many(models, *table)
    with pytest.raises(InvalidInputError, match="models 0 and 1"):
        fit_many([models[0], models[0]], *table)
    # A grid makes copies, which draw alike, as in scikit-learn.
    found = fit_many(models[0], *table, {"epochs": [2, 2]}, n_jobs=2)
    assert found[0].loss_curve_ == found[1].loss_curve_


def test__fit_many__pipelines_that_share_a_step__are_refused(table):
    model, scaler = LiquidRegressor(**SMALL), StandardScaler()
    one, two = make_pipeline(StandardScaler(), model), make_pipeline(scaler, model)
    union = make_pipeline(make_union(scaler, "passthrough"), Ridge())
    for models in ([one, two], [model, one], [make_pipeline(one), model], [two, union]):
        with pytest.raises(InvalidInputError, match="models 0 and 1 share"):
            fit_many(models, *table, n_jobs=1)
    # Searches and frozen estimators leave what they share as it is.
    frozen = FrozenEstimator(StandardScaler().fit(table[0]))
    pipes = [make_pipeline(frozen, "passthrough", Ridge(a)) for a in (1, 10)]
    searches = [GridSearchCV(Ridge(), {"alpha": [a]}, cv=2) for a in (1, 10)]
    searches[1].estimator = searches[0].estimator
    found = fit_many([*pipes, *searches], *table, n_jobs=1)
    assert found[0].predict(table[0])[0] != found[1].predict(table[0])[0]
    assert found[2].best_params_ != found[3].best_params_


class Reusing(TransformerMixin, BaseEstimator):
    """Returns the same array at each call."""

    buffer = np.empty((0, 0))

    def __init__(self, factor=1.0):
        self.factor = factor

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        if Reusing.buffer.shape != X.shape:
            Reusing.buffer = np.empty(X.shape)
        return np.multiply(X, self.factor, out=Reusing.buffer)


def test__fit_many__steps_that_reuse_an_array__do_not_give_it_to_the_next_fit(table):
    X, y = table
    pipe = make_pipeline(Reusing(), LiquidRegressor(**SMALL, scale="none"))
    grid = {"reusing__factor": [0.01, 1.0]}
    found = fit_many(pipe, X, y, grid, n_jobs=1)
    for one, parameters in zip(found, ParameterGrid(grid), strict=True):
        alone = clone(pipe).set_params(**parameters).fit(X, y)
        assert one[-1].loss_curve_ == alone[-1].loss_curve_


def test__fit_many__cv_without_y__fits_what_needs_none(table):
    found = fit_many(
        LiquidForecaster(3, epochs=1, n_seeds=1),
        table[1],
        None,
        cv=TimeSeriesSplit(2),
        scoring=lambda fitted, X, y=None: float(len(X) if y is None else np.nan),
        n_jobs=1,
    )
    assert len(found[0]["estimator"]) == 2
    assert np.isfinite(found[0]["test_score"]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, t: fit_many([], *t), "Expected an estimator"),
        (lambda m, t: fit_many(m, *t, []), "at least one combination"),
        (lambda m, t: fit_many(m, *t, cv=iter([])), "cv with at least one split"),
        (lambda m, t: fit_many([m, 3], *t), "Expected an estimator"),
        (lambda m, t: fit_many([m], *t, {"epochs": [1]}), "one estimator with"),
        (lambda m, t: fit_many(m, *t, error_score="nan"), "error_score must be"),
        (lambda m, t: fit_many(m, *t, scoring="r2"), "needs cv="),
    ],
)
def test__fit_many__wrong_use__says_what_to_do(table, call, message):
    with pytest.raises(InvalidInputError, match=message):
        call(LiquidRegressor(**SMALL), table)


# --------------------------------------------------------------- what stays as it was


class Looks(RegressorMixin, BaseEstimator):
    """Notes what it finds in the thread that fits it."""

    def __init__(self, number=0):
        self.number = number

    def fit(self, X, y):
        self.found_ = {
            "threads": torch.get_num_threads(),
            "config": sklearn.get_config()["assume_finite"],
            "overflow": np.geterr()["over"],
            "thread": threading.get_ident(),
        }
        return self


def test__fit_many__threads__see_the_settings_of_the_caller(table):
    torch.set_num_threads(2)
    with sklearn.config_context(assume_finite=True), np.errstate(over="raise"):
        found = fit_many(Looks(), *table, {"number": range(6)}, n_jobs=2)
    for each in found:
        own = each.found_
        assert own["threads"] == 1
        assert own["config"] is True
        assert own["overflow"] == "raise"
        assert own["thread"] != threading.get_ident()
    assert torch.get_num_threads() == 2


def test__fit_many__global_generators_filters_and_threads__as_before(table):
    torch.set_num_threads(2)
    before = (
        torch.get_rng_state(),
        np.random.get_state()[1].copy(),  # noqa: NPY002
        list(warnings.filters),
        warnings.showwarning,
    )
    fit_many(LiquidRegressor(**SMALL), *table, {"random_state": range(4)}, n_jobs=2)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert list(warnings.filters) == before[2]
    assert warnings.showwarning is before[3]
    assert torch.get_num_threads() == 2


def test__fit_many__callbacks_and_lines__of_each_model(table, capsys):
    seen = {0: [], 1: []}

    def callback(number):
        def after(epoch):
            seen[number].append(epoch.epoch)
            return number == 1 and epoch.epoch == 2

        return after

    models = [
        LiquidRegressor(**(SMALL | {"callback": callback(k), "verbose": 1}))
        for k in range(2)
    ]
    fit_many(models, *table, n_jobs=2, verbose=1)
    assert seen == {0: [1, 2, 3], 1: [1, 2]}
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("model 0: epoch ") for line in lines) == 3
    assert sum(line.startswith("model 1: epoch ") for line in lines) == 2
    assert sum(line.startswith(("[1/2] model", "[2/2] model")) for line in lines) == 2


def endless(n, callback):
    settings = {"epochs": 10**6, "early_stopping": False, "callback": callback}
    return [LiquidRegressor(**(SMALL | settings)) for _ in range(n)]


def test__fit_many__error_in_one_fit__stops_the_others_after_their_epoch(table):
    def callback(epoch):
        if epoch.epoch == 2:
            raise RuntimeError("enough")

    models = [endless(1, callback)[0], *endless(3, None)]
    with pytest.raises(RuntimeError, match="enough"):
        fit_many(models, *table, n_jobs=2)  # and not after a million epochs
    assert not hasattr(models[3], "model_")


def test__fit_many__interrupted__stops_all_after_their_epoch(table, interrupts):
    torch.set_num_threads(2)
    once = threading.Event()

    def callback(epoch):
        if not once.is_set():
            once.set()
            _thread.interrupt_main()

    models, before = endless(3, callback), list(warnings.filters)
    threads = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        fit_many(models, *table, n_jobs=2)
    # What was learnt until then is there, as after Ctrl-C in `fit`. The third one had
    # not begun, and the second one perhaps neither.
    assert sum(hasattr(model, "model_") for model in models) in (1, 2)
    # A program that ends while a thread is within torch aborts.
    assert set(threading.enumerate()) <= threads
    assert torch.get_num_threads() == 2
    assert list(warnings.filters) == before


@pytest.mark.parametrize("n_jobs", ["x", 0, 1.5])
def test__fit_many__n_jobs_that_is_no_number__is_refused(n_jobs):
    X = np.zeros((9, 1))
    with pytest.raises(InvalidInputError, match="'n_jobs' parameter of fit_many"):
        fit_many([LiquidRegressor(**SMALL)], X, X[:, 0], n_jobs=n_jobs)
