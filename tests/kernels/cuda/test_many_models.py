"""`fit_many` on the device: all models of a structure in one launch, each as alone.

The kernels are emulated, and a call stands for a recorded graph.
"""

import _thread
import threading

import numpy as np
import pytest
import torch
from emulator import Emulated
from sklearn.base import clone

from LNN import LiquidClassifier, LiquidRegressor, fit_many
from LNN.exceptions import NonFiniteLossError
from LNN.kernels import dispatch
from LNN.training import graphs, lockstep

TOGETHER = "in one launch for several fits"


@pytest.fixture
def on_cuda(cuda, monkeypatch):
    """The CPU stands for the device."""
    monkeypatch.setattr(cuda, "missing", lambda: None)
    monkeypatch.setattr(dispatch, "REGISTRY", (cuda, dispatch.REGISTRY[-1]))
    monkeypatch.setenv("LNN_CUDA_GRAPH", "1")
    monkeypatch.setitem(graphs.RECORDERS, "cpu", lambda run, device: run)
    # Fits that lose each other would wait for longer than a test may take.
    monkeypatch.setattr(lockstep, "PATIENCE", 200.0)


@pytest.fixture
def rounds(monkeypatch):
    """How many fits were in each launch of an epoch."""
    found = []
    lead = lockstep.Meeting._lead

    def noted(self, own, arrivals):
        found.append(len(arrivals))
        lead(self, own, arrivals)

    monkeypatch.setattr(lockstep.Meeting, "_lead", noted)
    return found


@pytest.fixture
def all_at_once(monkeypatch):
    """Let no fit begin its first epoch before so many have come."""

    def use(number):
        barrier, join = threading.Barrier(number), lockstep.Meeting.join

        def waiting(self, member):
            joined = join(self, member)
            barrier.wait(60)
            return joined

        monkeypatch.setattr(lockstep.Meeting, "join", waiting)

    return use


def data(n=20):
    X = np.random.RandomState(0).normal(size=(n, 2))
    return X, X.sum(axis=1)


def model(kind=LiquidRegressor, **how):
    given = {"window_length": 3, "batch_size": 6, "epochs": 3, "random_state": 0, **how}
    return kind(5, **given)


def same_bits(one, other):
    state, own = one.network_.state_dict(), other.network_.state_dict()
    return one.loss_curve_ == other.loss_curve_ and all(
        torch.equal(state[name], own[name]) for name in own
    )


def assert_as_alone(models, X, y):
    """Check that each is what its own fit makes of it."""
    for each in models:
        alone = clone(each).fit(X, y)
        assert TOGETHER not in alone.summary()
        assert "without autograd" in alone.model_.record.batches
        assert same_bits(each, alone)
        assert each.n_iter_ == alone.n_iter_


@pytest.mark.parametrize(
    "how",
    [
        {},
        pytest.param({"model_type": "LTC", "ode_unfolds": 2}, marks=pytest.mark.slow),
        pytest.param(
            {"wiring": "full", "backbone_units": 6, "mode": "default"},
            marks=pytest.mark.slow,
        ),
        pytest.param({"kind": LiquidClassifier}, marks=pytest.mark.slow),
    ],
)
def test__fit_many__seeds_rates_decays_clips__have_the_bits_of_their_own_fits(
    how, on_cuda, rounds, all_at_once
):
    X, y = data()
    y = y > 0 if "kind" in how else y
    how = {"epochs": 2, **how}
    models = [
        model(**how),
        model(random_state=1, learning_rate=0.05, **how),
        model(weight_decay=0.1, clip_value=None, **how),
        model(clip_value=0.01, lr_schedule="onecycle", **how),
    ]
    all_at_once(4)
    fit_many(models, X, y, n_jobs=4)
    assert rounds == [4, 4]
    assert all(TOGETHER in each.summary() for each in models)
    assert_as_alone(models, X, y)


@pytest.mark.slow
def test__fit_many__early_stopping__each_leaves_when_it_stops(
    on_cuda, rounds, all_at_once
):
    X, y = data(40)
    all_at_once(3)
    how = {"early_stopping": True, "batch_size": 16, "epochs": 12}
    models = [model(n_iter_no_change=k, learning_rate=0.3, **how) for k in (1, 2, 100)]
    fit_many(models, X, y, n_jobs=3)
    lengths = [each.n_iter_ for each in models]
    assert lengths[0] < lengths[2] == 12
    there = [sum(n >= epoch for n in lengths) for epoch in range(1, 13)]
    assert rounds == there
    assert_as_alone(models, X, y)


def test__fit_many__folds_of_different_sizes__have_the_bits_of_their_own_fits(
    on_cuda, rounds, all_at_once
):
    X, y = data(23)
    all_at_once(3)
    parts = [np.arange(12), np.arange(14), np.arange(16)]  # two or three batches
    cv = [(part, np.arange(17, 23)) for part in parts]
    (found,) = fit_many(model(), X, y, cv=cv, n_jobs=3)
    assert rounds == [3, 3, 3]
    for part, each in zip(parts, found["estimator"], strict=True):
        assert_as_alone([each], X[part], y[part])


@pytest.mark.slow
def test__fit_many__other_structures_beside__do_not_wait_for_each_other(
    on_cuda, rounds
):
    X, y = data()
    models = [model(random_state=k) for k in range(2)]
    others = [model(window_length=4), model(batch_size=7), model(optimizer="adamw")]
    others.append(model(optimizer="sgd"))  # and one that the kernels do not take
    others.append(model(pooling="mean"))
    fit_many([*models, *others], X, y, n_jobs=7)
    assert max(rounds) <= 2
    assert sum(rounds) == 6 * 3
    assert not any(TOGETHER in each.summary() for each in others)
    assert_as_alone(models, X, y)


def test__fit_many__one_fails__the_others_are_what_they_are_alone(on_cuda, rounds):
    X, y = data()
    models = [model(random_state=k) for k in range(3)]
    models[1].set_params(learning_rate=1e30, clip_value=None)
    with pytest.warns(UserWarning, match="1 of 3 fits failed.*loss became"):
        fit_many(models, X, y, n_jobs=3, error_score=np.nan)
    assert_as_alone([models[0], models[2]], X, y)
    with pytest.raises(NonFiniteLossError):
        clone(models[1]).fit(X, y)


def test__fit_many__callback_stops_one__the_others_go_on(on_cuda, rounds):
    X, y = data()
    models = [model(random_state=k, epochs=4) for k in range(3)]
    models[1].set_params(callback=lambda epoch: epoch.epoch == 2)
    fit_many(models, X, y, n_jobs=3)
    assert [each.n_iter_ for each in models] == [4, 2, 4]
    assert sum(rounds) == 10
    assert_as_alone([models[0], models[2]], X, y)


@pytest.mark.slow
def test__fit_many__callback_fits_another__goes_alone(on_cuda, rounds):
    X, y = data()
    inner = []

    def fit_inside(epoch):
        if epoch.epoch == 1:
            inner.append(model(epochs=2).fit(X, y))

    models = [model(random_state=k) for k in range(2)]
    models[0].set_params(callback=fit_inside)
    fit_many(models, X, y, n_jobs=2)
    assert sum(rounds) == 6
    assert same_bits(inner[0], model(epochs=2).fit(X, y))


def test__fit_many__hook_in_the_middle__the_others_do_not_wait(on_cuda, rounds):
    X, y = data()
    models = [model(random_state=k, epochs=4) for k in range(2)]

    def watch(epoch):
        if epoch.epoch == 2:
            models[0].network_.register_forward_hook(lambda *parts: None)

    models[0].set_params(callback=watch)
    fit_many(models, X, y, n_jobs=2)
    assert sum(rounds) == 2 + 4
    assert "hooks look on" in models[0].summary()
    assert_as_alone(models[1:], X, y)


def test__fit_many__interrupted__ends_and_keeps_what_was_learnt(on_cuda, interrupts):
    X, y = data()
    once = threading.Event()

    def interrupt(epoch):
        if not once.is_set():
            once.set()
            _thread.interrupt_main()

    models = [model(random_state=k, epochs=10**6) for k in range(3)]
    for each in models:
        each.set_params(callback=interrupt)
    with pytest.raises(KeyboardInterrupt):
        fit_many(models, X, y, n_jobs=3)
    assert any(hasattr(each, "model_") for each in models)


def test__fit_many__launch_fails__is_raised_and_nobody_waits(on_cuda, monkeypatch):
    launch = Emulated.launch

    def refuse(self, name, blocks, threads, values, models=1):
        if name == "adam":
            raise RuntimeError("the device is gone")
        launch(self, name, blocks, threads, values, models)

    monkeypatch.setattr(Emulated, "launch", refuse)
    models = [model(random_state=k) for k in range(3)]
    with pytest.raises(RuntimeError, match="device is gone"):
        fit_many(models, *data(), n_jobs=3)
