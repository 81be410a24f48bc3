"""Streams that guard: the doubts of a row are those of the batch."""

import pickle

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from LNN import LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.safety import guard
from LNN.streaming import PipelineStream

T = np.arange(120.0)
X = np.column_stack([np.sin(0.2 * T), 5 + np.cos(0.1 * T)])
Y = X[:, 0] * X[:, 1]
WHEN = np.cumsum(np.tile([1.0, 2.0, 4.0], 40))
NEW = np.vstack([X[:9], [[4.0, 5.0]], X[9:12], [[0.0, -5.0]]])
NEW_WHEN = np.cumsum([1, 2, 4, 2, 9, 2, 2, 0.5, 2, 2, 2, 2, 2, 2.0])


@pytest.mark.parametrize("cell", ["CfC", "LTC"])
@pytest.mark.parametrize(("mode", "length"), [("window", 6), ("carry", None)])
@pytest.mark.parametrize("n", [None, 3])
def test_doubts_are_those_of_guard(cell, mode, length, n):
    model = LiquidRegressor(
        6, model_type=cell, window_length=length, epochs=1, random_state=0
    ).fit(X, Y, timestamps=WHEN)
    found = guard(model, NEW, timestamps=NEW_WHEN)
    stream, plain = model.stream(mode, n, guard=True), model.stream(mode, n)
    for k, (row, when) in enumerate(zip(NEW, NEW_WHEN, strict=True)):
        rows = row if n is None else np.tile(row, (n, 1))
        answer = stream.step(rows, timestamp=when if n is None else [when] * n)
        other = plain.step(rows, timestamp=when if n is None else [when] * n)
        np.testing.assert_array_equal(answer, other)
        for name in ("outside", "gap", "saturated", "flagged"):
            got = stream.doubts[name] if n is None else stream.doubts[name][-1]
            np.testing.assert_allclose(got, found[name][k], rtol=1e-9)
    assert found.flagged.sum() >= 4


@pytest.mark.parametrize("n", [None, 3])
def test_doubts_of_a_pipeline_are_about_what_its_last_step_gets(n):
    model = LiquidRegressor(6, window_length=6, epochs=1, random_state=0)
    pipe = make_pipeline(StandardScaler(), PCA(2), model).fit(X, Y)
    found = guard(pipe, pipe[:-1].transform(NEW))
    stream, plain = PipelineStream(pipe, n=n, guard=True), PipelineStream(pipe, n=n)
    for k, row in enumerate(NEW):
        rows = row if n is None else np.tile(row, (n, 1))
        np.testing.assert_array_equal(stream.step(rows), plain.step(rows))
        for name in ("outside", "gap", "saturated", "flagged"):
            got = stream.doubts[name] if n is None else stream.doubts[name][-1]
            np.testing.assert_allclose(got, found[name][k], rtol=1e-6)
    assert found.flagged[[9, 13]].all()
    assert not found.flagged.all()
    with pytest.raises(InvalidInputError, match="guard=True"):
        _ = plain.doubts
    # A context is no step that could be doubted.
    stream = PipelineStream(pipe, context=X[:6], guard=True)
    with pytest.raises(InvalidInputError, match="take a step"):
        _ = stream.doubts


def test_doubts_need_a_guard_and_a_step():
    model = LiquidRegressor(6, window_length=6, epochs=1, random_state=0).fit(X, Y)
    stream = model.stream()
    stream.step(X[0])
    with pytest.raises(InvalidInputError, match="guard=True"):
        _ = stream.doubts
    stream = model.stream(guard=True, context=X[:6])
    with pytest.raises(InvalidInputError, match="take a step"):
        _ = stream.doubts
    stream.step(X[6])
    again = pickle.loads(pickle.dumps(stream))
    assert again.doubts.outside.tolist() == stream.doubts.outside.tolist()
    with pytest.raises(InvalidInputError, match="take a step"):
        _ = stream.reset().doubts


def test_states_have_no_proved_bounds_while_weights_are_learnt():
    model = LiquidRegressor(6, window_length=6, epochs=1, random_state=0).fit(X, Y)
    stream = model.stream(adapt="sgd", guard=True)
    stream.step(X[0])
    assert stream.doubts.saturated is None
