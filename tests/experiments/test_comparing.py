"""Ranks are over the tasks that all models share; intervals are of paired draws."""

import numpy as np
import pytest

from LNN.experiments import comparing
from LNN.experiments.comparing import compared, difference_table, rank_table
from LNN.experiments.metrics import METRICS
from LNN.experiments.resampling import DRAWS, FIELD, gain, resampled
from LNN.experiments.task import Part
from LNN.experiments.tasks import TASKS

TASKS_SHARED = ("gesture", "occupancy", "ozone", "traffic", "power", "person")


def _record(task, model, test, *, validation=None, seed=0, **more):
    return {
        "task": task,
        "protocol": "sound",
        "model": model,
        "seed": seed,
        "budget": "standard",
        "metric": TASKS[task].metric,
        "test": test,
        "validation": test if validation is None else validation,
        "n_parameters": 100,
        "seconds": 1.0,
        "curve": [test],
        **more,
    }


@pytest.fixture
def three_models(monkeypatch):
    monkeypatch.setitem(comparing.GROUPS, "everywhere", ("CfC", "LSTM", "GRU"))
    monkeypatch.setitem(comparing.GROUPS, "per-step", ("CfC", "LTC"))
    records = []
    for task in TASKS_SHARED:
        sign = 1 if METRICS[TASKS[task].metric].greater_is_better else -1
        for model, merit in (("CfC", 3), ("LSTM", 2), ("GRU", 1)):
            records.append(_record(task, model, 10 + sign * merit))
    return records


def test__ranks__smaller_or_greater_is_better__best_model_is_first(three_models):
    rows, said = rank_table(three_models, "everywhere", "sound", "standard")
    assert [row[:2] for row in rows[1:]] == [
        ["CfC", "1.00"],
        ["LSTM", "2.00"],
        ["GRU", "3.00"],
    ]
    assert set(rows[0][2:]) == set(TASKS_SHARED)
    assert "6 tasks" in said
    assert "CfC before LSTM, p = 0.06" in said  # 2 pairs, each 2 / 2**6


def test__ranks__a_model_was_not_run_on_a_task__the_task_is_left_out(three_models):
    fewer = [r for r in three_models if (r["task"], r["model"]) != ("power", "GRU")]
    rows, _ = rank_table(fewer, "everywhere", "sound", "standard")
    assert "power" not in rows[0]


def test__ranks__few_shared_tasks__says_so(three_models):
    rows, said = rank_table(three_models, "per-step", "sound", "standard")
    assert rows == []
    assert "share 0 tasks" in said


def test__text__all_records__holds_the_same_ranks(three_models):
    said = compared(three_models, ["published", "sound"], "standard")
    assert said.count("Ranks") == 1
    assert "CfC         1.00" in said


def test__draws__same_answers__same_numbers_for_every_model():
    random = np.random.default_rng(1)
    truth, guess = random.normal(size=(2, 30, 5))
    part = Part(np.zeros((30, 5, 1)), truth)
    mse = METRICS["mse"]
    draws = resampled(mse, part, guess)
    assert len(draws) == DRAWS
    assert draws == resampled(mse, part, guess)
    # The mean over sequences varies as the theory of the bootstrap says.
    losses = np.square(truth - guess).mean(axis=1)
    assert np.std(draws) == pytest.approx(losses.std() / 30**0.5, rel=0.15)


def test__draws__sequences_of_unequal_length__whole_sequences_are_drawn():
    part = Part([None] * 3, [np.ones(2), np.zeros(9), np.ones(4)])
    answers = [np.ones(2), np.ones(9), np.ones(4)]
    draws = resampled(METRICS["accuracy"], part, answers)
    possible = {
        round(100 * (2 * a + 4 * c) / (2 * a + 9 * b + 4 * c), 6)
        for a in range(4)
        for b in range(4)
        for c in range(4)
        if a + b + c == 3
    }
    assert {round(d) for d in draws} <= {round(p) for p in possible}


def test__gain__draws_of_one_class__are_left_out():
    draws = {"a": [0.9, np.nan, 0.7], "b": [0.5, np.nan, 0.4]}
    ours, theirs = ([{"test": own[0], FIELD: own[1:]}] for own in draws.values())
    assert gain(ours, theirs, METRICS["auc"]) == pytest.approx((0.4, 0.3, 0.3))
    theirs[0][FIELD] = [np.nan, np.nan]
    assert gain(ours, theirs, METRICS["auc"]) is None


def test__gain__smaller_is_better__is_positive_where_ours_is_smaller():
    noise = np.random.default_rng(2).normal(size=DRAWS)
    ours = [_record("power", "CfC", 1.0, **{FIELD: list(1.0 + noise)})]
    theirs = [_record("power", "LSTM", 1.5, **{FIELD: list(1.5 + noise)})]
    # The draws go up and down together: what is paired is sure.
    assert gain(ours, theirs, METRICS["mse"]) == pytest.approx((0.5, 0.5, 0.5))
    assert gain(ours, [_record("power", "LSTM", 1.5)], METRICS["mse"]) is None


def test__differences__runs_without_draws__are_left_out():
    draws = {FIELD: list(np.linspace(40, 60, DRAWS))}
    records = [
        _record("gesture", "CfC", 50.0, **draws),
        _record("gesture", "LSTM", 50.0, **draws),
        _record("power", "CfC", 1.0),
        _record("power", "LSTM", 1.0),
    ]
    _, *rows = difference_table(records, "standard")
    assert rows == [["gesture", "accuracy %", "CfC", "0 (0 to 0)", ""]]
