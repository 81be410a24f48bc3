"""Clones that see positions alone hold the pole."""

from __future__ import annotations

import numpy as np
import pytest
from cartpole import EPOCHS, NOISE, SETTINGS, demonstrate, episodes
from cloning import Setting, fit, play
from plants import CartPole

from LNN.streaming import LiquidPolicy


@pytest.fixture(scope="module")
def clone():
    return fit("CfC, NCP", demonstrate(32, 150, seed=0), seed=0, epochs=60)


def test__clone__closed_loop__holds_where_no_action_falls(clone):
    plant = CartPole(10)
    begin = np.random.default_rng(1).uniform(-0.05, 0.05, (10, 4))
    plant.begin(begin)
    play(clone.policy(10), plant, Setting("as trained"), 4.0, NOISE, seed=2)
    assert plant.alive.all()
    plant.begin(begin)
    for _ in range(200):
        plant.step(np.zeros(10))
    assert not plant.alive.any()


def test__clone__gymnasiums_own_environment__is_held(clone):
    gymnasium = pytest.importorskip("gymnasium", reason="pip install LNN[control]")
    env = gymnasium.make("CartPole-v1")
    seen, _ = env.reset(seed=0)
    policy: LiquidPolicy = clone.policy(None)
    for _ in range(200):
        force = float(np.clip(policy.act(seen[[0, 2]], env.unwrapped.tau), -10, 10))
        # Its actions are -10 N and 10 N; the size is free.
        env.unwrapped.force_mag = abs(force)
        seen, _, failed, _, _ = env.step(int(force > 0))
        assert not failed


def test__play__same_seed__same_states_and_lost_frames_matter(clone):
    def states(setting, seed):
        plant = CartPole(4)
        plant.begin(np.full((4, 4), 0.03))
        return play(clone.policy(4), plant, setting, 1.0, NOISE, seed)

    usual = states(Setting("as trained"), 5)
    np.testing.assert_array_equal(usual, states(Setting("as trained"), 5))
    assert not np.array_equal(usual, states(Setting("as trained"), 6))
    assert not np.array_equal(usual, states(Setting("lost", dropped=0.5), 5))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["CfC, NCP", "LTC, NCP"])
def test__nineteen_neurons__hold_the_cart_at_three_rates(name):
    from cartpole import RECORDINGS, STEPS

    clone = fit(name, demonstrate(RECORDINGS, STEPS, seed=100), 0, EPOCHS)
    as_trained, half, double = SETTINGS[:3]
    assert (half.period, double.period) == (2, 0.5)
    for setting in (as_trained, half, double):
        held, far = episodes(
            lambda plant: clone.policy(plant.n), setting, n=100, seed=0
        )
        assert held >= 0.95
        assert far < 0.3  # metres from the middle
