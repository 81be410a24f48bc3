"""A weight of k is the same as the sample k times, in every statistic of a fit."""

from dataclasses import astuple
from functools import partial

import numpy as np
import pytest

from LNN import LiquidClassifier, LiquidRegressor

N, T = 24, 6
FULL_BATCH = {
    "n_neurons": 6,
    "epochs": 4,
    "batch_size": 1000,
    "early_stopping": False,
    "dtype": "float64",
    "random_state": 0,
}
MODELS = {
    "default": {},
    "LTC": {"model_type": "LTC"},
    "robust": {"scale": "robust"},
    "quantile": {"loss": "quantile", "quantile": [0.1, 0.7]},
    "absolute": {"loss": "absolute_error"},
    "mask": {"model_type": "GRU-D", "missing": "mask"},
}


@pytest.fixture
def data():
    random = np.random.default_rng(0)
    X = random.normal(size=(N, T, 2))
    time = np.cumsum(random.exponential(size=(N, T)), axis=1)
    weight = random.integers(0, 4, N)
    weight[0], time[0] = 0, 50.0 * np.arange(T)  # long gaps that do not count
    return X, X[:, :, 0].mean(axis=1), time, weight


def assert_same_fit(weighted, repeated, X, time, **how):
    known, other = weighted.model_.clock, repeated.model_.clock
    assert astuple(known.gap_range) == pytest.approx(astuple(other.gap_range))
    assert weighted.time_unit_ == pytest.approx(repeated.time_unit_)
    assert known.regular == other.regular
    answers = (
        model.predict(X, timestamps=time, **how) for model in (weighted, repeated)
    )
    np.testing.assert_allclose(*answers, atol=1e-10)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", [np.asarray, list])
def test__sequences__weights_and_irregular_time__as_repeated(data, name, kind):
    X, y, time, weight = data
    rows = np.repeat(np.arange(N), weight)
    make = partial(LiquidRegressor, **FULL_BATCH, **MODELS[name])
    weighted = make().fit(kind(X), y, sample_weight=weight, timestamps=kind(time))
    repeated = make().fit(kind(X[rows]), y[rows], timestamps=kind(time[rows]))
    assert_same_fit(weighted, repeated, kind(X[1:]), kind(time[1:]))


def test__sequences_of_several_lengths__weights__as_repeated(data):
    """The typical length decides where time constants start."""
    X, y, time, weight = data
    lengths = np.where(weight > 1, 2, T)
    X = [x[:n] for x, n in zip(X, lengths, strict=True)]
    time = [t[:n] for t, n in zip(time, lengths, strict=True)]
    rows = np.repeat(np.arange(N), weight)
    make = partial(LiquidRegressor, **FULL_BATCH)
    weighted = make().fit(X, y, sample_weight=weight, timestamps=time)
    repeated = make().fit(
        [X[i] for i in rows], y[rows], timestamps=[time[i] for i in rows]
    )
    assert_same_fit(weighted, repeated, X[1:], time[1:])


@pytest.mark.parametrize("per_step", [False, True])
def test__classes__balanced_and_irregular_time__as_repeated(data, per_step):
    X, y, time, weight = data
    labels = (X[:, :, 0] if per_step else y) > 0.1
    rows = np.repeat(np.arange(N), weight)
    make = partial(LiquidClassifier, class_weight="balanced", **FULL_BATCH)
    weighted = make().fit(X, labels, sample_weight=weight, timestamps=time)
    repeated = make().fit(X[rows], labels[rows], timestamps=time[rows])
    assert_same_fit(weighted, repeated, X[1:], time[1:])
    answers = (m.predict_proba(X, timestamps=time) for m in (weighted, repeated))
    np.testing.assert_allclose(*answers, atol=1e-10)


@pytest.mark.parametrize("anchor", [None, 0])
def test__windows_of_rows__weights_and_irregular_time__as_recordings_repeated(anchor):
    """Copy k of the recording counts where the weight is above k."""
    random = np.random.default_rng(1)
    n, copies = 40, 3
    X = random.normal(size=(n, 2)).cumsum(axis=0)
    time = random.exponential(size=n).cumsum()
    y = X[:, 0] + 0.1 * X[:, 1]
    weight = random.integers(0, copies + 1, n)
    make = partial(LiquidRegressor, window_length=4, anchor=anchor, **FULL_BATCH)
    weighted = make().fit(X, y, sample_weight=weight, timestamps=time)
    repeated = make().fit(
        np.tile(X, (copies, 1)),
        np.tile(y, copies),
        sample_weight=(weight > np.arange(copies)[:, None]).ravel(),
        timestamps=np.tile(time, copies),
        groups=np.repeat(np.arange(copies), n),
    )
    assert_same_fit(weighted, repeated, X, time, groups=np.zeros(n))


@pytest.mark.parametrize("scoring", ["loss", "r2"])
def test__validation_weights__as_repeated(data, scoring):
    X, y, time, weight = data
    rows = np.repeat(np.arange(N), weight)
    make = partial(LiquidRegressor, **FULL_BATCH | {"early_stopping": True})
    given = {"timestamps": time[1:] * 2, "scoring": scoring}
    training = {"X": X[1:], "y": y[1:], "timestamps": given["timestamps"]}
    weighted, repeated = make(scoring=scoring), make(scoring=scoring)
    weighted.fit(
        **training,
        X_val=X[1:],
        y_val=y[1:],
        sample_weight_val=weight[1:],
        timestamps_val=time[1:],
    )
    repeated.fit(**training, X_val=X[rows], y_val=y[rows], timestamps_val=time[rows])
    np.testing.assert_allclose(
        weighted.validation_loss_curve_, repeated.validation_loss_curve_
    )
    assert weighted.n_iter_ == repeated.n_iter_


def test__weights__times_a_number__same_statistics(data):
    X, y, time, weight = data
    make = partial(LiquidRegressor, scale="robust", **FULL_BATCH)
    one = make().fit(X, y, sample_weight=weight, timestamps=time)
    other = make().fit(X, y, sample_weight=weight * 0.1, timestamps=time)
    assert_same_fit(one, other, X[1:], time[1:])
    np.testing.assert_array_equal(one.scaler_.center_, other.scaler_.center_)


@pytest.mark.parametrize(
    ("weights", "doubted"), [([1.0] * 9 + [100.0], True), ([100.0] * 9 + [1.0], False)]
)
def test__anchor__rows_that_count__decide_whether_it_is_doubted(weights, doubted):
    random = np.random.default_rng(2)
    X = random.normal(size=(200, 1)) + 50
    y = X[:, 0] + 0.01 * random.normal(size=200)
    wrong = np.arange(200) % 10 == 9
    y[wrong] -= 50
    model = LiquidRegressor(4, window_length=2, anchor=0, epochs=1, random_state=0)
    fit = partial(model.fit, X, y, sample_weight=np.tile(weights, 20))
    if doubted:
        with pytest.warns(match="differs from the column"):
            fit()
    else:
        fit()


@pytest.mark.parametrize("layout", [np.asarray, list, "rows"])
@pytest.mark.parametrize("how", ["partial_fit", "validation"])
def test__later_data__gaps_of_weight_0__raise_no_doubt(data, layout, how):
    X, y, time, weight = data
    far = time[1:].copy()
    far[0] = 1e5 * np.arange(T)
    X, y, time, weight = X[1:], y[1:], time[1:], (np.arange(N - 1) > 0) * 1.0
    groups = None
    if layout == "rows":
        groups = np.repeat(np.arange(N - 1), T)
        X, time, far = X.reshape(-1, 2), time.ravel(), far.ravel()
        y, weight = np.repeat(y, T), np.repeat(weight, T)
    else:
        X, time, far = layout(X), layout(time), layout(far)
    model = LiquidRegressor(6, epochs=2, window_length=4, random_state=0)
    by = {"groups": groups}
    model.fit(X, y, timestamps=time, **by)

    def later(weight):
        if how == "partial_fit":
            model.partial_fit(X, y, sample_weight=weight, timestamps=far, **by)
            return
        others = {"X_val": X, "y_val": y, "timestamps_val": far, "groups_val": groups}
        model.fit(X, y, timestamps=time, sample_weight_val=weight, **others, **by)

    later(weight)
    with pytest.warns(match="times the longest of training"):
        later(None)
