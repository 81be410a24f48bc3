"""Balance a pole on a cart from positions alone: clones of an expert, in closed loop.

    python examples/control/cartpole.py            the table; some minutes
    python examples/control/cartpole.py --quick    one seed, three models, 20 episodes

The physics are those of gymnasium's CartPole-v1, with a force of any size up to 10 N.
The expert is a linear-quadratic regulator that sees all four numbers of the state. The
clones see position and angle with noise, and no speeds: they have to remember. They are
trained at one rate of control, 50 per second, on 128 recordings of 5 seconds in which
the expert's force is disturbed, so that they show how to recover (no further rounds in
closed loop are needed). They play 100 episodes of 10 seconds that begin as gymnasium's
do, at that rate and at half and twice of it, with frames lost and with more noise.
"""

from __future__ import annotations

import numpy as np
from cloning import (
    Demonstrations,
    Expert,
    Report,
    Setting,
    arguments,
    fit,
    play,
    spread,
)
from numpy.typing import NDArray
from plants import CartPole, lqr

SECONDS, EPISODES = 10.0, 100
RECORDINGS, STEPS, EPOCHS = 128, 250, 100
NOISE = 0.002  # m and rad, in training
SETTINGS = (
    Setting("as trained"),
    Setting("half rate", period=2),
    Setting("double rate", period=0.5),
    Setting("30 % lost", dropped=0.3),
    Setting("50 % lost", dropped=0.5),
    Setting("half rate, 30 % lost", period=2, dropped=0.3),
    Setting("5 x noise", noise=5),
)
WIDE = np.array([1.0, 0.5, 0.12, 0.5])  # where demonstrations begin


def regulator(plant: CartPole) -> tuple[NDArray, NDArray]:
    """Return gains and costs of the best linear answer near the upright state."""
    # The change of the accelerations with each number of the state, at rest.
    at_rest, small = np.zeros((6, 4)), 1e-6
    at_rest[:4] += small * np.eye(4)
    force = np.array([0, 0, 0, 0, small, 0])
    cart, turn = plant.accelerations(at_rest, force)
    A, B = np.zeros((4, 4)), np.zeros((4, 1))
    A[0, 1] = A[2, 3] = 1.0
    A[1], A[3] = cart[:4] / small, turn[:4] / small
    B[1], B[3] = cart[4] / small, turn[4] / small
    return lqr(A, B, np.diag([1.0, 0.1, 10.0, 0.1]), np.array([[0.02]]), plant.period)


def expert(plant: CartPole) -> NDArray:
    """Return the best linear answer to the state, within the force's limit."""
    K, _ = regulator(plant)
    return np.clip(-(plant.state @ K.T)[:, 0], -plant.limit, plant.limit)


def demonstrate(n: int, steps: int, seed: int) -> Demonstrations:
    """Record the expert while somebody pushes the cart."""
    rng = np.random.default_rng(seed)
    plant = CartPole(n)
    plant.begin(rng.uniform(-1, 1, (n, 4)) * WIDE)
    push, seen, done = np.zeros(n), [], []
    for _ in range(steps):
        seen.append(plant.observe() + NOISE * rng.normal(size=(n, 2)))
        done.append(expert(plant))
        push = 0.9 * push + rng.normal(size=n)
        plant.step(done[-1] + push)
    kept = plant.alive  # a recording in which the pole fell shows nothing
    time = np.tile(plant.period * np.arange(steps), (kept.sum(), 1))
    return Demonstrations(np.stack(seen, 1)[kept], np.stack(done, 1)[kept], time)


def episodes(make, setting: Setting, n: int, seed: int) -> tuple[float, float]:
    """Return the part of episodes held for 10 seconds, and how far off the cart was."""
    plant = CartPole(n, setting.period * CartPole.own_period)
    plant.begin(np.random.default_rng(seed).uniform(-0.05, 0.05, (n, 4)))
    states = play(make(plant), plant, setting, SECONDS, NOISE, seed + 1)
    held = plant.alive
    far = np.sqrt(np.mean(states[:, held, 0] ** 2)) if held.any() else np.nan
    return float(held.mean()), float(far)


def compare(report: Report, models: tuple[str, ...], seeds: int, quick: bool) -> None:
    """Fit every model with every seed, and print what it holds."""
    n, recordings = (20, 48) if quick else (EPISODES, RECORDINGS)
    shown = [demonstrate(recordings, STEPS, 100 + seed) for seed in range(seeds)]
    report.line(
        f"Episodes held for {SECONDS:g} s in %, and how far the cart was from the "
        f"middle in those (root mean square, cm): mean over {seeds} seed(s) of {n} "
        "episodes, range in brackets"
    )
    report.head(["model", "parameters", *(setting.name for setting in SETTINGS)])

    def row(name: str, parameters: str, makers: list) -> None:
        cells = []
        for setting in SETTINGS:
            found = [episodes(m, setting, n, 10 * s) for s, m in enumerate(makers)]
            held, far = np.array(found).T
            distance = "-" if np.isnan(far).all() else f"{100 * np.nanmean(far):.1f}"
            cells.append(f"{spread(100 * held)}; {distance}")
        report.row([name, parameters, *cells])

    row("expert (sees speeds)", "", [lambda plant: Expert(expert, plant)] * seeds)
    for name in models:
        clones = [fit(name, shown[s], s, EPOCHS) for s in range(seeds)]
        makers = [lambda plant, c=c: c.policy(plant.n) for c in clones]
        row(name, str(clones[0].parameters), makers)


def main() -> None:
    """Print the table."""
    given = arguments(__doc__, "cartpole")
    compare(given.report, given.models, given.seeds, given.quick)


if __name__ == "__main__":
    main()
