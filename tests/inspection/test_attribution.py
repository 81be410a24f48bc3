"""Shares add up, find a planted rule, and stand where the rows are."""

import copy
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.inspection import attribution

QUICK = {"epochs": 3, "random_state": 0}


def curves(n=24, T=10, F=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, T, F))


def rows(n=60, seed=0):
    random = np.random.default_rng(seed)
    times = pd.Timestamp("2026-01-01") + pd.to_timedelta(
        random.exponential(60, n).cumsum(), unit="s"
    )
    return pd.DataFrame(random.normal(size=(n, 2)), times, columns=["heat", "flow"])


def holed(X):
    X = X.copy()
    X[np.random.default_rng(1).random(X.shape) < 0.3] = np.nan
    return X


X, Y = curves(), curves()[:, -1, 0]
RAGGED = [x[: 4 + k % 5] for k, x in enumerate(X)]
# Parameters, whether it classifies, X and y of a fit.
FITS = {
    **{kind: ({"model_type": kind}, X, Y) for kind in ("CfC", "LTC", "LSTM", "GRU")},
    **{mode: ({"mode": mode}, X, Y) for mode in ("default", "pure", "no_gate")},
    "two layers": ({"n_layers": 2}, X, Y),
    "memory": ({"mixed_memory": True}, X, Y),
    "attention": ({"pooling": "attention"}, X, Y),
    "patches": ({"patch": 4}, X, Y),
    "own scale": ({"scale": "sequence"}, X, Y),
    "classes": ({}, X, Y > 0),
    "three classes": ({}, X, np.digitize(Y, [-0.5, 0.5])),
    "per step": ({"return_sequences": True}, X, X[:, :, 0]),
    "hold": ({"missing": "hold"}, holed(X), Y),
    "mask": ({"missing": "mask"}, holed(X), Y),
    "ragged": ({}, RAGGED, Y),
    "rows": ({"window_length": 5, "max_step": 1}, rows(), rows()["heat"]),
    "motor": ({"readout": "motor", "model_type": "LTC"}, X, Y),
    "full": ({"wiring": "full"}, X, Y),
    "backbone": ({"wiring": "full", "backbone_layers": 1}, X, Y),
    "two targets": ({}, X, X[:, -1, :2]),
    "quantiles": ({"loss": "quantile", "quantile": [0.1, 0.5]}, X, Y),
    "LTC exponential": ({"model_type": "LTC", "solver": "exponential"}, X, Y),
    "anchor": (
        {"window_length": 5, "anchor": "heat"},
        rows(),
        rows()["heat"] + 0.5 * rows()["flow"],
    ),
    "whole": ({"window_length": None, "max_step": 1}, rows(), rows()["heat"]),
}


@cache
def case(name):
    """Return a fitted model and its data."""
    parameters, X, y = FITS[name]
    kind = LiquidClassifier if "classes" in name else LiquidRegressor
    return kind(6, **QUICK, **parameters).fit(X, y), X


@pytest.mark.quick_cases("CfC", "LTC", "rows", "ragged", "memory", "quantiles")
@pytest.mark.parametrize("name", FITS)
def test__shares__of_any_model__add_up(name):
    model, X = case(name)
    found = attribution(model, X, rows=[0, 3, -1])
    scale = max(1.0, np.abs(found.output).max())
    assert found.completeness_error.max() < 1e-6 * scale
    assert np.abs(found.attributions[np.isfinite(found.attributions)]).max() > 0
    if name not in ("classes", "three classes", "per step"):
        expected = np.asarray(model.predict(X))[[0, 3, -1]]
        if expected.ndim == 2:
            expected = expected[:, 0]
        if name == "anchor":  # the change from the present value is explained
            expected = expected - X["heat"].iloc[[0, 3, -1]]
        np.testing.assert_allclose(found.output, expected, rtol=1e-4, atol=1e-5)


def test__linear_rule__shares_are_those_of_the_rule():
    X = curves(300)
    y = 2 * X[:, -1, 1] - X[:, -3, 0]
    model = LiquidRegressor(24, epochs=150, random_state=0).fit(X, y)
    values = attribution(model, X[:50], tolerance=1e-3).attributions
    for step, column, slope in ((-1, 1, 2.0), (-3, 0, -1.0)):
        way = X[:50, step, column] - X[:, :, column].mean()
        assert np.corrcoef(values[:, step, column], way)[0, 1] * np.sign(slope) > 0.9
    largest = np.abs(values).mean(axis=0)
    order = np.argsort(-largest.ravel())[:2]
    assert {tuple(np.unravel_index(k, largest.shape)) for k in order} == {
        (9, 1),
        (7, 0),
    }


def test__occlusion__is_the_fall_of_the_answer():
    model, X = case("CfC")
    found = attribution(model, X, method="occlusion", rows=[2])
    without = X[[2]].copy()
    without[0, -2, 1] = X[..., 1].mean()
    fall = model.predict(X[[2]]) - model.predict(without)
    np.testing.assert_allclose(
        found.attributions[0, -2, 1], fall[0], rtol=1e-3, atol=1e-6
    )


def test__baseline__of_ones__is_where_the_way_begins():
    model, X = case("CfC")
    found = attribution(model, X, rows=[2], baseline=[1.0, 0.5, 0.0])
    flat = np.broadcast_to([1.0, 0.5, 0.0], X[[2]].shape)
    np.testing.assert_allclose(found.baseline_output, model.predict(flat), rtol=1e-4)


def test__output__of_targets_and_quantiles__is_the_one_that_is_asked_for():
    for name in ("two targets", "quantiles"):
        model, X = case(name)
        found = attribution(model, X, rows=[1], output=1)
        np.testing.assert_allclose(found.output[0], model.predict(X)[1, 1], rtol=1e-4)


def test__baseline__of_a_range__is_its_middle():
    model = LiquidRegressor(6, scale="minmax", **QUICK).fit(X, Y)
    found = attribution(model, X, rows=[0])
    middle = (X.min(axis=(0, 1)) + X.max(axis=(0, 1))) / 2
    flat = np.broadcast_to(middle, X[[0]].shape)
    np.testing.assert_allclose(found.baseline_output, model.predict(flat), rtol=1e-4)


def test__irregular_patches_and_walks__shares_add_up():
    times = np.random.default_rng(0).exponential(size=(len(X), 10)).cumsum(axis=1)
    for settings in ({"patch": 4}, {"max_step": 1}, {"patch": 4, "missing": "mask"}):
        model = LiquidRegressor(6, **settings, **QUICK).fit(X, Y, timestamps=times)
        found = attribution(model, X, timestamps=times, rows=[0, 5])
        assert found.completeness_error.max() < 1e-6
        expected = model.predict(X, timestamps=times)[[0, 5]]
        np.testing.assert_allclose(found.output, expected, rtol=1e-4, atol=1e-5)


def test__windows__steps_stand_at_their_rows():
    model, X = case("rows")
    found = attribution(model, X, rows=[1, 30])
    assert found.positions.tolist() == [[-1, -1, -1, 0, 1], [26, 27, 28, 29, 30]]
    assert np.isnan(found.attributions[0, :3]).all()
    assert found.names == ["heat", "flow"]


def test__whole_recording__rows_up_to_the_answer():
    model, X = case("whole")
    found = attribution(model, X, rows=[7, 2])
    assert found.positions.tolist() == [list(range(8)), [-1] * 5 + [0, 1, 2]]
    changed = X.copy()
    changed.iloc[8:] = 50.0
    again = attribution(model, changed, rows=[7])
    np.testing.assert_array_equal(again.attributions[0], found.attributions[0])


def test__groups__windows_end_at_their_recording():
    X = np.random.default_rng(0).normal(size=(30, 2))
    groups = np.tile([0, 1], 15)  # rows of two recordings take turns
    model = LiquidRegressor(6, window_length=3, **QUICK).fit(X, X[:, 0], groups=groups)
    found = attribution(model, X, groups=groups, rows=[10])
    assert found.positions.tolist() == [[6, 8, 10]]


def test__per_step__step__is_the_one_that_is_explained():
    model, X = case("per step")
    found = attribution(model, X, rows=[1], step=4)
    np.testing.assert_allclose(found.output, model.predict(X)[1, 4], rtol=1e-4)
    assert found.attributions.shape == (1, 5, 3)


def test__classes__log_odds_of_the_class_that_is_asked_for():
    model, X = case("three classes")
    p = model.predict_proba(X)[:4]
    for output in model.classes_:
        found = attribution(model, X, rows=range(4), output=output)
        own = p[:, list(model.classes_).index(output)]
        np.testing.assert_allclose(found.output, np.log(own / (1 - own)), rtol=1e-3)
    predicted = attribution(model, X, rows=range(4))
    own = p.max(axis=1)
    np.testing.assert_allclose(predicted.output, np.log(own / (1 - own)), rtol=1e-3)


def test__missing_values__have_no_share_of_their_own():
    for name in ("hold", "mask"):
        model, X = case(name)
        found = attribution(model, X, rows=[0, 1])
        assert (found.attributions[np.isnan(X[:2])] == 0).all()
    model, X = case("hold")
    alone = np.full_like(X[:1], np.nan)
    alone[0, 0] = 3.0  # held to the end: one row has it all
    found = attribution(model, alone)
    assert found.completeness_error.max() < 1e-6
    assert np.abs(found.attributions[0, 0]).sum() > 0


def test__model__is_not_changed_and_draws_nothing():
    model, X = case("LTC")
    before = {k: v.clone() for k, v in model.network_.state_dict().items()}
    torch.manual_seed(0)
    drawn = torch.rand(1)
    torch.manual_seed(0)
    attribution(model, X, rows=[0])
    assert torch.rand(1) == drawn
    for name, value in model.network_.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(p.requires_grad for p in model.network_.parameters())


@pytest.mark.parametrize("kind", ["CfC", "LTC", "LSTM"])
def test__captum__agrees(kind):
    captum = pytest.importorskip("captum.attr")
    # Not the maximum over time, which bends: Captum's points are the same everywhere.
    model = LiquidRegressor(6, model_type=kind, pooling="last", **QUICK).fit(X, Y)
    scaled = torch.as_tensor(model.scaler_.transform(X[:2]))
    network = copy.deepcopy(model.network_).double()
    theirs = captum.IntegratedGradients(lambda x: network(x)[:, 0]).attribute(
        scaled, torch.zeros_like(scaled), n_steps=64
    )
    ours = attribution(model, X[:2]).attributions
    unit = float(model.target_scaler_.scale_[0])
    np.testing.assert_allclose(ours, unit * theirs.numpy(), rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"method": "gradient"}, "method among"),
        ({"baseline": "zero"}, '"mean" or 3 numbers'),
        ({"baseline": [1.0]}, "baseline of 3 finite numbers"),
        ({"output": 7}, "from 0 to 0"),
        ({"rows": [99]}, "rows as numbers from -24 to 23"),
        ({"rows": "last"}, "rows as numbers"),
    ],
)
def test__bad_requests__are_refused(change, told):
    model, X = case("CfC")
    with pytest.raises(InvalidInputError, match=told):
        attribution(model, X, **change)


def test__bad_class_and_step__are_refused():
    model, X = case("classes")
    with pytest.raises(InvalidInputError, match="one of the classes"):
        attribution(model, X, output="yes")
    model, X = case("per step")
    with pytest.raises(InvalidInputError, match="a step that each sequence has"):
        attribution(model, X, step=10)
