"""`LiquidPolicy`: the same answers as a stream, with frames that get lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from LNN import InvalidInputError, LiquidClassifier, LiquidRegressor
from LNN.streaming import LiquidPolicy, LiquidStream, PipelineStream

rng = np.random.default_rng(0)
SEEN = rng.normal(size=(24, 20, 2)).cumsum(axis=1)
DONE = -SEEN[..., 0] - np.diff(SEEN[..., 1], axis=1, prepend=0)
# Equal gaps of 0.02 seconds, or irregular ones.
CLOCK = np.tile(0.02 * np.arange(20), (24, 1))
UNEVEN = rng.exponential(0.02, size=(24, 20)).cumsum(axis=1)


def fitted(targets=DONE, time=UNEVEN, **options):
    kind = LiquidClassifier if targets.dtype.kind in "iuU" else LiquidRegressor
    model = kind(8, return_sequences=True, epochs=2, random_state=0, **options)
    return model.fit(SEEN, targets, timestamps=time)


@pytest.fixture(scope="module")
def clone():
    return fitted()


def test__act__all_frames__as_predict_of_the_whole_sequence(clone):
    policy = LiquidPolicy(clone)
    gaps = np.diff(UNEVEN[3], prepend=0)
    actions = [policy.act(x, dt) for x, dt in zip(SEEN[3], gaps, strict=True)]
    whole = clone.predict(SEEN[3:4], timestamps=UNEVEN[3:4])[0]
    np.testing.assert_allclose(actions, whole, atol=1e-5)


def test__act__lost_frames__are_longer_gaps(clone):
    policy, stream = LiquidPolicy(clone), LiquidStream(clone)
    stream.step(SEEN[0, 0])
    first = policy.act(SEEN[0, 0])
    assert policy.act(None, 0.01) == first
    assert policy.act(None, 0.02) == first
    expected = stream.step(SEEN[0, 3], dt=0.06)
    assert policy.act(SEEN[0, 3], 0.03) == pytest.approx(expected, abs=1e-6)
    # What was waited for counts once.
    expected = stream.step(SEEN[0, 4], dt=0.02)
    assert policy.act(SEEN[0, 4], 0.02) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("model_type", ["CfC", "LTC", "LSTM"])
def test__act__episodes_together__as_each_alone(model_type):
    clone = fitted(model_type=model_type)
    n, steps = 5, 15
    together = LiquidPolicy(clone, n)
    alone = [LiquidPolicy(clone) for _ in range(n)]
    draws = np.random.default_rng(1)
    for t in range(steps):
        arrived = draws.random(n) < (0.6 if t else 1.0)
        dt = draws.exponential(0.02, n)
        rows = SEEN[:n, t].copy()
        rows[~arrived] = np.nan
        got = together.act(rows, dt, arrived=arrived)
        for k, policy in enumerate(alone):
            row = SEEN[k, t] if arrived[k] else None
            assert got[k] == pytest.approx(policy.act(row, dt[k]), abs=1e-5)


def test__act__no_frame_in_any_episode__holds(clone):
    policy = LiquidPolicy(clone, 3)
    first = policy.act(SEEN[:3, 0])
    np.testing.assert_array_equal(policy.act(None, 0.02), first)
    nothing = np.zeros(3, dtype=bool)
    held = policy.act(SEEN[:3, 1], 0.02, arrived=nothing)
    np.testing.assert_array_equal(held, first)


def test__reset__some_episodes__begin_anew_and_others_go_on(clone):
    policy = LiquidPolicy(clone, 2)
    begin = policy.act(SEEN[:2, 0])
    for t in range(1, 6):
        policy.act(SEEN[:2, t], 0.02)
    assert policy.reset([1]) is policy
    went_on = LiquidPolicy(clone)
    for t in range(6):
        went_on.act(SEEN[0, t], 0.02)
    got = policy.act(np.stack([SEEN[0, 6], SEEN[1, 0]]), 0.02)
    assert got[1] == pytest.approx(begin[1], abs=1e-5)
    assert got[0] == pytest.approx(went_on.act(SEEN[0, 6], 0.02), abs=1e-5)
    policy.reset([])
    policy.act(None, 0.02)


def test__reset__all__forgets_time_that_was_waited(clone):
    policy = LiquidPolicy(clone)
    begin = policy.act(SEEN[0, 0])
    second = policy.act(SEEN[0, 1], 0.02)
    policy.act(None, 5.0)
    policy.reset()
    assert policy.act(SEEN[0, 0]) == begin
    assert policy.act(SEEN[0, 1], 0.02) == second


def test__act__classes__are_discrete_actions():
    labels = np.where(DONE > 0, "right", "left")
    clone = fitted(labels, CLOCK)
    policy, stream = LiquidPolicy(clone, 4), LiquidStream(clone, n=4)
    actions = policy.act(SEEN[:4, 0])
    np.testing.assert_array_equal(actions, stream.step(SEEN[:4, 0]))
    np.testing.assert_array_equal(policy.act(None), actions)
    assert LiquidPolicy(clone).act(SEEN[0, 0]) in ("left", "right")


def test__act__pipeline__as_its_stream():
    rows, actions = SEEN.reshape(-1, 2), DONE.ravel()
    network = LiquidRegressor(8, window_length=6, epochs=2, random_state=0)
    pipe = make_pipeline(StandardScaler(), network).fit(rows, actions)
    for mode in ("window", "carry"):
        policy = LiquidPolicy(pipe, mode=mode)
        stream = PipelineStream(pipe, mode)
        for row in rows[:9]:
            assert policy.act(row) == stream.step(row)


def test__act__frames__are_read_by_their_columns():
    frame = pd.DataFrame(SEEN.reshape(-1, 2), columns=["x", "angle"])
    network = LiquidRegressor(8, window_length=6, epochs=2, random_state=0)
    clone = network.fit(frame, DONE.ravel())
    policy, arrays = LiquidPolicy(clone, 2), LiquidPolicy(clone, 2)
    for begin in (0, 2, 4):
        rows = frame.iloc[begin : begin + 2]
        arrived = np.array([True, begin != 2])
        got = policy.act(rows[["x", "angle"]], arrived=arrived)
        np.testing.assert_array_equal(got, arrays.act(rows.to_numpy(), arrived=arrived))


@pytest.mark.parametrize("targets", [DONE, np.stack([DONE, -DONE], axis=-1)])
def test__safety__function__sees_the_last_action_and_the_time(targets):
    told, last = [], None

    def at_most(actions, context):
        told.append(context)
        return np.clip(actions, -0.1, 0.1), "clipped"

    policy = LiquidPolicy(fitted(targets), 3, safety=at_most)
    free = LiquidPolicy(fitted(targets), 3)
    for t in range(4):
        got = policy.act(SEEN[:3, t], 0.03, context={"t": t})
        np.testing.assert_array_equal(
            got, np.clip(free.act(SEEN[:3, t], 0.03), -0.1, 0.1)
        )
        assert policy.report == "clipped"
        columns = targets[0, 0].size
        assert told[t]["previous"].shape == (3, columns)
        if t:
            np.testing.assert_array_equal(told[t]["previous"].reshape(got.shape), last)
            assert np.all(told[t]["elapsed"] == 0.03)
        last = got
    assert np.isnan(told[0]["previous"]).all()
    assert [context["t"] for context in told] == [0, 1, 2, 3]
    policy.reset([2])
    policy.act(SEEN[:3, 0], 0.03)
    assert np.isnan(told[-1]["previous"]).any(axis=1).tolist() == [False, False, True]


def test__safety__lost_frame__is_asked_again(clone):
    policy = LiquidPolicy(clone, safety=lambda u, context: u + context["extra"])
    wanted = policy.act(SEEN[0, 0], context={"extra": 0.0})
    # The safe action may differ from call to call; what is held is the model's own.
    assert policy.act(None, 0.02, context={"extra": 1.0}) == wanted + 1
    assert policy.act(None, 0.02, context={"extra": 0.0}) == wanted


def test__safety__module__gets_tensors(clone):
    class Half(torch.nn.Module):
        def forward(self, actions, context):
            assert actions.dtype == torch.float64
            assert isinstance(context["previous"], torch.Tensor)
            assert isinstance(context["state"], torch.Tensor)
            return actions / 2, "flags"

    policy = LiquidPolicy(clone, 2, safety=Half())
    wanted = LiquidPolicy(clone, 2).act(SEEN[:2, 0])
    got = policy.act(SEEN[:2, 0], context={"state": np.zeros((2, 4))})
    np.testing.assert_allclose(got, wanted / 2)
    assert policy.report == "flags"


def test__safety__other_shape__is_refused(clone):
    policy = LiquidPolicy(clone, 2, safety=lambda u, context: u[:1])
    with pytest.raises(InvalidInputError, match=r"shape \(2, 1\), got \(1, 1\)"):
        policy.act(SEEN[:2, 0])
    with pytest.raises(InvalidInputError, match="safety as a function"):
        LiquidPolicy(clone, safety="clip")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda policy: policy.act(None), "first call"),
        (lambda policy: policy.act(SEEN[0, 0], -0.1), "finite and >= 0"),
        (lambda policy: policy.act(SEEN[0, 0], [0.1, 0.2]), "each of 1 episodes"),
        (lambda policy: policy.act(SEEN[0, 0], "soon"), "dt as a number"),
        (lambda policy: policy.act(SEEN[0, 0], arrived=[True]), "n=None"),
        (lambda policy: policy.act(SEEN[0, 0, :1]), "shape"),
    ],
)
def test__act__bad_call__leaves_no_trace(clone, call, words):
    policy = LiquidPolicy(clone)
    with pytest.raises(InvalidInputError, match=words):
        call(policy)
    begin = LiquidPolicy(clone).act(SEEN[0, 0])
    assert policy.act(SEEN[0, 0]) == begin


def test__act__without_time__one_unit_if_training_was_regular(clone):
    policy = LiquidPolicy(clone)
    policy.act(SEEN[0, 0])
    with pytest.raises(InvalidInputError, match="irregular"):
        policy.act(SEEN[0, 1])
    regular = fitted(time=CLOCK)
    by_time, by_default = LiquidPolicy(regular), LiquidPolicy(regular)
    for row in SEEN[0, :4]:
        assert by_default.act(row) == by_time.act(row, 0.02)
    by_default.act(None)
    by_time.act(None, 0.02)
    assert by_default.act(SEEN[0, 5]) == by_time.act(SEEN[0, 5], 0.02)


def test__act__rows_that_stand_alone__need_no_time():
    network = LiquidRegressor(8, window_length=1, epochs=2, random_state=0)
    clone = network.fit(SEEN.reshape(-1, 2), DONE.ravel())
    policy = LiquidPolicy(clone)
    actions = [policy.act(row) for row in SEEN[0, :3]]
    np.testing.assert_allclose(actions, clone.predict(SEEN[0, :3]), atol=1e-5)
