"""scale="sequence": shape without size, size as further inputs."""

import pickle

import numpy as np
import pytest
import torch

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.own_scale import FLAT, OwnScale
from tests.helpers.tiny import TINY


def test__OwnScale__ragged_batch__is_each_sequence_alone():
    lengths = torch.tensor([9, 4, 1])
    inputs = 3 + 2 * torch.randn(3, 9, 3)
    for k, length in enumerate(lengths):
        inputs[k, length:] = torch.nan
    scaled = OwnScale(2)(inputs, lengths)
    for k, length in enumerate(lengths):
        x = inputs[k, :length]
        mean, spread = x[:, :2].mean(0), x[:, :2].std(0, correction=0)
        spread = torch.sqrt(spread**2 + FLAT**2)
        shape = (x[:, :2] - mean) / spread
        size = torch.cat([mean, spread.log()]).expand(int(length), -1)
        expected = torch.cat([shape, x[:, 2:], size], dim=1)
        torch.testing.assert_close(scaled[k, :length], expected)


def test__scale_sequence__size_without_meaning__is_told_from_shape():
    random = np.random.default_rng(0)
    n, t = 120, np.linspace(0, 6, 30)
    y = random.integers(2, size=n)
    size = np.exp(random.normal(scale=2, size=n))  # over four orders of magnitude
    shapes = np.sin(np.where(y[:, None], 1.0, 1.4) * t + random.random((n, 1)))
    offset = size * random.normal(size=n)
    X = (offset[:, None] + size[:, None] * shapes)[..., None]
    scores = {}
    for scale in ("standard", "sequence"):
        model = LiquidClassifier(16, epochs=40, scale=scale, random_state=0)
        scores[scale] = model.fit(X[:80], y[:80]).score(X[80:], y[80:])
    assert scores["sequence"] >= 0.95 > scores["standard"] + 0.05


@pytest.mark.parametrize("missing", ["error", "mask"])
def test__scale_sequence__alone_pickled_and_in_windows__gives_the_same(missing):
    X = np.random.default_rng(0).normal(size=(60, 2)).cumsum(axis=0)
    if missing == "mask":
        X[7, 1] = np.nan
    options = TINY | {"window_length": 8, "scale": "sequence", "missing": missing}
    model = LiquidRegressor(**options).fit(X, X[:, 0])
    answers = model.predict(X)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), answers)
    stream = model.stream()
    np.testing.assert_allclose([stream.step(x) for x in X], answers, atol=1e-5)
    changed = X.copy()
    changed[40:] += 5  # the future, which no window before it may know
    np.testing.assert_array_equal(model.predict(changed)[:40], answers[:40])


def test__scale_sequence__where_it_would_see_the_future__is_refused():
    X = np.random.default_rng(0).normal(size=(6, 20, 2))
    model = LiquidRegressor(**TINY, scale="sequence", return_sequences=True)
    with pytest.raises(InvalidInputError, match="what comes later"):
        model.fit(X, X[..., 0])
    with pytest.raises(InvalidInputError, match="what comes later"):
        model.set_params(return_sequences="auto", window_length=None).fit(
            X[0], X[0, :, 0]
        )
    model = LiquidRegressor(**TINY, scale="sequence").fit(X, X[:, -1, 0])
    with pytest.raises(InvalidInputError, match="looks at whole sequences"):
        model.stream(mode="carry")
