"""The simulated systems are gymnasium's, at any period of control."""

from __future__ import annotations

import numpy as np
import pytest
from plants import CartPole, Pendulum, lqr


def test__cart_pole__own_period__gymnasiums_numbers():
    gymnasium = pytest.importorskip("gymnasium", reason="pip install LNN[control]")
    env = gymnasium.make("CartPole-v1").unwrapped
    rng = np.random.default_rng(0)
    plant = CartPole(6)
    begin = rng.uniform(-0.05, 0.05, (6, 4))
    forces = rng.choice([-10.0, 10.0], size=(200, 6))
    plant.begin(begin)
    ours = []
    for force in forces:
        plant.step(force)
        ours.append(np.column_stack([plant.state, plant.alive]))
    for k in range(6):
        env.reset(seed=0)
        env.state = begin[k].copy()
        for step, force in enumerate(forces[:, k]):
            _, _, failed, _, _ = env.step(int(force > 0))
            np.testing.assert_allclose(ours[step][k, :4], env.state, rtol=1e-12)
            assert ours[step][k, 4] == (not failed)
            if failed:
                break
        assert failed  # nobody holds a pole with random forces


def test__pendulum__own_period__gymnasiums_numbers():
    gymnasium = pytest.importorskip("gymnasium", reason="pip install LNN[control]")
    env = gymnasium.make("Pendulum-v1").unwrapped
    rng = np.random.default_rng(0)
    plant = Pendulum(4)
    begin = rng.uniform(-1, 1, (4, 2)) * [np.pi, 1]
    torques = rng.uniform(-2.5, 2.5, size=(200, 4))  # beyond the limit too
    plant.begin(begin)
    ours = []
    for torque in torques:
        plant.step(torque)
        ours.append(plant.state)
    for k in range(4):
        env.reset(seed=0)
        env.state = begin[k].copy()
        for step, torque in enumerate(torques[:, k]):
            seen, *_ = env.step(np.array([torque]))
            np.testing.assert_allclose(ours[step][k], env.state, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(plant.observe()[-1], seen[:2], atol=1e-6)


@pytest.mark.parametrize("kind", [CartPole, Pendulum])
def test__plant__twice_the_period__two_steps_with_the_action_held(kind):
    once, twice = kind(3, 2 * kind.own_period), kind(3)
    begin = np.random.default_rng(0).uniform(
        -0.1, 0.1, (3, 4 if kind is CartPole else 2)
    )
    once.begin(begin)
    twice.begin(begin)
    for action in ([1.0, -1.0, 0.5], [0.3, 0.2, 0.1]):
        once.step(np.array(action))
        for _ in range(2):
            twice.step(np.array(action))
        np.testing.assert_allclose(once.state, twice.state, rtol=1e-12)


def test__cart_pole__small_periods__approach_one_motion():
    ends = []
    for parts in (8, 16, 32):
        plant = CartPole(1, CartPole.own_period / parts)
        plant.begin(np.array([[0.0, 0.1, 0.05, 0.0]]))
        for _ in range(20 * parts):
            plant.step(np.array([1.0]))
        ends.append(plant.state)
    # Euler's method: half of the step, half of the error.
    first, second = (np.abs(a - b).max() for a, b in zip(ends, ends[1:], strict=False))
    assert second == pytest.approx(first / 2, rel=0.1)


def test__plant__failed_episode__stands_still():
    plant = CartPole(2)
    plant.begin(np.array([[0.0, 0.0, 0.2, 3.0], [0.0, 0.0, 0.0, 0.0]]))
    for _ in range(5):
        plant.step(np.zeros(2))
    assert plant.alive.tolist() == [False, True]
    fallen = plant.state[0].copy()
    plant.step(np.ones(2))
    np.testing.assert_array_equal(plant.state[0], fallen)


def test__lqr__double_integrator__closes_a_stable_loop():
    A, B = np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([[0.0], [1.0]])
    for period in (0.01, 0.1, 1.0):
        K, P = lqr(A, B, np.eye(2), np.eye(1), period)
        step = np.array([[1.0, period], [0.0, 1.0]])
        push = np.array([[period**2 / 2], [period]])
        closed = step - push @ K
        assert np.abs(np.linalg.eigvals(closed)).max() < 1
        # The cost to come falls by what a period costs.
        falls = P - closed.T @ P @ closed
        np.testing.assert_allclose(falls, np.eye(2) + K.T @ K, rtol=1e-6)
    # As the period goes to 0: the textbook's answer for weights of 1.
    K, _ = lqr(A, B, np.eye(2), np.eye(1), 1e-4)
    np.testing.assert_allclose(K, [[1.0, np.sqrt(3.0)]], rtol=1e-3)
