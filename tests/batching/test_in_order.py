"""Batches that are gathered several at once are those that are gathered one by one."""

import numpy as np
import pytest
import torch

from LNN.batching import batches as module
from LNN.batching.batches import cut
from LNN.data.examples import Given
from LNN.estimators import fitting
from LNN.estimators.parameters import DEFAULTS
from LNN.estimators.settings import Settings


def batches_of(monkeypatch, X, y, **settings):
    """Return the batches that a fit trains on."""
    timestamps = settings.pop("timestamps", None)
    kept = {}

    def train(step, training, *others):
        kept["batches"] = training

    monkeypatch.setattr(fitting, "train", train)
    own = Settings("Test", {**DEFAULTS, "early_stopping": False, **settings})
    random, given = np.random.RandomState(0), Given(X, y, timestamps=timestamps)
    training, _, form = fitting.read_parts(given, Given(None, None), own, None, random)
    model = fitting.build(training, form, own, random)
    plan = fitting.make_plan(own, training, model.network)
    run = fitting.Run(model, training, None, plan, own, random)
    fitting.train_model(run, lambda epoch: False, fitting.History())
    return kept["batches"]


def data(kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3))
    if kind == "ragged":
        sequences = [rng.normal(size=(n, 2)) for n in rng.integers(1, 9, size=40)]
        return sequences, np.arange(40.0), {}
    if kind == "per step":
        how = {"return_sequences": True}
        return X.reshape(18, 5, 3), rng.normal(size=(18, 5)), how
    how = {"window_length": 6}
    if kind == "gaps":
        how |= {"timestamps": rng.exponential(size=90).cumsum(), "max_step": 0.5}
    if kind == "time":
        how["timestamps"] = rng.exponential(size=90).cumsum()
    if kind == "missing":
        X[rng.random(X.shape) < 0.3] = np.nan
        how["missing"] = "mask"
    return X, rng.normal(size=90), how


@pytest.mark.parametrize("values", [1, 200, 10**6])
@pytest.mark.parametrize(
    "kind", ["windows", "time", "gaps", "missing", "ragged", "per step"]
)
def test__in_order__any_block__is_what_batches_are_one_by_one(
    kind, values, monkeypatch
):
    X, y, how = data(kind)
    batches = batches_of(monkeypatch, X, y, **how)
    monkeypatch.setattr(module, "GATHERED_VALUES", values)
    # The last rows first: some batches then have short windows only.
    order = np.random.default_rng(1).permutation(len(batches))
    order = np.concatenate([np.sort(order[:20]), order[20:]])
    found = list(batches.in_order(order, 4))
    expected = cut(order, 4)
    assert len(found) == len(expected)
    for (samples, inputs, targets), own in zip(found, expected, strict=True):
        np.testing.assert_array_equal(samples, own)
        wanted, answers = batches.inputs_and_targets(own)
        assert set(inputs) == set(wanted)
        for name, tensor in wanted.items():
            assert torch.equal(inputs[name], tensor), name
        for one, other in zip(targets, answers, strict=True):
            assert (one is None) == (other is None)
            assert one is None or torch.equal(one, other)


def test__in_order__windows__are_gathered_by_fewer_calls(monkeypatch):
    batches, calls = batches_of(monkeypatch, *data("windows")[:2], window_length=6), []
    whole = batches.inputs_and_targets

    def counted(samples):
        calls.append(len(samples))
        return whole(samples)

    monkeypatch.setattr(batches, "inputs_and_targets", counted)
    assert len(list(batches.in_order(np.arange(90), 4))) == 23
    assert calls == [90]
