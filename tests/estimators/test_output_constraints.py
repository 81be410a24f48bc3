"""Models with limits: what is predicted, trained, kept and refused."""

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from narrow_limits import NARROW_LIMITS
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from LNN import LiquidClassifier, LiquidNeuralNetwork, LiquidRegressor
from LNN.exceptions import InfeasibleError, InvalidInputError, LNNWarning
from LNN.export import save, to_spec
from LNN.inspection import attribution, influence_graph
from LNN.safety import (
    BarrierFunction,
    Bounds,
    DiscreteBarrier,
    HalfSpaces,
    RateLimit,
    SafeOutput,
    output_bounds,
)

pytestmark = NARROW_LIMITS

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, size=(240, 2))
Y = 50 + 20 * np.roll(X[:, 0], 1) * X[:, 1] + 4 * X[:, 0]
TWO = np.column_stack([Y, 10 - Y / 10])
SMALL = {"n_neurons": 6, "window_length": 5, "epochs": 3, "random_state": 0}
BOX = [Bounds(48, 51)]


WALK = 50 + np.cumsum(RANDOM.normal(size=len(X)))  # what anchors are for


def fitted(constraints, X=X, y=Y, kind=LiquidRegressor, **settings):
    given = {**SMALL, **settings}
    how = {k: given.pop(k) for k in ("timestamps", "groups") if k in given}
    return kind(**given, output_constraints=constraints).fit(X, y, **how)


def proposals(model, X, **how):
    """Return what the model answers without its constraints."""
    free = clone(model).set_params(output_constraints=None, on_infeasible="project")
    free.model_ = model.model_
    return free.predict(X, **how)


# ------------------------------------------------------------------------ predictions


@pytest.mark.parametrize("kind", [LiquidRegressor, LiquidNeuralNetwork])
@pytest.mark.parametrize("anchor", [None, 0])
def test__bounds__predictions__are_clipped_in_the_units_of_y(kind, anchor):
    data = np.column_stack([WALK, X])
    model = fitted(BOX, data[:-1], WALK[1:], kind, anchor=anchor)
    found, safety = model.predict(data, return_safety=True)
    right = np.clip(proposals(model, data), 48, 51)
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-12)
    assert safety.feasible.all()
    assert safety.feasible.shape == (len(X),)
    np.testing.assert_allclose(safety.correction, right - proposals(model, data))
    assert (found == 51).any() or (found == 48).any()
    assert (model.predict(data) == found).all()


def test__half_spaces__affine_in_the_inputs__hold_row_by_row():
    limit = HalfSpaces([[1.0, 0.0], [1.0, 1.0]], [50, 55], b_inputs=[[3, 0], [0, -2]])
    model = fitted([limit], y=TWO)
    found, safety = model.predict(X, return_safety=True)
    assert safety.feasible.all()
    assert (np.abs(safety.correction) > 0.01).any()
    assert (found[:, 0] <= 50 + 3 * X[:, 0] + 1e-6).all()
    assert (found.sum(axis=1) <= 55 - 2 * X[:, 1] + 1e-6).all()


def test__half_spaces__anchored_and_in_a_frame__read_columns_as_they_came():
    times = pd.date_range("2024-01-01", periods=len(X), freq="h")
    data = pd.DataFrame({"now": WALK, "a": X[:, 0]}, index=times)
    limit = HalfSpaces([[1.0]], [0.0], b_inputs=[[1.0, 0.0]])  # at most what it is now
    model = fitted([limit], data[:-1], WALK[1:], anchor="now")
    found = model.predict(data)
    assert (found <= WALK + 1e-6).all()
    assert (found > WALK - 10).all()


def test__rate_limit__rows_of_recordings__is_per_time_and_each_first_row_is_free():
    gaps = RANDOM.choice([1.0, 2.0, 5.0], size=len(X))
    times, groups = np.cumsum(gaps), np.repeat([3, 1], len(X) // 2)
    model = fitted([RateLimit(0.2)], timestamps=times, groups=groups, epochs=6)
    how = {"timestamps": times, "groups": groups}
    # Given in another order, rows of a recording still follow each other in time.
    mixed = np.concatenate([np.arange(120, 240), np.arange(120)])
    found = model.predict(X, **how)
    free = proposals(model, X, **how)
    for part in (slice(0, 120), slice(120, 240)):
        own, steps = found[part], gaps[part]
        assert own[0] == pytest.approx(free[part][0], abs=1e-9)
        assert (np.abs(np.diff(own)) <= 0.2 * steps[1:] + 1e-9).all()
        assert (np.abs(np.diff(free[part])) > 0.2 * steps[1:] + 1e-3).any()
    other = model.predict(X[mixed], timestamps=times[mixed], groups=groups[mixed])
    np.testing.assert_allclose(other, found[mixed], atol=1e-5)


@pytest.mark.parametrize("whole", [True, False])
def test__rate_limit__by_hand__is_the_clipped_walk(whole):
    settings = {"window_length": None} if whole else {}
    model = fitted([Bounds(49, 52), RateLimit(0.3)], **settings)
    found, free = model.predict(X), proposals(model, X)
    before, right = np.nan, []
    for value in free:
        value = np.clip(value, 49, 52)
        if not np.isnan(before):
            value = np.clip(value, before - 0.3, before + 0.3)
        right.append(value)
        before = value
    np.testing.assert_allclose(found, right, atol=1e-9)


def test__rate_limit__targets_per_step__acts_along_each_sequence():
    cube, goals = X.reshape(12, 20, 2), Y.reshape(12, 20)
    model = fitted([RateLimit(0.3)], cube, goals, return_sequences=True)
    found, safety = model.predict(cube, return_safety=True)
    assert found.shape == safety.feasible.shape == safety.correction.shape == (12, 20)
    assert (np.abs(np.diff(found, axis=1)) <= 0.3 + 1e-9).all()
    lists, told = model.predict(list(cube), return_safety=True)
    np.testing.assert_allclose(np.stack(lists), found, atol=1e-5)
    assert all(own.shape == (20,) for own in told.feasible)


def test__safety__printed__is_one_line():
    safety = fitted([Bounds(50, 50.1)]).predict(X, return_safety=True)[1]
    corrected = int((safety.correction != 0).sum())
    assert corrected > 0
    assert repr(safety) == f"<Safety: feasible 240 of 240, corrected {corrected}>"
    two = fitted([Bounds([48, 0], [51, 99])], y=TWO).predict(X, return_safety=True)[1]
    corrected = int((two.correction != 0).any(axis=1).sum())
    assert f"feasible 240 of 240, corrected {corrected}>" in str(two)
    cube, goals = X.reshape(12, 20, 2), Y.reshape(12, 20)
    model = fitted(BOX, cube, goals, return_sequences=True)
    told = model.predict([cube[0], cube[1, :7]], return_safety=True)[1]
    assert "feasible 27 of 27" in repr(told)
    stream = fitted(BOX).stream()
    stream.step(X[0])
    assert "feasible 1 of 1" in repr(stream.safety)
    layer = SafeOutput([Bounds(0, 1)])(torch.tensor([[0.5, 2.0], [0.1, 0.2]]))[1]
    assert repr(layer) == "<Safety: feasible 2 of 2, corrected 1>"


def test__barriers__as_functions__act_on_predictions_and_in_pickles_that_can():
    barrier = DiscreteBarrier(_room, _next, gamma=0.5)
    model = fitted([barrier])
    found = model.predict(X)
    assert (_room(_next(X, found[:, None])) >= 0.5 * _room(X) - 1e-6).all()
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict(X) == found).all()


def _room(z):
    return 60 - z[:, 0]


def _next(z, u):
    if isinstance(z, np.ndarray):
        return np.column_stack([z[:, 0] + u[:, 0], z[:, 1]])
    import torch

    return torch.stack([z[:, 0] + u[:, 0], z[:, 1]], dim=1)


def test__quantiles__with_bounds__keep_their_order_and_shape():
    model = fitted(BOX, loss="quantile", quantile=[0.1, 0.5, 0.9])
    found, safety = model.predict(X, return_safety=True)
    assert found.shape == (len(X), 3)
    assert safety.feasible.shape == (len(X),)
    right = np.clip(proposals(model, X), 48, 51)
    np.testing.assert_allclose(found, right, atol=1e-12)


# ------------------------------------------------------------------------- infeasible

NEVER = HalfSpaces([[1.0], [-1.0]], [49.0, -50.0])  # at most 49 and at least 50


def test__infeasible__plain_predict__warns_once_and_return_safety_tells():
    model = fitted([NEVER])
    with pytest.warns(
        LNNWarning, match="240 of 240 answers break a constraint"
    ) as told:
        found = model.predict(X)
    assert len(told) == 1
    np.testing.assert_allclose(found, 49.5, atol=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again, safety = model.predict(X, return_safety=True)
    assert not safety.feasible.any()
    assert (again == found).all()


def test__infeasible__raise__names_the_row_and_holds_for_both_calls():
    limit = HalfSpaces([[1.0], [-1.0]], [49.0, -50.0], b_inputs=[[0, 0], [60, 0]])
    model = fitted([limit], on_infeasible="raise")
    first = int(np.argmax(60 * X[:, 0] - 50 < -49))
    for safety in (False, True):
        with pytest.raises(InfeasibleError, match=f"first for row {first}"):
            model.predict(X, return_safety=safety)


def test__infeasible__hold__repeats_the_answer_before():
    limit = HalfSpaces([[1.0], [-1.0]], [70.0, -20.0], b_inputs=[[0, 0], [-90, 0]])
    model = fitted([limit], on_infeasible="hold")
    found, safety = model.predict(X, return_safety=True)
    rows = np.flatnonzero(~safety.feasible)
    rows = rows[rows > 0]
    assert len(rows)
    assert (found[rows] == found[rows - 1]).all()


# --------------------------------------------------------------------------- training


def test__training__goes_through_the_constraints():
    free, model = fitted(None), fitted(BOX)
    weights = [m.model_.to_plain()["network"]["weights"] for m in (free, model)]
    assert any((weights[0][name] != weights[1][name]).any() for name in weights[0])
    # Its loss is that of the answers that it gives.
    last = fitted(BOX, early_stopping=False, learning_rate=1e-12, epochs=1)
    error = np.square((last.predict(X) - Y) / last.target_scaler_.scale_[0])
    assert error.mean() == pytest.approx(last.best_loss_, rel=1e-4)


def test__training__within_limits_that_never_bind__learns_the_same_by_autograd():
    free = fitted(None, dtype="float64", backend="torch")
    model = fitted([Bounds(-1e9, 1e9)], dtype="float64", backend="torch")
    np.testing.assert_allclose(model.predict(X), free.predict(X), rtol=1e-9)


def test__training__gradients__vanish_where_a_bound_holds_the_output():
    # All targets lie above: every output is held at the bound, and nothing is learnt.
    model = fitted([Bounds(high=0.0)], early_stopping=False)
    curve = model.loss_curve_
    assert curve[0] == pytest.approx(curve[-1], rel=1e-6)


@pytest.mark.parametrize("settings", [{}, {"window_length": None}])
def test__training__rate_limits__have_no_part_in_it(settings):
    free, model = fitted(None, **settings), fitted([RateLimit(1e-3)], **settings)
    weights = [m.model_.to_plain()["network"]["weights"] for m in (free, model)]
    assert all((weights[0][name] == weights[1][name]).all() for name in weights[0])
    assert free.loss_curve_ == model.loss_curve_


@pytest.mark.parametrize("layout", ["whole", "cube", "list", "walked"])
def test__training__other_layouts__see_limits_of_their_own_rows(layout):
    limit = HalfSpaces([[1.0]], [50.0], b_inputs=[[5.0, 0.0]])
    if layout == "whole":
        data, goals, how = X, Y, {"window_length": None, "chunk_length": 40}
    elif layout == "walked":
        data, goals, how = X, Y, {"window_length": None, "max_step": 0.5}
    else:
        how = {"return_sequences": True}
        data, goals = X.reshape(12, 20, 2), Y.reshape(12, 20)
        if layout == "list":
            data, goals = [*data[:-1], data[-1][:7]], [*goals[:-1], goals[-1][:7]]
    how |= {"learning_rate": 1e-12, "epochs": 1, "early_stopping": False}
    model = fitted([limit], data, goals, **how)
    found = np.concatenate([np.ravel(p) for p in model.predict(data)])
    right = np.concatenate([np.ravel(p) for p in goals])
    rows = np.concatenate(list(data)) if layout in ("cube", "list") else data
    assert (found <= 50 + 5 * rows[:, 0] + 1e-6).all()
    error = np.square((found - right) / model.target_scaler_.scale_[0])
    # Chunks begin after a burn-in, predictions at the recording's start.
    assert error.mean() == pytest.approx(model.best_loss_, rel=1e-2)


def test__scoring__during_training__is_of_the_answers_that_are_given():
    how = {"early_stopping": True, "scoring": "neg_mean_absolute_error", "epochs": 2}
    model = fitted(BOX, **how)
    tail = slice(-24, None)
    error = -np.abs(model.predict(X)[tail] - Y[tail]).mean()
    assert error == pytest.approx(model.best_validation_score_, abs=1e-5)


# ------------------------------------------------------------- scikit-learn, copies


def test__estimator__clone_grid_search_and_repr__treat_constraints_as_values():
    model = LiquidRegressor(**SMALL, output_constraints=[Bounds(0, 1), RateLimit(0.5)])
    copied = clone(model)
    assert copied.output_constraints == model.output_constraints
    assert copied.output_constraints is not model.output_constraints
    assert "Bounds(low=0, high=1)" in repr(model)
    grid = {"output_constraints": [None, BOX]}
    search = GridSearchCV(
        LiquidRegressor(**SMALL), grid, cv=TimeSeriesSplit(2), error_score="raise"
    )
    best = search.fit(X, Y).best_params_["output_constraints"]
    assert best is None or best == BOX


def test__pickle__of_a_model_with_limits__answers_the_same_and_holds_plain_numbers():
    limits = [Bounds(45, 55), RateLimit(0.5), HalfSpaces([[1.0]], [54.0])]
    model = fitted(limits)
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict(X) == model.predict(X)).all()
    assert again.output_constraints == limits
    stored = model.model_.to_plain()["parameters"]["output_constraints"]
    assert [own["kind"] for own in stored] == ["bounds", "rate_limit", "half_spaces"]
    assert b"LNN.constraints" not in pickle.dumps(model)


def test__set_params__after_the_fit__acts_at_once_and_leaves_the_weights():
    model = fitted(None)
    free = model.predict(X)
    model.set_params(output_constraints=[Bounds(49, 51)])
    np.testing.assert_allclose(model.predict(X), np.clip(free, 49, 51), atol=1e-12)
    model.set_params(output_constraints=None)
    assert (model.predict(X) == free).all()


def through_pickle(model):
    return pickle.loads(pickle.dumps(model))


@pytest.mark.parametrize("way", ["itself", "pickled", "pickled before", "copied"])
def test__fit__owns_a_copy_of_its_constraints(way):
    """What happens to the caller's list and objects later is no matter of the model."""
    ends = np.array([48.0])
    bounds, given = Bounds(ends, [51.0]), []
    given.append(bounds)
    model = fitted(given)
    wanted = model.predict(X)
    assert model.output_constraints is given
    if way == "pickled before":
        model = through_pickle(model)
        (bounds,) = given = model.output_constraints
        ends = bounds.low
    bounds.high = [99.0]
    ends[0] = -99.0
    given.append(Bounds(0, 1))
    if way == "pickled":
        model = through_pickle(model)
        assert model.output_constraints == [Bounds([48.0], [51.0])]
    elif way == "copied":
        model = copy.deepcopy(model)
    np.testing.assert_array_equal(model.predict(X), wanted)
    assert 48 <= wanted.min() < wanted.max() <= 51
    assert model.stream().step(X[0]) == pytest.approx(wanted[0], abs=1e-4)
    assert to_spec(model).arrays["constraints.0.high"].tolist() == [51]
    # Another list acts at once; this one once more after a fit.
    other = model.set_params(output_constraints=[Bounds(49, 50)]).predict(X)
    assert 49 <= other.min() < other.max() <= 50
    model.set_params(output_constraints=[Bounds(0, 1)]).fit(X, Y)
    assert model.predict(X).max() <= 1


def test__stream__keeps_the_limits_it_was_opened_with():
    model = fitted(BOX)
    stream = model.stream()
    model.set_params(output_constraints=[Bounds(0, 1)])
    assert stream.step(X[0]) >= 48
    assert model.stream().step(X[0]) <= 1


def test__warm_start_and_partial_fit__go_on_with_limits():
    model = fitted(BOX, warm_start=True)
    model.fit(X, Y).partial_fit(X, Y)
    assert 48 <= model.predict(X).min() <= model.predict(X).max() <= 51


# ---------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"output_constraints": []}, "must be"),
        ({"output_constraints": [1.0]}, "must be"),
        ({"output_constraints": Bounds(0, 1)}, "must be"),
        ({"output_constraints": [Bounds([0, 0, 0], 1)]}, "one for each of 1 outputs"),
        ({"output_constraints": [HalfSpaces([[1.0, 1.0]], [1.0])]}, "does not suit"),
        (
            {"output_constraints": [HalfSpaces([[1.0]], [1.0], b_inputs=[[1.0] * 3])]},
            "2 input column",
        ),
        ({"on_infeasible": "hold"}, "has no effect here"),
        ({"output_constraints": BOX, "on_infeasible": "stop"}, "must be one of"),
        ({"output_constraints": [RateLimit(1)], "loss": "quantile"}, "Bounds alone"),
        ({"output_constraints": [RateLimit(1)], "window_length": 1}, "follow each"),
        (
            {
                "output_constraints": [
                    HalfSpaces([[1.0]], [1.0], b_inputs=[[1.0] * 2])
                ],
                "missing": "hold",
            },
            "may be missing",
        ),
    ],
)
def test__fit__constraints_that_do_not_suit__are_refused_by_name(settings, words):
    model = LiquidRegressor(**{**SMALL, **settings})
    with pytest.raises(InvalidInputError, match=words):
        model.fit(X, Y)
    assert not hasattr(model, "model_")


def test__fit__independent_sequences__refuse_what_looks_back():
    for limits, how in (([RateLimit(1)], "project"), (BOX, "hold")):
        model = LiquidRegressor(**SMALL, output_constraints=limits, on_infeasible=how)
        with pytest.raises(InvalidInputError, match="follow each other in time"):
            model.fit(X.reshape(12, 20, 2), Y[:12])


def test__fit__parameters_that_learn__are_refused():
    import torch

    gamma = torch.nn.Parameter(torch.ones(1))
    barrier = BarrierFunction(_room, lambda z: z, lambda z: z[..., None], gamma=1.0)
    barrier.gamma = gamma
    with pytest.raises(InvalidInputError, match="parameters that learn"):
        fitted([barrier])


def test__classifier__has_no_output_constraints():
    with pytest.raises(TypeError, match="output_constraints"):
        LiquidClassifier(output_constraints=BOX)
    model = LiquidNeuralNetwork(**SMALL, task="classification", output_constraints=BOX)
    with pytest.raises(InvalidInputError, match="answers with classes"):
        model.fit(X, Y > 50)


def test__return_safety__without_constraints__is_refused():
    with pytest.raises(InvalidInputError, match="has none"):
        fitted(None).predict(X, return_safety=True)


@pytest.mark.parametrize("what", [attribution, influence_graph])
def test__inspection__of_outputs__refuses_to_leave_limits_out(what):
    with pytest.raises(InvalidInputError, match="would leave out"):
        what(fitted(BOX), X[:30])


# ---------------------------------------------------------------------- what is proved


def test__output_bounds__of_a_model_with_bounds__are_within_them():
    model = fitted([Bounds(48, 51), RateLimit(0.5)])
    found = output_bounds(model)
    assert 48 <= found.low <= found.high <= 51
    assert found.proved
    answers = model.predict(100 * X)
    assert found.low <= answers.min()
    assert answers.max() <= found.high


def test__output_bounds__with_half_spaces__tell_only_the_bounds():
    found = output_bounds(fitted([HalfSpaces([[1.0]], [50.0])]))
    assert (found.low, found.high, found.proved) == (-np.inf, np.inf, False)
    found = output_bounds(fitted([Bounds(48, 51), HalfSpaces([[1.0]], [50.0])]))
    assert (found.low, found.high) == (48, 51)


def test__summary__of_a_model_with_limits__names_them():
    text = fitted([Bounds(48, 51), RateLimit(0.5)], on_infeasible="hold").summary()
    assert "Bounds, RateLimit; where none of the answers satisfies all: hold" in text
    assert "limits" not in fitted(None).summary()


def _within(z):
    return 1.44 - z[:, 0] ** 2


def _drift(z):
    return torch.stack([z[:, 1], -0.5 * z[:, 1] - 50], dim=1)


def _push(z):
    return torch.tensor([[0.0], [1.0]]).to(z).expand(len(z), 2, 1)


def _line():
    """Return a barrier of order 2 in numbers, and in functions as above."""
    form, system = [[-1, 0], [0, 0]], ([[0, 1], [0, -0.5]], [[0], [1]], [0, -50])
    how = {"order": 2, "gamma": (2.0, 3.0)}
    numbers = BarrierFunction.quadratic(form, [0, 0], 1.44, *system, **how)
    return numbers, BarrierFunction(_within, _drift, _push, **how)


def test__quadratic_barrier__in_a_model__trains_and_answers_as_functions_do():
    (numbers, found), (functions, right) = (
        (model, model.predict(X, return_safety=True))
        for model in (fitted([barrier]) for barrier in _line())
    )
    weights = [m.model_.to_plain()["network"]["weights"] for m in (numbers, functions)]
    for name, weight in weights[0].items():
        np.testing.assert_allclose(weight, weights[1][name], atol=1e-5)
    np.testing.assert_allclose(found[0], right[0], atol=1e-3)
    assert (found[1].feasible == right[1].feasible).all()
    moved = np.abs(found[1].correction) > 0.1
    assert 0.05 < moved.mean() < 0.95
    free = proposals(numbers, X)
    place, speed, u = X[:, 0], X[:, 1], found[0] - 50
    for push, holds in ((u, True), (free - 50, False)):
        bend = -2 * speed**2 - 2 * place * (push - 0.5 * speed)
        spare = bend + 5 * -2 * place * speed + 6 * (1.44 - place**2)
        assert bool((spare >= -1e-6).all()) == holds


def test__quadratic_barrier__in_a_model__is_a_value_and_part_of_pickles():
    limit = _line()[0]
    model = fitted([limit])
    assert clone(model).get_params()["output_constraints"] == [limit]
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict(X) == model.predict(X)).all()
    assert again.output_constraints == [limit]
    assert b"LNN.constraints" not in pickle.dumps(model)
    wide = HalfSpaces([[1.0]], [1.0], b_quadratic=np.ones((1, 3, 3)))
    with pytest.raises(InvalidInputError, match=r"does not suit 1 target.*\(1, 3\)"):
        fitted([wide])
    with pytest.raises(InvalidInputError, match="missing"):
        fitted([limit], missing="hold")


def test__affine_barrier__in_a_model__keeps_the_next_state_inside(tmp_path):
    # A tank of level X[:, 0] loses a tenth, gains y / 100, and may not rise above 1.
    barrier = DiscreteBarrier.affine(
        [[-1.0]], [1.0], [[0.9]], [[0.01]], gamma=0.5, columns=[0], n_inputs=2
    )
    model = fitted([barrier])
    answers, safety = model.predict(X, return_safety=True)
    level = 0.9 * X[:, 0] + 0.01 * answers
    assert safety.feasible.all()
    assert (1 - level >= 0.5 * (1 - X[:, 0]) - 1e-6).all()
    assert (np.abs(safety.correction) > 0.1).any()
    save(model, tmp_path / "model.npz")
    assert to_spec(model).values["constraints"]["limits"] == [{"kind": "half_spaces"}]


def test__rate_limit__of_a_model_of_regular_time__counts_usual_gaps_without_stamps():
    when = pd.date_range("2026-01-01", periods=len(X), freq="h")
    model = fitted([RateLimit(0.2 / 3600)], timestamps=when)
    told, untold = model.predict(X, timestamps=when), model.predict(X)
    assert np.abs(np.diff(told)).max() > 0.19  # the limit acts
    np.testing.assert_allclose(untold, told, rtol=1e-6)
    stream = model.stream()
    np.testing.assert_allclose([stream.step(x) for x in X[:30]], told[:30], rtol=1e-5)


def test__quantiles__hold__is_refused():
    with pytest.raises(InvalidInputError, match="no answer before either"):
        fitted(BOX, loss="quantile", quantile=[0.1, 0.9], on_infeasible="hold")


@pytest.mark.parametrize("value", [Bounds(1, 2), "Bounds", [], ()])
def test__set_params__what_is_no_list_of_constraints__is_refused(value):
    model = fitted(BOX).set_params(output_constraints=value)
    with pytest.raises(InvalidInputError, match="output_constraints"):
        model.predict(X)
