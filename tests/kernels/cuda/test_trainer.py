"""Whole training steps on the kernels, emulated: what autograd and torch make of them.

The gradients are held against autograd's in float64, on the torch cells.
"""

import numpy as np
import pytest
import torch
from counting import Launches
from emulator import Emulated

from LNN.batching.missing import MissingRule
from LNN.batching.resident import ResidentBatches
from LNN.batching.target_tensors import TargetTensors
from LNN.kernels import dispatch
from LNN.kernels.cuda import backend, steps, structure, trainer
from LNN.kernels.cuda.structs import fields_of, packed
from LNN.network import LiquidNetwork
from LNN.training.losses import AbsoluteError, CrossEntropy, Huber, SquaredError
from LNN.training.optimisers import Adam, AdamW, clip_gradient
from LNN.training.parameter_vector import ParameterVector
from LNN.training.resident_step import ResidentStep

# Channels, neurons, outputs, samples, steps, and samples in a batch.
F, N, Q, SAMPLES, T, B = 3, 9, 4, 7, 5, 4
NETWORKS = {
    "CfC": {"mode": "exponential"},
    "CfC default": {},
    "CfC pure": {"mode": "pure"},
    "CfC random": {"wiring": "random", "sparsity": 0.4},
    "CfC full": {"wiring": "full", "backbone_units": 10, "backbone_layers": 2},
    "CfC full pure gelu": {
        "wiring": "full",
        "mode": "pure",
        "backbone_units": 20,
        "backbone_activation": "gelu",
    },
    "CfC no backbone": {"wiring": "full", "backbone_layers": 0},
    "LTC": {"model_type": "LTC"},
    "LTC exponential": {"model_type": "LTC", "solver": "exponential", "ode_unfolds": 1},
    "LTC full": {"model_type": "LTC", "wiring": "full", "ode_unfolds": 2},
    "memory CfC": {"mixed_memory": True},
    "memory CfC full": {"mixed_memory": True, "wiring": "full", "backbone_units": 10},
}
SOME = ("CfC", "CfC full", "LTC")
LOSSES = {
    "squared": SquaredError(Q),
    "absolute": AbsoluteError(Q),
    "huber": Huber(Q),
    "classes": CrossEntropy(Q),
}


@pytest.fixture
def on_cuda(cuda, monkeypatch):
    """Let the kernels be what runs on tensors of the CPU."""
    monkeypatch.setattr(cuda, "missing", lambda: None)
    monkeypatch.setattr(dispatch, "REGISTRY", (cuda, dispatch.REGISTRY[-1]))
    # What counts and refuses operators is no reason to leave the kernels.
    monkeypatch.setattr(backend, "is_watched", lambda *tensors: False)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def make_batches(
    dtype,
    *,
    per_step=False,
    classes=False,
    ragged=False,
    timed=False,
    weighted=False,
    whole=False,
    missing="error",
    samples=SAMPLES,
    seed=0,
):
    """Samples that overlap in rows of data, as windows do."""
    n, random = samples + T + 2, rng(seed)

    def normal(*shape):
        return torch.randn(shape, generator=random).to(dtype)

    rows = normal(n, F)
    if missing != "error":
        rows[torch.rand(n, F, generator=random) < 0.3] = torch.nan
    length = torch.full((samples,), T)
    if ragged:
        length = torch.randint(1, T + 1, (samples,), generator=random)
        length[0] = T
    n_targets = n if per_step else samples
    target = normal(n_targets, Q)
    if classes:
        target = torch.randint(0, Q, (n_targets,), generator=random)
    weight = normal(n_targets).abs()
    weight[1] = 0
    gaps, neutral = normal(n).abs(), normal(F)
    return ResidentBatches(
        rows,
        gaps if timed else None,
        MissingRule(missing, neutral),
        TargetTensors(target, weight if weighted else None, 2.0 * samples, per_step),
        start=torch.arange(samples) + 1,
        length=length,
        first_target=torch.minimum(length - 1, torch.tensor(2)),
        steps=T,
        is_ragged=ragged,
        whole=whole,
    )


def make_step(
    network=None,
    objective=LOSSES["squared"],
    *,
    dtype=torch.float64,
    pooling="last",
    optimizer=Adam,
    decay=0.0,
    clip=(1.0, "norm"),
    seed=0,
    batch=B,
    neurons=N,
    **data,
):
    """A step of its own network on its own data, and an order of its samples."""
    inputs = 3 * F if data.get("missing") == "mask" else F
    how = {"return_sequences": True} if data.get("per_step") else {"pooling": pooling}
    random = rng(seed)
    made = LiquidNetwork(
        inputs, neurons, Q, generator=random, **how, **(network or NETWORKS["CfC"])
    )
    for parameter in made.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=random)
    made = made.to(dtype).train()
    vector = ParameterVector(made)
    classes = isinstance(objective, CrossEntropy)
    batches = make_batches(dtype, classes=classes, seed=seed, **data)
    rule = optimizer(vector.vector, 0.01, decay)
    step = ResidentStep(made, vector, rule, objective, clip, batches, batch, 2.0)
    order = np.random.RandomState(seed).permutation(len(batches.start))
    step._order.copy_(torch.from_numpy(order))
    return step


def by_autograd(step, size=B):
    """Loss and gradient of the first batch, on the torch cells."""
    for layer in step.network.layers:
        layer.backend = "torch"
    return step._tried(lambda: step._gradient(size))


def assert_right(step, size=B, rtol=1e-9):
    assert step._trainer is not None
    found = step._tried(step._trainer.gradient)
    for a, b in zip(found, by_autograd(step, size), strict=True):
        scale = float(b.abs().max())
        assert float((a - b).abs().max()) <= rtol * scale
    return found


@pytest.mark.quick_cases(*SOME)
@pytest.mark.parametrize("name", NETWORKS)
def test__gradient__every_kind_of_network__is_autograds(name, on_cuda, order):
    step = make_step(NETWORKS[name], timed=True, ragged=True, pooling="last+mean+max")
    for falling in ("rising", "falling"):
        order(falling)
        assert_right(step)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("pooling", ["last", "mean", "max", None])
def test__gradient__every_loss_and_pooling__is_autograds(loss, pooling, on_cuda, order):
    order("falling")
    data = {"per_step": True} if pooling is None else {"pooling": pooling}
    assert_right(make_step(objective=LOSSES[loss], ragged=True, weighted=True, **data))


@pytest.mark.parametrize(
    "data",
    [
        {"missing": "hold"},
        {"missing": "mask", "timed": True},
        {"missing": "mask", "ragged": True},
        {"per_step": True, "whole": True, "weighted": True},
        {"per_step": True, "whole": True, "ragged": True},
        {"timed": True, "weighted": True},
    ],
)
def test__gradient__every_kind_of_data__is_autograds(data, on_cuda):
    assert_right(make_step(**data))


@pytest.mark.quick_cases("CfC")
@pytest.mark.parametrize("name", SOME)
def test__gradient__neurons_of_several_warps__is_autograds(name, on_cuda, order):
    step = make_step(NETWORKS[name], neurons=40, pooling="last+mean+max")
    for falling in ("rising", "falling"):
        order(falling)
        assert_right(step)


@pytest.mark.parametrize("name", SOME)
def test__gradient__fewer_samples_than_a_batch__is_autograds(name, on_cuda):
    assert_right(make_step(NETWORKS[name], samples=3, batch=16), size=3)


@pytest.mark.parametrize("name", SOME)
def test__gradient__last_batch__is_autograds(name, on_cuda):
    step = make_step(NETWORKS[name], pooling="mean")
    step._trainer.gradient()
    loss = step._total.clone()
    found = step._trainer.gradient()
    for layer in step.network.layers:
        layer.backend = "torch"
    # Its loss has been added to that of the first.
    assert step._total != loss
    step._now.fill_(0)
    torch.testing.assert_close(found, step._gradient(SAMPLES - B))


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test__gradient__single_precision__is_autograds(name, on_cuda):
    how = {"pooling": "mean", "ragged": True}
    found = assert_right(make_step(NETWORKS[name], dtype=torch.float32, **how), B, 1e-4)
    exact = by_autograd(make_step(NETWORKS[name], dtype=torch.float64, **how))
    assert (found[1] - exact[1]).abs().max() < 1e-4 * exact[1].abs().max()


@pytest.mark.slow
@pytest.mark.parametrize("name", SOME)
def test__gradient__rows_of_many_chunks__is_autograds(name, on_cuda, monkeypatch):
    monkeypatch.setattr(structure, "CHUNK", 3)
    assert_right(make_step(NETWORKS[name], pooling="mean"))


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test__gradient__memory_full_of_nan__has_the_same_bits(name, on_cuda, monkeypatch):
    def found():
        step = make_step(NETWORKS[name], ragged=True, missing="mask")
        return step._tried(step._trainer.gradient)

    first = found()
    monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", True)
    torch.use_deterministic_algorithms(True)
    try:
        second = found()
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(map(torch.equal, first, second))


# ------------------------------------------------------------------------------- steps


@pytest.mark.parametrize("kind", [Adam, AdamW])
@pytest.mark.parametrize(
    "clip", [(0.1, "norm"), (100.0, "norm"), (0.01, "value"), (None, "norm")]
)
def test__step__clip_and_adam__are_torchs(kind, clip, on_cuda):
    step = make_step(optimizer=kind, decay=0.1, clip=clip)
    other = make_step(optimizer=kind, decay=0.1, clip=clip)
    for _ in range(2):  # epochs of two batches
        for each in (step, other):
            numbers = []
            for _ in range(2):
                each.optimizer.state["step"] += 1
                numbers.append(each.optimizer.numbers())
            each._numbers.copy_(torch.tensor(numbers))
            each._now.fill_(-1)
        for size in (B, SAMPLES - B):
            step._trainer.step()
            gradient = other._gradient(size)
            clip_gradient(gradient, *clip)
            other.optimizer.step_by(gradient, other._numbers[other._now][0])
    torch.testing.assert_close(step._total, other._total, rtol=1e-9, atol=0)
    for a, b in zip(_state(step), _state(other), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-12)


def _state(step):
    return [step.optimizer.vector, *(step.optimizer.state[n] for n in Adam.moments)]


@pytest.mark.parametrize(("name", "most"), [("CfC", 9), ("CfC full", 9), ("LTC", 10)])
@pytest.mark.parametrize("objective", ["squared", "classes"])
@pytest.mark.parametrize("pooling", ["last", "mean"])
def test__step__starts_ten_kernels_at_most(name, most, objective, pooling, on_cuda):
    step = make_step(NETWORKS[name], LOSSES[objective], pooling=pooling)
    step._trainer.step()  # makes room
    with Launches() as started:
        step._trainer.step()
    assert not started.torch
    assert len(started.own) == most
    assert started.own[0] == "prepare"
    assert started.own[-1] == "adam"


@pytest.mark.parametrize(
    ("name", "least", "how"),
    [
        ("CfC", 120, {}),
        ("CfC", 120, {"objective": LOSSES["classes"], "pooling": "mean"}),
        ("LTC", 100, {}),
        ("CfC full exponential", 50, {}),
    ],
)
def test__launches__of_the_step_by_autograd__are_counted(name, least, how, on_cuda):
    networks = {
        **NETWORKS,
        "CfC full exponential": {"wiring": "full", "mode": "exponential"},
    }
    step = make_step(networks[name], ragged=True, **how)  # as windows are
    with Launches() as started:
        gradient = step._gradient(B)
        clip_gradient(gradient, *step.clip)
        step.optimizer.step_by(gradient, step._numbers[step._now][0])
    assert started.own == ["forward", "backward"]
    # docu/performance.md has these numbers; other versions of torch may have others.
    print(f"{name}, {how}: {2 + started.torch.total()} kernels by autograd")
    assert started.torch.total() > least


# ------------------------------------------------------------------------ what has none


@pytest.mark.parametrize(
    ("network", "why"),
    [
        ({"n_layers": 2}, "more than one layer"),
        ({"readout": "motor"}, "another read-out"),
        ({"model_type": "LTC", "mixed_memory": True}, "not affine in its inputs"),
    ],
)
def test__trainer__what_it_lacks__is_autograds(network, why, on_cuda):
    assert make_step(network)._trainer is None, why


def test__trainer__weights_made_of_others__is_autograds(on_cuda):
    step = make_step(NETWORKS["CfC full"])
    cell = step.network.layers[0].cell
    torch.nn.utils.parametrizations.weight_norm(cell.backbone[1])
    vector = ParameterVector(step.network)
    how = (step.objective, (1.0, "norm"), step.batches, B, 2.0)
    again = ResidentStep(step.network, vector, Adam(vector.vector, 0.1, 0.0), *how)
    assert again._trainer is None


def test__trainer__frozen_weights__is_autograds(on_cuda):
    step = make_step()
    step.network.layers[0].cell.ff1_bias.requires_grad_(False)
    vector = ParameterVector(step.network)
    how = (step.objective, (1.0, "norm"), step.batches, B, 2.0)
    again = ResidentStep(step.network, vector, Adam(vector.vector, 0.1, 0.0), *how)
    assert again._trainer is None


def test__trainer__no_room_for_the_record__is_autograds(on_cuda, monkeypatch):
    assert trainer.most_bytes is steps.most_bytes
    monkeypatch.setattr(trainer, "most_bytes", lambda device: 0)
    assert make_step()._trainer is None


@pytest.mark.parametrize("kernel", ["finish", "read_out"])
def test__trial__kernels_that_are_wrong__are_not_used(kernel, on_cuda, monkeypatch):
    right = Emulated.launch

    def off(self, name, *how, **more):
        right(self, name, *how, **more)
        if name == kernel:
            memory = step._trainer.launches.memory
            memory["losses" if kernel == "read_out" else "gradient"].mul_(1.01)

    step = make_step()
    monkeypatch.setattr(Emulated, "launch", off)
    step._try_out(step._trainer, B)
    assert step._trainer is None
    what = "loss" if kernel == "read_out" else "gradient"
    assert f"first {what} was 0.01 off" in step.describe()


# ---------------------------------------------------------------------- many models


@pytest.mark.quick_cases("CfC", "LTC")
@pytest.mark.parametrize("name", SOME)
def test__launches__many_models__each_has_the_bits_it_has_alone(name, on_cuda, order):
    how = [
        {"seed": 1, "clip": (0.1, "norm"), "decay": 0.0},
        {"seed": 2, "clip": (None, "norm"), "decay": 0.1, "samples": SAMPLES - 3},
        {"seed": 3, "clip": (2.0, "norm"), "decay": 0.0, "samples": SAMPLES + 6},
    ]

    def made():
        found = [make_step(NETWORKS[name], pooling="mean", **each) for each in how]
        for each in found:
            numbers = [(0.1, 1e-8, -0.01 * (k + 1), 0.9) for k in range(4)]
            each._numbers.copy_(torch.tensor(numbers)[: len(each._numbers)])
        return found

    alone, together = made(), made()
    for each in alone:
        for _ in range(len(each._numbers)):
            each._trainer.step()
    order("falling")
    models = [each._trainer.model for each in together]
    launches = trainer.Launches(together[0]._trainer.structure, models)
    with Launches() as started:
        for _ in range(4):  # the first has one batch less, the second two
            launches.step()
    assert len(started.own) == 4 * (10 if name == "LTC" else 9)
    for one, other in zip(alone, together, strict=True):
        assert one._total == other._total
        assert all(map(torch.equal, _state(one), _state(other)))


def test__structs__fields__are_those_of_the_header():
    assert fields_of("Job")[:3] == ("left", "right", "left_apart")
    assert fields_of("Model")[-1] == "now"
    numbers = dict.fromkeys(fields_of("Job"), 3)
    tensor = torch.zeros(2)
    words = packed("Job", [{**numbers, "left": None, "right": tensor}], tensor.device)
    assert words[0, :3].tolist() == [0, tensor.data_ptr(), 3]
    with pytest.raises(AssertionError, match="left"):
        packed("Job", [{"right": None}], tensor.device)
