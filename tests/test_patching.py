"""Patches: long sequences in few steps, the same for batches, alone and in streams."""

import pickle

import numpy as np
import pytest
import torch

from LNN import LiquidClassifier, LiquidNetwork, LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.patching import Patching
from tests.helpers.tiny import TINY

RAGGED = (30, 41, 17, 24, 8, 3)


@pytest.fixture
def recordings():
    random = np.random.default_rng(0)
    X = [random.normal(size=(n, 2)).cumsum(axis=0) for n in RAGGED]
    times = [random.exponential(size=len(x)).cumsum() for x in X]
    return X, np.array([0, 1, 0, 1, 0, 1]), times


def by_hand(patching, x, gaps):
    """The equation of the docstring, patch by patch, for one sequence (T, F)."""
    size = patching.size
    if patching.reads_gaps:
        x = torch.cat([x, torch.log1p(gaps)[:, None]], dim=1)
    steps, spans = [], []
    for begin in range(0, len(x), size):
        window = torch.zeros(2 * size, x.shape[1])
        for place in range(2 * size):
            row = begin - size + place
            if 0 <= row < len(x):
                window[place] = x[row]
        steps.append(patching.map(window.flatten()))
        spans.append(gaps[begin : begin + size].sum() / size)
    return torch.stack(steps), torch.stack(spans)


@pytest.mark.parametrize("reads_gaps", [False, True])
def test__Patching__ragged_batch__is_the_equation_for_each_sequence(reads_gaps):
    lengths = torch.tensor([11, 4, 8, 1])
    inputs, gaps = torch.randn(4, 11, 3), torch.rand(4, 11)
    for k, length in enumerate(lengths):  # whatever stands past the end
        inputs[k, length:], gaps[k, length:] = torch.nan, torch.nan
    patching = Patching(3, 4, reads_gaps=reads_gaps).eval()
    steps, spans, n_steps = patching(inputs, gaps, lengths)
    assert n_steps.tolist() == [3, 1, 2, 1]
    for k, (length, n) in enumerate(zip(lengths, n_steps, strict=True)):
        expected = by_hand(patching, inputs[k, :length], gaps[k, :length])
        torch.testing.assert_close(steps[k, :n], expected[0])
        torch.testing.assert_close(spans[k, :n], expected[1])


def test__Patching__later_rows__change_nothing_before():
    patching, inputs = Patching(2, 4).eval(), torch.randn(1, 20, 2)
    changed = inputs.clone()
    changed[:, 12:] += 1
    before, after = (patching(x)[0][:, :3] for x in (inputs, changed))
    assert torch.equal(before, after)


@pytest.mark.parametrize("irregular", [False, True])
@pytest.mark.parametrize(
    "options",
    [{}, {"model_type": "LTC"}, {"model_type": "LSTM"}, {"missing": "mask"}],
    ids=str,
)
def test__patch__batch_alone_stream_pickle__give_the_same(
    recordings, options, irregular
):
    X, y, times = recordings
    given = {"timestamps": times} if irregular else {}
    if "missing" in options:
        X[0][5] = np.nan
    model = LiquidClassifier(**TINY, **options, patch=8).fit(X, y, **given)
    together = model.predict_proba(X, **given)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X, **given), together)
    stream = model.stream(mode="carry")
    for k, x in enumerate(X):
        stream.reset()
        for row in range(len(x)):
            at = {"timestamp": times[k][row]} if irregular else {}
            odds = stream.step_proba(x[row], **at)
            if row in (0, 6, 7, 8, len(x) - 1):  # within a patch, at its end, after it
                part = {"timestamps": [times[k][: row + 1]]} if irregular else {}
                alone = model.predict_proba([x[: row + 1]], **part)[0]
                np.testing.assert_allclose(odds, alone, atol=1e-5)
        np.testing.assert_allclose(odds, together[k], atol=1e-5)


def test__patch__many_streams__each_counts_its_own_rows(recordings):
    X, y, _ = recordings
    model = LiquidClassifier(**TINY, patch=4).fit(X, y)
    stream = model.stream(mode="carry", n=2)
    rows = X[1]
    for k in range(10):
        if k == 3:
            stream.reset([1])
        odds = stream.step_proba(rows[[k, k]])
    np.testing.assert_allclose(odds[0], model.predict_proba([rows[:10]])[0], atol=1e-5)
    np.testing.assert_allclose(odds[1], model.predict_proba([rows[3:10]])[0], atol=1e-5)


def test__patch__state_of_a_stream__can_be_set_again(recordings):
    X, y, _ = recordings
    model = LiquidClassifier(**TINY, patch=8).fit(X, y)
    one, other = (model.stream(mode="carry") for _ in range(2))
    for row in X[0][:11]:
        one.step_proba(row)
    other.state = one.state
    np.testing.assert_array_equal(other.step_proba(X[0][11]), one.step_proba(X[0][11]))


def test__patch__gap_walked_in_a_stream__equals_predict(recordings):
    X, y, _ = recordings
    model = LiquidClassifier(**TINY, patch=4, max_step=1.0)
    model.fit(X, y, timestamps=[np.arange(len(x)) for x in X])
    times = np.array([0, 1, 2, 5, 6, 9, 10.0])
    stream = model.stream(mode="carry")
    for row, time in zip(X[0], times, strict=False):
        odds = stream.step_proba(row, timestamp=time)
    expected = model.predict_proba([X[0][:7]], timestamps=[times])[0]
    np.testing.assert_allclose(odds, expected, atol=1e-5)


def test__patch__windows__are_cut_from_their_first_row():
    X = np.random.default_rng(0).normal(size=(60, 2))
    model = LiquidRegressor(**TINY, window_length=12, patch=5)
    answers = model.fit(X, X[:, 0]).predict(X)
    stream = model.stream()
    steps = [stream.step(x) for x in X]
    np.testing.assert_allclose(steps, answers, atol=1e-5)
    with pytest.raises(InvalidInputError, match=r"patch=5 cuts a window"):
        model.stream(mode="carry")


def test__patch__gradients__equal_finite_differences():
    network = LiquidNetwork(2, 5, 1, patch=3, pooling="last+mean+max").double().eval()
    inputs = torch.randn(2, 7, 2, dtype=torch.float64, requires_grad=True)
    spans = torch.rand(2, 7, dtype=torch.float64, requires_grad=True)
    lengths = torch.tensor([7, 4])

    def run(inputs, spans):
        return network(inputs, timespans=spans, lengths=lengths)

    assert torch.autograd.gradcheck(run, (inputs, spans), fast_mode=True)


REFUSED = {
    "targets per step": (
        {"patch": 4, "return_sequences": True},
        "per step",
        r"an output for each step",
    ),
    "whole recordings": ({"patch": 4, "window_length": None}, "rows", r"each step"),
    "zero": ({"patch": 0}, "sequences", r"'patch' parameter"),
    "GRU-D": (
        {"patch": 4, "model_type": "GRU-D", "missing": "mask"},
        "sequences",
        r"each channel and its mask",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test__patch__where_it_cannot_be__is_refused_by_name(case):
    options, kind, message = REFUSED[case]
    X = np.random.default_rng(0).normal(size=(6, 20, 2))
    y = {"per step": X[..., 0], "rows": X[0, :, 0], "sequences": X[:, -1, 0]}[kind]
    with pytest.raises(InvalidInputError, match=message):
        LiquidRegressor(**TINY, **options).fit(X[0] if kind == "rows" else X, y)


def test__patch__state_or_other_columns__are_refused():
    network = LiquidNetwork(2, 5, 1, patch=3)
    _, state = network(torch.randn(1, 6, 2), return_state=True)
    with pytest.raises(InvalidInputError, match="Expected no state"):
        network(torch.randn(1, 6, 2), state=state)
    with pytest.raises(InvalidInputError, match=r"\(batch, time, 2\), got \(1, 6, 3\)"):
        network(torch.randn(1, 6, 3))


def test__patch__gradient_learning_in_a_stream__is_refused(recordings):
    X, y, _ = recordings
    options = TINY | {"patch": 4, "pooling": "last"}
    model = LiquidClassifier(**options).fit(X, y)
    with pytest.raises(InvalidInputError, match='adapt="sgd" learns'):
        model.stream(mode="carry", adapt="sgd")
