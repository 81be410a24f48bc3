"""`window_length=None`: each row is predicted from all rows of its recording before."""

import pickle

import numpy as np
import pandas as pd
import pytest

from LNN import LiquidClassifier, LiquidRegressor
from LNN.data import read_sequences
from LNN.estimators import evaluation
from LNN.exceptions import LNNWarning
from LNN.models import names

N = 90
CELLS = [*names(liquid=True), *names(liquid=False)]
SETTINGS = {
    "n_neurons": 6,
    "window_length": None,
    "chunk_length": 16,
    "burn_in": 4,
    "epochs": 2,
    "random_state": 0,
}


def regressor(**options) -> LiquidRegressor:
    return LiquidRegressor(**{**SETTINGS, **options})


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(N, 2)).cumsum(axis=0) / 5


@pytest.fixture(scope="module")
def y(X):
    return np.roll(X[:, 0], -1)


# ------------------------------------------------------------------ chunks


@pytest.mark.parametrize(("length", "burn_in"), [(1, 0), (7, 3), (16, 40), (500, 5)])
def test__cut__any_length__each_row_is_one_target_of_its_recording(length, burn_in):
    groups = np.repeat([0, 1, 2], [50, 3, 37])
    whole = read_sequences(np.zeros((90, 1)), window_length=None, groups=groups)
    chunks = whole.cut(length, burn_in)
    n_targets = chunks.length - chunks.first_target
    assert n_targets.max() <= length
    seen = np.concatenate(
        [
            np.arange(s + f, s + n)
            for s, f, n in zip(
                chunks.start, chunks.first_target, chunks.length, strict=True
            )
        ]
    )
    assert sorted(seen) == list(range(90))
    ends = chunks.start + chunks.length - 1
    assert (whole.recording[chunks.start] == whole.recording[ends]).all()
    # As many rows before the first target as there are, up to the burn-in.
    first = chunks.start + chunks.first_target
    begin = np.array([0, 50, 53])[whole.recording[first]]
    np.testing.assert_array_equal(
        chunks.first_target, np.minimum(first - begin, burn_in)
    )


def test__split_tails__two_recordings__last_parts_with_rows_before():
    groups = np.repeat([0, 1], [50, 40])
    whole = read_sequences(np.zeros((90, 1)), window_length=None, groups=groups)
    head, tail = whole.split_tails(0.2, warm=15)
    assert head.length.tolist() == [40, 32]
    assert (tail.start + tail.first_target).tolist() == [40, 82]
    assert tail.first_target.tolist() == [15, 15]
    assert (tail.start + tail.length).tolist() == [50, 90]


# -------------------------------------------------------------- predictions


@pytest.mark.parametrize("cell", CELLS)
def test__predict__any_cell__equals_its_stream(X, y, cell):
    model = regressor(model_type=cell).fit(X, y)
    for mode in ("window", "carry"):
        stream = model.stream(mode)
        found = [stream.step(x) for x in X]
        np.testing.assert_allclose(found, model.predict(X), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("missing", ["hold", "mask"])
def test__predict__irregular_time_and_missing_values__equals_its_stream(X, y, missing):
    X = X.copy()
    X[::7, 0] = X[3::5, 1] = np.nan
    gaps = np.random.default_rng(1).uniform(0.5, 3, size=N)
    model = regressor(missing=missing, max_step=1.2)
    model.fit(X, y, timestamps=gaps.cumsum())
    stream = model.stream()
    found = [stream.step(x, dt=gap) for x, gap in zip(X, gaps, strict=True)]
    want = model.predict(X, timestamps=gaps.cumsum())
    np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)


def test__predict__later_rows__change_nothing_before_them(X, y):
    model = regressor().fit(X, y)
    other = X.copy()
    other[60:] += 1.0
    one, two = model.predict(X), model.predict(other)
    np.testing.assert_array_equal(one[:60], two[:60])
    assert (one[60:] != two[60:]).all()


def test__predict__first_row__still_reaches_the_last(X, y):
    """A window would have forgotten it."""
    model = regressor(model_type="LTC", dtype="float64").fit(X, y)
    other = X[:12].copy()
    other[0] += 1.0
    assert (model.predict(X[:12]) != model.predict(other)).all()


def test__predict__context__is_the_rest_of_one_pass(X, y):
    model = regressor(dtype="float64").fit(X, y)
    later = model.predict(X[60:], context=X[:60])
    np.testing.assert_allclose(later, model.predict(X)[60:], rtol=1e-12)


def test__predict__rows_of_recordings_in_any_order__as_each_alone(X, y):
    groups = np.random.default_rng(3).integers(3, size=N)
    model = regressor(dtype="float64").fit(X, y, groups=groups)
    found = model.predict(X, groups=groups)
    for group in range(3):
        rows = groups == group
        alone = model.predict(X[rows], groups=groups[rows])
        np.testing.assert_allclose(found[rows], alone, rtol=1e-12)


def test__predict__blocks__as_in_one_piece(X, y, monkeypatch):
    model = regressor(dtype="float64", n_layers=2).fit(X, y)
    want = model.predict(X)
    monkeypatch.setattr(evaluation, "MAX_STEPS", 13)
    np.testing.assert_allclose(model.predict(X), want, rtol=1e-12)


def test__frame__recordings_and_time_in_the_index__read_as_given_apart(X, y):
    when = pd.date_range("2024-01-01", periods=N // 2, freq="min")
    index = pd.MultiIndex.from_product([["a", "b"], when])
    frame = pd.DataFrame(X, index=index, columns=["u", "v"])
    model = regressor().fit(frame, y)
    groups, times = np.repeat([0, 1], N // 2), np.tile(when.to_numpy(), 2)
    apart = regressor().fit(X, y, groups=groups, timestamps=times)
    np.testing.assert_array_equal(
        model.predict(frame), apart.predict(X, groups=groups, timestamps=times)
    )
    assert "rows of whole recordings" in model.summary()


# ------------------------------------------------------------------ training


def test__fit__one_chunk__is_a_fit_on_the_sequence(X, y):
    """Where nothing is cut, rows are one sequence with a target per step."""
    how = {"epochs": 5, "model_type": "LTC", "n_neurons": 8, "random_state": 0}
    rows = LiquidRegressor(**how, window_length=None, chunk_length=N).fit(X, y)
    cube = LiquidRegressor(**how, return_sequences=True).fit(X[None], y[None])
    # They start with other time constants, but count and scale the same.
    assert rows.scaler_.center_ == pytest.approx(cube.scaler_.center_)
    assert rows.target_scaler_.scale_ == pytest.approx(cube.target_scaler_.scale_)
    outputs = rows.model_.outputs(rows.model_.read(X))
    scaled = rows.model_.scaled_targets(y[:, None], None)
    assert rows.best_loss_ == pytest.approx(np.mean((outputs - scaled) ** 2), rel=1e-4)


def test__fit__chunks__burn_in_rows_do_not_count_twice(X, y):
    model = regressor(batch_size=10**6, dtype="float64").fit(X, y)
    data = read_sequences(X, window_length=None).cut(16, 4)
    total = 0.0
    for s, f, n in zip(data.start, data.first_target, data.length, strict=True):
        alone = model.predict(X[s : s + n])[f:]
        total += np.sum((alone - y[s + f : s + n]) ** 2)
    scale = float(model.target_scaler_.scale_[0])
    assert model.best_loss_ == pytest.approx(total / N / scale**2, rel=1e-9)


def test__fit__weight_0__target_is_not_read_but_the_row_is(X, y):
    weights = np.ones(N)
    weights[::3] = 0
    wild, holes = y.copy(), y.copy()
    wild[::3], holes[::3] = 1e6, np.nan
    found = [
        regressor().fit(X, goal, sample_weight=weights).predict(X)
        for goal in (y, wild, holes)
    ]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    other = X.copy()
    other[0] += 1.0
    assert (
        regressor().fit(other, y, sample_weight=weights).predict(X) != found[0]
    ).any()


def test__fit__anchor__learns_the_change(X):
    y = np.roll(X[:, 0], -1)
    model = regressor(anchor=0, epochs=30).fit(X[:-1], y[:-1])
    plain = regressor(epochs=30).fit(X[:-1], y[:-1])
    assert model.score(X[:-1], y[:-1]) > plain.score(X[:-1], y[:-1])
    level = model.predict(X[:-1] + [100.0, 0.0]) - model.predict(X[:-1])
    np.testing.assert_allclose(level, 100.0, rtol=1e-3)


@pytest.mark.parametrize("n_recordings", [1, 3, 12])
def test__early_stopping__any_recordings__validates_on_a_tenth(n_recordings):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(240, 1))
    groups = np.repeat(np.arange(n_recordings), 240 // n_recordings)
    model = regressor(early_stopping=True).fit(X, X[:, 0], groups=groups)
    assert len(model.validation_loss_curve_) == 2
    assert model.best_validation_loss_ == min(model.validation_loss_curve_)


def test__early_stopping__auto__counts_rows():
    X = np.random.default_rng(0).normal(size=(250, 1))
    assert regressor().fit(X, X[:, 0]).best_validation_loss_ is not None
    assert regressor().fit(X[:150], X[:150, 0]).best_validation_loss_ is None


def test__validation__of_a_tail__is_judged_after_the_rows_before_it(X, y):
    model = regressor(early_stopping=True, validation_fraction=0.2, dtype="float64")
    model.fit(X, y)
    cut, scale = 72, float(model.target_scaler_.scale_[0])
    errors = model.predict(X[cut:], context=X[cut - 20 : cut]) - y[cut:]
    assert model.best_validation_loss_ == pytest.approx(np.mean(errors**2) / scale**2)


def test__X_val__is_one_pass(X, y):
    model = regressor(dtype="float64")
    model.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    errors = model.predict(X[60:], context=X[:0]) - y[60:]
    scale = float(model.target_scaler_.scale_[0])
    assert model.best_validation_loss_ == pytest.approx(np.mean(errors**2) / scale**2)


def test__classifier__labels_of_rows__are_learnt():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 1))
    labels = np.where(np.r_[0, 0, X[:-2, 0]] > 0, "up", "down")  # two rows ago
    model = LiquidClassifier(16, window_length=None, epochs=150, random_state=0)
    model.set_params(learning_rate=0.02, early_stopping=False)
    model.fit(X[:300], labels[:300])
    found = model.score(X[300:], labels[300:], context=X[:300])
    assert found > 0.8
    assert model.predict_proba(X).shape == (400, 2)


def test__several_targets_and_quantiles__have_their_shapes(X, y):
    both = np.column_stack([y, -y])
    assert regressor().fit(X, both).predict(X).shape == (N, 2)
    model = regressor(loss="quantile", quantile=[0.1, 0.9]).fit(X, y)
    assert model.predict(X).shape == (N, 2)


def test__partial_fit__later_rows__goes_on(X, y):
    model = regressor().fit(X[:60], y[:60])
    before = model.score(X[60:], y[60:], context=X[:60])
    for _ in range(20):
        model.partial_fit(X[60:], y[60:])
    assert model.score(X[60:], y[60:], context=X[:60]) > before


def test__pickle__predicts_the_same(X, y):
    model = regressor().fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test__cold_start__continued_rows__are_told(X, y):
    frame = pd.DataFrame(X, columns=["u", "v"])
    model = regressor().fit(frame[:60], y[:60])
    with pytest.warns(LNNWarning, match="start from an empty state"):
        model.predict(frame[60:])


def test__not_finite__names_the_row(X, y):
    model = regressor(model_type="LSTM", scale="none").fit(X, y)
    model.network_.readout[-1].bias.data[:] = np.nan
    with pytest.raises(ValueError, match="row 0"):
        model.predict(X)


def test__stride__is_refused(X, y):
    with pytest.raises(ValueError, match=r"stride=3 .* has no windows"):
        regressor(stride=3).fit(X, y)


@pytest.mark.parametrize("name", ["chunk_length", "burn_in"])
def test__windows__chunks_have_no_effect__is_refused(X, y, name):
    model = LiquidRegressor(6, epochs=1, **{name: 5})
    with pytest.raises(ValueError, match=f"{name}.*window_length=None"):
        model.fit(X, y)
