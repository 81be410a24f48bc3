"""Epochs that stay on the device: here on the CPU, with torch in place of the kernels.

All of it runs but the recording of CUDA graphs, for which a plain call stands.
"""

import numpy as np
import pytest
import torch
from unreadable import unreadable

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import NonFiniteLossError
from LNN.safety import Bounds
from LNN.training import graphs, loop, resident_step
from LNN.training.graphs import recorded
from LNN.training.optimisers import Adam, AdamW

CPU = torch.device("cpu")


def call_again(run, device):
    """What replays a function by calling it, if a graph could hold what it does."""
    with unreadable():
        run()
    return run


@pytest.fixture
def on_cpu(monkeypatch):
    """Let the CPU stand for a GPU: a function that sets what records."""

    def use(recorder=call_again):
        monkeypatch.setitem(graphs.RECORDERS, "cpu", recorder)

    monkeypatch.setenv("LNN_BACKEND", "torch")
    monkeypatch.setenv("LNN_CUDA_GRAPH", "1")
    monkeypatch.setattr(resident_step, "BACKENDS", ("torch",))
    return use


def rows(n=60, seed=0):
    random = np.random.RandomState(seed)
    X = random.normal(size=(n, 3)).astype("float32")
    return X, np.convolve(X[:, 0], [1.0, 0.5], "same") + X[:, 1]


def sequences(seed=0):
    random = np.random.RandomState(seed)
    X = [random.normal(size=(t, 2)) for t in (7, 5, 7, 6, 7, 7, 3, 7, 7, 7, 7, 7)]
    return X, [x.sum(axis=1) for x in X]


def fitted(X, y, kind=LiquidRegressor, *, fit=(), **how):
    how = {"epochs": 3, "batch_size": 16, "random_state": 0, "backend": "torch", **how}
    return kind(9, **how).fit(X, y, **dict(fit))


def same_bits(first, second):
    assert first.loss_curve_ == second.loss_curve_
    state, other = first.network_.state_dict(), second.network_.state_dict()
    return all(torch.equal(state[name], other[name]) for name in state)


CASES = {
    "windows": (rows, {"window_length": 5}),
    "adamw": (rows, {"window_length": 5, "optimizer": "adamw", "weight_decay": 0.1}),
    "weight decay": (rows, {"window_length": 5, "weight_decay": 0.1}),
    "onecycle": (rows, {"window_length": 5, "lr_schedule": "onecycle"}),
    "cosine": (rows, {"window_length": 5, "lr_schedule": "cosine"}),
    "clip by value": (rows, {"window_length": 5, "clip_by": "value"}),
    "no clip": (rows, {"window_length": 5, "clip_value": None}),
    "double": (rows, {"window_length": 5, "dtype": "float64"}),
    "LTC": (rows, {"window_length": 4, "model_type": "LTC", "ode_unfolds": 2}),
    "two layers": (rows, {"window_length": 4, "n_layers": 2}),
    "mixed memory": (rows, {"window_length": 4, "mixed_memory": True}),
    "backbone": (rows, {"window_length": 4, "wiring": "full", "mode": "default"}),
    "whole recordings": (rows, {"window_length": None, "batch_size": 2}),
    "ragged, by step": (sequences, {"batch_size": 6}),
    "huber": (rows, {"window_length": 4, "loss": "huber"}),
    "validation": (rows, {"window_length": 4, "early_stopping": True}),
    "plateau": (rows, {"window_length": 4, "lr_schedule": "plateau"}),
}


@pytest.mark.parametrize("name", CASES)
def test__resident__epochs__have_the_bits_of_the_ordinary_loop(name, on_cpu):
    make, how = CASES[name]
    ordinary = fitted(*make(), **how)
    assert not ordinary.model_.record.batches
    on_cpu()
    resident = fitted(*make(), **how)
    assert resident.model_.record.batches == "each batch as one CUDA graph"
    assert same_bits(ordinary, resident)


@pytest.mark.parametrize("missing", ["mask", "hold"])
def test__resident__time_missing_values_weights__have_the_same_bits(missing, on_cpu):
    X, y = rows()
    X[::7, 1] = np.nan
    more = {"timestamps": np.cumsum(np.random.RandomState(1).uniform(0.2, 2, len(X)))}
    more["sample_weight"] = np.linspace(0.5, 2, len(X))
    ordinary = fitted(X, y, fit=more, missing=missing, window_length=6)
    # "hold" looks whether anything is missing, but on a CPU only.
    on_cpu(call_again if missing == "mask" else lambda run, device: run)
    resident = fitted(X, y, fit=more, missing=missing, window_length=6)
    assert resident.model_.record.batches
    assert same_bits(ordinary, resident)


def test__resident__classes__have_the_same_bits(on_cpu):
    X, y = rows()
    ordinary = fitted(X, y > 0, LiquidClassifier, window_length=4)
    on_cpu()
    assert same_bits(ordinary, fitted(X, y > 0, LiquidClassifier, window_length=4))


def test__resident__lengths_far_apart__equals_the_ordinary_loop(on_cpu):
    # A batch is padded to the longest of all, so sums are cut elsewhere.
    random = np.random.RandomState(0)
    X = [random.normal(size=(t, 2)) for t in (3, 2, 4, 3, 20, 2)]
    y = [x.sum(axis=1) for x in X]
    ordinary = fitted(X, y, batch_size=2, dtype="float64")
    on_cpu()
    resident = fitted(X, y, batch_size=2, dtype="float64")
    np.testing.assert_allclose(resident.loss_curve_, ordinary.loss_curve_, rtol=1e-9)


def test__resident__partial_fit__goes_on_as_the_ordinary_loop(on_cpu):
    X, y = rows()

    def trained():
        model = LiquidRegressor(9, window_length=4, random_state=0, backend="torch")
        for _ in range(3):
            model.partial_fit(X, y)
        return model

    ordinary = trained()
    on_cpu()
    resident = trained()
    assert same_bits(ordinary, resident)
    assert resident.model_.record.moments.step == ordinary.model_.record.moments.step


def test__resident__loss_not_finite__is_noticed_and_the_best_weights_are_kept(on_cpu):
    X, y = rows()

    def failed():
        model = LiquidRegressor(9, window_length=4, random_state=0, backend="torch")
        how = {"learning_rate": 1e30, "clip_value": None, "epochs": 4}
        with pytest.raises(NonFiniteLossError) as raised:
            model.set_params(batch_size=60, **how).fit(X, y)
        return model, str(raised.value)

    ordinary, message = failed()
    on_cpu()
    resident, same = failed()
    assert same == message
    assert "best weights before" in message
    assert same_bits(ordinary, resident)


def test__resident__interrupted_epoch__counts_the_steps_that_were_taken(
    on_cpu, monkeypatch
):
    on_cpu()
    X, y = rows()
    steps = resident_step.ResidentStep._step
    taken, optimizers = [], []

    def interrupted(self, size):
        taken.append(size)
        optimizers[:] = [self.optimizer]
        # The first of each shape is called, recorded and replayed.
        if len(taken) == 4 + 2 + 2 + 2:
            raise KeyboardInterrupt
        steps(self, size)

    monkeypatch.setattr(resident_step.ResidentStep, "_step", interrupted)
    with pytest.warns(UserWarning, match="interrupted"):
        fitted(X, y, window_length=4, batch_size=16)
    assert taken[:8] == [16, 16, 16, 16, 16, 12, 12, 12]
    assert optimizers[0].state["step"] == 5


# ------------------------------------------------------------------------ recording


def refuses(run, device):
    raise RuntimeError("operation not permitted when stream is capturing\nand more")


def is_off(run, device):
    def replay():
        run()
        changed[0].add_(0.01)

    return replay


changed: list = []


@pytest.mark.parametrize("recorder", [refuses, is_off])
def test__resident__graph_that_is_not_right__is_not_used_and_said(
    recorder, on_cpu, monkeypatch
):
    ordinary = fitted(*rows(), window_length=4)
    monkeypatch.setattr(
        resident_step.ResidentStep,
        "_step",
        _noting(resident_step.ResidentStep._step),
    )
    on_cpu(recorder)
    model = fitted(*rows(), window_length=4)
    assert same_bits(ordinary, model)
    said = {refuses: "stream is capturing", is_off: "off what torch computes"}
    assert said[recorder] in model.model_.record.batches
    assert "without a CUDA graph" in model.summary()
    assert said[recorder] in model.summary()


def _noting(step):
    def noted(self, size):
        changed[:] = [self.optimizer.vector]
        step(self, size)

    return noted


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: bool((x > 0).all()),
        lambda x: x.new_tensor([1.0, 2.0]),
        lambda x: x[x > 0],
        lambda x: float(x.sum()),
    ],
)
def test__unreadable__what_a_graph_cannot_hold__is_refused(wrong):
    with unreadable(), pytest.raises(AssertionError, match=r"recorded|waits"):
        wrong(torch.ones(3))


def test__recorded__takes_the_first_step_once(monkeypatch):
    number = torch.zeros(2)

    def run():
        number.add_(1)

    monkeypatch.setenv("LNN_CUDA_GRAPH", "1")
    monkeypatch.setitem(graphs.RECORDERS, "cpu", call_again)
    again, fault = recorded(run, [number], CPU)
    assert not fault
    assert number.tolist() == [1, 1]
    again()
    assert number.tolist() == [2, 2]


def test__recorded__not_a_number_in_both__is_the_same(monkeypatch):
    number = torch.tensor([1.0, torch.nan])
    monkeypatch.setenv("LNN_CUDA_GRAPH", "1")
    monkeypatch.setitem(graphs.RECORDERS, "cpu", call_again)
    assert not recorded(lambda: number.mul_(2), [number], CPU)[1]
    monkeypatch.setenv("LNN_CUDA_GRAPH", "1")
    monkeypatch.setitem(graphs.RECORDERS, "cpu", lambda run, device: number.zero_)
    assert "inf off" in recorded(lambda: number.mul_(2), [number], CPU)[1]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"dropout": 0.1}, "dropout draws"),
        ({"optimizer": "sgd"}, "only Adam"),
        ({"model_type": "LSTM"}, "other kinds"),
        ({"pooling": "attention"}, "other kinds"),
        ({"backend": "native"}, "CUDA kernels"),
        ({"patch": 2}, "patches"),
        ({"loss": "quantile", "quantile": 0.9}, "levels"),
        ({"output_constraints": [Bounds(-9, 9)]}, "constraints"),
    ],
)
def test__resident__what_it_cannot_take__goes_by_the_ordinary_loop(how, reason, on_cpu):
    on_cpu()
    assert reason in fitted(*rows(), **{"window_length": 4, **how}).summary()


def test__resident__hook_in_the_middle__is_called_from_then_on(on_cpu):
    called = []

    def watch(epoch):
        if epoch.epoch == 2:
            networks[0].register_forward_hook(lambda *parts: called.append(epoch.epoch))

    networks = []
    step = resident_step.ResidentStep._step

    def noted(self, size):
        networks[:] = [self.network]
        step(self, size)

    on_cpu()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resident_step.ResidentStep, "_step", noted)
        model = fitted(*rows(), window_length=4, callback=watch)
    assert len(called) >= 4  # the third epoch has so many batches
    assert "hooks look on" in model.summary()
    assert same_bits(model, fitted(*rows(), window_length=4))


def test__resident__rows_or_gaps_of_other_kinds__go_by_the_ordinary_loop(
    on_cpu, monkeypatch
):
    on_cpu()
    X, y = rows()
    times = np.cumsum(np.random.RandomState(1).uniform(0.2, 2, len(X)))
    how = {"window_length": 4, "max_step": 0.5}
    assert "max_step" in fitted(X, y, fit={"timestamps": times}, **how).summary()
    monkeypatch.setattr("LNN.batching.scaled_rows.KEPT_BYTES", 0)
    assert "too large" in fitted(X, y, window_length=4).summary()


def test__resident__not_asked_for__says_so(on_cpu, monkeypatch):
    on_cpu()
    monkeypatch.delenv("LNN_CUDA_GRAPH")
    assert "LNN_CUDA_GRAPH is not 1" in fitted(*rows(), window_length=4).summary()


def test__resident__on_a_cpu__is_never_used_and_never_named(monkeypatch):
    def refuse(*parts):
        raise AssertionError

    monkeypatch.setattr(resident_step, "ResidentStep", refuse)
    assert "graph" not in fitted(*rows(), window_length=4).summary()
    assert loop.History().batches == ""


@pytest.mark.parametrize("kind", [Adam, AdamW])
def test__adam__numbers_from_the_device__give_the_same_bits(kind):
    random = torch.Generator().manual_seed(0)
    vectors = [torch.randn(50, generator=random)]
    vectors.append(vectors[0].clone())
    one, other = (kind(v, 0.01, 0.1) for v in vectors)
    for _ in range(5):
        gradient = torch.randn(50, generator=random)
        one.step(gradient.clone())
        other.state["step"] += 1
        other.step_by(gradient, torch.tensor(other.numbers()))
        assert torch.equal(*vectors)


def test__resident__callback__finds_a_network_that_answers(on_cpu):
    on_cpu()
    X, y = rows()
    model = LiquidRegressor(
        6, window_length=4, epochs=2, early_stopping=False, random_state=0
    )
    training = []
    model.set_params(callback=lambda _: training.append(model.network_.training))
    assert "each batch as one CUDA graph" in model.fit(X, y).summary()
    assert training == [False, False]
