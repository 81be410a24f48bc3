"""What `to_spec` says of a model, and of what models it says nothing."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from cases import CASES, QUICK, fitted
from quick import quick
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from LNN import (
    InvalidInputError,
    LiquidAnomalyDetector,
    LiquidForecaster,
    LiquidRegressor,
    as_fitted,
)
from LNN.export import to_spec

PAGE = Path(__file__).parents[2] / "docu" / "spec.md"


@pytest.mark.parametrize("name", quick(CASES, *QUICK))
def test_json_holds_the_values_and_arrays_are_numbers(name):
    spec = to_spec(fitted(name).estimator)
    assert json.loads(json.dumps(spec.values, allow_nan=False)) == spec.values
    assert all(array.dtype.kind in "iuf" for array in spec.arrays.values())
    known = {n: a for n, a in spec.arrays.items() if not n.startswith("test.")}
    assert all(np.isfinite(array).all() for array in known.values())


def fields(value, path=""):
    """Yield the names of fields at any depth."""
    for key, part in value.items():
        yield key
        if isinstance(part, dict):
            yield from fields(part)
        if isinstance(part, list) and part and isinstance(part[0], dict):
            yield from fields(part[0])


@pytest.mark.parametrize("name", quick(CASES, *QUICK))
def test_the_page_names_every_field_and_array(name):
    page = re.sub(r"```.*?```", "", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    told = set(re.findall(r"`([^`]+)`", page))
    spec = to_spec(fitted(name).estimator)
    assert not set(fields(spec.values)) - told
    general = {re.sub(r"\.\d+\.", ".K.", name) for name in spec.arrays}
    general = {re.sub(r"^layers\.K\.", "", name) for name in general}
    general = {re.sub(r"^(ff1|ff2|time_a|time_b)\.", "MAP.", n) for n in general}
    assert not general - told


def test_weights_are_those_of_the_equations():
    model = as_fitted(fitted("whole LTC").estimator)
    arrays, cell = to_spec(model).arrays, model.network.layers[0].cell
    for name in ("gleak", "cm", "recurrent.weight", "sensory.weight"):
        assert (arrays[f"layers.0.{name}"] > 0).all()
    sensory, _ = cell.wiring.adjacency()
    source = arrays["layers.0.sensory.source"]
    target = arrays["layers.0.sensory.target"]
    assert set(zip(*np.nonzero(sensory), strict=True)) == set(
        zip(source, target, strict=True)
    )


def test_vectors_are_like_training():
    arrays = to_spec(fitted("mask whole").estimator).arrays
    inputs, gaps = arrays["test.inputs"], arrays["test.gaps"]
    assert len(inputs) == 16
    assert 0.05 < np.isnan(inputs).mean() < 0.3
    assert np.isnan(gaps[:, 0]).all()
    assert len(np.unique(gaps[:, 1:])) > 50


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"scale": StandardScaler()}, "transformer in front"),
        ({"model_type": "GRU-D"}, "GRUD"),
        ({"model_type": "CT-RNN"}, "CTRNN"),
    ],
)
def test_what_no_runtime_knows_is_refused_by_name(options, told):
    X = np.random.default_rng(0).normal(size=(30, 2))
    model = LiquidRegressor(4, window_length=4, epochs=1, **options).fit(X, X[:, 0])
    with pytest.raises(ValueError, match=told):
        to_spec(model)


def test_steps_of_a_pipeline_are_refused_by_name():
    X = np.sin(np.arange(40.0))[:, None]
    network = LiquidRegressor(6, window_length=4, epochs=1, random_state=0)
    pipeline = make_pipeline(StandardScaler(), network).fit(X, X[:, 0])
    with pytest.raises(InvalidInputError, match=r"'standardscaler'.*pipeline\[-1\]"):
        to_spec(pipeline)
    alone = make_pipeline("passthrough", network).fit(X, X[:, 0])
    assert to_spec(alone).values == to_spec(alone[-1]).values


@pytest.mark.parametrize("model", [LiquidForecaster(), LiquidAnomalyDetector()])
def test_what_is_more_than_a_network_is_refused_by_name(model):
    name = type(model).__name__
    with pytest.raises(InvalidInputError, match=f"{name}, of which.*LiquidRegressor"):
        to_spec(model)
