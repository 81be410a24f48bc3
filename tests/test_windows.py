"""Windows over rows as the estimator uses them: history, stride, anchors, units."""

from functools import partial

import numpy as np
import pytest
from sklearn import config_context
from sklearn.metrics import r2_score
from sklearn.preprocessing import QuantileTransformer, StandardScaler
from tiny import TINY

from LNN import LiquidClassifier, LiquidRegressor
from LNN.estimators import fitting

Regressor = partial(LiquidRegressor, **TINY, window_length=5, dtype="float64")


@pytest.fixture
def rows():
    t = np.arange(150)
    return np.column_stack([np.sin(0.3 * t), np.cos(0.11 * t)])


def trend(n=240):
    rng = np.random.default_rng(0)
    t = np.arange(n)
    series = 0.2 * t + np.sin(0.4 * t) + 0.05 * rng.normal(size=n)
    return series[:-1, None], series[1:]


# --------------------------------------------------------------- history


def test__predict__any_length__one_prediction_per_row(rows):
    model = Regressor().fit(rows, rows[:, 0])
    for n in (1, 2, 5, 150):
        assert model.predict(rows[:n]).shape == (n,)


def test__predict__context__equals_prediction_on_both_together(rows):
    model = Regressor().fit(rows[:100], rows[:100, 0])
    together = model.predict(rows)[100:]
    warm = model.predict(rows[100:], context=rows[:100])
    np.testing.assert_allclose(warm, together, rtol=1e-12)
    just_enough = model.predict(rows[100:], context=rows[96:100])
    np.testing.assert_allclose(just_enough, together, rtol=1e-12)
    cold = model.predict(rows[100:])
    assert (cold[:4] != together[:4]).any()
    np.testing.assert_allclose(cold[4:], together[4:], rtol=1e-12)


def test__predict_proba__context_with_timestamps__equals_both_together(rows):
    time = np.cumsum(np.random.default_rng(0).choice([1.0, 2.0], 150))
    model = LiquidClassifier(**TINY, window_length=5, dtype="float64")
    model.fit(rows[:100], rows[:100, 0] > 0, timestamps=time[:100])
    together = model.predict_proba(rows, timestamps=time)[100:]
    warm = model.predict_proba(rows[100:], context=rows[90:100], timestamps=time[90:])
    np.testing.assert_allclose(warm, together, rtol=1e-12)


def test__score__context__is_that_of_the_warm_predictions(rows):
    model = Regressor().fit(rows[:100], rows[:100, 0])
    warm = model.predict(rows[100:], context=rows[:100])
    score = model.score(rows[100:], rows[100:, 0], context=rows[:100])
    assert score == r2_score(rows[100:, 0], warm)
    assert score != model.score(rows[100:], rows[100:, 0])
    with config_context(enable_metadata_routing=True):
        model.set_score_request(context=True)


def test__window_length__set_after_fit__counts_from_the_next_fit(rows):
    model = Regressor(warm_start=True).fit(rows, rows[:, 0])
    before = model.predict(rows)
    model.set_params(window_length=1)
    np.testing.assert_array_equal(model.predict(rows), before)
    steps = model.stream()
    streamed = [steps.step(row) for row in rows[:20]]
    np.testing.assert_allclose(streamed, before[:20], atol=1e-5)
    assert "windows of 5" in model.summary()
    after = model.set_params(window_length=3).fit(rows, rows[:, 0]).predict(rows)
    same = model.predict(rows[-3:])
    np.testing.assert_allclose(after[-1], same[-1], atol=1e-6)


def test__groups__interleaved__equal_each_recording_by_itself(rows):
    groups = np.random.default_rng(0).integers(0, 3, len(rows))
    model = Regressor().fit(rows, rows[:, 0], groups=groups)
    together = model.predict(rows, groups=groups)
    for name in range(3):
        own = groups == name
        alone = model.predict(rows[own], groups=groups[own])
        np.testing.assert_allclose(together[own], alone, rtol=1e-10, atol=1e-12)


def test__group_column__equals_groups(rows):
    groups = np.repeat([3.0, 7.0, 5.0], 50)
    with_column = np.column_stack([rows, groups])
    left = Regressor(group_column=2).fit(with_column, rows[:, 0])
    right = Regressor().fit(rows, rows[:, 0], groups=groups)
    assert left.n_features_in_ == 3
    # Columns of a wider array lie elsewhere in memory: sums differ in the last bit.
    np.testing.assert_allclose(
        left.predict(with_column), right.predict(rows, groups=groups), rtol=1e-9
    )


def test__stride__trains_fewer_windows_and_predicts_every_row(rows, monkeypatch):
    seen = []
    original = fitting.train_model

    def spy(run, *rest):
        seen.append(run.training.sequences.row_of_sample)
        return original(run, *rest)

    monkeypatch.setattr(fitting, "train_model", spy)
    model = Regressor(stride=10).fit(rows, rows[:, 0])
    np.testing.assert_array_equal(seen[0], np.arange(9, 150, 10))
    assert model.predict(rows).shape == (150,)


def test__window_length__1__makes_rows_independent(rows):
    model = Regressor().set_params(window_length=1).fit(rows, rows[:, 0])
    order = np.random.default_rng(0).permutation(len(rows))
    np.testing.assert_allclose(
        model.predict(rows[order]), model.predict(rows)[order], rtol=1e-10
    )


# --------------------------------------------------------------- anchor


def test__anchor__level_shift__shifts_the_predictions():
    X, y = trend()
    model = Regressor(anchor=0, epochs=10).fit(X, y)
    np.testing.assert_allclose(
        model.predict(X + 1000.0), model.predict(X) + 1000.0, rtol=1e-9
    )


def test__anchor__trend__beats_plain_and_persistence():
    X, y = trend()
    train, test = slice(0, 180), slice(180, None)

    def error(**settings):
        model = Regressor(epochs=40, learning_rate=0.02, **settings)
        model.fit(X[train], y[train])
        predicted = model.predict(X[test], context=X[train])
        return np.mean((predicted - y[test]) ** 2)

    persistence = np.mean((X[test, 0] - y[test]) ** 2)
    anchored = error(anchor=0)
    assert anchored < 0.5 * persistence
    assert anchored < 0.1 * error()


def test__anchor__several_targets__each_has_its_column():
    X, _ = trend()
    X = np.column_stack([X, -2 * X])
    model = Regressor(anchor=[0, 1], epochs=5).fit(X[:-1], X[1:])
    shifted = model.predict(X[:-1] + [100.0, -50.0]) - model.predict(X[:-1])
    np.testing.assert_allclose(shifted, np.tile([100.0, -50.0], (len(X) - 1, 1)))


def test__anchor__per_step_targets__shift_too():
    X, y = trend(241)
    X, y = X.reshape(12, 20, 1), y.reshape(12, 20)
    model = Regressor(anchor=0, return_sequences=True).fit(X, y)
    np.testing.assert_allclose(model.predict(X + 50.0), model.predict(X) + 50.0)


# --------------------------------------------------------------- units and scaling


@pytest.mark.parametrize("scale", ["standard", "minmax", "robust"])
def test__scale__any_unit_of_the_inputs__gives_the_same(rows, scale):
    y = rows[:, 0]
    left = Regressor(scale=scale).fit(rows, y).predict(rows)
    right = Regressor(scale=scale).fit(rows * 1000 + 5, y).predict(rows * 1000 + 5)
    np.testing.assert_allclose(left, right, rtol=1e-6, atol=1e-8)


def test__scale_target__any_unit_of_the_targets__gives_the_same(rows):
    y = rows[:, 0]
    left = Regressor().fit(rows, y).predict(rows)
    right = Regressor().fit(rows, 1e6 * y - 7.0).predict(rows)
    np.testing.assert_allclose(right, 1e6 * left - 7.0, rtol=1e-6)


def test__scale_target__false__trains_on_the_numbers_as_they_are(rows):
    model = Regressor(scale_target=False).fit(rows, rows[:, 0])
    assert model.target_scaler_.scale_[0] == 1.0
    assert model.target_scaler_.center_[0] == 0.0


def test__scale__none__hands_over_the_inputs_as_they_are(rows):
    model = Regressor(scale="none").fit(rows, rows[:, 0])
    np.testing.assert_array_equal(model.scaler_.transform(rows), rows)


def test__scale__transformer__is_cloned_and_fitted_on_the_training_part(rows):
    mine, later = StandardScaler(), rows.copy()
    later[140:] = 1e6
    model = Regressor(scale=mine, early_stopping=True).fit(later, rows[:, 0])
    assert not hasattr(mine, "mean_")
    assert (np.abs(model.scaler_.transformer_.mean_) < 1).all()
    named = Regressor(scale="standard", early_stopping=True).fit(later, rows[:, 0])
    np.testing.assert_allclose(model.predict(rows), named.predict(rows), rtol=1e-6)
    quantile = QuantileTransformer(n_quantiles=20, output_distribution="normal")
    assert Regressor(scale=quantile).fit(rows, rows[:, 0]).score(rows, rows[:, 0]) < 1


def test__fit__constant_column_and_target__are_harmless(rows):
    X = np.column_stack([rows, np.full(len(rows), 3.0)])
    predicted = Regressor().fit(X, np.full(len(rows), 42.0)).predict(X)
    np.testing.assert_allclose(predicted, 42.0, atol=2.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int32, np.uint8, bool])
def test__fit__any_number_type__gives_float64_predictions(rows, dtype):
    X = (rows * 3 + 4).astype(dtype)
    model = Regressor().fit(X, rows[:, 0].astype(np.float32))
    assert model.predict(X).dtype == np.float64
    np.testing.assert_allclose(
        model.predict(X), model.predict(X.astype(np.float64)), rtol=1e-6, atol=1e-6
    )
