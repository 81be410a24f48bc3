"""Limits that no training target meets: a mistake of units, told at fit."""

import warnings

import numpy as np
import pytest

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import LNNWarning
from LNN.safety import Bounds, HalfSpaces, RateLimit

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, size=(100, 2))
Y = 1000 + 500 * X[:, 0]
SMALL = {"n_neurons": 4, "window_length": 4, "epochs": 1, "random_state": 0}
HALF = HalfSpaces([[1.0]], [1000.0], b_inputs=[[500.0, 0.0]])  # y itself at most


def told_at_fit(constraints, X=X, y=Y, weights=None, **settings):
    model = LiquidRegressor(**{**SMALL, **settings}, output_constraints=constraints)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model.fit(X, y, sample_weight=weights)
    assert all(one.category is LNNWarning for one in told)
    return [str(one.message) for one in told]


@pytest.mark.parametrize("whole", [True, False])
def test__bounds__of_other_units__are_told_with_the_share_and_by_name(whole):
    settings = {"window_length": None} if whole else {}
    (told,) = told_at_fit([Bounds(0, 1), Bounds(0, 1e4)], **settings)
    assert "100% of them break Bounds(low=0, high=1), and" in told
    low, high = (f"{end:.6g}" for end in (Y.min(), Y.max()))
    assert f"targets lie from {low} to {high}." in told


def test__bounds__of_one_target_of_two__counts_rows():
    y = np.column_stack([Y, np.zeros(len(Y))])
    (told,) = told_at_fit([Bounds([0, -1], [1000, 1])], y=y)
    assert f"{np.mean(Y[:90] > 1000):.0%}"[0] in told  # about a half
    assert "of them break Bounds(low=[0, -1]" in told


def test__targets__few_outside_or_on_the_bound__are_no_news():
    y = Y.copy()
    y[:3] = 9999
    assert told_at_fit([Bounds(400, 1600), HALF, RateLimit(1e-9)], y=np.r_[y]) == []
    assert told_at_fit([Bounds(500, 500)], y=np.full(len(Y), 500.0)) == []


def test__targets__without_weight_or_unknown__do_not_count():
    y, weights = Y.copy(), np.ones(len(Y))
    y[:40], weights[:40] = -9999, 0.0
    assert told_at_fit([Bounds(400, 1600)], y=y, weights=weights) == []
    cube, goals = X.reshape(10, 10, 2), Y.reshape(10, 10).copy()
    goals[:, 3] = np.nan
    assert told_at_fit([Bounds(400, 1600)], cube, goals, return_sequences=True) == []


def test__half_spaces__of_each_row__are_held_against_targets_of_that_row():
    lower = HalfSpaces([[1.0]], [900.0], b_inputs=[[500.0, 0.0]])
    (told,) = told_at_fit([HALF, lower])
    assert "100% of them break HalfSpaces" in told
    assert told.count("of them break") == 1


def test__anchored__half_spaces_read_the_column_as_it_came():
    data = np.column_stack([Y, X])
    limit = HalfSpaces([[1.0]], [1.0], b_inputs=[[1.0, 0.0, 0.0]])  # at most 1 more
    assert told_at_fit([limit], data, Y + 0.5 * X[:, 1], anchor=0) == []


def test__contradictions__of_all_rows__are_told_at_fit():
    (told,) = told_at_fit([Bounds(0, 1), Bounds(2, 3)])
    assert "contradict each other: no output satisfies all of" in told
    assert "Bounds(low=0, high=1), Bounds(low=2, high=3)] anywhere" in told
    never = HalfSpaces([[-1.0]], [-9000.0], b_inputs=[[-1.0, 0.0]])
    (told,) = told_at_fit([Bounds(0, 5000), never])
    assert "in any of" in told
    # In a part of the rows is what the flag of each answer is for.
    some = HalfSpaces([[-1.0]], [0.0], b_inputs=[[0.0, 9e9]])
    assert not any("contradict" in t for t in told_at_fit([Bounds(0, 2000), some]))


def test__partial_fit__does_not_repeat_it():
    model = LiquidRegressor(**SMALL, output_constraints=[Bounds(0, 1)])
    with pytest.warns(LNNWarning, match="The training targets lie"):
        model.partial_fit(X, Y)
    model.partial_fit(X, Y)


def test__limits_of_each_row__may_break_many_targets():
    # What a barrier is for: half of the training data went where it lets none go.
    assert told_at_fit([HalfSpaces([[1.0]], [1000.0], b_inputs=[[0.0, 1.0]])]) == []


def test__classifier__says_why_it_has_none():
    with pytest.raises(TypeError, match="'output_constraints'. They are limits of num"):
        LiquidClassifier(output_constraints=[Bounds(0, 1)])
    with pytest.raises(TypeError, match="has task='regression' always: leave it out"):
        LiquidRegressor(task="classification")
