"""Follow a moving target in the wind with a quadrotor: clones of an expert.

    python examples/control/quadrotor.py            the table; some minutes
    python examples/control/quadrotor.py --quick    one seed, three models, 20 episodes

The expert is a linear-quadratic regulator that is told the whole state, the wind and
the speed of the target. The clones see where the target is and their own tilt, with
noise, 20 times per second: they have to find speeds and wind by themselves. Winds of
training have a mean of up to 2 m/s and gusts. As in pendulum.py a clone is fitted
twice, the second time with what the expert says of the first one's flights. Then winds,
rates and noise are others than those of training. Lost is a quadrotor whose target is
more than 3 m away, or that turned over. The last rows of the table are models that were
fitted in the same way on as many recordings at three rates: 44, 20 and 9 per second.
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
from plants import Quadrotor, lqr

SECONDS, EPISODES = 10.0, 100
RECORDINGS, STEPS, EPOCHS = 128, 160, 200
NOISE = 0.01  # m and rad, in training
SETTLED = 2.0  # seconds after which distances count
SETTINGS = (
    Setting("as trained"),
    Setting("no wind", wind=0),
    Setting("2.5 x wind", wind=2.5),
    Setting("half rate", period=2),
    Setting("double rate", period=0.5),
    Setting("30 % lost", dropped=0.3),
    Setting("5 x noise", noise=5),
)
WIDE = np.array([0.5, 0.5, 0.2, 0.5, 0.5, 0.5])


def expert(plant: Quadrotor) -> NDArray:
    """Return the best linear answer to the state beside what the wind asks for."""
    mass, g, drag = plant.mass, plant.gravity, plant.drag
    A, B = np.zeros((6, 6)), np.zeros((6, 2))
    A[0, 3] = A[1, 4] = A[2, 5] = 1.0
    A[3, 2], A[3, 3], A[4, 4] = -g, -drag / mass, -drag / mass
    B[4, 0], B[5, 1] = 1 / mass, 1 / plant.inertia
    Q = np.diag([10.0, 10.0, 1.0, 1.0, 1.0, 0.1])
    K, _ = lqr(A, B, Q, np.diag([0.2, 10.0]), plant.period)
    speed = plant.target_speed()
    wanted = np.zeros_like(plant.state)
    # Against the wind it leans; thrust and torque stay what they are.
    wanted[:, 2] = drag * (plant.wind - speed[:, 0]) / (mass * g)
    wanted[:, 3:5] = speed
    action = -(plant.state - wanted) @ K.T
    return np.clip(action, -plant.limit, plant.limit)


def begun(n: int, setting: Setting, seed: int) -> Quadrotor:
    """Return quadrotors near their targets."""
    plant = Quadrotor(n, setting.period * Quadrotor.own_period, seed)
    plant.begin(plant.rng.uniform(-1, 1, (n, 6)) * WIDE)
    plant.blow(setting.wind)
    return plant


def record(n: int, rate: float, seed: int, driver: Any) -> Demonstrations:
    """Return what the expert does, or would do where a clone flies."""
    rng = np.random.default_rng(seed)
    plant = begun(n, Setting("", period=rate), seed)
    push, seen, done = np.zeros((n, 2)), [], []
    always = np.ones(n, dtype=bool)
    for _ in range(STEPS):
        seen.append(plant.observe() + NOISE * rng.normal(size=(n, 3)))
        done.append(expert(plant))
        action = done[-1]
        if driver is not None:
            action = driver.act(seen[-1], plant.period, arrived=always)
        push = 0.8 * push + 0.1 * plant.limit * rng.normal(size=(n, 2))
        plant.step(action + push)
    kept = plant.alive  # one that was lost stands still, which shows nothing
    time = np.tile(plant.period * np.arange(STEPS), (kept.sum(), 1))
    return Demonstrations(np.stack(seen, 1)[kept], np.stack(done, 1)[kept], time)


def episodes(make: Any, setting: Setting, n: int, seed: int) -> tuple[float, float]:
    """Return the part of quadrotors that were not lost, and how far off they flew."""
    plant = begun(n, setting, seed)
    states = play(make(plant), plant, setting, SECONDS, NOISE, seed + 1)
    kept = plant.alive
    places = states[round(SETTLED / plant.period) :, kept, :2]
    far = np.sqrt(np.mean(np.sum(places**2, axis=2))) if kept.any() else np.nan
    return float(kept.mean()), float(far)


def compare(
    given: Namespace, models: tuple[str, ...], rates: tuple[float, ...]
) -> None:
    """Fit every model with every seed, and print how it flies."""
    report, seeds = given.report, range(given.seeds)
    n, recordings = (20, 48) if given.quick else (EPISODES, RECORDINGS)

    def row(name: str, parameters: str, makers: list) -> None:
        cells = []
        for setting in SETTINGS:
            found = [episodes(m, setting, n, 10 * s) for s, m in enumerate(makers)]
            kept, far = np.array(found).T
            lost = "" if kept.min() == 1 else f"; {percent(1 - kept.mean())} % lost"
            cells.append(f"{spread(100 * far[kept > 0])}{lost}")
        report.row([name, parameters, *cells])

    if rates == ONE_RATE:
        report.line(
            "Distance from the target (root mean square, cm), and quadrotors lost in % "
            f"if there are any: mean over {given.seeds} seed(s) of {n} episodes of "
            f"{SECONDS:g} s, range in brackets"
        )
        report.head(["model", "parameters", *(setting.name for setting in SETTINGS)])
        row("expert", "", [lambda plant: Expert(expert, plant)] * given.seeds)
    for name in models:
        clones = [
            learn(name, record, recordings, seed, EPOCHS, rates) for seed in seeds
        ]
        makers = [lambda plant, c=clone: c.policy(plant.n) for clone in clones]
        more = "" if rates == ONE_RATE else ", three rates"
        row(name + more, str(clones[0].parameters), makers)


def percent(part: float) -> str:
    """Return a part that is not 0 in words."""
    return "< 1" if part < 0.005 else f"{100 * part:.0f}"


def main() -> None:
    """Print the table."""
    given = arguments(__doc__, "quadrotor")
    compare(given, given.models, ONE_RATE)
    recurrent = tuple(name for name in given.models if name in THREE_RATES_TOO)
    compare(given, recurrent, THREE_RATES)


if __name__ == "__main__":
    main()
