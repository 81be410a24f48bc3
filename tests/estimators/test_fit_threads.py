"""scikit-learn's own tools in threads of this process find what they find alone."""

import threading
import time
import warnings

import joblib
import numpy as np
import pytest
import sklearn
import torch
from sklearn.base import clone
from sklearn.ensemble import BaggingRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tiny import TINY

import LNN
from LNN import LiquidRegressor
from LNN.estimators.fit_threads import fits_in_threads, thread_number

SMALL = TINY | {"window_length": 6, "epochs": 3}
GRID = {"learning_rate": [0.01, 0.05], "weight_decay": [0.0, 0.1]}


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(160, 3))
    return X, np.convolve(X[:, 0], [1, 0.5, 0.25])[:160]


@pytest.fixture(autouse=True)
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def assert_same_search(one, two, X):
    # Times differ, and nothing else.
    assert set(one.cv_results_) == set(two.cv_results_)
    for name, values in one.cv_results_.items():
        if "time" not in name:
            np.testing.assert_array_equal(values, two.cv_results_[name], err_msg=name)
    assert one.best_params_ == two.best_params_
    assert one.best_index_ == two.best_index_
    if one.refit:
        assert one.best_score_ == two.best_score_
        np.testing.assert_array_equal(one.predict(X), two.predict(X))


def searches():
    model = LiquidRegressor(**SMALL)
    pipe = make_pipeline(StandardScaler(), model)
    in_pipe = {f"liquidregressor__{name}": values for name, values in GRID.items()}
    return {
        "grid": GridSearchCV(model, GRID, cv=3),
        "pipeline": GridSearchCV(pipe, in_pipe, cv=TimeSeriesSplit(2)),
        "scores": GridSearchCV(
            model,
            GRID,
            cv=2,
            scoring=["r2", "neg_mean_absolute_error"],
            refit="r2",
            return_train_score=True,
        ),
        "no refit": GridSearchCV(model, GRID, cv=2, refit=False),
        "random": RandomizedSearchCV(model, GRID, n_iter=3, cv=2, random_state=0),
        "halving": HalvingGridSearchCV(
            model, GRID, cv=2, resource="epochs", max_resources=4, factor=2
        ),
    }


@pytest.mark.quick_cases("grid", "scores", "halving")
@pytest.mark.parametrize("name", searches())
def test__fits_in_threads__searches__equal_those_without(table, name):
    X, y = table
    alone = clone(searches()[name]).fit(X, y)
    with fits_in_threads(2):
        found = clone(searches()[name]).fit(X, y)
    assert_same_search(alone, found, X)


def test__fits_in_threads__twice__same_results(table):
    X, y = table
    search = searches()["grid"]
    with fits_in_threads(3):
        first, second = clone(search).fit(X, y), clone(search).fit(X, y)
    assert_same_search(first, second, X)


def test__fits_in_threads__other_tools__equal_those_without(table):
    X, y = table
    model = LiquidRegressor(**SMALL)
    bag = BaggingRegressor(model, n_estimators=3, random_state=0)
    alone = (
        cross_val_score(model, X, y, cv=3),
        cross_val_predict(model, X, y, cv=2),
        clone(bag).fit(X, y).predict(X),
    )
    with LNN.fits_in_threads(2):
        found = (
            cross_val_score(model, X, y, cv=3),
            cross_val_predict(model, X, y, cv=2),
            clone(bag).fit(X, y).predict(X),
        )
    for one, other in zip(alone, found, strict=True):
        np.testing.assert_array_equal(one, other)


def test__fits_in_threads__groups_and_time_of_fit__arrive(table):
    X, y = table
    seconds = np.random.default_rng(1).exponential(60, len(X)).cumsum()
    own = np.column_stack([seconds, np.repeat([0, 1, 2, 3], 40), X])
    model = LiquidRegressor(**(SMALL | {"time_column": 0, "group_column": 1}))
    search = GridSearchCV(model, GRID, cv=2)
    alone = clone(search).fit(own, y)
    with fits_in_threads(2):
        found = clone(search).fit(own, y)
    assert found.best_estimator_.time_unit_ == alone.best_estimator_.time_unit_ != 1
    assert_same_search(alone, found, own)


def test__fits_in_threads__routed_time_stamps__arrive(table):
    X, y = table
    when = np.random.default_rng(1).exponential(60, len(X)).cumsum()
    with sklearn.config_context(enable_metadata_routing=True):
        model = LiquidRegressor(**SMALL).set_fit_request(timestamps=True)
        search = GridSearchCV(model.set_score_request(timestamps=True), GRID, cv=2)
        alone = clone(search).fit(X, y, timestamps=when)
        with fits_in_threads(2):
            found = clone(search).fit(X, y, timestamps=when)
    assert found.best_estimator_.time_unit_ == alone.best_estimator_.time_unit_ != 1
    for name in ("split0_test_score", "split1_test_score", "rank_test_score"):
        np.testing.assert_array_equal(alone.cv_results_[name], found.cv_results_[name])


def test__fits_in_threads__failing_candidates__score_as_in_the_search_alone(table):
    X, y = table
    grid = {"learning_rate": [0.01, 1e30]}
    model = LiquidRegressor(**(SMALL | {"clip_value": None}))
    search = GridSearchCV(model, grid, cv=2, error_score=-1.0)
    with pytest.warns(Warning, match="2 fits failed"):
        alone = clone(search).fit(X, y)
    with pytest.warns(Warning, match="2 fits failed"), fits_in_threads(2):
        found = clone(search).fit(X, y)
    assert_same_search(alone, found, X)
    with pytest.raises(ArithmeticError), fits_in_threads(2):
        clone(search).set_params(error_score="raise").fit(X, y)


def test__fits_in_threads__filters_and_threads_of_torch__as_before(table):
    X, y = table
    for round in range(5):  # filters get lost in some runs only, if at all
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", f"mine {round}")
            before = list(warnings.filters)
            with fits_in_threads(4):
                cross_val_score(LiquidRegressor(**(SMALL | {"epochs": 1})), X, y, cv=8)
                assert list(warnings.filters) == before
            assert list(warnings.filters) == before
    assert torch.get_num_threads() == 2


def test__fits_in_threads__calls_are_in_threads_with_one_thread_of_torch():
    def look():
        time.sleep(0.01)
        return threading.get_ident(), torch.get_num_threads()

    with fits_in_threads(2):
        found = joblib.Parallel()(joblib.delayed(look)() for _ in range(6))
    assert {number for _, number in found} == {1}
    assert threading.get_ident() not in {thread for thread, _ in found}


def test__fits_in_threads__two_at_once__put_threads_of_torch_back():
    def use():
        with fits_in_threads(2):
            time.sleep(0.02)

    users = [threading.Thread(target=use) for _ in range(3)]
    for user in users:
        user.start()
    with fits_in_threads(2):
        assert torch.get_num_threads() == 1
    for user in users:
        user.join()
    with fits_in_threads(2):
        pass
    assert torch.get_num_threads() == 2


def test__thread_number__default__is_all_cores_or_one_in_a_worker():
    assert thread_number(None) == thread_number(-1) == joblib.cpu_count()
    assert thread_number(3) == 3
    with joblib.parallel_config("threading", n_jobs=2):
        inside = joblib.Parallel()(joblib.delayed(thread_number)(None) for _ in [0, 1])
    assert inside == [1, 1]
    with pytest.raises(ValueError, match="n_jobs"):
        thread_number(0)
