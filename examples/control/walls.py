"""Walls beside the cart: what a layer of safety after a clone is worth.

    python examples/control/walls.py            the table; some minutes
    python examples/control/walls.py --quick    one seed, 20 episodes

The clones are those of cartpole.py. There are walls 40 cm beside the middle, of which
they know nothing. Episodes begin at the edge of the largest set of states that the
expert never leaves and in which neither wall nor motor nor pole reach their limits.
`LNN.safety` keeps the force within the motor's limit, and, by discrete barriers with
the exact equations and the true state (which a real cart would have to measure), either
the cart alone on its side of the walls, or the whole state in that set. Sensors have five times the noise of training.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from cartpole import (
    EPISODES,
    EPOCHS,
    NOISE,
    RECORDINGS,
    SECONDS,
    STEPS,
    demonstrate,
    regulator,
)
from cloning import Clone, Setting, arguments, fit, play
from numpy.typing import NDArray
from plants import CartPole
from torch import Tensor

from LNN.safety import Bounds, DiscreteBarrier, SafeOutput

WALL = 0.4  # m from the middle
# The cart's speed may not carry it past a wall in so many seconds.
BRAKING = 0.3
MODELS = ("CfC, NCP", "LTC, NCP", "LSTM")
KINDS = ("none", "force", "force, cart", "force, whole state")
GAMMA = 0.2
NOISY = Setting("5 x noise", noise=5)


class Watch:
    """Lets forces through a layer of safety, and counts what was not allowed."""

    def __init__(self, kind: str, plant: CartPole):
        self.plant, limit = plant, plant.limit
        layers = {
            "none": [],
            "force": [Bounds(-limit, limit)],
            "force, cart": [
                Bounds(-limit, limit),
                *(DiscreteBarrier(room(side), self.after, GAMMA) for side in (1, -1)),
            ],
            "force, whole state": [
                Bounds(-limit, limit),
                DiscreteBarrier(inside(plant), self.after, GAMMA),
            ],
        }
        self.layer = SafeOutput(layers[kind])
        self.beyond = self.unsolved = 0
        self.free = self.effect = torch.zeros(plant.n, 4)

    def after(self, state: Tensor, force: Tensor) -> Tensor:
        """Return the state after a period, which is affine in the force."""
        return self.free + force * self.effect

    def __call__(self, forces: NDArray, context: Mapping[str, Any]) -> NDArray:
        """Return safe forces; those of episodes that are over do not count."""
        plant, state = self.plant, context["state"]
        free, pushed = (
            plant.moved(state, np.full(plant.n, size), plant.period)
            for size in (0.0, 1.0)
        )
        self.free, self.effect = torch.tensor(free), torch.tensor(pushed - free)
        safe, safety = self.layer(torch.tensor(forces), {"state": torch.tensor(state)})
        alive = torch.tensor(plant.alive)
        self.beyond += int((safe[alive].abs() > plant.limit + 1e-9).sum())
        self.unsolved += int((~safety.feasible[alive]).sum())
        return safe.numpy()


def room(side: int) -> Callable[[Tensor], Tensor]:
    """Return what is left on this side (+1 or -1), without what braking needs."""
    return lambda state: WALL - side * (state[:, 0] + BRAKING * state[:, 1])


def inside(plant: CartPole) -> Callable[[Tensor], Tensor]:
    """Return how far inside a state is of what the expert never leaves, at most 1."""
    P = torch.tensor(safe_set(plant))
    return lambda state: 1 - torch.einsum("bi,ij,bj->b", state, P, state)


def safe_set(plant: CartPole) -> NDArray:
    """Return P of the largest set z P z <= 1 that the expert keeps in all limits."""
    K, P = regulator(plant)
    inverse = np.linalg.inv(P)
    sizes = (
        WALL**2 / inverse[0, 0],
        plant.steepest**2 / inverse[2, 2],
        plant.limit**2 / (K @ inverse @ K.T).item(),
    )
    return P / min(sizes)


def at_the_edge(plant: CartPole, rng: np.random.Generator) -> NDArray:
    """Return states of 80 to 100 % of the way to the edge of that set."""
    way = rng.normal(size=(plant.n, 4))
    way *= rng.uniform(0.8, 1.0, (plant.n, 1)) / np.linalg.norm(
        way, axis=1, keepdims=True
    )
    return np.linalg.solve(np.linalg.cholesky(safe_set(plant)).T, way.T).T


def between_walls(clone: Clone, kind: str, n: int, seed: int) -> NDArray:
    """Return counts: carts past a wall, poles fallen, forces, unsolved steps."""
    plant = CartPole(n)
    plant.begin(at_the_edge(plant, np.random.default_rng(seed)))
    watch = Watch(kind, plant)
    policy = clone.policy(n, safety=watch)
    states = play(policy, plant, NOISY, SECONDS, NOISE, seed, _true_state)
    past = (np.abs(states[..., 0]) > WALL).any(axis=0)
    return np.array([past.sum(), (~plant.alive).sum(), watch.beyond, watch.unsolved])


def _true_state(plant: CartPole) -> dict[str, NDArray]:
    return {"state": plant.state}


def compare(given: Namespace) -> None:
    """Print what happens without safety and with two kinds of it."""
    n = 20 if given.quick else EPISODES
    given.report.line(
        f"Walls at {100 * WALL:g} cm to both sides: sums over {given.seeds} seed(s) of "
        f"{n} episodes of {SECONDS:g} s"
    )
    given.report.head(
        ["model", "safety", "carts past a wall", "poles fallen"]
        + ["forces above 10 N", "steps without a safe force"]
    )
    for name in MODELS:
        clones = [
            fit(name, demonstrate(RECORDINGS, STEPS, 100 + seed), seed, EPOCHS)
            for seed in range(given.seeds)
        ]
        for kind in KINDS:
            counts = sum(
                between_walls(clone, kind, n, seed) for seed, clone in enumerate(clones)
            )
            given.report.row([name, kind, *map(str, counts)])


if __name__ == "__main__":
    compare(arguments(__doc__, "walls"))
