"""Numbers of any kind, as numpy and grids of parameters give them."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from quick import quick
from sklearn.model_selection import GridSearchCV

import LNN
from LNN import LiquidClassifier, LiquidNetwork, LiquidRegressor, LiquidStream
from LNN.baselines import BASELINES, TIMED, baseline_class, make_baseline
from LNN.cells.cfc import CfCCell
from LNN.cells.ltc import LTCCell
from LNN.exceptions import InvalidInputError
from LNN.models import MODELS, names

WHOLE = [np.int64, np.int8, np.uint8, np.uint64]
NUMBERS = {
    "n_neurons": 12,
    "epochs": 2,
    "batch_size": 5,
    "learning_rate": 0.25,
    "dropout": 0.25,
    "weight_decay": 0.25,
    "clip_value": 0.5,
    "validation_fraction": 0.25,
    "random_state": 3,
    "n_layers": 2,
    "verbose": 0,
}
OF_ROWS = {"window_length": 5, "stride": 2}
OF_WIRING = {"sparsity": 0.25, "wiring_seed": 3}


@pytest.fixture
def cube():
    return np.random.default_rng(0).normal(size=(20, 5, 3))


def as_numpy(values, whole, fraction):
    """Return parameters as numbers of these types."""
    return {
        name: whole(value) if isinstance(value, int) else fraction(value)
        for name, value in values.items()
    }


def fitted(parameters, cube, **others):
    return LiquidRegressor(**parameters, **others).fit(cube, cube[:, 0, 0])


@pytest.mark.parametrize("model_type", quick(MODELS, "CfC", "LTC", "LSTM", "GRU-D"))
@pytest.mark.parametrize(
    ("whole", "fraction"), [(np.int64, np.float64), (np.uint8, np.float32)]
)
def test__parameters__numpy_numbers__fit_as_plain_ones(
    model_type, whole, fraction, cube
):
    expected = fitted(NUMBERS, cube, model_type=model_type)
    found = fitted(as_numpy(NUMBERS, whole, fraction), cube, model_type=model_type)
    np.testing.assert_array_equal(found.predict(cube), expected.predict(cube))
    plain = found.model_.parameters["n_neurons"]
    assert type(plain) is int


@pytest.mark.parametrize("wiring", ["full", "ncp", "random"])
@pytest.mark.parametrize("model_type", names(liquid=True))
@pytest.mark.parametrize("whole", WHOLE)
def test__wirings__numpy_numbers__fit_as_plain_ones(wiring, model_type, whole, cube):
    more = OF_WIRING if wiring != "full" else {}
    if model_type == "CfC" and wiring == "full":
        more = {"backbone_units": 12, "backbone_layers": 2, "backbone_dropout": 0.25}
    if model_type == "LTC":
        more = {**more, "ode_unfolds": 3}
    values = {"n_neurons": 12, "epochs": 1, "random_state": 3, **more}
    kind = {"wiring": wiring, "model_type": model_type, "mixed_memory": True}
    expected = fitted(values, cube, **kind)
    kind["mixed_memory"] = np.True_
    found = fitted(as_numpy(values, whole, np.float32), cube, **kind)
    np.testing.assert_array_equal(found.predict(cube), expected.predict(cube))


@pytest.mark.parametrize("whole", WHOLE)
def test__rows_and_streams__numpy_numbers__are_as_plain_ones(whole, cube):
    rows = cube.reshape(-1, 3)
    values = {"n_neurons": 8, "epochs": 1, "random_state": 3, **OF_ROWS}

    def answers(values, n, rate):
        model = LiquidRegressor(**values).fit(rows, rows[:, 0])
        model.set_params(n_jobs=type(n)(1))
        streams = LiquidStream(
            model, "carry", n, adapt="sgd", learning_rate=rate, truncation=n
        )
        streams.step(rows[:2])
        streams.update(rows[:2, 0])
        return model.predict(rows), streams.step(rows[2:4])

    found = answers(as_numpy(values, whole, np.float32), whole(2), np.float32(0.25))
    for one, other in zip(found, answers(values, 2, 0.25), strict=True):
        np.testing.assert_array_equal(one, other)


def test__grid__of_arrays__is_searched_whole(cube):
    grid = {"n_neurons": np.arange(8, 10), "learning_rate": np.array([0.01, 0.02])}
    model = LiquidRegressor(model_type="LSTM", epochs=1, random_state=0)
    search = GridSearchCV(model, grid, cv=2, error_score="raise")
    search.fit(cube, cube[:, 0, 0])
    assert search.best_estimator_.predict(cube).shape == (20,)


def test__quantiles_and_weights__numpy_numbers__are_taken(cube):
    levels = np.array([0.25, 0.75], dtype=np.float32)
    model = fitted({"epochs": 1}, cube, loss="quantile", quantile=levels)
    assert model.predict(cube).shape == (20, 2)
    one = fitted({"epochs": 1}, cube, loss="quantile", quantile=np.float32(0.25))
    assert one.predict(cube).shape == (20,)
    weight = {np.int64(0): np.float32(1), np.int64(1): np.int8(2)}
    model = LiquidClassifier(epochs=1, class_weight=weight)
    assert model.fit(cube, np.arange(20) % 2).predict(cube).shape == (20,)


def test__fit_arguments__any_number__are_taken(cube):
    how = {"epochs": np.int8(2), "clip_value": np.float16(1), "n_jobs": np.int64(1)}
    model = LiquidRegressor(random_state=0, learning_rate=Fraction(1, 64))
    model.fit(cube, cube[:, 0, 0], **how)
    assert model.n_iter_ == 2
    same = LiquidRegressor(random_state=0, learning_rate=1 / 64)
    same.fit(cube, cube[:, 0, 0], epochs=2, clip_value=1.0, n_jobs=1)
    np.testing.assert_array_equal(model.predict(cube), same.predict(cube))


@pytest.mark.parametrize("whole", WHOLE)
@pytest.mark.parametrize("model_type", MODELS)
def test__networks__numpy_sizes__run(model_type, whole):
    network = LiquidNetwork(
        whole(3), whole(8), whole(2), model_type=model_type, n_layers=whole(2)
    )
    assert network(torch.zeros(4, 5, 3)).shape == (4, 2)


@pytest.mark.parametrize("whole", WHOLE)
def test__layers_and_cells__numpy_sizes__run(whole):
    for layer in (LNN.CfC, LNN.LTC):
        made = layer(whole(3), whole(8), proj_size=whole(2))
        assert made(torch.zeros(4, 5, 3))[0].shape == (4, 5, 2)
    options = {"backbone_units": whole(8), "backbone_layers": whole(2)}
    assert CfCCell(whole(3), whole(8), **options)(torch.zeros(4, 3))[0].shape == (4, 8)
    wiring = LNN.Wiring.random(whole(3), whole(8), whole(2), seed=whole(1))
    assert LTCCell(wiring, ode_unfolds=whole(2))(torch.zeros(4, 3))[0].shape == (4, 2)
    spans = torch.ones(4, 5)
    for name in BASELINES:
        made = make_baseline(name, whole(3), whole(8))
        assert made.run(torch.zeros(4, 5, 3), None, spans, None)[0].shape == (4, 5, 8)
    for name in TIMED:
        made = baseline_class(name)(whole(3), whole(8))
        assert made.run(torch.zeros(4, 5, 3), None, spans, None)[0].shape == (4, 5, 8)


@pytest.mark.parametrize("value", [np.True_, np.float64(8), "8", None, np.int64(0)])
def test__sizes__that_are_none__are_refused_by_name(value, cube):
    with pytest.raises(InvalidInputError, match="n_neurons"):
        LiquidRegressor(n_neurons=value).fit(cube, cube[:, 0, 0])
