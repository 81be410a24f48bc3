"""The loop of PPO: its formulas, its states, and that it learns what needs memory."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from cloning import Setting
from plants import CartPole, Plant
from ppo import (
    Episodes,
    Frames,
    Learner,
    Settings,
    Task,
    Units,
    advantages,
    log_density,
    mapped,
    pieces,
)
from reinforcement import PROBLEMS, FramesPolicy, deployable, learnt, score, untrained

from LNN import LiquidNetwork
from LNN.streaming import LiquidPolicy

SMALL = Settings(episodes=6, steps=24, length=8)
CART = PROBLEMS["cart"].task


class Echo(Plant):
    """Shows a number in its first period only: state (number, age)."""

    own_period, own_limit = 1.0, 5.0

    def observe(self):
        return np.where(self.state[:, 1:] == 0, self.state[:, :1], 0.0)

    def moved(self, state, action, dt):
        return state + np.array([0.0, dt])


ECHO = Task(
    Echo,
    lambda n, rng: np.stack([rng.choice([-1.0, 1.0], n), np.zeros(n)], axis=1),
    lambda states, actions: -((actions - states[:, 0]) ** 2),
    lambda states: states / [1.0, 4.0],
    seconds=4.0,
    noise=0.0,
)
ONE = (np.zeros(1), np.ones(1))


def learner_of(name, task, seed=0, how=SMALL):
    """Return a learner of an untrained actor for the cart, and its model if any."""
    if name == "Frames":
        actor = Frames(2, 1, 4, 16, torch.Generator().manual_seed(seed))
        units = Units((np.zeros(2), np.full(2, 0.1)), (np.zeros(1), np.full(1, 6.0)))
        return Learner(actor, units, task, how, seed), None
    model = untrained(name, task, seed)
    scalers = model.scaler, model.target_scaler
    units = Units(*((scaler.center_, scaler.scale_) for scaler in scalers))
    return Learner(copy.deepcopy(model.network), units, task, how, seed), model


# -------------------------------------------------------------------------- formulas


def test__advantages__sums_of_discounted_surprises__until_the_end():
    generator = torch.Generator().manual_seed(0)
    T, n, trace = 9, 4, 0.8
    reward, value, then = torch.randn(3, T, n, generator=generator)
    discount = 0.9 ** torch.randint(1, 4, (T, n), generator=generator)
    ended = torch.rand(T, n, generator=generator) < 0.3
    found = advantages(reward, discount, value, then, ended, trace)
    for t in range(T):
        for k in range(n):
            total, weight = 0.0, 1.0
            for s in range(t, T):
                surprise = reward[s, k] + discount[s, k] * then[s, k] - value[s, k]
                total += weight * surprise
                if ended[s, k]:
                    break
                weight *= discount[s, k] * trace
            assert found[t, k].item() == pytest.approx(float(total), abs=1e-5)


def test__advantages__trace_of_one__returns_less_the_value():
    reward, value = torch.tensor([[1.0], [2.0], [3.0]]), torch.zeros(3, 1)
    then, ended = torch.zeros(3, 1), torch.tensor([[False], [False], [True]])
    found = advantages(reward, torch.full((3, 1), 0.5), value, then, ended, 1.0)
    assert found[:, 0].tolist() == [1 + 0.5 * 2 + 0.25 * 3, 2 + 0.5 * 3, 3]


def test__pieces__every_step_once__no_end_inside():
    rng = np.random.default_rng(0)
    ended = rng.random((50, 7)) < 0.1
    ended[-1] = rng.random(7) < 0.5
    seen = np.zeros(ended.shape, dtype=int)
    for episode, first, count in pieces(ended, 16):
        assert 1 <= count <= 16
        assert first // 16 == (first + count - 1) // 16
        seen[first : first + count, episode] += 1
        assert not ended[first : first + count - 1, episode].any()
        assert first % 16 == 0 or ended[first - 1, episode]
    assert (seen == 1).all()


def test__log_density__torchs_own():
    actions, mean = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    spread = torch.tensor([0.1, -0.4, 0.3])
    normal = torch.distributions.Normal(mean, spread.exp())
    wanted = normal.log_prob(actions).sum(-1)
    torch.testing.assert_close(log_density(actions, mean, spread), wanted)


# -------------------------------------------------------------------------- episodes


def test__hold__own_number_of_periods__as_plants_alone():
    episodes = Episodes(CART, 5, 0.9, seed=0)
    begin, waits = episodes.plant.state.copy(), np.array([1, 4, 2, 30, 3])
    force = np.array([1.0, -2.0, 3.0, 10.0, 0.5])
    held = episodes.hold(force, waits)
    for k, wait in enumerate(waits):
        alone, steps = CartPole(1), 0
        alone.begin(begin[k : k + 1])
        while steps < wait and alone.alive[0]:
            alone.step(force[k : k + 1])
            steps += 1
        np.testing.assert_array_equal(episodes.plant.state[k], alone.state[0])
        assert held.failed[k] == (not alone.alive[0])
        assert held.discount[k] == pytest.approx(0.9**steps)
        assert held.gained[k] == pytest.approx(0.1 * steps)
        assert held.reward[k] == pytest.approx(0.1 * sum(0.9**i for i in range(steps)))
    assert held.failed.tolist() == [False, False, False, True, False]


def test__hold__time_is_over__late_but_not_failed():
    episodes = Episodes(ECHO, 3, 0.9, seed=0)
    episodes.renew(np.ones(3, dtype=bool))
    for step in range(4):
        held = episodes.hold(np.zeros(3), np.ones(3, dtype=int))
        assert held.late.tolist() == [step == 3] * 3
    assert not held.failed.any()


def test__waits__part_of_frames_lost__mean_is_that_of_a_geometric_law():
    episodes = Episodes(CART._replace(lost=0.5), 20_000, 0.9, seed=0)
    waits = episodes.waits()
    assert waits.min() == 1
    assert waits.mean() == pytest.approx(2, abs=0.05)
    assert (Episodes(CART, 100, 0.9, seed=0).waits() == 1).all()


# ---------------------------------------------------------------------------- states


@pytest.mark.parametrize("name", ["CfC, NCP", "LTC, NCP", "LSTM", "GRU", "Frames"])
def test__update__before_any_step__chances_are_those_of_play(name):
    # Stored states, ends of episodes, lost frames: all have to be in their place.
    learner, _ = learner_of(name, CART._replace(lost=0.3))
    learner.episodes.plant.state[::2, 3] = 2.5  # these fall soon
    learner.rollout()
    learner.episodes.plant.state[::2, 3] = 2.5
    played = learner.rollout()
    assert 0 < played.failed.sum() < played.failed.numel()
    cuts = torch.from_numpy(pieces(played.ended.numpy(), SMALL.length))
    assert (cuts[:, 1] % SMALL.length != 0).any()
    state = learner._states_at(played, cuts)
    with torch.no_grad():
        for k, (episode, first, count) in enumerate(cuts.tolist()):
            steps = slice(first, first + count)
            own = mapped(state, lambda part, k=k: part[..., k : k + 1, :].contiguous())
            mean = learner.actor(
                played.inputs[steps, episode][None],
                timespans=played.spans[steps, episode][None],
                state=own,
            )
            found = log_density(
                played.actions[steps, episode][None], mean, learner.spread
            )
            torch.testing.assert_close(
                found[0], played.chances[steps, episode], rtol=1e-4, atol=1e-4
            )


def test__learner__same_seed__same_weights():
    def weights(seed):
        learner, _ = learner_of("CfC, NCP", CART, seed)
        learner.learn(2)
        return torch.cat([w.detach().flatten() for w in learner.learnt])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


# -------------------------------------------------------------------------- learning


def echo_error(make_actor):
    """Return the squared error in the last period of an episode, after training."""
    how = Settings(episodes=32, steps=8, length=8, parts=2, learning_rate=2e-2)
    learner = Learner(make_actor(), Units(ONE, ONE), ECHO, how, seed=0)
    learner.learn(30)
    number = torch.tensor([[1.0], [-1.0]])
    shown = torch.zeros(2, 4, 1)
    shown[:, 0] = number
    with torch.no_grad():
        answers = learner.actor(shown, timespans=1.0)
    return float((answers[:, -1] - number).square().mean())


@pytest.mark.slow
def test__learn__number_shown_once__memory_keeps_it():
    def liquid():
        generator = torch.Generator().manual_seed(0)
        return LiquidNetwork(
            1, 12, 1, mode="exponential", return_sequences=True, generator=generator
        )

    def forgetful():
        return Frames(1, 1, 1, 16, torch.Generator().manual_seed(0))

    assert echo_error(liquid) < 0.1
    assert echo_error(forgetful) > 0.8  # nothing to go by: 0 is best, and costs 1


@pytest.mark.parametrize("name", ["CfC, NCP", "LTC, NCP", "LSTM", "GRU"])
def test__deployable__policy__does_what_was_trained(name):
    learner, model = learner_of(name, CART)
    learner.learn(1)
    stored = pickle.loads(pickle.dumps(deployable(model, learner.actor)))
    policy, state = LiquidPolicy(stored, 3), None
    rng = np.random.default_rng(0)
    centre, scale = learner.units.seen
    for _ in range(5):
        seen = 0.1 * rng.normal(size=(3, 2))
        inputs = torch.as_tensor((seen - centre) / scale, dtype=torch.float32)
        with torch.no_grad():
            mean, state = learner.actor(
                inputs[:, None], timespans=1.0, state=state, return_state=True
            )
        wanted = learner.in_units(mean[:, 0])
        found = policy.act(seen, CartPole.own_period)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test__frames_policy__lost_frame__as_if_it_had_never_been():
    actor = Frames(2, 1, 3, 16, torch.Generator().manual_seed(0))
    units = Units((np.zeros(2), np.ones(2)), (np.ones(1), np.full(1, 5.0)))
    seen = np.random.default_rng(0).normal(size=(4, 2, 2))
    losing, other = FramesPolicy(actor, units, 2), FramesPolicy(actor, units, 2)
    all_there, first_lost = np.array([True, True]), np.array([False, True])
    for k in range(4):
        arrived = first_lost if k == 2 else all_there
        before = losing.action
        action = losing.act(seen[k], 0.1, arrived=arrived)
        assert (action[0] == before[0]) == (k == 2)
        if k != 2:
            expected = other.act(seen[k], 0.1, arrived=all_there)
    assert action[0] == expected[0]
    assert action[1] != expected[1]


@pytest.mark.slow
def test__liquid_policy__learns_to_hold_the_pole_from_rewards():
    problem = PROBLEMS["cart"]
    runner, _ = learnt("CfC, NCP", problem.task, problem.updates, seed=0)
    assert score(problem, runner, Setting("as trained"), seed=0, n=100) >= 0.95
