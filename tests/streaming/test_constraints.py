"""Streams of models with limits: the answers of predict, row by row."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from narrow_limits import NARROW_LIMITS

from LNN import LiquidRegressor
from LNN.exceptions import InfeasibleError, InvalidInputError, LNNWarning
from LNN.safety import BarrierFunction, Bounds, HalfSpaces, RateLimit
from LNN.streaming import LiquidPolicy

pytestmark = NARROW_LIMITS

RANDOM = np.random.default_rng(1)
X = RANDOM.uniform(-1, 1, size=(160, 2))
Y = 50 + 20 * np.roll(X[:, 0], 1) * X[:, 1] + 4 * X[:, 0]
TIMES = np.cumsum(RANDOM.choice([1.0, 2.0, 5.0], size=len(X)))
SMALL = {"n_neurons": 6, "window_length": 5, "epochs": 3, "random_state": 0}
LIMITS = [
    Bounds(40, 60),
    RateLimit(0.4),
    HalfSpaces([[1.0]], [51.0], b_inputs=[[6.0, 0.0]]),
]
NEVER = HalfSpaces([[1.0], [-1.0]], [49.0, -50.0])

# A point on a line, pushed by y - 50, stays within (-1.2, 1.2).
LINE = BarrierFunction.quadratic(
    [[-1, 0], [0, 0]], [0, 0], 1.44, np.eye(2, k=1), [[0], [1]], [0, -50], order=2
)


def fitted(constraints, y=Y, timestamps=TIMES, **settings):
    model = LiquidRegressor(**{**SMALL, **settings}, output_constraints=constraints)
    return model.fit(X, y, timestamps=timestamps)


def steps(stream, rows=X, times=TIMES):
    """Return answers and flags of a stream, row by row."""
    found = [
        (stream.step(x, timestamp=t), *stream.safety)
        for x, t in zip(rows, times, strict=True)
    ]
    return tuple(map(np.array, zip(*found, strict=True)))


@pytest.mark.filterwarnings("ignore:.*No output satisfies")
@pytest.mark.parametrize("mode", ["window", "carry"])
def test__stream__with_limits__answers_as_predict_does(mode):
    model = fitted(LIMITS, window_length=None if mode == "carry" else 5)
    right, safety = model.predict(X, timestamps=TIMES, return_safety=True)
    answers, feasible, correction = steps(model.stream(mode))
    np.testing.assert_allclose(answers, right, atol=2e-4)
    np.testing.assert_allclose(correction, safety.correction, atol=2e-4)
    assert (feasible == safety.feasible).mean() > 0.99  # a limit may just touch
    assert 0 < feasible.mean() < 1
    assert (np.abs(correction) > 0.1).any()


@pytest.mark.parametrize("mode", ["window", "carry"])
def test__stream__with_a_quadratic_barrier__answers_as_predict_does(mode):
    model = fitted([LINE, Bounds(20, 80)], window_length=None if mode == "carry" else 5)
    right, safety = model.predict(X, timestamps=TIMES, return_safety=True)
    stream = model.stream(mode)
    answers, feasible, correction = steps(stream)
    np.testing.assert_allclose(answers, right, atol=2e-4)
    np.testing.assert_allclose(correction, safety.correction, atol=2e-4)
    assert (feasible == safety.feasible).all()
    assert (np.abs(correction) > 0.1).mean() > 0.05
    again = pickle.loads(pickle.dumps(stream))
    assert again.step(X[0], timestamp=TIMES[-1] + 1) == stream.step(
        X[0], timestamp=TIMES[-1] + 1
    )


def test__stream__anchored_half_space__reads_the_column_as_it_came():
    walk = 50 + np.cumsum(RANDOM.normal(size=len(X)))
    rows = np.column_stack([walk, X[:, 0]])
    limit = HalfSpaces([[1.0]], [0.0], b_inputs=[[1.0, 0.0]])
    model = LiquidRegressor(**SMALL, anchor=0, output_constraints=[limit])
    model.fit(rows[:-1], walk[1:])
    stream = model.stream()
    answers = np.array([stream.step(row) for row in rows])
    assert (answers <= walk + 1e-6).all()
    np.testing.assert_allclose(answers, model.predict(rows), atol=2e-4)


def test__many_streams__each_has_its_own_answer_before():
    model = fitted([RateLimit(0.4)], timestamps=None)
    parts = X.reshape(4, 40, 2)
    stream = model.stream(n=4)
    found = np.array([stream.step(parts[:, t]) for t in range(40)]).T
    assert stream.safety.feasible.shape == (4,)
    assert stream.safety.correction.shape == (4,)
    for own, rows in zip(found, parts, strict=True):
        np.testing.assert_allclose(own, model.predict(rows), atol=2e-4)
    stream.reset([1])
    again = stream.step(parts[:, 0])
    free = model.predict(parts[1][:1])[0]
    assert again[1] == pytest.approx(free, abs=2e-4)  # a first row is free
    assert abs(again[0] - found[0, -1]) <= 0.4 + 1e-9


def test__answers__are_the_callers_to_change():
    targets = np.column_stack([Y, -Y])
    model = LiquidRegressor(**SMALL, output_constraints=[RateLimit(0.1)])
    model.fit(X, targets)
    right, stream = model.stream(), model.stream()
    for x in X[:8]:
        expected = right.step(x).copy()
        answer = stream.step(x)
        np.testing.assert_array_equal(answer, expected)
        answer *= 1000
        stream.state["answers"] += 1


def test__state_copy_and_pickle__keep_the_answer_before():
    stream = fitted([RateLimit(0.1)], timestamps=None).stream("carry")
    for x in X[:10]:
        before = stream.step(x)
    kept, twin = stream.state, stream.copy()
    loaded = pickle.loads(pickle.dumps(stream))
    right = [stream.step(x) for x in X[10:15]]
    assert abs(right[0] - before) <= 0.1 + 1e-9
    for other in (twin, loaded, copy.deepcopy(twin)):
        assert [other.step(x) for x in X[10:15]] == right
    stream.state = kept
    assert [stream.step(x) for x in X[10:15]] == right
    assert kept["answers"] == before
    del kept["answers"]
    with pytest.raises(InvalidInputError, match="Expected the state of a stream"):
        stream.state = kept


def test__predict_one__looks_ahead_and_leaves_the_answer_before():
    stream = fitted([RateLimit(0.1)], timestamps=None).stream()
    row = {0: X[5, 0], 1: X[5, 1]}
    stream.step(X[0])
    safety = stream.safety
    first = stream.predict_one(row)
    assert stream.predict_one(row) == first
    assert stream.safety is not first
    assert stream.safety == safety
    assert stream.step(X[5]) == first


def test__context__gives_no_answer_to_start_from():
    model = fitted([RateLimit(1e-3)], timestamps=None)
    right = model.predict(X[20:30], context=X[:20])
    stream = model.stream(context=X[:20])
    found = [stream.step(x) for x in X[20:30]]
    np.testing.assert_allclose(found, right, atol=2e-4)
    assert abs(found[0] - model.stream().step(X[20])) > 1e-3


# ------------------------------------------------------------------------- infeasible


def test__infeasible__step__warns_once_and_flags_always():
    stream = fitted([NEVER], timestamps=None).stream()
    with pytest.warns(LNNWarning, match="No output satisfies all constraints"):
        stream.step(X[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert stream.step(X[1]) == pytest.approx(49.5, abs=1e-5)
    assert not stream.safety.feasible


def test__infeasible__raise__leaves_the_stream_where_it_stood():
    limit = HalfSpaces([[1.0], [-1.0]], [60.0, -40.0], b_inputs=[[0, 0], [-90, 0]])
    model = fitted([limit, RateLimit(5.0)], timestamps=None, on_infeasible="raise")
    stream = model.stream("carry")
    stream.step([-0.1, 0.0])
    state = stream.state
    with pytest.raises(InfeasibleError, match="first for this row"):
        stream.step([0.9, 0.0])
    for name, array in stream.state.items():
        np.testing.assert_array_equal(array, state[name])
    stream.step([-0.2, 0.0])


def test__infeasible__hold__repeats_the_answer():
    limit = HalfSpaces([[1.0], [-1.0]], [60.0, -40.0], b_inputs=[[0, 0], [-90, 0]])
    stream = fitted([limit], timestamps=None, on_infeasible="hold").stream()
    first = stream.step([-0.1, 0.0])
    with pytest.warns(LNNWarning, match="this row"):
        assert stream.step([0.9, 0.0]) == first


def test__safety__without_constraints_or_steps__is_refused():
    with pytest.raises(InvalidInputError, match="has none"):
        _ = fitted(None, timestamps=None).stream().safety
    with pytest.raises(InvalidInputError, match="take a step first"):
        _ = fitted([RateLimit(1)], timestamps=None).stream().safety


# --------------------------------------------------------------------- with the rest


def test__policy__acts_within_limits_also_where_frames_are_lost():
    model = fitted([Bounds(45, 55), RateLimit(0.3)], timestamps=None)
    policy = LiquidPolicy(model, n=2)
    acted = [policy.act(X[:2])]
    for t in range(1, 12):
        arrived = np.array([True, t % 3 != 0])
        acted.append(policy.act(X[t : t + 2], arrived=arrived))
    acted = np.array(acted)
    assert 45 <= acted.min() <= acted.max() <= 55
    # Two periods pass for an episode whose frame was lost.
    assert (np.abs(np.diff(acted, axis=0)) <= 0.6 + 1e-9).all()
    assert (np.abs(np.diff(acted[:, 0])) <= 0.3 + 1e-9).all()
    assert (acted[3, 1], acted[6, 1]) == (acted[2, 1], acted[5, 1])


def test__adapting_stream__stays_within_limits():
    stream = fitted([Bounds(48, 51)], timestamps=None).stream("carry", adapt="readout")
    for x, y in zip(X, 60 + Y, strict=True):
        assert 48 <= stream.step(x) <= 51
        stream.update(y)
    assert stream.commit().limits is not None
