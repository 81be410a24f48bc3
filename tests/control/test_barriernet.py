"""The problems of BarrierNet: dynamics, teachers, barriers, and what they keep."""

from __future__ import annotations

import math

import pytest
import torch
from barrier_problems import Merging, Robot
from barriernet import Policy, demonstrate, drive, fit

from LNN.safety import SafeOutput

PROBLEMS = (Robot(), Merging())
N = 200


def begin(problem, scene=0, n=N, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return problem.begin(n, problem.scenes[scene], rng), rng


def test__robot__held_controls__drives_the_arc_that_geometry_says():
    z, rng = begin(Robot())
    turn = torch.rand(N, generator=rng, dtype=torch.float64) + 0.2
    u = torch.stack([turn, torch.zeros(N, dtype=torch.float64)], dim=1)
    after = Robot().moved(z, u, 0.5)
    radius, angle = z[:, 3] / turn, z[:, 2]
    x = z[:, 0] + radius * ((angle + 0.5 * turn).sin() - angle.sin())
    y = z[:, 1] - radius * ((angle + 0.5 * turn).cos() - angle.cos())
    torch.testing.assert_close(after[:, 0], x, atol=1e-6, rtol=0)
    torch.testing.assert_close(after[:, 1], y, atol=1e-6, rtol=0)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: type(p).__name__)
def test__teacher__every_scene__keeps_its_distance_and_arrives(problem):
    for scene in (problem.scenes[0], problem.scenes[-1]):
        run = drive(problem, None, "teacher", scene, 20, seed=3)
        assert run.room.min() > 0
        assert run.ended.all()


def braked(problem, z, period):
    """Brake as hard as the limits allow, straight ahead, and not below the slowest."""
    column, (slowest, _) = problem.speed
    u = torch.zeros(len(z), problem.n_controls, dtype=z.dtype)
    least = (slowest - z[:, column]) / period
    u[:, -1] = torch.maximum(least, torch.tensor(-problem.highest[-1]).to(z))
    return u


@pytest.mark.parametrize("period", [0.1, 1.0])
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: type(p).__name__)
def test__discrete__full_braking__never_leaves_the_safe_set(problem, period):
    """What the docstrings prove: some control within the limits keeps h >= 0."""
    barrier = problem.discrete(period)
    z, rng = begin(problem, n=4000)
    if isinstance(problem, Robot):  # any place, heading and speed
        z[:, :2] = 12 * (torch.rand(4000, 2, generator=rng, dtype=z.dtype) - 0.5)
        z[:, 2] = 6.3 * torch.rand(4000, generator=rng, dtype=z.dtype)
        z[:, 3] = 2.5 * torch.rand(4000, generator=rng, dtype=z.dtype)
    else:  # any room and speeds
        z[:, 2] -= 60 * torch.rand(4000, generator=rng, dtype=z.dtype)
        z[:, 1] = 5 + 25 * torch.rand(4000, generator=rng, dtype=z.dtype)
    z = z[barrier.h(z) >= 0]
    assert len(z) > 500
    for _ in range(20):
        z = barrier.f_d(z, braked(problem, z, period))
        assert barrier.h(z).min() > -1e-6
        assert problem.room(z).min() > -1e-6


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: type(p).__name__)
def test__margin__random_controls__is_what_the_room_dips_between_samples(problem):
    z, rng = begin(problem, n=4000)
    if isinstance(problem, Robot):
        z[:, :2] = 6 * (torch.rand(4000, 2, generator=rng, dtype=z.dtype) - 0.5)
        z = z[problem.room(z) > 0]
    size = z[:, 4].min().item() if isinstance(problem, Robot) else 1.8
    most = torch.tensor(problem.highest).to(z)
    u = most * torch.where(torch.rand(len(z), len(most), generator=rng) < 0.5, -1, 1)
    other = 2 * torch.where(torch.rand(len(z), generator=rng) < 0.5, -1.0, 1.0)
    period = 0.4
    ends = torch.minimum(problem.room(z), problem.room(problem.moved(z, u, 0.4, other)))
    dips = torch.zeros(len(z))
    for part in (0.25, 0.5, 0.75):
        between = problem.room(problem.moved(z, u, part * period, other))
        dips = torch.maximum(dips, (ends - between).float())
    allowed = problem.margin(size, period)
    assert 0.05 * allowed < dips.max() <= allowed


@pytest.mark.quick_cases("Merging")
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: type(p).__name__)
def test__policy__full_speed_ahead__is_kept_back_by_its_barrier(problem, monkeypatch):
    """The guarantee rests on the layer: the network may say anything."""
    monkeypatch.setattr(type(problem), "steps", 60)
    least = {}
    for kind in ("none", "learned", "fixed, gamma 4", "discrete"):
        policy = Policy(problem, "learned" if kind == "learned" else "none", seed=1)
        head = policy.network.readout[-1]
        with torch.no_grad():
            head.weight.zero_()
            head.bias.zero_()
            head.bias[problem.n_controls - 1] = 0.2
        run = drive(problem, policy, kind, problem.scenes[0], 6, seed=1)
        least[kind] = (run.sampled.min(), run.room.min())
        broken = run.room.min() < -problem.margin(1.5, problem.period)
        # What a layer does not keep has been flagged: a high gamma brakes late, and
        # the car's brakes are limited.
        assert kind == "none" or not broken or run.infeasible > 0
    assert least["none"][1] < -1
    assert (least["fixed, gamma 4"][1] < -0.1) == isinstance(problem, Merging)
    assert least["learned"][1] > -0.1
    sampled, between = least["discrete"]
    assert sampled > -1e-6
    assert between > -problem.margin(1.5, problem.period)


def test__fit__through_the_barrier__learns_gammas_that_depend_on_the_state():
    problem = Robot()
    shown = demonstrate(problem, 16, seed=0)
    before = Policy(problem, "learned", seed=0)
    after = fit(problem, "learned", shown, seed=0, epochs=6)
    layer = after.layer("learned", problem.scenes[0])
    with torch.no_grad():
        safe, _, gamma, _ = after(layer, shown.z)
        untrained = before(layer, shown.z)[0]
    error = [(u - shown.u).square().mean() for u in (untrained, safe)]
    assert error[1] < 0.8 * error[0]
    assert gamma.shape == (16, problem.steps, 2)
    assert 0 < gamma.min() < gamma.max() < 4
    assert gamma.std() > 0.01


def test__drive__every_layer__meets_the_same_episodes():
    problem, scene = Merging(), Merging.scenes[0]
    runs = [
        drive(problem, Policy(problem, "none", seed), "none", scene, 5, seed=4)
        for seed in (0, 1)
    ]
    # The car in front does the same, whoever is behind it.
    torch.testing.assert_close(
        torch.tensor(runs[0].z[..., 2:]), torch.tensor(runs[1].z[..., 2:])
    )
    assert not math.isclose(runs[0].z[-1, 0, 0], runs[1].z[-1, 0, 0])


def test__discrete__any_state_of_the_set__finds_a_safe_control():
    """The condition is not concave, and full braking satisfies it always."""
    problem, scene = Robot(), Robot.scenes[-1]
    z, rng = begin(problem, n=4000)
    z[:, :2] = 12 * (torch.rand(4000, 2, generator=rng, dtype=z.dtype) - 0.5)
    z[:, 2] = 6.3 * torch.rand(4000, generator=rng, dtype=z.dtype)
    z[:, 3] = 2.5 * torch.rand(4000, generator=rng, dtype=z.dtype)
    barrier = problem.discrete(scene.period)
    z = z[(barrier.h(z) >= 0) & (barrier.h(z) < 1)]
    wanted = 3 * torch.randn(len(z), 2, generator=rng, dtype=z.dtype)
    layer = SafeOutput([*problem.limits(scene), barrier])
    safe, safety = layer(wanted, {"state": z})
    assert len(z) > 300
    assert safety.feasible.all()
    assert (barrier.excess(safe, {"state": z}) < 1e-6).all()
    assert (safe.abs() <= torch.tensor(problem.highest) + 1e-6).all()
