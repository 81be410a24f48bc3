"""Epochs in one call of the library: the bits of the same batches one by one."""

import _thread
import threading
from functools import partial

import numpy as np
import pytest
import torch

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import NonFiniteLossError
from LNN.kernels.native import epochs, library, threads
from LNN.kernels.native.epochs import NativeEpochs, NativeLosses
from LNN.kernels.native.mirror import ISAS
from LNN.training import loop

pytestmark = pytest.mark.skipif(not library.load(), reason="needs the native library")

HOW = {"epochs": 3, "batch_size": 16, "random_state": 0, "device": "cpu"}
Regressor = partial(LiquidRegressor, 9, **HOW)
Classifier = partial(LiquidClassifier, 9, **HOW)
WINDOWS = {"window_length": 6}


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """With more, and work enough, the threads share each batch."""
    monkeypatch.setattr(threads.torch, "get_num_threads", lambda: 1)


def rows(n=150, seed=0):
    random = np.random.RandomState(seed)
    X = random.normal(size=(n, 3)).cumsum(axis=0)
    return X, X[:, 0] - np.roll(X[:, 1], 2)


def holes(X, every=5):
    X = X.copy()
    X[::every, 1] = np.nan
    X[:4, 2] = np.nan
    return X


def stamps(n=150):
    return np.cumsum(np.random.RandomState(1).uniform(0.2, 2, n))


def cube(n=50, steps=8):
    X = np.random.RandomState(2).normal(size=(n, steps, 3))
    return X, X.mean(axis=(1, 2))


def ragged(n=50):
    X, y = cube(n)
    return [x[: 3 + k % 5] for k, x in enumerate(X)], y


def by_step(n=50):
    X, _ = ragged(n)
    y = [x.cumsum(axis=0)[:, :2] for x in X]
    y[3][1] = np.nan
    return X, y


def label(y):
    return np.digitize(y, np.quantile(y, [0.3, 0.6]))


FITS = {
    "CfC": lambda: Regressor(**WINDOWS).fit(*rows()),
    "default mode": lambda: Regressor(mode="default", **WINDOWS).fit(*rows()),
    "no gate": lambda: Regressor(mode="no_gate", **WINDOWS).fit(*rows()),
    "pure": lambda: Regressor(mode="pure", **WINDOWS).fit(*rows()),
    "random wiring": lambda: Regressor(wiring="random", **WINDOWS).fit(*rows()),
    "full": lambda: Regressor(wiring="full", **WINDOWS).fit(*rows()),
    "backbone": lambda: Regressor(
        wiring="full", mode="default", backbone_layers=2, **WINDOWS
    ).fit(*rows()),
    "full, pure": lambda: Regressor(wiring="full", mode="pure", **WINDOWS).fit(*rows()),
    "LTC": lambda: Regressor(model_type="LTC", **WINDOWS).fit(*rows()),
    "LTC, exponential": lambda: Regressor(
        model_type="LTC", solver="exponential", ode_unfolds=1, **WINDOWS
    ).fit(*rows()),
    "LTC, full": lambda: Regressor(model_type="LTC", wiring="full", **WINDOWS).fit(
        *rows()
    ),
    "memory": lambda: Regressor(mixed_memory=True, **WINDOWS).fit(*rows()),
    "memory, all states": lambda: Regressor(mixed_memory=True, pooling="mean").fit(
        *ragged()
    ),
    "memory around LTC": lambda: Regressor(mixed_memory=True, model_type="LTC").fit(
        *ragged()
    ),
    "two layers": lambda: Regressor(n_layers=2, **WINDOWS).fit(*rows()),
    "two full layers": lambda: Regressor(
        n_layers=2, wiring="full", mode="default", pooling="max"
    ).fit(*ragged()),
    "three layers LTC": lambda: Regressor(
        n_layers=3, model_type="LTC", pooling="last+mean+max"
    ).fit(*ragged()),
    "mean": lambda: Regressor(pooling="mean", **WINDOWS).fit(*rows()),
    "max": lambda: Regressor(pooling="max", **WINDOWS).fit(*rows()),
    "all poolings": lambda: Regressor(pooling="last+mean+max").fit(*ragged()),
    "absolute error": lambda: Regressor(loss="absolute_error").fit(*cube()),
    "huber": lambda: Regressor(loss="huber", **WINDOWS).fit(*rows()),
    "quantiles": lambda: Regressor(
        loss="quantile", quantile=[0.1, 0.5, 0.9], **WINDOWS
    ).fit(*rows()),
    "classes": lambda: Classifier(**WINDOWS).fit(rows()[0], label(rows()[1])),
    "weighted classes": lambda: Classifier(class_weight="balanced").fit(
        ragged()[0], label(ragged()[1])
    ),
    "weights": lambda: Regressor(**WINDOWS).fit(
        *rows(), sample_weight=np.linspace(0, 2, 150)
    ),
    "several targets": lambda: Regressor(**WINDOWS).fit(rows()[0], rows()[0][:, :2]),
    "irregular time": lambda: Regressor(**WINDOWS).fit(*rows(), timestamps=stamps()),
    "recordings": lambda: Regressor(**WINDOWS).fit(
        *rows(), timestamps=stamps(), groups=np.arange(150) // 37
    ),
    "held values": lambda: Regressor(missing="hold", **WINDOWS).fit(
        holes(rows()[0]), rows()[1]
    ),
    "held in ragged": lambda: Regressor(missing="hold").fit(
        [holes(x, 2) for x in ragged()[0]], ragged()[1]
    ),
    "hold, no holes": lambda: Regressor(missing="hold", **WINDOWS).fit(*rows()),
    "sequences": lambda: Regressor().fit(*cube()),
    "ragged": lambda: Regressor().fit(*ragged()),
    "one step": lambda: Regressor(window_length=1).fit(*rows()),
    "by step": lambda: Regressor().fit(*by_step()),
    "whole recordings": lambda: Regressor(
        window_length=None, chunk_length=12, burn_in=5, batch_size=24
    ).fit(*rows(), timestamps=stamps(), sample_weight=np.linspace(0, 2, 150)),
    "one cycle": lambda: Regressor(lr_schedule="onecycle", **WINDOWS).fit(*rows()),
    "cosine": lambda: Regressor(lr_schedule="cosine", **WINDOWS).fit(*rows()),
    "plateau": lambda: Regressor(lr_schedule="plateau", **WINDOWS).fit(*rows()),
    "exponential": lambda: Regressor(lr_schedule="exponential", **WINDOWS).fit(*rows()),
    "clip by value": lambda: Regressor(clip_by="value", clip_value=0.01, **WINDOWS).fit(
        *rows()
    ),
    "clip by norm": lambda: Regressor(clip_value=0.1, **WINDOWS).fit(*rows()),
    "no clip": lambda: Regressor(clip_value=None, **WINDOWS).fit(*rows()),
    "adamw": lambda: Regressor(optimizer="adamw", weight_decay=0.1, **WINDOWS).fit(
        *rows()
    ),
    "decay": lambda: Regressor(weight_decay=0.1, **WINDOWS).fit(*rows()),
    "validation": lambda: Regressor(
        early_stopping=True, epochs=30, n_iter_no_change=2, tol=0.1, **WINDOWS
    ).fit(*rows(300)),
    "other validation": lambda: Regressor().fit(
        *ragged(), X_val=cube(9, 5)[0], y_val=cube(9, 5)[1]
    ),
    "score": lambda: Regressor(early_stopping=True, scoring="r2", **WINDOWS).fit(
        *rows(300)
    ),
    "one batch": lambda: Regressor(batch_size=500, **WINDOWS).fit(*rows()),
    "single samples": lambda: Regressor(batch_size=1, **WINDOWS).fit(*rows(20)),
    "large": lambda: LiquidRegressor(
        40, **HOW | {"batch_size": 100, "window_length": 40}
    ).fit(*rows(230)),
}
FITS["batch sizes are kept"] = lambda: LiquidRegressor(
    9, **HOW | {"batch_size": 149}, **WINDOWS
).fit(*rows())


@pytest.fixture
def judged(monkeypatch):
    """How many times losses were added up in the library."""
    counts = []

    def counted(self):
        counts.append(self)
        return total(self)

    total = NativeLosses.total
    monkeypatch.setattr(NativeLosses, "total", counted)
    return counts


@pytest.fixture
def used(monkeypatch):
    """How many epochs went through the library."""
    counts = []

    def counted(self, *arguments):
        counts.append(self)
        return train(self, *arguments)

    train = NativeEpochs.train
    monkeypatch.setattr(NativeEpochs, "train", counted)
    return counts


def without(monkeypatch, fit):
    with monkeypatch.context() as patch:
        patch.setattr(loop, "kernel_epochs", lambda *_: None)
        patch.setattr(loop, "kernel_losses", lambda *_: None)
        return fit()


def assert_same_bits(found, expected):
    assert found.loss_curve_ == expected.loss_curve_
    assert found.validation_loss_curve_ == expected.validation_loss_curve_
    assert found.best_loss_ == expected.best_loss_
    assert found.n_iter_ == expected.n_iter_
    state, other = (m.network_.state_dict() for m in (found, expected))
    assert all(torch.equal(state[name], other[name]) for name in other)


@pytest.mark.quick_cases(
    "CfC",
    "LTC",
    "backbone",
    "memory, all states",
    "two full layers",
    "held in ragged",
    "by step",
    "whole recordings",
    "one cycle",
    "validation",
)
@pytest.mark.parametrize("name", FITS)
def test__fit__epochs_in_the_library__same_bits(name, used, judged, monkeypatch):
    found = FITS[name]()
    # Each epoch is judged by the validation part; without one, the last weights are.
    times = len(found.validation_loss_curve_ or [1])
    if name == "score":  # needs the outputs
        times = 0
    counts = found.n_iter_, times
    assert (len(used), len(judged)) == counts
    expected = without(monkeypatch, FITS[name])
    assert (len(used), len(judged)) == counts
    assert_same_bits(found, expected)
    assert np.isfinite(found.loss_curve_).all()


@pytest.mark.parametrize("kind", ["CfC", "LTC", "full"])
def test__fit__instruction_sets_and_float64__same_bits(kind, used, monkeypatch):
    how = {"wiring": "full"} if kind == "full" else {"model_type": kind}
    X, y = ragged()
    times = np.split(stamps(sum(map(len, X))), np.cumsum([len(x) for x in X])[:-1])

    def fit(dtype):
        model = Regressor(dtype=dtype, pooling="max", **how)
        return model.fit(X, y, timestamps=times)

    for name in ISAS:
        if not library.functions().lnn_isa(ISAS[name]):
            continue
        monkeypatch.setenv("LNN_ISA", name)
        library.forget()
        for dtype in ("float32", "float64"):
            expected = without(monkeypatch, partial(fit, dtype))
            assert_same_bits(fit(dtype), expected)
    assert used
    monkeypatch.undo()
    library.forget()


@pytest.mark.parametrize("seconds", [0.0, 1e-4, 10.0])
def test__fit__calls_of_any_length__same_bits(seconds, monkeypatch):
    expected = FITS["by step"]()
    monkeypatch.setattr(epochs, "SECONDS", seconds)
    assert_same_bits(FITS["by step"](), expected)


def test__partial_fit__goes_on__same_bits(used, monkeypatch):
    X, y = rows()

    def trained():
        model = Regressor(lr_schedule=None, **WINDOWS)
        for part in np.array_split(np.arange(150), 3):
            model.partial_fit(X[part], y[part])
        return model

    found = trained()
    assert used
    expected = without(monkeypatch, trained)
    assert_same_bits(found, expected)
    assert found.model_.record.moments.step == expected.model_.record.moments.step > 3


def test__fit__interrupted__counts_the_steps_that_were_taken(monkeypatch):
    some, calls, optimizers = NativeEpochs._some, [], []
    steps = loop.kernel_epochs

    def noted(step, *more):
        optimizers[:] = [step.optimizer]
        return steps(step, *more)

    def interrupted(self, first, count):
        done = some(self, first, min(count, 2))
        calls.append(done)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(NativeEpochs, "_some", interrupted)
    monkeypatch.setattr(loop, "kernel_epochs", noted)
    model = Regressor(**WINDOWS | {"epochs": 20})
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(*rows())
    assert optimizers[0].state["step"] == sum(calls) > 0


def test__fit__ctrl_c__ends_it_between_two_calls(used, interrupts):
    model = Regressor(**WINDOWS | {"epochs": 100_000, "early_stopping": False})
    timer = threading.Timer(0.5, _thread.interrupt_main)
    timer.start()
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(*rows())
    assert 1 <= model.n_iter_ < 100_000
    assert len(used) >= model.n_iter_


def test__fit__loss_not_finite__keeps_the_best_weights(used):
    X, y = rows()
    model = Regressor(clip_value=None, learning_rate=1e30, **WINDOWS)
    with pytest.raises(NonFiniteLossError):
        model.fit(X, y)
    assert used


@pytest.mark.parametrize(
    "how",
    [
        {"missing": "mask"},
        {"max_step": 0.5},
        {"dropout": 0.2},
        {"optimizer": "sgd"},
        {"model_type": "LSTM"},
        {"backend": "torch"},
        {"patch": 2},
        {"wiring": "full", "mode": "default", "backbone_dropout": 0.1},
        {"pooling": "attention"},
    ],
    ids=str,
)
def test__fit__what_the_library_lacks__goes_batch_by_batch(how, used):
    X, y = rows()
    if how == {"missing": "mask"}:
        X = holes(X)
    model = Regressor(**WINDOWS | how).fit(X, y)
    assert np.isfinite(model.loss_curve_).all()
    assert not used


def test__fit__several_threads__share_each_batch(used, monkeypatch):
    fit = FITS["large"]
    expected = fit()
    n_epochs = len(used)
    assert n_epochs
    monkeypatch.setattr(threads.torch, "get_num_threads", lambda: 2)
    assert_same_bits(fit(), expected)
    assert len(used) == n_epochs
    monkeypatch.setattr(threads, "WORTH_SINGLE_BATCHES", 10**9)
    assert_same_bits(fit(), expected)
    assert len(used) == 2 * n_epochs


def hook(network):
    network.readout.register_forward_hook(lambda *_: None)


def replace_the_readout(network):
    network.readout[1] = torch.nn.Sequential(network.readout[1])


def drop_out(network):
    network.readout[0].p = 0.5


def more_unfolds(network):
    network.layers[0].cell.ode_unfolds = 7


def pool_otherwise(network):
    network.pooling = "max"


def use_torch(network):
    network.layers[0].backend = "torch"


def changed_in_the_middle(change):
    """A model whose callback changes its network after the second of four epochs."""

    def callback(told):
        if told.epoch == 2:
            change(model.network_)

    model = Regressor(model_type="LTC", callback=callback, **WINDOWS | {"epochs": 4})
    return model.fit(*rows())


@pytest.mark.parametrize(
    "change", [hook, replace_the_readout, drop_out, use_torch], ids=lambda f: f.__name__
)
def test__fit__network_changed_to_another_kind__goes_batch_by_batch(change, used):
    changed_in_the_middle(change)
    assert len(used) == 2


@pytest.mark.parametrize(
    "change", [more_unfolds, pool_otherwise], ids=lambda f: f.__name__
)
def test__fit__network_changed__is_made_anew(change, used, monkeypatch):
    found = changed_in_the_middle(change)
    assert len(used) == 4
    assert used[0] is used[1] is not used[2]
    assert used[2] is used[3]
    expected = without(monkeypatch, partial(changed_in_the_middle, change))
    assert_same_bits(found, expected)


def test__fit__callback__finds_a_network_that_answers(used):
    training = []

    def callback(told):
        training.append(model.network_.training)
        model.network_.train()

    model = Regressor(callback=callback, early_stopping=False, **WINDOWS)
    model.fit(*rows())
    assert training == [False] * 3
    assert len(used) == 3
