"""The optimisers and schedules are torch's, and the parameters are one vector."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

from LNN import LiquidRegressor
from LNN.batching import scaled_rows
from LNN.batching.scaled_rows import ScaledRows
from LNN.data import ArrayRows, SequenceScaler
from LNN.training.optimisers import OPTIMIZERS, clip_gradient
from LNN.training.parameter_vector import ParameterVector
from LNN.training.schedules import FINAL_RATE, SCHEDULES, Schedule

EPOCHS, BATCHES, RATE = 7, 5, 0.01


def torch_optimizer(name, parameter, weight_decay):
    classes = {
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "rmsprop": torch.optim.RMSprop,
        "sgd": torch.optim.SGD,
    }
    momentum = {"momentum": 0.9, "nesterov": True} if name == "sgd" else {}
    return classes[name]([parameter], RATE, weight_decay=weight_decay, **momentum)


def torch_schedule(name, optimizer):
    steps = EPOCHS * BATCHES
    if name == "plateau":
        return lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=2)
    if name == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, steps, FINAL_RATE * RATE)
    if name == "exponential":
        return lr_scheduler.ExponentialLR(optimizer, FINAL_RATE ** (1 / EPOCHS))
    if name == "onecycle":
        # torch gives RMSprop, which has no momentum here, one.
        cycles = "betas" in optimizer.defaults or optimizer.defaults["momentum"] > 0
        return lr_scheduler.OneCycleLR(
            optimizer, RATE, steps + 1, cycle_momentum=cycles
        )
    return None


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("schedule_name", SCHEDULES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test__optimizer__any_schedule__equals_torch(name, schedule_name, weight_decay):
    start = torch.linspace(-1, 1, 9, dtype=torch.float64)
    theirs = torch.nn.Parameter(start.clone())
    optimizer = torch_optimizer(name, theirs, weight_decay)
    scheduler = torch_schedule(schedule_name, optimizer)
    ours = OPTIMIZERS[name](start.clone(), RATE, weight_decay)
    schedule = Schedule(schedule_name, ours, EPOCHS, BATCHES, 2)
    generator = torch.Generator().manual_seed(0)
    losses = [3.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0]
    for loss in losses:
        for _ in range(BATCHES):
            gradient = torch.randn(9, dtype=torch.float64, generator=generator)
            theirs.grad = gradient.clone()
            assert schedule.rate == pytest.approx(optimizer.param_groups[0]["lr"])
            optimizer.step()
            ours.step(gradient)
            if schedule_name in ("cosine", "onecycle"):
                scheduler.step()
            schedule.after_batch()
        if schedule_name == "plateau":
            scheduler.step(loss)
        elif schedule_name == "exponential":
            scheduler.step()
        schedule.after_epoch(loss)
    torch.testing.assert_close(ours.vector, theirs.detach(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [0.01, 10.0])
@pytest.mark.parametrize("by", ["norm", "value"])
def test__clip_gradient__any__equals_torch(by, size):
    gradient = size * torch.linspace(-1, 1, 7)
    parameter = torch.nn.Parameter(torch.zeros(7))
    parameter.grad = gradient.clone()
    utils = torch.nn.utils
    clip = utils.clip_grad_norm_ if by == "norm" else utils.clip_grad_value_
    clip([parameter], 0.5)
    clip_gradient(gradient, 0.5, by)
    torch.testing.assert_close(gradient, parameter.grad, rtol=1e-5, atol=0)


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 1))


def test__parameter_vector__change__reaches_the_network():
    one, other = network(), network()
    inputs = torch.ones(2, 3)
    parameters = ParameterVector(one)
    gradient = parameters.gradient(one(inputs).sum())
    other(inputs).sum().backward()
    joint = torch.cat([p.grad.flatten() for p in other.parameters()])
    torch.testing.assert_close(gradient, joint)
    parameters.vector.zero_()
    assert not one(inputs).any()
    assert all(p.grad is None for p in one.parameters())


def test__parameter_vector__parameter_without_influence__has_no_gradient():
    parts = network()
    gradient = ParameterVector(parts).gradient(parts[0](torch.ones(1, 3)).sum())
    assert gradient[:16].all()
    assert not gradient[16:].any()


def test__parameter_vector__release__gives_memory_of_its_own():
    plain, trained = network(), network()
    size = len(pickle.dumps(plain))
    parameters = ParameterVector(trained)
    shared = copy.deepcopy(trained.state_dict())
    parameters.release()
    torch.testing.assert_close(trained.state_dict(), shared, rtol=0, atol=0)
    parameters.vector.zero_()
    torch.testing.assert_close(trained.state_dict(), shared, rtol=0, atol=0)
    assert len(pickle.dumps(trained)) == size


def test__fit__done__leaves_no_shared_memory_and_no_gradients():
    X = np.random.default_rng(0).normal(size=(30, 2))
    model = LiquidRegressor(12, epochs=1).fit(X, X[:, 0])
    parameters = list(model.network_.parameters())
    assert len({p.untyped_storage().data_ptr() for p in parameters}) == len(parameters)
    assert all(p.grad is None for p in parameters)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test__scaled_rows__too_large_to_keep__are_the_same(monkeypatch, dtype):
    values = np.random.default_rng(0).normal(5, 3, size=(40, 3))
    scaler = SequenceScaler().fit(values)
    positions = np.array([[3, 4, 5], [0, 39, 39]])
    given = (ArrayRows(values), scaler, dtype, torch.device("cpu"))
    kept = ScaledRows(*given).take(positions)
    monkeypatch.setattr(scaled_rows, "KEPT_BYTES", 0)
    read = ScaledRows(*given).take(positions)
    assert kept.dtype == dtype
    assert kept.shape == (2, 3, 3)
    assert torch.equal(kept, read)


@pytest.mark.parametrize("layout", ["rows", "cube", "ragged"])
def test__fit__rows_too_large_to_keep__same_bits(monkeypatch, layout):
    X = np.random.default_rng(0).normal(size=(40, 5, 2))
    y = X[:, 0, 0]
    if layout == "rows":
        X, y = X.reshape(200, 2), X.reshape(200, 2)[:, 0]
    elif layout == "ragged":
        X = [x[: 1 + k % 5] for k, x in enumerate(X)]
    settings = {"epochs": 2, "window_length": 4, "random_state": 0}
    predictions = []
    for limit in (scaled_rows.KEPT_BYTES, 0):
        monkeypatch.setattr(scaled_rows, "KEPT_BYTES", limit)
        predictions.append(LiquidRegressor(12, **settings).fit(X, y).predict(X))
    np.testing.assert_array_equal(*predictions)
