"""The problems of barriernet.py: a robot passes a disc, a car merges behind another.

Dynamics and barriers are those of Xiao et al., BarrierNet (IEEE T-RO 2023). Sizes,
limits, starts and both teachers are ours, as the paper's own data are not used here.
Everything is torch in float64, one row for each episode.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from LNN.safety import (
    BarrierFunction,
    Bounds,
    Constraint,
    DiscreteBarrier,
    HalfSpaces,
)

Gamma = Callable | tuple[float, float] | float
# How fast the discrete barrier may fall, per second.
RATE = 3.0


class Scene(NamedTuple):
    """In what episodes differ from training.

    `size` is the range that the disc's radius (m) or the time gap (s) is drawn from,
    `period` the seconds between two controls, `harder` how much more the car in front
    brakes than everybody was told, and `limited` whether controls have limits.
    """

    name: str
    size: tuple[float, float]
    period: float
    limited: bool = True
    harder: float = 1.0


class Problem:
    """A system, its teacher and its barrier.

    A state holds what the barrier has to know beside the system's own numbers: the
    radius of the disc, for instance. Those do not change in time.
    """

    n_features: ClassVar[int]
    n_controls: ClassVar[int]
    order: ClassVar[int]
    steps: ClassVar[int]  # controls of an episode at the period of training
    period: ClassVar[float]
    epochs: ClassVar[int]  # of training
    highest: ClassVar[tuple[float, ...]]  # largest controls
    speed: ClassVar[tuple[int, tuple[float, float]]]  # its column, its limits
    scenes: ClassVar[tuple[Scene, ...]]  # the first one is that of training

    def begin(self, n: int, scene: Scene, rng: torch.Generator) -> Tensor:
        """Return states (n, d) to begin with."""
        raise NotImplementedError

    def disturbances(
        self, n: int, steps: int, scene: Scene, rng: torch.Generator
    ) -> Tensor:
        """Return what others do in each period, (steps, n)."""
        return torch.zeros(steps, n, dtype=torch.float64)

    def possible(self, z: Tensor, other: Tensor | float, dt: float) -> Tensor:
        """Return what others really do in a period that begins at z, (n,)."""
        return torch.as_tensor(other).to(z).expand(len(z))

    def features(self, z: Tensor) -> Tensor:
        """Return what the network sees, (n, n_features), of about size 1."""
        raise NotImplementedError

    def moved(
        self, z: Tensor, u: Tensor, dt: float | Tensor, other: Tensor | float
    ) -> Tensor:
        """Return the states after `dt` seconds in which the controls are held."""
        raise NotImplementedError

    def teacher(self, z: Tensor) -> Tensor:
        """Return what the teacher does, (n, n_controls)."""
        raise NotImplementedError

    def room(self, z: Tensor) -> Tensor:
        """Return the distance that is left, in m: below 0 is a violation."""
        raise NotImplementedError

    def over(self, z: Tensor) -> Tensor:
        """Return which episodes have come to their end."""
        raise NotImplementedError

    def barrier(self, gamma: Gamma) -> BarrierFunction:
        """Return the barrier in continuous time."""
        raise NotImplementedError

    def limits(self, scene: Scene) -> list[Constraint]:
        """Return the limits of controls, and of the speed after a period."""
        if not scene.limited:
            return []
        column, (slowest, fastest) = self.speed

        def ends(context: Mapping[str, Any]) -> Tensor:
            v = context["state"][:, column]
            ends = torch.stack([fastest - v, v - slowest], dim=1)
            return ends.clamp_min(0) / scene.period

        unit = [0.0] * (self.n_controls - 1) + [1.0]  # the last one accelerates
        speeds = HalfSpaces([unit, [-one for one in unit]], ends)
        return [Bounds([-one for one in self.highest], list(self.highest)), speeds]

    def discrete(self, period: float, margin: float = 0.0) -> DiscreteBarrier:
        """Return the barrier from sample to sample, with room to brake."""
        raise NotImplementedError

    def margin(self, size: float, period: float) -> float:
        """Return what the room can be less between two samples than at both.

        A function whose second derivative is at most M lies at most M t^2 / 8 below
        the straight line between its values at times t apart.
        """
        return self.bend(size) * period**2 / 8

    def bend(self, size: float) -> float:
        """Return the largest second derivative of the room within the limits."""
        raise NotImplementedError


def uniform(low: float, high: float, n: int, rng: torch.Generator) -> Tensor:
    """Draw n numbers of float64."""
    return low + (high - low) * torch.rand(n, generator=rng, dtype=torch.float64)


# ------------------------------------------------------------------------------ robot


class Robot(Problem):
    """A unicycle x' = v cos a, y' = v sin a, a' = u1, v' = u2 passes a disc at (0, 0).

    The state is x, y, a, v, the radius of the disc, and the goal's x and y. The barrier
    x^2 + y^2 - radius^2 is of order 2. The teacher goes the shortest way: straight to
    the goal if the disc is not in the way, else along the tangent, `spare` off it.
    """

    n_features, n_controls, order = 8, 2, 2
    epochs = 200
    steps, period, highest = 140, 0.1, (1.5, 2.0)
    speed = (3, (0.0, 2.5))
    scenes = (
        Scene("radius 1.5 to 2.5 m, as trained", (1.5, 2.5), 0.1, False),
        Scene("radius 0.7 m", (0.7, 0.7), 0.1, False),
        Scene("radius 4 m", (4.0, 4.0), 0.1, False),
        Scene("as trained, controls limited", (1.5, 2.5), 0.1),
        Scene("the same, every 0.5 s", (1.5, 2.5), 0.5),
    )
    usual, spare, near = 2.0, 0.3, 0.7

    def begin(self, n: int, scene: Scene, rng: torch.Generator) -> Tensor:
        """Start on the left, heading roughly for a goal on the right."""
        x, y = uniform(-11, -7, n, rng), uniform(-2.5, 2.5, n, rng)
        goal_x, goal_y = uniform(7, 11, n, rng), uniform(-2.5, 2.5, n, rng)
        angle = torch.atan2(goal_y - y, goal_x - x) + uniform(-0.3, 0.3, n, rng)
        speed, radius = uniform(0.5, 2, n, rng), uniform(*scene.size, n, rng)
        return torch.stack([x, y, angle, speed, radius, goal_x, goal_y], dim=1)

    def features(self, z: Tensor) -> Tensor:
        """Return bearings and distances of disc and goal, the speed and the radius."""
        x, y, angle, v, radius, goal_x, goal_y = z.unbind(1)
        disc = torch.atan2(-y, -x) - angle
        goal = torch.atan2(goal_y - y, goal_x - x) - angle
        left = torch.hypot(goal_x - x, goal_y - y)
        parts = [disc.cos(), disc.sin(), goal.cos(), goal.sin(), left / 6 - 1]
        parts += [torch.hypot(x, y) / 3 - 2, v - 1, radius - 2]
        return torch.stack(parts, dim=1)

    def rates(self, z: Tensor, u: Tensor) -> Tensor:
        """Return how fast the state changes."""
        angle, v, still = z[:, 2], z[:, 3], torch.zeros_like(z[:, 0])
        parts = [v * angle.cos(), v * angle.sin(), u[:, 0], u[:, 1]]
        return torch.stack([*parts, still, still, still], dim=1)

    def moved(
        self, z: Tensor, u: Tensor, dt: float | Tensor, other: Tensor | float = 0.0
    ) -> Tensor:
        """Return the state by Runge and Kutta's method, exact to about 1e-7 m."""
        n = max(1, round(float(torch.as_tensor(dt).max()) / 0.05))
        h = torch.as_tensor(dt).to(z).reshape(-1, 1) / n
        for _ in range(n):
            k1 = self.rates(z, u)
            k2 = self.rates(z + h / 2 * k1, u)
            k3 = self.rates(z + h / 2 * k2, u)
            k4 = self.rates(z + h * k3, u)
            z = z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return z

    def teacher(self, z: Tensor) -> Tensor:
        """Steer for the goal or along the tangent, and slow down before the goal."""
        x, y, angle, v, radius, goal_x, goal_y = z.unbind(1)
        keep, away = radius + self.spare, torch.hypot(x, y)
        to_goal = torch.atan2(goal_y - y, goal_x - x)
        to_disc = torch.atan2(-y, -x)
        beside = wrapped(to_goal - to_disc)
        half = torch.asin((keep / away).clamp(max=1.0)) + 3 * (keep - away).clamp_min(0)
        tangent = (away.square() - keep.square()).clamp_min(0).sqrt()
        left = torch.hypot(goal_x - x, goal_y - y)
        hidden = (beside.abs() < half) & (left > tangent)
        side = torch.where(beside < 0, -1.0, 1.0)
        aim = torch.where(hidden, to_disc + side * half, to_goal)
        turn = 4 * wrapped(aim - angle)
        speed = (0.8 * left).clamp_max(self.usual)
        u = torch.stack([turn, 2 * (speed - v)], dim=1)
        most = torch.tensor(self.highest).to(u)
        return torch.clamp(u, -most, most)

    def room(self, z: Tensor) -> Tensor:
        """Return the distance from the disc."""
        return torch.hypot(z[:, 0], z[:, 1]) - z[:, 4]

    def over(self, z: Tensor) -> Tensor:
        """Tell who is at the goal."""
        return torch.hypot(z[:, 5] - z[:, 0], z[:, 6] - z[:, 1]) < self.near

    def barrier(self, gamma: Gamma) -> BarrierFunction:
        """Return x^2 + y^2 - radius^2, of order 2."""

        def b(z: Tensor) -> Tensor:
            return z[:, 0].square() + z[:, 1].square() - z[:, 4].square()

        def f(z: Tensor) -> Tensor:
            return self.rates(z, torch.zeros_like(z[:, :2]))

        def g(z: Tensor) -> Tensor:
            one = torch.zeros(7, 2, dtype=z.dtype)
            one[2, 0] = one[3, 1] = 1.0
            return one.expand(len(z), 7, 2)

        return BarrierFunction(b, f, g, order=2, gamma=gamma)

    def discrete(self, period: float, margin: float = 0.0) -> DiscreteBarrier:
        """Return the distance without what straight braking comes nearer.

        Braking goes v^2 / 2a ahead, and nearer by at most the cosine of that, as a
        distance is convex along a line. The last period brakes less, so as to stand at
        its end. So full braking keeps h >= 0, within the limits and for any period.
        """
        most = self.highest[1]

        def stopping(v: Tensor) -> Tensor:
            """Return the way to a stop, over the speed."""
            last = v.clamp_max(most * period / 2) / v.clamp_min(1e-9)
            return v / (2 * most) + last * (period - last * v / most) / 2

        def h(z: Tensor) -> Tensor:
            x, y, angle, v = z[:, :4].unbind(1)
            away = torch.hypot(x, y)
            closing = -v * (x * angle.cos() + y * angle.sin()) / away
            # closing / v is the cosine; h has no edge where v is 0.
            return away - z[:, 4] - closing.clamp_min(0) * stopping(v.abs()) - margin

        gamma = 1 - math.exp(-RATE * period)
        return DiscreteBarrier(h, lambda z, u: self.moved(z, u, period), gamma)

    def bend(self, size: float) -> float:
        """Return that of the distance: turning round the disc, braking, steering."""
        turn, brake = self.highest
        fastest = self.speed[1][1]
        return fastest**2 / size + brake + fastest * turn


def wrapped(angle: Tensor) -> Tensor:
    """Return an angle from -pi to pi."""
    return torch.remainder(angle + math.pi, 2 * math.pi) - math.pi


# ------------------------------------------------------------------------------- cars


class Merging(Problem):
    """A car x' = v, v' = u comes to a merging point behind the car that goes first.

    In the control zone, 400 m, it keeps a gap of phi v + delta. The state is x, v of
    the car, x, v of the one in front (on its own road, in distance from its entry), and
    phi. The barrier is of order 1. Controls are limited to 0.4 g, speeds to 5 to 30
    m/s. The teacher plans again each time: of the ways with linear acceleration it
    takes the one with the least energy and time, unless it would break the gap within
    6 seconds if the car in front goes on at its speed. Then it takes the highest
    constant acceleration that does not.
    """

    n_features, n_controls, order = 5, 1, 1
    epochs = 60
    steps, period, highest = 170, 0.2, (3.924,)
    speed = (1, (5.0, 30.0))
    scenes = (
        Scene("gap of 1.8 s, as trained", (1.8, 1.8), 0.2),
        Scene("gap of 1 s", (1.0, 1.0), 0.2),
        Scene("gap of 2.6 s", (2.6, 2.6), 0.2),
        Scene("as trained, every 1 s", (1.8, 1.8), 1.0),
        Scene("the car in front brakes twice as hard", (1.8, 1.8), 0.2, harder=2.0),
    )
    zone, delta = 400.0, 0.0
    front_brakes = 2.0  # m/s^2, what everybody is told of the car in front
    time_is_worth, spare = 3.0, 2.0  # (m/s^2)^2 per second; m

    def begin(self, n: int, scene: Scene, rng: torch.Generator) -> Tensor:
        """Start at the entry, at least as far behind as the gap and braking need."""
        v, front = uniform(15, 25, n, rng), uniform(14, 25, n, rng)
        phi = uniform(*scene.size, n, rng)
        need = phi * v + self.delta + self.brakes(v - front, phi)
        x = torch.zeros_like(v)
        ahead = need + uniform(1, 50, n, rng)
        return torch.stack([x, v, ahead, front, phi], dim=1)

    def disturbances(
        self, n: int, steps: int, scene: Scene, rng: torch.Generator
    ) -> Tensor:
        """Return accelerations of the car in front, which change every 3 seconds."""
        most = self.front_brakes * scene.harder
        blocks = math.ceil(steps * scene.period / 3)
        drawn = uniform(-most, most, blocks * n, rng).reshape(blocks, n)
        return drawn.repeat_interleave(math.ceil(3 / scene.period), dim=0)[:steps]

    def possible(self, z: Tensor, other: Tensor | float, dt: float) -> Tensor:
        """Keep the car in front at 12 to 28 m/s."""
        front = z[:, 3]
        other = super().possible(z, other, dt)
        return torch.clamp(other, (12 - front) / dt, (28 - front) / dt)

    def features(self, z: Tensor) -> Tensor:
        """Return place, speed, the room left, the difference of speeds, and phi."""
        x, v, ahead, front, phi = z.unbind(1)
        room = (ahead - x - phi * v - self.delta) / 30
        parts = [x / 200 - 1, (v - 20) / 5, room, (front - v) / 5, phi - 1.8]
        return torch.stack(parts, dim=1)

    def moved(
        self, z: Tensor, u: Tensor, dt: float | Tensor, other: Tensor | float
    ) -> Tensor:
        """Return the state; `other` is the acceleration of the car in front."""
        x, v, ahead, front, phi = z.unbind(1)
        parts = [x + dt * v + dt**2 / 2 * u[:, 0], v + dt * u[:, 0]]
        parts += [ahead + dt * front + dt**2 / 2 * other, front + dt * other, phi]
        return torch.stack(parts, dim=1)

    def teacher(self, z: Tensor) -> Tensor:
        """Go the cheapest way, or as fast as the gap allows over the next 6 seconds."""
        x, v, ahead, front, phi = (part[:, None] for part in z.unbind(1))
        # 100 m behind the merging point, so that the plan does not end at once.
        far = self.zone + 100 - x
        time = far / torch.linspace(*self.speed[1], 120, dtype=z.dtype)
        # Least energy: the acceleration falls linearly to 0 at the end.
        slope = 3 * (far - v * time) / time**3
        cost = self.time_is_worth * time + slope.square() * time**3 / 6
        cheapest = (slope * time).gather(1, cost.argmin(1, keepdim=True))
        t = torch.linspace(0.5, 6, 12, dtype=z.dtype)
        room = ahead - x - phi * v - self.delta - self.spare
        allowed = (room + (front - v) * t) / (phi * t + t.square() / 2)
        u = torch.minimum(cheapest, allowed.amin(1, keepdim=True))
        return u.clamp(-self.highest[0], self.highest[0])

    def room(self, z: Tensor) -> Tensor:
        """Return how much longer the gap is than it has to be."""
        x, v, ahead, _, phi = z.unbind(1)
        return ahead - x - phi * v - self.delta

    def over(self, z: Tensor) -> Tensor:
        """Tell who has merged."""
        return z[:, 0] >= self.zone

    def barrier(self, gamma: Gamma) -> BarrierFunction:
        """Return the room, of order 1."""

        def f(z: Tensor) -> Tensor:
            still = torch.zeros_like(z[:, 0])
            return torch.stack([z[:, 1], still, z[:, 3], still, still], dim=1)

        def g(z: Tensor) -> Tensor:
            one = torch.zeros(5, 1, dtype=z.dtype)
            one[1] = 1.0
            return one.expand(len(z), 5, 1)

        return BarrierFunction(self.room, f, g, order=1, gamma=gamma)

    def brakes(self, closing: Tensor, phi: Tensor) -> Tensor:
        """Return the room that goes while both brake as hard as they can.

        It shrinks as long as the car comes nearer faster than phi times its own
        braking, which takes until the difference of both brakings has made up for it.
        """
        own, front = self.highest[0], self.front_brakes
        fast = (closing - phi * own).clamp_min(0)
        return fast.square() / (2 * (own - front))

    def discrete(self, period: float, margin: float = 0.0) -> DiscreteBarrier:
        """Return the room without what braking takes, if the car in front brakes."""

        def h(z: Tensor) -> Tensor:
            return self.room(z) - self.brakes(z[:, 1] - z[:, 3], z[:, 4]) - margin

        def after(z: Tensor, u: Tensor) -> Tensor:
            brakes = self.possible(z, -self.front_brakes, period)
            return self.moved(z, u, period, brakes)

        return DiscreteBarrier(h, after, 1 - math.exp(-RATE * period))

    def bend(self, size: float) -> float:
        """Return the difference of accelerations."""
        return self.highest[0] + self.front_brakes
