"""Simulated systems whose period of control is free, many episodes at once.

`CartPole` and `Pendulum` have the equations of gymnasium's CartPole-v1 and Pendulum-v1;
at gymnasium's own period they give its numbers (tests/control/test_plants.py). Another
period is walked in equal steps that are not longer than gymnasium's. `Quadrotor` moves
in a plane, with wind.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm, solve_discrete_are


class Plant:
    """`n` episodes of a system that is controlled once a period.

    Parameters
    ----------
    n : int
    period : float, default=None
        Seconds between two actions; None is `own_period`.
    limit : float or ndarray of shape (k,), default=None
        Largest action; None is `own_limit`.

    Attributes
    ----------
    state : ndarray of shape (n, d)
    alive : ndarray of bool, shape (n,)
        Episodes that have not failed yet. Those that have stand still.
    """

    own_period: ClassVar[float]
    own_limit: ClassVar[float | NDArray]

    def __init__(
        self,
        n: int,
        period: float | None = None,
        limit: float | NDArray | None = None,
    ):
        self.n = n
        self.period = self.own_period if period is None else period
        self.limit = self.own_limit if limit is None else limit
        self.n_steps = int(np.ceil(self.period / self.own_period - 1e-9))
        self.state = np.zeros((n, 0))
        self.alive = np.ones(n, dtype=bool)

    def begin(self, state: NDArray) -> None:
        """Start all episodes."""
        self.state = np.array(state, dtype=np.float64)
        self.alive = np.ones(self.n, dtype=bool)

    def observe(self) -> NDArray:
        """Return what sensors without noise show, (n, n_features)."""
        raise NotImplementedError

    def rates(self, state: NDArray, action: NDArray) -> NDArray:
        """Return what the integrator needs."""
        raise NotImplementedError

    def moved(self, state: NDArray, action: NDArray, dt: float) -> NDArray:
        """Return the state after a step of time."""
        raise NotImplementedError

    def failed(self) -> NDArray:
        """Return which states count as a failure."""
        return np.zeros(self.n, dtype=bool)

    def step(self, action: NDArray) -> None:
        """Hold an action for one period."""
        action = np.clip(action, -self.limit, self.limit)
        for _ in range(self.n_steps):
            state = self.moved(self.state, action, self.period / self.n_steps)
            self.state = np.where(self.alive[:, None], state, self.state)
            self.alive &= ~self.failed()


class CartPole(Plant):
    """A pole on a cart: position, speed, angle from upright, its rate; force in N."""

    own_period, own_limit = 0.02, 10.0
    gravity, cart, pole, half_length = 9.8, 1.0, 0.1, 0.5
    furthest, steepest = 2.4, np.deg2rad(12)

    def observe(self) -> NDArray:
        """Return position and angle: speeds are for the controller to find."""
        return self.state[:, [0, 2]]

    def accelerations(self, state: NDArray, force: NDArray) -> tuple[NDArray, NDArray]:
        """Return those of the cart and of the angle."""
        angle, rate = state[:, 2], state[:, 3]
        total, moment = self.cart + self.pole, self.pole * self.half_length
        sin, cos = np.sin(angle), np.cos(angle)
        push = (force + moment * rate**2 * sin) / total
        turn = (self.gravity * sin - cos * push) / (
            self.half_length * (4.0 / 3.0 - self.pole * cos**2 / total)
        )
        return push - moment * turn * cos / total, turn

    def moved(self, state: NDArray, action: NDArray, dt: float) -> NDArray:
        """Return the state after one step of Euler's method, as in gymnasium."""
        cart, turn = self.accelerations(state, action)
        speed, rate = state[:, 1], state[:, 3]
        return state + dt * np.stack([speed, cart, rate, turn], axis=1)

    def failed(self) -> NDArray:
        """Return where gymnasium ends an episode."""
        far = np.abs(self.state[:, 0]) > self.furthest
        return far | (np.abs(self.state[:, 2]) > self.steepest)


class Pendulum(Plant):
    """A pendulum with a weak motor: angle from upright and its rate; torque in Nm."""

    own_period, own_limit = 0.05, 2.0
    gravity, mass, length, fastest = 10.0, 1.0, 1.0, 8.0

    def observe(self) -> NDArray:
        """Return cosine and sine of the angle, without its rate."""
        angle = self.state[:, 0]
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)

    def moved(self, state: NDArray, action: NDArray, dt: float) -> NDArray:
        """Return the state after one step, as in gymnasium: the rate first."""
        angle, rate = state[:, 0], state[:, 1]
        g, m, length = self.gravity, self.mass, self.length
        turn = 3 * g / (2 * length) * np.sin(angle) + 3.0 / (m * length**2) * action
        rate = np.clip(rate + turn * dt, -self.fastest, self.fastest)
        return np.stack([angle + rate * dt, rate], axis=1)


class Quadrotor(Plant):
    """A quadrotor in a plane that follows a target in the wind.

    The state is the place beside the target (y, z), tilt, speed (of y, z), rate of the
    tilt. An action is thrust beyond hovering (N) and torque (Nm), (n, 2). The wind
    blows along y and pushes in proportion to the speed of the air beside the rotors.
    The target moves on a figure of eight, at up to 1.7 m/s.

    Attributes
    ----------
    wind : ndarray of shape (n,)
        m/s now: gusts around `mean_wind`.
    """

    own_period, own_limit = 0.05, np.array([4.0, 0.4])
    gravity, mass, inertia, drag = 9.81, 0.5, 0.01, 0.25
    furthest, steepest = 3.0, np.pi / 2
    gusts, lasting = 0.5, 1.0  # deviation beside a mean of 1 m/s; seconds
    size, beat = np.array([1.5, 0.75]), np.array([0.8, 1.6])

    def __init__(self, n: int, period: float | None = None, seed: int = 0):
        super().__init__(n, period)
        # The tilt is quicker than a period: 100 steps per second.
        self.n_steps = int(np.ceil(self.period / 0.01 - 1e-9))
        self.rng = np.random.default_rng(seed)
        self.time = 0.0
        self.phase = self.rng.uniform(0, 2 * np.pi, (n, 1))
        self.mean_wind, self.wind = np.zeros(n), np.zeros(n)
        self.strength = 0.0

    def blow(self, strength: float) -> None:
        """Let a wind blow whose mean is drawn up to 2 m/s to both sides, times this."""
        self.strength = strength
        self.mean_wind = 2 * strength * self.rng.uniform(-1, 1, self.n)
        self.wind = self.mean_wind

    def observe(self) -> NDArray:
        """Return the place beside the target and the tilt: no speeds, no wind."""
        return self.state[:, :3]

    def target_speed(self) -> NDArray:
        """Return that of the target, (n, 2)."""
        return self.size * self.beat * np.cos(self.beat * self.time + self.phase)

    def moved(self, state: NDArray, action: NDArray, dt: float) -> NDArray:
        """Return the state after one step of Euler's method."""
        tilt, speed = state[:, 2], state[:, 3:5]
        thrust = self.mass * self.gravity + action[:, 0]
        air = np.stack([self.wind, np.zeros(self.n)], axis=1) - speed
        lift = thrust[:, None] * np.stack([-np.sin(tilt), np.cos(tilt)], axis=1)
        pull = (lift + self.drag * air) / self.mass - [0.0, self.gravity]
        change = np.concatenate(
            [
                speed - self.target_speed(),
                state[:, 5:],
                pull,
                action[:, 1:] / self.inertia,
            ],
            axis=1,
        )
        self.time += dt
        return state + dt * change

    def step(self, action: NDArray) -> None:
        """Hold an action for one period; then the wind changes."""
        super().step(action)
        kept = np.exp(-self.period / self.lasting)
        draw = self.strength * self.gusts * self.rng.normal(size=self.n)
        gust = kept * (self.wind - self.mean_wind) + np.sqrt(1 - kept**2) * draw
        self.wind = self.mean_wind + gust

    def failed(self) -> NDArray:
        """Return where the target is out of sight or the quadrotor turned over."""
        far = np.linalg.norm(self.state[:, :2], axis=1) > self.furthest
        return far | (np.abs(self.state[:, 2]) > self.steepest)


def lqr(
    A: NDArray, B: NDArray, Q: NDArray, R: NDArray, period: float
) -> tuple[NDArray, NDArray]:
    """Return what is best for z' = A z + B u if u is held for a period.

    Returns
    -------
    K : ndarray of shape (k, d)
        u = -K z.
    P : ndarray of shape (d, d)
        The cost that is still to come is z P z; it falls from period to period.
    """
    d, k = B.shape
    joint = np.zeros((d + k, d + k))
    joint[:d, :d], joint[:d, d:] = A, B
    both = expm(joint * period)
    held, push = both[:d, :d], both[:d, d:]
    P = solve_discrete_are(held, push, Q, R)
    return np.linalg.solve(R + push.T @ P @ push, push.T @ P @ held), P
