"""Which samples decide when to stop: design rules for every kind of data."""

import numpy as np
import pytest
from tiny import TINY

from LNN import LiquidClassifier, LiquidRegressor
from LNN.estimators import fitting
from LNN.exceptions import InvalidInputError, LNNWarning


@pytest.fixture
def parts(monkeypatch):
    """The training and validation data that fit really used."""
    found = {}
    original = fitting.train_model

    def spy(run, *rest):
        found.update(training=run.training, validation=run.validation)
        return original(run, *rest)

    monkeypatch.setattr(fitting, "train_model", spy)
    return found


def rows_of(data):
    return data.sequences.row_of_sample


def test__split__windows__is_the_tail_in_time(parts):
    X = np.random.default_rng(0).normal(size=(300, 2))
    LiquidRegressor(**TINY, window_length=8, validation_fraction=0.2).fit(X, X[:, 0])
    np.testing.assert_array_equal(rows_of(parts["training"]), np.arange(240))
    np.testing.assert_array_equal(rows_of(parts["validation"]), np.arange(240, 300))


def test__split__few_recordings__is_the_tail_of_each(parts):
    X = np.random.default_rng(0).normal(size=(300, 2))
    groups = np.arange(300) % 3  # interleaved
    LiquidRegressor(**TINY, window_length=4).fit(X, X[:, 0], groups=groups)
    held = rows_of(parts["validation"])
    assert len(held) == 30
    np.testing.assert_array_equal(np.sort(held), np.arange(270, 300))


def test__split__ten_recordings__holds_out_whole_ones(parts):
    X = np.random.default_rng(0).normal(size=(300, 2))
    groups = np.repeat(np.arange(10), 30)
    LiquidRegressor(**TINY, window_length=4, validation_fraction=0.2).fit(
        X, X[:, 0], groups=groups
    )
    held = groups[rows_of(parts["validation"])]
    train = groups[rows_of(parts["training"])]
    assert len(set(held)) == 2
    assert not set(held) & set(train)


def test__split__groups_of_sequences__are_held_out_whole(parts):
    X = np.random.default_rng(0).normal(size=(220, 5, 2))
    groups = np.arange(220) % 11
    LiquidRegressor(**TINY).fit(X, X[:, 0, 0], groups=groups)
    held = groups[rows_of(parts["validation"])]
    assert len(set(held)) == 1
    assert held[0] not in groups[rows_of(parts["training"])]


def test__split__independent_classes__is_stratified(parts):
    X = np.random.default_rng(0).normal(size=(300, 5, 2))
    y = np.repeat([0, 1, 2], [200, 70, 30])
    LiquidClassifier(**TINY).fit(X, y)
    np.testing.assert_array_equal(
        np.bincount(y[rows_of(parts["validation"])]), [20, 7, 3]
    )


def test__split__independent_rows__is_drawn_and_not_the_tail(parts):
    X = np.random.default_rng(0).normal(size=(300, 2))
    LiquidRegressor(**TINY, window_length=1).fit(X, X[:, 0])
    held = rows_of(parts["validation"])
    assert len(held) == 30
    assert held.min() < 200


def test__split__both_parts__share_no_sample_and_leave_none(parts):
    X = np.random.default_rng(0).normal(size=(250, 4, 2))
    LiquidRegressor(**TINY).fit(X, X[:, 0, 0])
    both = np.r_[rows_of(parts["training"]), rows_of(parts["validation"])]
    np.testing.assert_array_equal(np.sort(both), np.arange(250))


def test__split__tail_without_a_class__warns_and_does_without(parts):
    X = np.random.default_rng(0).normal(size=(300, 2))
    y = (np.arange(300) < 150).astype(int)
    with pytest.warns(LNNWarning, match="would lack a class"):
        model = LiquidClassifier(**TINY, window_length=4).fit(X, y)
    assert parts["validation"] is None
    assert model.validation_loss_curve_ is None
    assert model.best_validation_loss_ is None


def test__split__class_with_one_sample__warns_and_does_without(parts):
    X = np.random.default_rng(0).normal(size=(210, 4, 2))
    y = np.zeros(210, dtype=int)
    y[100:200], y[5] = 1, 2
    with pytest.warns(LNNWarning, match="would lack a class"):
        LiquidClassifier(**TINY).fit(X, y)
    assert parts["validation"] is None


def test__split__no_target_in_one_part__warns_and_does_without(parts):
    X = np.random.default_rng(0).normal(size=(30, 5, 2))
    y = np.full((30, 5), np.nan)
    y[4] = X[4, :, 0]
    with pytest.warns(LNNWarning, match="no step with a target"):
        model = LiquidRegressor(**TINY, early_stopping=True).fit(X, y)
    assert parts["validation"] is None
    assert np.isfinite(model.loss_curve_).all()


def test__split__fraction_that_leaves_nothing__warns_and_does_without(parts):
    X = np.random.default_rng(0).normal(size=(20, 5, 2))
    model = LiquidRegressor(**TINY, early_stopping=True, validation_fraction=0.99)
    with pytest.warns(LNNWarning, match="validation_fraction=0.99 of 20 samples"):
        model.fit(X, X[:, 0, 0])
    assert len(parts["training"].sequences) == 20


@pytest.mark.parametrize(("n", "stops"), [(199, False), (200, True)])
def test__early_stopping__auto__is_on_from_200_sequences(parts, n, stops):
    X = np.random.default_rng(0).normal(size=(n, 4, 2))
    LiquidRegressor(**TINY).fit(X, X[:, 0, 0])
    assert (parts["validation"] is not None) == stops


def test__early_stopping__stride__counts_windows_not_rows(parts):
    X = np.random.default_rng(0).normal(size=(300, 2))
    LiquidRegressor(**TINY, window_length=4, stride=2).fit(X, X[:, 0])
    assert parts["validation"] is None
    assert len(parts["training"].sequences) == 150


def test__early_stopping__true_with_one_sample__says_so():
    with pytest.raises(InvalidInputError, match="at least two samples"):
        LiquidRegressor(**TINY, early_stopping=True).fit(np.ones((1, 4, 2)), [1.0])


def test__scalers__windows__see_the_training_part_only(parts):
    X = np.random.default_rng(0).normal(size=(300, 2))
    X[270:] += 1e6
    y = X[:, 0] * 2
    model = LiquidRegressor(**TINY, window_length=1 + 3).fit(X, y)
    assert (np.abs(model.scaler_.center_) < 1).all()
    assert abs(model.target_scaler_.center_[0]) < 1


def test__scalers__whole_recordings__see_the_training_part_only(parts):
    X = np.random.default_rng(0).normal(size=(300, 2))
    groups = np.repeat(np.arange(10), 30)
    settings = TINY | {"window_length": 4, "scale": "minmax"}
    LiquidRegressor(**settings).fit(X, X[:, 0], groups=groups)
    held = rows_of(parts["validation"])
    X[held] *= 100
    model = LiquidRegressor(**settings).fit(X, X[:, 0], groups=groups)
    train = rows_of(parts["training"])
    np.testing.assert_array_equal(model.scaler_.center_, X[train].min(axis=0))


def test__time_unit__windows__is_that_of_the_training_part(parts):
    X = np.random.default_rng(0).normal(size=(300, 2))
    time = np.cumsum(np.r_[np.full(270, 2.0), np.full(30, 50.0)])
    model = LiquidRegressor(**TINY, window_length=4).fit(X, X[:, 0], timestamps=time)
    assert model.time_unit_ == 2.0
    assert model.model_.clock.regular


def test__x_val__given__is_used_and_all_of_x_trains(parts):
    X = np.random.default_rng(0).normal(size=(300, 2))
    model = LiquidRegressor(**TINY, window_length=4, early_stopping=False)
    model.fit(X[:250], X[:250, 0], X_val=X[250:], y_val=X[250:, 0])
    assert len(parts["training"].sequences) == 250
    assert len(parts["validation"].sequences) == 50
    assert len(model.validation_loss_curve_) == model.n_iter_


def test__x_val__sample_weight_val__counts(parts):
    X = np.random.default_rng(0).normal(size=(60, 4, 2))
    X_val, y_val = X[50:], X[50:, 0, 0]
    weight = np.array([1.0] * 5 + [0.0] * 5)
    y_val = np.where(weight > 0, y_val, 1e6)
    settings = TINY | {"dtype": "float64"}
    left = LiquidRegressor(**settings).fit(
        X[:50], X[:50, 0, 0], X_val=X_val, y_val=y_val, sample_weight_val=weight
    )
    right = LiquidRegressor(**settings).fit(
        X[:50], X[:50, 0, 0], X_val=X_val[:5], y_val=y_val[:5]
    )
    np.testing.assert_allclose(
        left.validation_loss_curve_, right.validation_loss_curve_, rtol=1e-9
    )


def test__x_val__timestamps_and_groups__go_with_it(parts):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 2))
    time = np.cumsum(rng.choice([1.0, 3.0], 90))
    model = LiquidRegressor(**TINY, window_length=4).fit(
        X[:60],
        X[:60, 0],
        X_val=X[60:],
        y_val=X[60:, 0],
        timestamps=time[:60],
        timestamps_val=time[60:],
        groups=np.repeat([0, 1], 30),
        groups_val=np.repeat([0, 1], 15),
    )
    validation = parts["validation"].sequences
    assert np.isnan(validation.elapsed[[0, 15]]).all()
    assert not model.model_.clock.regular


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"X_val": np.ones((5, 2))}, "y_val"),
        ({"X_val": np.ones((5, 3)), "y_val": np.ones(5)}, "3 features"),
        ({"X_val": np.full((5, 2), np.nan), "y_val": np.ones(5)}, "X_val contains NaN"),
        ({"X_val": np.ones((5, 2)), "y_val": np.ones(4)}, "inconsistent"),
        ({"y_val": np.ones(5)}, "X_val"),
        ({"timestamps_val": np.arange(5)}, "X_val"),
    ],
)
def test__x_val__unusable__names_the_argument(arguments, words):
    X = np.random.default_rng(0).normal(size=(40, 2))
    with pytest.raises(ValueError, match=words):
        LiquidRegressor(**TINY, window_length=4).fit(X, X[:, 0], **arguments)


def test__x_val__label_unknown_to_training__is_named():
    X = np.random.default_rng(0).normal(size=(40, 4, 2))
    y = np.repeat(["a", "b"], 20)
    with pytest.raises(InvalidInputError, match="'c'.*known classes"):
        LiquidClassifier(**TINY).fit(X, y, X_val=X[:2], y_val=["a", "c"])


def test__time__stamps_of_another_kind__are_refused():
    import pandas as pd

    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        rng.normal(size=(60, 2)), index=pd.date_range("2024", periods=60, freq="h")
    )
    model = LiquidRegressor(n_neurons=8, window_length=3, epochs=1, random_state=0)
    model.fit(X, X[0])
    with pytest.raises(InvalidInputError, match="numbers: their units differ"):
        model.predict(X, timestamps=np.arange(60.0))
    with pytest.warns(LNNWarning, match="equal gaps of 1:00:00"):
        model.predict(X, timestamps=X.index + pd.to_timedelta(rng.random(60), unit="s"))


def test__time__only_with_x_val__is_refused():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), rng.normal(size=60)
    model = LiquidRegressor(n_neurons=8, window_length=3, epochs=2, random_state=0)
    with pytest.raises(InvalidInputError, match="Expected no timestamps_val"):
        model.fit(X, y, X_val=X, y_val=y, timestamps_val=np.arange(60) * 3600)
