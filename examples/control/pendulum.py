"""Swing a pendulum up and hold it, without seeing its speed: clones of an expert.

    python examples/control/pendulum.py            the table; some minutes
    python examples/control/pendulum.py --quick    one seed, three models, 20 episodes

The physics are those of gymnasium's Pendulum-v1: the motor is too weak to lift the
pendulum at once, it has to swing. The expert sees angle and rate: it pumps energy, and
near the top a linear-quadratic regulator takes over. The clones see cosine and sine of
the angle with noise. They are fitted on 96 recordings of 10 seconds at 20 actions per
second, and then once more, together with 96 recordings in which the first clone of the
same model acted and the expert said what it would have done (one round of DAgger). They
play 100 episodes of 10 seconds that begin as gymnasium's do, at that rate and others.
An episode counts as held if the pendulum stands within 0.3 rad in all of its last 2
seconds. The last rows of the table are models that were fitted in the same way on as
many recordings at three rates: 44, 20 and 9 actions per second.
"""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import numpy as np
from cloning import (
    ONE_RATE,
    THREE_RATES,
    THREE_RATES_TOO,
    Demonstrations,
    Expert,
    Setting,
    arguments,
    learn,
    play,
    spread,
)
from numpy.typing import NDArray
from plants import Pendulum, lqr

SECONDS, EPISODES = 10.0, 100
RECORDINGS, STEPS, EPOCHS = 96, 200, 300
NOISE = 0.01  # of cosine and sine, in training
UPRIGHT, AT_THE_END = 0.3, 2.0  # rad, seconds
SETTINGS = (
    Setting("as trained"),
    Setting("half rate", period=2),
    Setting("double rate", period=0.5),
    Setting("30 % lost", dropped=0.3),
    Setting("50 % lost", dropped=0.5),
    Setting("5 x noise", noise=5),
)


def expert(plant: Pendulum) -> NDArray:
    """Return the torque that swings up, or near the top the one that holds."""
    angle, rate = wrapped(plant.state[:, 0]), plant.state[:, 1]
    weight = 3 * plant.gravity / (2 * plant.length)
    push = 3 / (plant.mass * plant.length**2)
    A, B = np.array([[0.0, 1.0], [weight, 0.0]]), np.array([[0.0], [push]])
    K, _ = lqr(A, B, np.diag([10.0, 1.0]), np.array([[1.0]]), plant.period)
    hold = -(np.stack([angle, rate], axis=1) @ K.T)[:, 0]
    missing = weight - (rate**2 / 2 + weight * np.cos(angle))
    swing = missing * rate
    torque = np.where((np.abs(angle) < 0.5) & (np.abs(hold) < 3), hold, swing)
    return np.clip(torque, -plant.limit, plant.limit)


def wrapped(angle: NDArray) -> NDArray:
    """Return angles from -pi to pi."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


def begun(plant: Pendulum, rng: np.random.Generator) -> Pendulum:
    """Return the plant with episodes that begin as gymnasium's do."""
    plant.begin(rng.uniform(-1, 1, (plant.n, 2)) * np.array([np.pi, 1.0]))
    return plant


def record(n: int, rate: float, seed: int, driver: Any) -> Demonstrations:
    """Return what the expert does, or would do where a clone acts."""
    rng = np.random.default_rng(seed)
    plant = begun(Pendulum(n, rate * Pendulum.own_period), rng)
    push, seen, done = np.zeros(n), [], []
    always = np.ones(n, dtype=bool)
    for _ in range(STEPS):
        seen.append(plant.observe() + NOISE * rng.normal(size=(n, 2)))
        done.append(expert(plant))
        action = done[-1]
        if driver is not None:
            action = driver.act(seen[-1], plant.period, arrived=always)
        push = 0.9 * push + 0.3 * rng.normal(size=n)
        plant.step(action + push)
    time = np.tile(plant.period * np.arange(STEPS), (n, 1))
    return Demonstrations(np.stack(seen, 1), np.stack(done, 1), time)


def episodes(make: Any, setting: Setting, n: int, seed: int) -> float:
    """Return the part of episodes that end upright."""
    plant = begun(
        Pendulum(n, setting.period * Pendulum.own_period), np.random.default_rng(seed)
    )
    states = play(make(plant), plant, setting, SECONDS, NOISE, seed + 1)
    last = states[-round(AT_THE_END / plant.period) :, :, 0]
    return float((np.abs(wrapped(last)) < UPRIGHT).all(axis=0).mean())


def compare(
    given: Namespace, models: tuple[str, ...], rates: tuple[float, ...]
) -> None:
    """Fit every model with every seed, and print what it holds."""
    report, seeds = given.report, range(given.seeds)
    n, recordings = (20, 48) if given.quick else (EPISODES, RECORDINGS)

    def row(name: str, parameters: str, makers: list) -> None:
        found = (
            [episodes(make, setting, n, 10 * s) for s, make in enumerate(makers)]
            for setting in SETTINGS
        )
        report.row([name, parameters, *(spread(100 * np.array(p)) for p in found)])

    if rates == ONE_RATE:
        report.line(
            f"Episodes that end upright, in %: mean over {given.seeds} seed(s) of {n} "
            "episodes, range in brackets"
        )
        makers = [lambda plant: Expert(expert, plant)] * given.seeds
        report.head(["model", "parameters", *(setting.name for setting in SETTINGS)])
        row("expert (sees the rate)", "", makers)
    for name in models:
        clones = [
            learn(name, record, recordings, seed, EPOCHS, rates) for seed in seeds
        ]
        makers = [lambda plant, c=clone: c.policy(plant.n) for clone in clones]
        more = "" if rates == ONE_RATE else ", three rates"
        row(name + more, str(clones[0].parameters), makers)


def main() -> None:
    """Print the table."""
    given = arguments(__doc__, "pendulum")
    compare(given, given.models, ONE_RATE)
    recurrent = tuple(name for name in given.models if name in THREE_RATES_TOO)
    compare(given, recurrent, THREE_RATES)


if __name__ == "__main__":
    main()
