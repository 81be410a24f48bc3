"""scikit-learn's callback protocol (1.9 and later)."""

import os
import pickle
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from processes import finished
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from tiny import TINY

import LNN
from LNN import LiquidClassifier, LiquidRegressor, SequenceScaler

callback = pytest.importorskip("sklearn.callback")

SETTINGS = TINY | {"epochs": 4}


class KeepFitted:
    """A callback that keeps what it is handed."""

    kept: ClassVar[list] = []

    def setup(self, estimator, context):
        self.kept.clear()

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.kept.append(fitted_estimator)

    def teardown(self, estimator, context):
        pass


@pytest.fixture
def cube():
    return np.random.default_rng(0).normal(size=(30, 5, 2))


def test__scoring_monitor__regressor__logs_every_epoch(cube):
    y = cube[:, 0, 0]
    monitor = callback.ScoringMonitor(scoring="r2")
    model = LiquidRegressor(**SETTINGS).set_callbacks(monitor).fit(cube, y)
    tasks = monitor.get_logs().data_as_pandas.dropna(subset="r2")["task_name"]
    assert tasks.tolist() == ["fit"] + ["epoch"] * model.n_iter_
    plain = LiquidRegressor(**SETTINGS).fit(cube, y)
    assert model.loss_curve_ == plain.loss_curve_


def test__callbacks__network_with_dropout__is_in_evaluation_mode(cube):
    y = cube[:, 0, 0]
    seen = []
    model = LiquidRegressor(**SETTINGS, dropout=0.5)
    model.set_params(callback=lambda epoch: seen.append(model.network_.training))
    model.set_callbacks(callback.ScoringMonitor(scoring="r2")).fit(cube, y)
    assert seen == [False] * 4


def test__progress_bar__fit__shows_and_changes_nothing(cube, capsys):
    pytest.importorskip("rich")
    y = cube[:, 0, 0]
    model = (
        LiquidRegressor(**SETTINGS).set_callbacks(callback.ProgressBar()).fit(cube, y)
    )
    assert "LiquidRegressor" in capsys.readouterr().out
    plain = LiquidRegressor(**SETTINGS).fit(cube, y)
    np.testing.assert_array_equal(model.predict(cube), plain.predict(cube))


def test__progress_bar__grid_search__reaches_the_estimators(cube, capsys):
    pytest.importorskip("rich")
    search = GridSearchCV(LiquidRegressor(**SETTINGS), {"n_neurons": [6, 8]}, cv=2)
    search.set_callbacks(callback.ProgressBar()).fit(cube, cube[:, 0, 0])
    assert "GridSearchCV" in capsys.readouterr().out


def test__scoring_monitor__inside_grid_search__logs_every_fit(cube):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    inner = LiquidClassifier(**SETTINGS).set_callbacks(monitor)
    labels = np.where(cube[:, 0, 0] > 0, "up", "down")
    GridSearchCV(inner, {"n_neurons": [6, 8]}, cv=2).fit(cube, labels)
    data = monitor.get_logs().data_as_pandas
    # 2 candidates x 2 folds and the last fit on everything, 4 epochs and the end each.
    assert data["accuracy"].notna().sum() == (2 * 2 + 1) * 5


def test__scoring_monitor__last_step_of_a_pipeline__logs(cube):
    monitor = callback.ScoringMonitor(scoring="r2")
    last = LiquidRegressor(**SETTINGS).set_callbacks(monitor)
    make_pipeline(SequenceScaler(), last).fit(cube, cube[:, 0, 0])
    assert monitor.get_logs().data_as_pandas["r2"].notna().sum() == 5


def test__callbacks__own_and_protocol__both_hear_of_each_epoch(cube):
    heard = []
    monitor = callback.ScoringMonitor(scoring="r2")
    model = LiquidRegressor(
        **SETTINGS, callback=lambda epoch: heard.append(epoch.epoch)
    )
    model.set_callbacks(monitor).fit(cube, cube[:, 0, 0])
    assert heard == [1, 2, 3, 4]


def test__callbacks__partial_fit__works(cube):
    monitor = callback.ScoringMonitor(scoring="r2")
    model = LiquidRegressor(**SETTINGS).set_callbacks(monitor)
    model.partial_fit(cube, cube[:, 0, 0]).partial_fit(cube, cube[:, 0, 0])
    assert model.n_iter_ == 2


def test__callbacks__error_in_training__leaves_later_fits_usable(cube):
    def fail(epoch):
        raise RuntimeError("mine")

    monitor = callback.ScoringMonitor(scoring="r2")
    model = LiquidRegressor(**SETTINGS, callback=fail).set_callbacks(monitor)
    with pytest.raises(RuntimeError, match="mine"):
        model.fit(cube, cube[:, 0, 0])
    model.set_params(callback=None).fit(cube, cube[:, 0, 0])
    assert monitor.get_logs().data_as_pandas["r2"].notna().sum() == 5
    assert clone(model).fit(cube, cube[:, 0, 0]).n_iter_ == 4


@pytest.fixture
def irregular():
    rng = np.random.default_rng(1)
    return np.cumsum(rng.exponential(size=(30, 5)), axis=1)


@pytest.mark.parametrize("scoring", ["r2", ["r2", "neg_mean_absolute_error"]])
def test__scoring_monitor__fit_with_timestamps__scores_with_them(
    cube, irregular, scoring
):
    y = cube[:, 0, 0]
    monitor = callback.ScoringMonitor(scoring=scoring)
    model = LiquidRegressor(**SETTINGS).set_callbacks(monitor)
    model.fit(cube, y, timestamps=irregular)
    data = monitor.get_logs().data_as_pandas
    last = data[data["task_name"] == "fit"].iloc[0]
    assert last["r2"] == model.score(cube, y, timestamps=irregular)


def test__scoring_monitor__fit_with_groups__no_window_crosses_recordings():
    X = np.random.default_rng(0).normal(size=(60, 2))
    y, groups = X[:, 0], np.repeat([0, 1, 2], 20)
    monitor = callback.ScoringMonitor(scoring="r2")
    model = LiquidRegressor(**SETTINGS, window_length=8).set_callbacks(monitor)
    model.fit(X, y, groups=groups)
    data = monitor.get_logs().data_as_pandas
    last = data[data["task_name"] == "fit"].iloc[0]
    assert last["r2"] == model.score(X, y, groups=groups)


def test__scoring_monitor__fit_with_weights__scores_with_them(cube):
    y, weights = cube[:, 0, 0], np.arange(30) % 3
    monitor = callback.ScoringMonitor(scoring="r2")
    model = LiquidRegressor(**SETTINGS).set_callbacks(monitor).fit(cube, y, weights)
    data = monitor.get_logs().data_as_pandas
    last = data[data["task_name"] == "fit"].iloc[0]
    assert last["r2"] == pytest.approx(model.score(cube, y, weights))


def test__scoring_monitor__classifier_with_timestamps__scores_probabilities(
    cube, irregular
):
    labels = np.where(cube[:, 0, 0] > 0, "up", "down")
    monitor = callback.ScoringMonitor(scoring="neg_log_loss")
    model = LiquidClassifier(**SETTINGS).set_callbacks(monitor)
    model.fit(cube, labels, timestamps=irregular)
    assert monitor.get_logs().data_as_pandas["neg_log_loss"].notna().sum() == 5


def test__scoring_monitor__partial_fit_with_timestamps__logs(cube, irregular):
    monitor = callback.ScoringMonitor(scoring="r2")
    model = LiquidRegressor(**SETTINGS).set_callbacks(monitor)
    model.partial_fit(cube, cube[:, 0, 0], timestamps=irregular)
    assert monitor.get_logs().data_as_pandas["r2"].notna().sum() == 2


def test__fitted_estimator__of_a_callback__can_be_pickled_and_asks_for_time(
    cube, irregular
):
    model = LiquidRegressor(**SETTINGS).set_callbacks(KeepFitted())
    model.fit(cube, cube[:, 0, 0], timestamps=irregular)
    model.set_callbacks()
    seen = KeepFitted.kept.pop().set_callbacks()
    expected = model.predict(cube, timestamps=irregular)
    np.testing.assert_array_equal(seen.predict(cube), expected)
    again = pickle.loads(pickle.dumps(seen))
    np.testing.assert_array_equal(again.predict(cube, timestamps=irregular), expected)
    with pytest.raises(ValueError, match="timestamps"):
        seen.predict(cube.copy())


@pytest.mark.slow
def test__callbacks__scikit_learns_own_tests__pass_with_our_estimator(tmp_path):
    pytest.importorskip("rich")
    paths = [str(Path(__file__).parent), str(Path(LNN.__file__).parent.parent)]
    inherited = os.environ.get("PYTHONPATH")
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "LNN_STANDS_IN": "1",
        "PYTHONPATH": os.pathsep.join(paths + ([inherited] if inherited else [])),
    }
    options = ["-q", "-p", "no:cacheprovider", "-p", "callback_standin"]
    command = [sys.executable, "-m", "pytest", *options, "--pyargs"]
    done = finished(
        [*command, "sklearn.callback.tests"],
        cwd=tmp_path,  # neither our settings of pytest nor our conftest.py
        env=environment,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.parametrize("n_outputs", [1, 2])
def test__scoring_monitor__missing_targets_of_weight_0__do_not_count(n_outputs):
    X = np.random.default_rng(0).normal(size=(40, 2))
    y = X[:, :n_outputs].copy() if n_outputs > 1 else X[:, 0].copy()
    weights = np.ones(len(X))
    weights[[0, 7]] = 0
    y[[0, 7]] = np.nan
    monitor = callback.ScoringMonitor(scoring="r2")
    model = LiquidRegressor(4, epochs=2, random_state=0)
    model.set_callbacks(monitor).fit(X, y, sample_weight=weights)
    last = [row for row in monitor.get_logs().data if row["task_name"] == "fit"]
    expected = model.score(X, y, sample_weight=weights)
    assert last[0]["r2"] == pytest.approx(expected)
