"""The comparison models as `model_type` of the estimators."""

import pickle
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from LNN import LiquidClassifier, LiquidNeuralNetwork, LiquidRegressor
from LNN.baselines import GRUD, TIMED
from LNN.exceptions import InvalidInputError, MissingDependencyError
from LNN.models import MODELS

FAST = [kind for kind in TIMED if kind != "Neural-ODE"]


@pytest.fixture(params=TIMED)
def kind(request):
    if request.param == "Neural-ODE":
        pytest.importorskip("torchdiffeq")
    return request.param


def sequences(n=40, steps=8, seed=0, gaps=False):
    """Return sequences, irregular time stamps, and what a leaky memory would hold."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, steps, 2))
    t = rng.exponential(size=(n, steps)).cumsum(axis=1)
    y = (X[..., 0] * np.exp((t - t[:, -1:]) / 2)).sum(axis=1)
    if gaps:
        X[rng.random(X.shape) < 0.3] = np.nan
    return X, t, y


def regressor(kind, **options):
    settings = {"n_neurons": 6, "epochs": 2, "random_state": 0, "model_type": kind}
    return LiquidRegressor(**{**settings, **options})


def test__fit__any_model__predicts_and_survives_pickle_and_clone(kind):
    X, t, y = sequences()
    model = regressor(kind).fit(X, y, timestamps=t)
    want = model.predict(X, timestamps=t)
    assert np.isfinite(want).all()
    assert isinstance(model.network_.layers[0], TIMED[kind])
    assert model.wiring_ is None
    assert model.n_synapses_ is None
    assert model.backend_ == "torch"
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(X, timestamps=t), want)
    same = clone(model).fit(X, y, timestamps=t)
    assert np.array_equal(same.predict(X, timestamps=t), want)
    assert kind in str(model.summary())


def test__fit__two_layers_float64_classes__work(kind):
    X, t, y = sequences()
    model = LiquidClassifier(
        6, model_type=kind, n_layers=2, dtype="float64", epochs=2, random_state=0
    )
    model.fit(X, y > 0, timestamps=t)
    shares = model.predict_proba(X, timestamps=t)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-12)


@pytest.mark.parametrize("missing", ["hold", "mask"])
def test__missing__ragged_batch__equals_one_by_one(kind, missing):
    X, t, y = sequences(gaps=True)
    lengths = [1, 3, 8, 5] * 10
    X = [x[:n] for x, n in zip(X, lengths, strict=True)]
    t = [s[:n] for s, n in zip(t, lengths, strict=True)]
    model = regressor(kind, missing=missing).fit(X, y, timestamps=t)
    together = model.predict(X[:8], timestamps=t[:8])
    alone = [model.predict([X[i]], timestamps=[t[i]])[0] for i in range(8)]
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("scale", ["standard", "minmax"])
def test__GRUD__mask__knows_the_means_and_reads_no_log_of_ages(scale):
    X, t, y = sequences(gaps=True)
    model = regressor("GRU-D", missing="mask", scale=scale, n_layers=2)
    layers = model.fit(X, y, timestamps=t).network_.layers
    assert isinstance(layers[0], GRUD)
    np.testing.assert_allclose(layers[0].neutral.numpy(), model.scaler_.neutral_)
    assert layers[0].inputs.in_features == 4  # values and masks of two channels
    assert layers[1].neutral is None
    assert regressor("GRU-D").fit(*sequences()[::2]).network_.layers[0].neutral is None


@pytest.mark.parametrize("missing", ["error", "mask"])
@pytest.mark.parametrize("n_layers", [1, 2])
def test__stream__carried_state__equals_output_per_step(kind, missing, n_layers):
    X, t, _ = sequences(n=3, steps=12, gaps=missing == "mask")
    settings = {"missing": missing, "n_layers": n_layers, "return_sequences": True}
    model = regressor(kind, **settings)
    model.fit(X, np.nan_to_num(X[..., 0]), timestamps=t)  # a target for every step
    want = model.predict(X[:1], timestamps=t[:1])[0]
    stream = model.stream("carry")
    got = [stream.step(x, timestamp=when) for x, when in zip(X[0], t[0], strict=True)]
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [k for k in FAST if k != "CT-GRU-published"])
def test__time_stamps__irregular__are_read(kind):
    X, t, y = sequences()
    model = regressor(kind).fit(X, y, timestamps=t)
    other = t.copy()
    other[:, -1] += 2.0
    before, after = model.predict(X, timestamps=t), model.predict(X, timestamps=other)
    assert (before != after).all()


def test__grid_search__over_model_type__tries_all():
    pytest.importorskip("torchdiffeq")
    X, _, y = sequences(n=24, steps=4)
    search = GridSearchCV(
        LiquidRegressor(4, epochs=1, random_state=0),
        {"model_type": list(MODELS)},
        cv=2,
        error_score="raise",
    ).fit(X, y)
    assert len(search.cv_results_["params"]) == len(MODELS)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert np.isfinite(search.predict(X)).all()


@pytest.mark.parametrize("kind", FAST)
def test__pipeline__scaled_rows__fits_and_predicts(kind):
    X = np.random.default_rng(0).normal(size=(60, 3))
    model = make_pipeline(StandardScaler(), regressor(kind, window_length=5))
    assert model.fit(X, X[:, 0]).predict(X).shape == (60,)


@pytest.mark.slow
def test__training__leaky_memory__far_better_than_the_mean(kind):
    X, t, y = sequences(n=400)
    model = regressor(kind, n_neurons=12, epochs=25, early_stopping=False)
    model.fit(X[:300], y[:300], timestamps=t[:300])
    # An ODE is driven by an input for as long as its gap, the more so the longer; the
    # published CT-GRU does not know the gaps.
    bar = {"CT-RNN": 0.5, "Neural-ODE": 0.4, "CT-GRU-published": 0.7}
    assert model.score(X[300:], y[300:], timestamps=t[300:]) > bar.get(kind, 0.9)


@pytest.mark.parametrize(
    "idle",
    [
        {"wiring": "full"},
        {"readout": "motor"},
        {"mixed_memory": True},
        {"solver": "rk4"},
        {"ode_unfolds": 3},
        {"mode": "pure"},
        {"sparsity": 0.2},
        {"layer_recurrence": True},
        {"backbone_units": 3},
    ],
    ids=lambda idle: next(iter(idle)),
)
def test__parameters__of_liquid_cells_alone__are_refused(kind, idle):
    X, _, y = sequences()
    with pytest.raises(InvalidInputError, match="has no effect here"):
        regressor(kind, **idle).fit(X, y)


def test__model_type__unknown__names_all():
    X, _, y = sequences()
    with pytest.raises(InvalidInputError, match="'CT-RNN'.*'RNN-decay'.*'CTRNN'"):
        LiquidNeuralNetwork(model_type="CTRNN").fit(X, y)


def test__NeuralODE__without_torchdiffeq__fit_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchdiffeq", None)
    X, _, y = sequences()
    with pytest.raises(MissingDependencyError, match=r"LNN\[experiments\]"):
        regressor("Neural-ODE").fit(X, y)
