"""A training step on the kernels: what autograd and torch make of it, to rounding."""

from functools import partial

import numpy as np
import pytest
import torch
from quick import quick
from torch import nn

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.kernels.native import library, threads
from LNN.kernels.native.mirror import ISAS
from LNN.network import LiquidNetwork
from LNN.training import loop
from LNN.training.kernel_step import kernel_step
from LNN.training.losses import (
    LOSSES,
    AbsoluteError,
    CrossEntropy,
    Huber,
    Quantile,
    SquaredError,
)
from LNN.training.optimisers import Adam, AdamW, Optimizer, clip_gradient
from LNN.training.parameter_vector import ParameterVector

pytestmark = pytest.mark.skipif(not library.load(), reason="needs the native library")

# Features, neurons, outputs, samples, steps.
F, N, Q, B, T = 3, 12, 4, 9, 7
RTOL = {torch.float64: 1e-10, torch.float32: 1e-5}
DTYPES = list(RTOL)
NETWORKS = {
    "CfC": {},
    "CfC exponential": {"mode": "exponential"},
    "CfC pure": {"mode": "pure"},
    "CfC of one random layer": {"wiring": "random", "sparsity": 0.4},
    "CfC full": {"wiring": "full", "backbone_units": 10, "backbone_layers": 2},
    "CfC full exponential": {"wiring": "full", "mode": "exponential"},
    "LTC": {"model_type": "LTC"},
    "LTC exponential": {"model_type": "LTC", "solver": "exponential", "ode_unfolds": 1},
    "LTC full": {"model_type": "LTC", "wiring": "full"},
    "mixed memory": {"mixed_memory": True},
    "two layers": {"n_layers": 2},
    "three layers LTC": {"n_layers": 3, "model_type": "LTC"},
    "two full layers": {"n_layers": 2, "wiring": "full"},
}
POOLINGS = ["last", "mean", "max", "last+mean+max"]
OBJECTIVES = {
    "squared_error": SquaredError(Q),
    "absolute_error": AbsoluteError(Q),
    "huber": Huber(Q),
    "quantile": Quantile(Q // 2, (0.1, 0.7)),
    "cross_entropy": CrossEntropy(Q),
}


class Recorder(Optimizer):
    """Keeps gradients, and moves nothing."""

    def _move(self, gradient):
        self.gradient = gradient.clone()


def make(dtype=torch.float64, seed=0, **options):
    generator = torch.Generator().manual_seed(seed)
    network = LiquidNetwork(F, N, Q, generator=generator, **options).to(dtype)
    network.readout[1].bias.data.uniform_(-0.5, 0.5, generator=generator)
    return network.train()


def make_batch(dtype=torch.float64, *, seed=0, steps=T, ragged=False, timed=False):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(B, steps, F, generator=generator, dtype=dtype)
    batch = {"inputs": inputs}
    if timed:
        spans = torch.rand(B, steps, 1, generator=generator, dtype=dtype)
        batch["timespans"] = 3 * spans
    if ragged:
        lengths = torch.randint(0, steps + 1, (B,), generator=generator)
        lengths[:2] = torch.tensor([0, steps])
        batch["lengths"] = lengths
    return batch


def make_targets(objective, rows, dtype=torch.float64, *, weighted=False, seed=1):
    generator = torch.Generator().manual_seed(seed)
    weight = torch.rand(rows, generator=generator, dtype=dtype) if weighted else None
    if objective.classifies:
        return torch.randint(0, Q, rows, generator=generator), weight
    shape = (*rows, objective.n_targets)
    return 2 * torch.randn(shape, generator=generator, dtype=dtype), weight


def by_autograd(network, objective, batch, targets):
    parameters = ParameterVector(network)
    total = objective.total(network(**batch), *targets)
    return float(total.detach()), parameters.gradient(total)


def by_kernels(network, objective, batch, targets, weight=1.0):
    parameters = ParameterVector(network)
    recorder = Recorder(parameters.vector, 0.1, 0.0)
    take = kernel_step(network, parameters, objective, recorder, (None, "norm"))
    assert take is not None
    total = take(batch, targets, weight)
    return total, recorder.gradient


def assert_same_gradient(network, objective, batch, targets):
    dtype = batch["inputs"].dtype
    expected, gradient = by_autograd(network, objective, batch, targets)
    total, found = by_kernels(network, objective, batch, targets)
    assert total == pytest.approx(expected, rel=RTOL[dtype])
    assert float((found - gradient).norm() / gradient.norm()) < RTOL[dtype]
    assert float(gradient.norm()) > 1e-3


@pytest.fixture(params=ISAS)
def isa(request, monkeypatch):
    """Each instruction set in turn; those that the machine lacks are skipped."""
    if not library.functions().lnn_isa(ISAS[request.param]):
        pytest.skip(f"this machine or this build has no {request.param}")
    monkeypatch.setenv("LNN_ISA", request.param)
    library.forget()
    assert library.load().isa == request.param
    yield request.param
    monkeypatch.undo()
    library.forget()


# ------------------------------------------------------------------- gradients


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NETWORKS)
def test__gradient__every_kind_of_network__is_that_of_autograd(name, dtype):
    network = make(dtype, **NETWORKS[name])
    objective = SquaredError(Q)
    targets = make_targets(objective, (B,), dtype)
    assert_same_gradient(network, objective, make_batch(dtype), targets)


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("name", ["CfC exponential", "mixed memory", "two layers"])
def test__gradient__every_pooling__is_that_of_autograd(name, pooling, ragged):
    network = make(pooling=pooling, **NETWORKS[name])
    objective = SquaredError(Q)
    batch = make_batch(ragged=ragged, timed=True)
    targets = make_targets(objective, (B,), weighted=True)
    assert_same_gradient(network, objective, batch, targets)


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OBJECTIVES)
def test__gradient__every_loss__is_that_of_autograd(name, dtype, weighted, per_step):
    network, objective = make(dtype, return_sequences=per_step), OBJECTIVES[name]
    rows = (B, T) if per_step else (B,)
    targets = make_targets(objective, rows, dtype, weighted=weighted)
    assert_same_gradient(network, objective, make_batch(dtype), targets)


@pytest.mark.parametrize("name", ["mixed memory", "two layers", "LTC exponential"])
def test__gradient__target_of_each_step__counts_where_it_is_said_to(name):
    network = make(return_sequences=True, **NETWORKS[name])
    batch, objective = make_batch(ragged=True, timed=True), SquaredError(Q)
    counted = torch.arange(T) < batch["lengths"][:, None]
    targets = make_targets(objective, (B, T))[0], counted
    assert_same_gradient(network, objective, batch, targets)


def encoder(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, F), nn.BatchNorm1d(F), nn.Linear(F, F)).double()


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize(
    "options",
    [{"patch": 2}, {"own_scale": 2}, {"own_scale": 1, "patch": 3, "n_layers": 2}, {}],
    ids=str,
)
def test__gradient__something_before_the_layers__is_that_of_autograd(
    options, ragged, frozen
):
    network = make(pooling="last+mean+max", **options)
    if network.patching is not None:
        network.patching.dropout.p = 0.0  # each pass would draw another mask
    batch, objective = make_batch(ragged=ragged, timed=True), SquaredError(Q)
    if not options:
        network.encoder = encoder(0)
        batch["inputs"] = torch.randn(B, T, 5, dtype=torch.float64)
    if frozen:
        for part in (network.encoder, network.patching):
            if part is not None:
                next(part.parameters()).requires_grad_(False)
    assert_same_gradient(network, objective, batch, make_targets(objective, (B,)))


def test__loss_table__every_loss_of_ours__is_among_those_that_are_known():
    assert {type(objective) for objective in OBJECTIVES.values()} == {*LOSSES.values()}


@pytest.mark.parametrize("name", ["absolute_error", "huber", "quantile"])
def test__gradient__where_two_lines_meet__is_that_of_autograd(name):
    objective, network, batch = OBJECTIVES[name], make(), make_batch()
    # Outputs that are the same to the last bit, whoever computes them.
    network.readout[1].weight.data.zero_()
    network.readout[1].bias.data = torch.arange(float(Q)).double()
    # Right, on the corner of Huber's loss, and beyond.
    target = torch.arange(float(Q)) + torch.tensor([0.0, 1.0, -1.0, 2.0])
    target = target[: objective.n_targets].double().repeat(B, 1)
    assert_same_gradient(network, objective, batch, (target, None))


@pytest.mark.parametrize("pooling", ["max", "last+mean+max"])
def test__gradient__steps_that_share_the_maximum__share_its_gradient(pooling):
    network = make(pooling=pooling, model_type="LTC")
    batch = make_batch(ragged=True)
    # No time passes from the third step on: the state stays what it is.
    spans = torch.ones(B, T, 1, dtype=torch.float64)
    spans[:, 3:] = 0
    batch["timespans"] = spans
    objective = SquaredError(Q)
    targets = make_targets(objective, (B,))
    assert_same_gradient(network, objective, batch, targets)


def test__gradient__batches_of_other_shapes__each_have_their_own():
    """Memory is kept from batch to batch, and made anew for another shape."""
    network, objective = make(pooling="last+mean+max", n_layers=2), SquaredError(Q)
    parameters = ParameterVector(network)
    recorder = Recorder(parameters.vector, 0.1, 0.0)
    take = kernel_step(network, parameters, objective, recorder, (None, "norm"))
    for seed, (steps, ragged) in enumerate([(7, 0), (7, 1), (3, 0), (7, 0), (1, 1)]):
        batch = make_batch(seed=seed, steps=steps, ragged=bool(ragged))
        targets = make_targets(objective, (B,), seed=seed)
        take(batch, targets, 2.0)
        total = objective.total(network(**batch), *targets)
        expected = parameters.gradient(total) / 2
        assert torch.allclose(recorder.gradient, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["CfC", "LTC"])
def test__gradient__instruction_sets__are_that_of_autograd(name, isa):
    for dtype in DTYPES:
        objective = CrossEntropy(Q)
        network = make(dtype, pooling="last+mean+max", **NETWORKS[name])
        targets = make_targets(objective, (B,), dtype, weighted=True)
        batch = make_batch(dtype, ragged=True)
        assert_same_gradient(network, objective, batch, targets)


@pytest.mark.parametrize("code", [-1, Q])
def test__cross_entropy__class_that_is_not_there__is_no_number(code):
    targets = torch.full((B,), code), None
    total, _ = by_kernels(make(), CrossEntropy(Q), make_batch(), targets)
    assert np.isnan(total)


@pytest.mark.parametrize("short", ["target", "weight"])
def test__targets__too_few__are_not_read_past_their_end(short):
    target, weight = make_targets(SquaredError(Q), (B,), weighted=True)
    targets = (target[1:], weight) if short == "target" else (target, weight[1:])
    with pytest.raises(RuntimeError, match="targets and weights"):
        by_kernels(make(), SquaredError(Q), make_batch(), targets)


@pytest.mark.parametrize(
    "bad", [torch.zeros(B, T, F + 1).double(), torch.zeros(B, T, F)]
)
def test__inputs__of_another_kind__are_refused_by_name(bad):
    targets = make_targets(SquaredError(Q), (B,))
    with pytest.raises(InvalidInputError, match="inputs"):
        by_kernels(make(), SquaredError(Q), {"inputs": bad}, targets)


# ------------------------------------------------------------------- optimisers


def descend(rule, on_kernels, dtype, clip, decay):
    """Take ten steps, at the same gradients for whoever takes them."""
    network, objective = make(dtype), SquaredError(Q)
    parameters = ParameterVector(network)
    optimizer = rule(parameters.vector, 0.02, decay)
    take = kernel_step(network, parameters, objective, optimizer, clip)
    for seed in range(10):
        batch = make_batch(dtype, seed=seed)
        targets = make_targets(objective, (B,), dtype, seed=seed)
        optimizer.rate, optimizer.momentum = 0.02 / (1 + seed), 0.85 + 0.01 * seed
        if on_kernels:
            take(batch, targets, 30.0)
            continue
        total = objective.total(network(**batch), *targets)
        gradient = parameters.gradient(total) / 30
        clip_gradient(gradient, *clip)
        optimizer.step(gradient)
    return parameters.vector, optimizer.state


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("decay", quick([0.0, 0.1], 0.1))
@pytest.mark.parametrize(
    "clip", [(None, "norm"), (0, "norm"), (0.3, "norm"), (0.05, "value"), (9, "norm")]
)
@pytest.mark.parametrize("rule", [Adam, AdamW])
def test__adam__ten_steps__are_those_of_torch(rule, clip, decay, dtype):
    found, state = descend(rule, True, dtype, clip, decay)
    expected, theirs = descend(rule, False, dtype, clip, decay)
    tolerance = {torch.float64: 1e-9, torch.float32: 2e-4}[dtype]
    assert state["step"] == theirs["step"] == 10
    pairs = [(found, expected)] + [(state[k], theirs[k]) for k in ("mean", "square")]
    for ours, other in pairs:
        assert float((ours - other).norm() / other.norm()) < tolerance


def test__adam__instruction_sets__are_those_of_torch(isa):
    for dtype in DTYPES:
        test__adam__ten_steps__are_those_of_torch(Adam, (0.3, "norm"), 0.1, dtype)


@pytest.mark.parametrize("by", ["norm", "value"])
def test__adam__gradient_that_is_no_number__is_not_hidden_by_clipping(by):
    network, objective = make(), SquaredError(Q)
    parameters = ParameterVector(network)
    optimizer = Adam(parameters.vector, 0.02, 0.0)
    take = kernel_step(network, parameters, objective, optimizer, (0.5, by))
    target = torch.full((B, Q), torch.nan, dtype=torch.float64)
    assert np.isnan(take(make_batch(), (target, None), 1.0))
    assert torch.isnan(parameters.vector).any()


def test__adam__moments_of_another_kind__are_left_to_torch():
    network = make()
    parameters = ParameterVector(network)
    optimizer = Adam(parameters.vector, 0.02, 0.0)
    optimizer.state["mean"] = optimizer.state["mean"][1:]
    take = kernel_step(network, parameters, SquaredError(Q), optimizer, (None, "norm"))
    targets = make_targets(SquaredError(Q), (B,))
    with pytest.raises(RuntimeError, match="size"):
        take(make_batch(), targets, 1.0)


# ------------------------------------------------------------------- whole fits


@pytest.fixture
def rows():
    random = np.random.default_rng(0)
    X = random.normal(size=(150, 2)).cumsum(axis=0)
    return X, X[:, 0] - X[:, 1], np.cumsum(random.exponential(size=150))


@pytest.fixture
def cube():
    random = np.random.default_rng(1)
    X = random.normal(size=(60, 8, 2))
    return X, X.mean(axis=(1, 2)), np.cumsum(X[..., 0], axis=1)


HOW = {"epochs": 4, "batch_size": 16, "random_state": 0, "device": "cpu"}
Regressor = partial(LiquidRegressor, 12, **HOW)


def holes(X):
    X = X.copy()
    X[::5, 0] = np.nan
    return X


def label(y):
    return np.where(y > 0, "up", "down")


FITS = {
    "windows": lambda r, c: Regressor(window_length=6).fit(*r[:2]),
    "irregular": lambda r, c: Regressor(window_length=6).fit(*r[:2], timestamps=r[2]),
    "walked": lambda r, c: Regressor(window_length=6, max_step=1.0).fit(
        *r[:2], timestamps=r[2]
    ),
    "masked": lambda r, c: Regressor(window_length=6, missing="mask").fit(
        holes(r[0]), r[1]
    ),
    "weighted": lambda r, c: Regressor(window_length=6).fit(
        *r[:2], sample_weight=np.linspace(0, 2, 150)
    ),
    "whole recording": lambda r, c: Regressor(window_length=None).fit(*r[:2]),
    "sequences": lambda r, c: Regressor().fit(*c[:2]),
    "ragged": lambda r, c: Regressor().fit(
        [x[: 3 + k % 5] for k, x in enumerate(c[0])], c[1]
    ),
    "per step": lambda r, c: Regressor(return_sequences=True).fit(c[0], c[2]),
    "classes": lambda r, c: LiquidClassifier(12, **HOW).fit(c[0], label(c[1])),
    "LTC": lambda r, c: Regressor(model_type="LTC").fit(*c[:2]),
    "deep": lambda r, c: Regressor(n_layers=2, pooling="max").fit(*c[:2]),
    "memory": lambda r, c: Regressor(mixed_memory=True).fit(*c[:2]),
    "patches": lambda r, c: Regressor(patch=3).fit(*c[:2]),
    "ragged patches": lambda r, c: Regressor(patch=2, scale="sequence").fit(
        [x[: 3 + k % 5] for k, x in enumerate(c[0])], c[1]
    ),
    "quantiles": lambda r, c: Regressor(loss="quantile", quantile=[0.1, 0.9]).fit(
        *c[:2]
    ),
    "sgd": lambda r, c: Regressor(optimizer="sgd", clip_by="value").fit(*c[:2]),
    "one cycle": lambda r, c: Regressor(lr_schedule="onecycle").fit(*c[:2]),
}


@pytest.fixture
def taken(monkeypatch):
    """Whether each epoch so far, and the judgement at the end, went on the kernels."""
    answers = []

    def watch(*arguments):
        take = kernel_step(*arguments)
        answers.append(take is not None)
        return take

    monkeypatch.setattr(loop, "kernel_step", watch)
    return answers


@pytest.mark.parametrize("name", FITS)
def test__fit__with_and_without__learns_the_same(name, rows, cube, taken, monkeypatch):
    fit = partial(FITS[name], rows, cube)
    found = fit()
    assert len(taken) == HOW["epochs"] + 1
    assert all(taken)
    monkeypatch.setattr(loop, "kernel_step", lambda *_: None)
    expected = fit()
    close = partial(np.testing.assert_allclose, rtol=2e-3, atol=2e-4)
    close(found.loss_curve_, expected.loss_curve_)
    others = expected.network_.state_dict()
    for key, weights in found.network_.state_dict().items():
        close(weights.numpy(), others[key].numpy(), err_msg=key)


@pytest.mark.parametrize(
    "options",
    [
        {"dropout": 0.2},
        {"pooling": "attention"},
        {"readout": "motor"},
        {"model_type": "LSTM"},
        {"backend": "torch"},
        {"model_type": "LTC", "solver": "rk4"},
        {"n_layers": 2, "mixed_memory": True},
        {"wiring": "full", "mode": "default", "backbone_dropout": 0.1},
    ],
    ids=str,
)
def test__fit__part_that_kernels_lack__goes_by_autograd(options, cube, taken):
    Regressor(**options).fit(*cube[:2])
    assert len(taken) == HOW["epochs"] + 1
    assert not any(taken)


def test__fit__lnn_backend_torch__goes_by_autograd(cube, taken, monkeypatch):
    monkeypatch.setenv("LNN_BACKEND", "torch")
    Regressor().fit(*cube[:2])
    assert not any(taken)


def test__fit__more_threads__same_bits(rows, monkeypatch):
    monkeypatch.setattr(threads, "WORTH_THREADS", 0)
    monkeypatch.setattr(threads, "WORTH_SINGLE_BATCHES", 0)
    losses = []
    for number in (1, 2, 3):
        monkeypatch.setattr(threads.torch, "get_num_threads", lambda n=number: n)
        model = Regressor(**HOW | {"batch_size": 100}, window_length=6)
        losses.append(model.fit(*rows[:2]).loss_curve_)
    assert losses[0] == losses[1] == losses[2]


# ------------------------------------------------------------------- falling back


def hook(network):
    network.readout.register_forward_hook(lambda *_: None)


def hook_a_part(network):
    network.layers[0].cell.register_full_backward_hook(lambda *_: None)


def freeze(network):
    network.readout[1].bias.requires_grad_(False)


def tie(network):
    cell = network.layers[0].cell
    cell.b_copy = next(cell.parameters())


def tie_the_encoder(network):
    network.encoder = nn.Linear(F, F, dtype=torch.float64)
    network.encoder.bias = network.readout[1].bias


def add_a_weight(network):
    network.scale = nn.Parameter(torch.ones(1, dtype=torch.float64))


def prune(network):
    nn.utils.parametrizations.weight_norm(network.readout[1])


def replace_the_readout(network):
    network.readout[1] = nn.Sequential(network.readout[1])


def no_bias(network):
    network.readout[1] = nn.Linear(N, Q, bias=False, dtype=torch.float64)


def cast(network):
    network.float()


def move_a_weight(network):
    weight = network.readout[1].weight
    weight.data = weight.data.clone()


def subclass(network):
    network.__class__ = type("Own", (LiquidNetwork,), {})


def subclass_a_cell(network):
    cell = network.layers[0].cell
    cell.__class__ = type("Own", (type(cell),), {})


CHANGES = [
    hook,
    hook_a_part,
    freeze,
    tie,
    tie_the_encoder,
    add_a_weight,
    prune,
    replace_the_readout,
    no_bias,
    subclass,
    subclass_a_cell,
]


# What may happen between two epochs, while the vector is there.
LATER = [hook, hook_a_part, cast, move_a_weight, replace_the_readout]


def ask(network, objective, parameters=None):
    parameters = parameters or ParameterVector(network)
    recorder = Recorder(parameters.vector, 0.1, 0.0)
    return kernel_step(network, parameters, objective, recorder, (None, "norm"))


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test__kernel_step__network_changed__is_none(change):
    network = make()
    assert ask(network, SquaredError(Q)) is not None
    change(network)
    assert ask(network, SquaredError(Q)) is None


@pytest.mark.parametrize("change", LATER, ids=lambda change: change.__name__)
def test__kernel_step__network_changed_in_training__is_none(change):
    network = make()
    parameters = ParameterVector(network)
    assert ask(network, SquaredError(Q), parameters) is not None
    change(network)
    assert ask(network, SquaredError(Q), parameters) is None


def test__kernel_step__loss_of_the_users_own__is_none():
    class Own(SquaredError):
        def each(self, outputs, target):
            return torch.abs(outputs - target) ** 3

    assert ask(make(), Own(Q)) is None


def test__kernel_step__someone_looks_on__is_none():
    network = make()
    with torch.autograd.set_detect_anomaly(True):
        assert ask(network, SquaredError(Q)) is None
    handle = nn.modules.module.register_module_forward_hook(lambda *_: None)
    assert ask(network, SquaredError(Q)) is None
    handle.remove()
    with torch.autocast("cpu"):
        assert ask(network, SquaredError(Q)) is None
    assert ask(network, SquaredError(Q)) is not None
