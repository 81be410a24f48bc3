"""Walls beside the cart: what a layer of safety after a clone is worth.

    python examples/control/walls.py            a table and a picture; some minutes
    python examples/control/walls.py --quick    one seed, 20 episodes
    python examples/control/walls.py --animate walls.gif   one episode, moving

The clones are those of cartpole.py. There are walls 40 cm beside the middle, of which
they know nothing. Episodes begin at the edge of the largest set of states that the
expert never leaves and in which neither wall nor motor nor pole reach their limits.
`LNN.safety` keeps the force within the motor's limit, and by discrete barriers either
the cart alone on its side of the walls, or the whole state in that set. The barriers
know the exact equations and the true state, which a real cart would have to measure.
Sensors have five times the noise of training.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
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
from moving import write
from numpy.typing import NDArray
from plants import CartPole
from torch import Tensor

from LNN.safety import Bounds, DiscreteBarrier, SafeOutput

WALL = 0.4  # m from the middle
# The cart's speed may not carry it past a wall in so many seconds.
BRAKING = 0.3
MODELS = ("CfC, NCP", "LTC, NCP", "LSTM")
DRAWN = "LTC, NCP"
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


class Played(NamedTuple):
    """What happened: states (T, n, 4), which poles stood to the end, and counts.

    The counts: carts past a wall, poles fallen, forces above the limit, steps without a
    safe force.
    """

    states: NDArray
    standing: NDArray
    counts: NDArray

    @property
    def positions(self) -> NDArray:
        """Where carts were, (T, n)."""
        return self.states[..., 0]


def between_walls(clone: Clone, kind: str, n: int, seed: int) -> Played:
    """Play episodes that begin at the edge of what is safe."""
    plant = CartPole(n)
    plant.begin(at_the_edge(plant, np.random.default_rng(seed)))
    watch = Watch(kind, plant)
    policy = clone.policy(n, safety=watch)
    states = play(policy, plant, NOISY, SECONDS, NOISE, seed, _true_state)
    past, alive = (np.abs(states[..., 0]) > WALL).any(axis=0), plant.alive
    counts = [past.sum(), (~alive).sum(), watch.beyond, watch.unsolved]
    return Played(states, alive, np.array(counts))


def _true_state(plant: CartPole) -> dict[str, NDArray]:
    return {"state": plant.state}


def compare(given: Namespace) -> None:
    """Print and draw what happens without safety and with three kinds of it."""
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
        first = {}
        for kind in KINDS:
            played = [between_walls(c, kind, n, seed) for seed, c in enumerate(clones)]
            counts = sum(one.counts for one in played)
            given.report.row([name, kind, *map(str, counts)])
            first[kind] = played[0]
        if name == DRAWN:
            draw(first, given.out / "control_walls.png")


def draw(played: dict[str, Played], path: Path) -> None:
    """Draw where the carts of one clone went, with and without safety."""
    shown = (KINDS[0], *KINDS[2:])
    titles = ("no safety", "barrier on the cart", "barrier on the whole state")
    figure, axes = plt.subplots(
        1, 3, figsize=(10, 3.2), sharey=True, layout="constrained"
    )
    for axis, kind, title in zip(axes, shown, titles, strict=True):
        positions, standing, counts = played[kind]
        time = CartPole.own_period * np.arange(1, len(positions) + 1)
        for x, stood in list(zip(positions.T, standing, strict=True))[:40]:
            moving = len(x) if stood else int(np.argmax(np.diff(x, append=x[-1]) == 0))
            colour = "tab:blue" if stood else "tab:red"
            axis.plot(time[:moving], x[:moving], color=colour, lw=0.7, alpha=0.6)
            if not stood:
                axis.plot(time[moving - 1], x[moving - 1], "x", color=colour, ms=4)
        for side in (-WALL, WALL):
            axis.axhline(side, color="k")
        past, fallen = counts[:2]
        axis.set_title(f"{title}\n{past} past a wall, {fallen} fallen", fontsize=10)
        axis.set_xlabel("seconds")
    axes[0].set_ylabel("cart, m")
    axes[0].set_ylim(-0.8, 0.8)
    figure.savefig(path, dpi=90)


# Every fifth state is a frame: ten a second, as fast as it really is.
EVERY = 5
SHOWN = {
    "none": "no safety",
    "force, cart": "barrier on the cart",
    "force, whole state": "barrier on the whole state",
}


def animate(path: Path) -> None:
    """Show an episode in which the three kinds of safety differ."""
    shown = demonstrate(RECORDINGS, STEPS, 100)
    clone = fit(DRAWN, shown, 0, EPOCHS)
    played = {kind: between_walls(clone, kind, EPISODES, 0) for kind in SHOWN}
    past = (np.abs(played["none"].positions) > WALL).any(axis=0)
    differs = past & ~played["force, cart"].standing
    episode = int(np.argmax(differs & played["force, whole state"].standing))
    figure, axes = plt.subplots(1, 3, figsize=(7.5, 2.4), layout="constrained")
    parts = []
    for axis, (kind, title) in zip(axes, SHOWN.items(), strict=True):
        axis.set(xlim=(-0.8, 0.8), ylim=(-0.15, 1.1), aspect="equal", yticks=[])
        axis.set_title(title, fontsize=9)
        for side in (-WALL, WALL):
            axis.axvline(side, color="k", lw=3)
        (cart,) = axis.plot([], [], color="tab:blue", lw=8, solid_capstyle="butt")
        (pole,) = axis.plot([], [], color="tab:orange", lw=3)
        parts.append((cart, pole, played[kind].states[::EVERY, episode]))

    def draw_at(frame: int) -> None:
        for cart, pole, states in parts:
            x, angle = states[frame, 0], states[frame, 2]
            seen = np.abs(states[: frame + 1, [0, 2]])
            lost = (seen > [WALL, CartPole.steepest]).any()
            cart.set_data([x - 0.08, x + 0.08], [0, 0])
            cart.set_color("tab:red" if lost else "tab:blue")
            pole.set_data([x, x + np.sin(angle)], [0.04, 0.04 + np.cos(angle)])

    write(figure, draw_at, len(parts[0][2]), path, 1 / (EVERY * CartPole.own_period))


def main() -> None:
    """Print the table, or animate."""
    given = arguments(__doc__, "walls", animates=True)
    if given.animate:
        animate(given.animate)
    else:
        compare(given)


if __name__ == "__main__":
    main()
