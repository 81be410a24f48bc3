"""The registry of model types, and a cell that is not ours."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from tiny import TINY
from torch import nn

from LNN import (
    InvalidInputError,
    LiquidClassifier,
    LiquidNetwork,
    LiquidNeuralNetwork,
    LiquidRegressor,
    Wiring,
    models,
)
from LNN.baselines import Baseline
from LNN.cells.base import Cell
from LNN.cells.synapses import SynapseIndex, linear, uniform
from LNN.estimators.parameters import DEFAULTS
from LNN.models import MODELS, ModelType, find, liquid, register, unregister
from LNN.safety import (
    contraction_bound,
    contraction_rate,
    output_bounds,
    state_bounds,
)

LIQUID = models.names(liquid=True)


class LeakyCell(Cell):
    """A cell of one's own: tau dh/dt = tanh(W x + U h + b) - h, the tanh held."""

    def __init__(self, wiring, *, generator=None):
        super().__init__()
        self.input_size, self.state_size = wiring.n_inputs, wiring.n_neurons
        self.output_size = wiring.n_outputs
        edges = wiring.recurrent
        n = wiring.n_neurons
        self.index = SynapseIndex(edges.source, edges.target, n, n)
        self.weight = nn.Parameter(uniform(len(self.index), -0.3, 0.3, generator))
        self.input_map = linear(wiring.n_inputs, n, generator)
        self.log_tau = nn.Parameter(torch.zeros(n))

    def drive(self, inputs):
        return self.input_map(inputs)

    def constants(self):
        return self.index.dense(self.weight), self.log_tau.exp()

    def step(self, drive, state, dt, constants):
        weight, tau = constants
        target = torch.tanh(drive + state @ weight)
        return target + torch.exp(-dt / tau) * (state - target)

    def outputs(self, states):
        return states[..., : self.output_size]


class Average(Baseline):
    """A comparison of one's own: a running mean of a map of the inputs."""

    def __init__(self, input_size, n_neurons, *, generator=None):
        super().__init__()
        self.input_size, self.n_neurons = input_size, n_neurons
        self.map = linear(input_size, n_neurons, generator)

    def advance(self, inputs, state, spans):
        states = []
        for x in self.map(inputs).unbind(1):
            state = 0.5 * (state + x)
            states.append(state)
        return torch.stack(states, dim=1)


TOYS = {
    "Leaky": liquid("Leaky", "tau dh/dt = tanh(W x + U h) - h over dt", LeakyCell),
    "Average": ModelType("Average", "h = (h + W x) / 2", Average),
}


@pytest.fixture(params=TOYS)
def toy(request):
    register(TOYS[request.param])
    yield request.param
    unregister(request.param)


@pytest.fixture
def leaky():
    register(TOYS["Leaky"])
    yield "Leaky"
    unregister("Leaky")


def rows(n=60):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 2))
    return X, np.convolve(X[:, 0], [1, 0.5, 0.25])[:n]


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def small(cls, **settings):
    common = TINY | {"window_length": 4}
    return cls(**(common | settings))


# ------------------------------------------------------------------ a new model type


@pytest.mark.parametrize("cls", [LiquidRegressor, LiquidNeuralNetwork])
@pytest.mark.parametrize("settings", [{}, {"n_layers": 2}])
def test__toy__fit__learns_and_predicts(toy, cls, settings):
    X, y = rows()
    model = small(cls, model_type=toy, epochs=30, **settings).fit(X, y)
    assert model.predict(X).shape == y.shape
    assert model.score(X, y) > 0.3
    assert model.backend_ == "torch"
    assert (model.wiring_ is None) == (toy == "Average")


def test__toy__safety__proves_nothing_and_says_so(toy):
    X, y = rows()
    model = small(LiquidRegressor, model_type=toy).fit(X, y)
    bounds = state_bounds(model)
    assert not bounds.proved
    assert "no bound is known" in bounds.layers[0].reason
    assert not output_bounds(model, (-1, 1)).proved
    assert "no bound is written" in contraction_bound(model, (-1, 1)).reason
    assert contraction_rate(model, X).slowest > 0


def test__toy__classifier__predicts_probabilities(toy):
    X, y = rows()
    model = small(LiquidClassifier, model_type=toy).fit(X, y > 0)
    np.testing.assert_allclose(model.predict_proba(X).sum(1), 1, rtol=1e-5)


@pytest.mark.parametrize("timed", [False, True])
def test__toy__window_stream__equals_predict(toy, timed):
    X, y = rows()
    stamps = np.random.default_rng(1).exponential(size=len(X)).cumsum()
    stamps = stamps if timed else None
    model = small(LiquidRegressor, model_type=toy).fit(X, y, timestamps=stamps)
    expected = model.predict(X, timestamps=stamps)
    stream = model.stream(mode="window")
    gaps = [None] * len(X) if stamps is None else [None, *np.diff(stamps)]
    answers = [stream.step(x, dt=dt) for x, dt in zip(X, gaps, strict=True)]
    np.testing.assert_allclose(np.ravel(answers)[1:], expected[1:], rtol=1e-4)


def test__toy__carried_stream__equals_the_whole_sequence(toy):
    X, y = rows()
    sequence, targets = X[None], y[None]
    model = small(LiquidRegressor, model_type=toy, return_sequences=True)
    model.fit(sequence, targets)
    stream = model.stream(mode="carry")
    answers = [stream.step(x) for x in X]
    expected = model.predict(sequence)[0]
    np.testing.assert_allclose(np.ravel(answers), expected, rtol=1e-4, atol=1e-6)


def test__toy__clone__same_bits(toy):
    X, y = rows()
    model = small(LiquidRegressor, model_type=toy).fit(X, y)
    again = clone(model).fit(X, y)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test__toy__grid_search__tries_it_beside_ours(toy):
    X, y = rows()
    grid = {"model_type": [toy, "CfC", "LSTM"]}
    search = GridSearchCV(small(LiquidRegressor), grid, cv=2, error_score="raise")
    search.fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test__toy__summary__names_it(toy):
    X, y = rows()
    model = small(LiquidRegressor, model_type=toy, n_layers=2).fit(X, y)
    line = "network   " + find(toy).describe(DEFAULTS | model.get_params(), 8)
    assert line == f"network   {toy}, 8 neurons in each of 2 layers"
    assert line in model.summary()


def test__leaky__liquid_options__have_their_effect(leaky):
    X, y = rows()
    options = {"mixed_memory": True, "wiring": "random", "readout": "motor"}
    model = small(LiquidRegressor, model_type=leaky, **options).fit(X, y)
    assert "mixed memory" in model.summary()
    assert model.network_.layers[0].mixed_memory
    with pytest.raises(InvalidInputError, match="only LTC has a solver"):
        small(LiquidRegressor, model_type=leaky, solver="rk4").fit(X, y)


def test__average__options_of_liquid_cells__are_refused():
    liquid_ones = f"{', '.join(LIQUID[:-1])} and {LIQUID[-1]}"
    register(TOYS["Average"])
    try:
        model = small(LiquidRegressor, model_type="Average", readout="motor")
        with pytest.raises(InvalidInputError, match=f"only {liquid_ones} have motor"):
            model.fit(*rows())
    finally:
        unregister("Average")


def test__unregister__name_is_unknown_again(leaky):
    unregister(leaky)
    listed = ", ".join(map(repr, MODELS))
    with pytest.raises(InvalidInputError, match=f"must be one of {listed}"):
        small(LiquidRegressor, model_type=leaky).fit(*rows())
    with pytest.raises(InvalidInputError, match="model_type must be one of"):
        unregister(leaky)
    register(TOYS[leaky])


def test__register__name_that_is_taken__is_refused():
    with pytest.raises(InvalidInputError, match=r"unregister\('CfC'\) first"):
        register(find("CfC"))


# ------------------------------------------------------------------------ the entries


@pytest.mark.parametrize("option", models.OPTIONS)
def test__options__each__has_a_model_that_takes_it(option):
    owners = [model for model in MODELS.values() if model.has(option)]
    assert 0 < len(owners) < len(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test__entries__each__has_a_line_and_a_layer(name):
    model = find(name)
    assert model.line
    assert "\n" not in model.line
    if name == "Neural-ODE":
        pytest.importorskip("torchdiffeq")
    network = LiquidNetwork(3, 8, 2, model_type=name)
    assert network(torch.zeros(2, 4, 3)).shape == (2, 2)
    assert (network.wiring is not None) == model.liquid


def test__documentation__lists__are_those_of_the_registry():
    doc = " ".join((LiquidNeuralNetwork.__doc__ or "").split())
    for name in MODELS:
        assert f'"{name}"' in doc
    root = Path(__file__).parent.parent
    page = (root / "docu" / "baselines.md").read_text()
    for name in models.names(liquid=False):
        assert f'`"{name}"`' in page
        assert f"| {find(name).line} |" in page
    listed = re.findall(
        r'^\| `"(.+?)"` \| (.+?) \|', (root / "docu/torch.md").read_text(), flags=re.M
    )
    assert dict(listed) == {name: find(name).line for name in LIQUID}


def test__remedy__explicit_solver__is_to_blame():
    values = DEFAULTS | {"solver": "rk4", "ode_unfolds": 2}
    assert "too long for its 2 unfolds" in find("LTC").remedy(values)
    assert find("LTC").remedy(DEFAULTS) == ""
    assert find("LTC").remedy(DEFAULTS | {"solver": "exponential"}) == ""
    assert find("CfC").remedy(values) == ""


# ------------------------------------------------------------------ wirings as stored


@pytest.mark.parametrize("kind", LIQUID)
@pytest.mark.parametrize("spec", ["ncp", "random", "matrix"])
@pytest.mark.parametrize("readout", ["dense", "motor"])
def test__wirings_of_all_layers__rebuild_the_network(kind, spec, readout):
    wiring = np.tri(8) if spec == "matrix" else spec
    outputs = 8 if spec == "matrix" and readout == "motor" else 2
    common = {"model_type": kind, "readout": readout, "n_layers": 2}
    seeds = {"wiring_seed": 5, "layer_recurrence": True}
    first = LiquidNetwork(
        3, 8, outputs, wiring=wiring, generator=rng(), **common, **seeds
    )
    stored = [layer.wiring for layer in first.layers]
    again = LiquidNetwork(3, 8, outputs, wiring=stored, generator=rng(), **common)
    assert [layer.wiring for layer in again.layers] == stored
    pairs = zip(first.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    as_tuple = LiquidNetwork(3, 8, outputs, wiring=tuple(stored), **common)
    as_tuple.load_state_dict(first.state_dict())


@pytest.mark.parametrize(
    ("wirings", "words"),
    [
        ([Wiring.ncp(3, 8, 2)], "Set n_layers=1"),
        ([Wiring.ncp(3, 8, 2)] * 2, "n_inputs=3, but n_inputs=8"),
        ([Wiring.ncp(3, 9, 2), Wiring.ncp(8, 9, 2)], "n_neurons=9, but n_neurons=8"),
    ],
    ids=["number", "inputs", "neurons"],
)
def test__wirings_that_do_not_fit__are_refused(wirings, words):
    with pytest.raises(InvalidInputError, match=words):
        LiquidNetwork(3, 8, 2, n_layers=2, wiring=wirings)


def test__wirings__readout_motor__needs_as_many_motor_neurons():
    with pytest.raises(InvalidInputError, match="n_outputs"):
        LiquidNetwork(3, 8, 1, wiring=[Wiring.ncp(3, 8, 2)], readout="motor")
