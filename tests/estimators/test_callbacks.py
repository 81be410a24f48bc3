"""scikit-learn's callback protocol (1.9 and later)."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from LNN import LiquidClassifier, LiquidRegressor, SequenceScaler

callback = pytest.importorskip("sklearn.callback")
TINY = {"n_neurons": 8, "epochs": 4, "device": "cpu", "random_state": 0}


@pytest.fixture
def cube():
    return np.random.default_rng(0).normal(size=(30, 5, 2))


def test__scoring_monitor__regressor__logs_every_epoch(cube):
    y = cube[:, 0, 0]
    monitor = callback.ScoringMonitor(scoring="r2")
    model = LiquidRegressor(**TINY).set_callbacks(monitor).fit(cube, y)
    scores = monitor.get_logs().data_as_pandas["r2"].dropna()
    assert len(scores) == model.n_iter_
    plain = LiquidRegressor(**TINY).fit(cube, y)
    assert model.loss_curve_ == plain.loss_curve_


def test__callbacks__network_with_dropout__is_in_evaluation_mode(cube):
    y = cube[:, 0, 0]
    seen = []
    model = LiquidRegressor(**TINY, dropout=0.5)
    model.set_params(callback=lambda epoch: seen.append(model.network_.training))
    model.set_callbacks(callback.ScoringMonitor(scoring="r2")).fit(cube, y)
    assert seen == [False] * 4


def test__progress_bar__fit__shows_and_changes_nothing(cube, capsys):
    pytest.importorskip("rich")
    y = cube[:, 0, 0]
    model = LiquidRegressor(**TINY).set_callbacks(callback.ProgressBar()).fit(cube, y)
    assert "LiquidRegressor" in capsys.readouterr().out
    plain = LiquidRegressor(**TINY).fit(cube, y)
    np.testing.assert_array_equal(model.predict(cube), plain.predict(cube))


def test__progress_bar__grid_search__reaches_the_estimators(cube, capsys):
    pytest.importorskip("rich")
    search = GridSearchCV(LiquidRegressor(**TINY), {"n_neurons": [6, 8]}, cv=2)
    search.set_callbacks(callback.ProgressBar()).fit(cube, cube[:, 0, 0])
    assert "GridSearchCV" in capsys.readouterr().out


def test__scoring_monitor__inside_grid_search__logs_every_fit(cube):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    inner = LiquidClassifier(**TINY).set_callbacks(monitor)
    labels = np.where(cube[:, 0, 0] > 0, "up", "down")
    GridSearchCV(inner, {"n_neurons": [6, 8]}, cv=2).fit(cube, labels)
    data = monitor.get_logs().data_as_pandas
    # 2 candidates x 2 folds and the last fit on everything, 4 epochs each.
    assert data["accuracy"].notna().sum() == (2 * 2 + 1) * 4


def test__scoring_monitor__last_step_of_a_pipeline__logs(cube):
    monitor = callback.ScoringMonitor(scoring="r2")
    last = LiquidRegressor(**TINY).set_callbacks(monitor)
    make_pipeline(SequenceScaler(), last).fit(cube, cube[:, 0, 0])
    assert monitor.get_logs().data_as_pandas["r2"].notna().sum() == 4


def test__callbacks__own_and_protocol__both_hear_of_each_epoch(cube):
    heard = []
    monitor = callback.ScoringMonitor(scoring="r2")
    model = LiquidRegressor(**TINY, callback=lambda epoch: heard.append(epoch.epoch))
    model.set_callbacks(monitor).fit(cube, cube[:, 0, 0])
    assert heard == [1, 2, 3, 4]


def test__callbacks__partial_fit__works(cube):
    monitor = callback.ScoringMonitor(scoring="r2")
    model = LiquidRegressor(**TINY).set_callbacks(monitor)
    model.partial_fit(cube, cube[:, 0, 0]).partial_fit(cube, cube[:, 0, 0])
    assert model.n_iter_ == 2


def test__callbacks__error_in_training__leaves_later_fits_usable(cube):
    def fail(epoch):
        raise RuntimeError("mine")

    monitor = callback.ScoringMonitor(scoring="r2")
    model = LiquidRegressor(**TINY, callback=fail).set_callbacks(monitor)
    with pytest.raises(RuntimeError, match="mine"):
        model.fit(cube, cube[:, 0, 0])
    model.set_params(callback=None).fit(cube, cube[:, 0, 0])
    assert monitor.get_logs().data_as_pandas["r2"].notna().sum() == 4
    assert clone(model).fit(cube, cube[:, 0, 0]).n_iter_ == 4
