"""Learn to act without an expert: recurrent PPO with liquid policies and others.

    python examples/control/reinforcement.py            tables and a picture; an hour
    python examples/control/reinforcement.py --quick    one seed, three models, minutes

Rewards are all there is to learn from, and speeds are not seen: a pole on a cart (a
reward for each moment that it stands), and a pendulum that has to swing up (reward as
in gymnasium's Pendulum-v1). ppo.py has the loop. All settings were chosen with the LSTM
and another seed, and are the same for all models. All take as many actions. Some are
trained once more with 30 % of the frames lost.

What was trained becomes a `FittedModel` (`deployable`). `LiquidPolicy` then plays it as
it plays clones, without noise on the actions, in 100 episodes of 10 seconds at other
rates, with lost frames and with more noise of the sensors. Every run is written to a
file when it ends, and those that are there already are not repeated: delete the file
after a change.
"""

from __future__ import annotations

import copy
import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import torch
from cartpole import NOISE as CART_NOISE
from cloning import (
    FEED_FORWARD,
    MODELS,
    NEURONS,
    RECURRENT,
    Setting,
    arguments,
    play,
    spread,
)
from numpy.typing import NDArray
from pendulum import AT_THE_END, SECONDS, SETTINGS, UPRIGHT, wrapped
from pendulum import NOISE as PENDULUM_NOISE
from plants import CartPole, Pendulum, Plant
from ppo import Episodes, Frames, Learner, Settings, Task, Units, as_tensor, mapped

from LNN import LiquidRegressor
from LNN.estimators.fitted import FittedModel
from LNN.streaming import LiquidPolicy

EPISODES = 100
LOST = 0.3  # of the frames, in the second training
LOST_TOO = ("CfC, NCP", "LTC, NCP", "LSTM", "GRU")
HOW = Settings()
COLOURS = {name: f"C{place}" for place, name in enumerate(MODELS)}


class Problem(NamedTuple):
    """A task, for how many updates it is learnt, and what counts as held."""

    task: Task
    updates: int
    held: Callable[[Plant, NDArray], NDArray]
    title: str


class Runner(NamedTuple):
    """What acts after training, for n episodes, and how many numbers it has learnt."""

    policy: Callable[[int], Any]
    parameters: int


def stands(states: NDArray, force: NDArray) -> NDArray:
    """Return a reward for each period: those after a failure are not played."""
    return np.full(len(states), 0.1)


def near_the_top(states: NDArray, torque: NDArray) -> NDArray:
    """Return gymnasium's reward for a pendulum, as a tenth of it."""
    angle, rate = wrapped(states[:, 0]), states[:, 1]
    torque = np.clip(torque, -Pendulum.own_limit, Pendulum.own_limit)
    return -0.1 * (angle**2 + 0.1 * rate**2 + 0.001 * torque**2)


def swung_up(plant: Plant, states: NDArray) -> NDArray:
    """Tell which pendulums stand at the end; `states` are (T, n, 2)."""
    last = states[-round(AT_THE_END / plant.period) :, :, 0]
    return (np.abs(wrapped(last)) < UPRIGHT).all(axis=0)


PROBLEMS = {
    "cart": Problem(
        Task(
            CartPole,
            lambda n, rng: rng.uniform(-0.05, 0.05, (n, 4)),
            stands,
            lambda states: states / [2.4, 2.0, 0.2, 2.0],
            SECONDS,
            CART_NOISE,
        ),
        60,
        lambda plant, states: plant.alive,
        "A pole on a cart: reward of an episode, 50 at most",
    ),
    "pendulum": Problem(
        Task(
            Pendulum,
            lambda n, rng: rng.uniform(-1, 1, (n, 2)) * [np.pi, 1.0],
            near_the_top,
            lambda states: np.column_stack(
                [np.cos(states[:, 0]), np.sin(states[:, 0]), states[:, 1] / 4]
            ),
            SECONDS,
            PENDULUM_NOISE,
        ),
        120,
        swung_up,
        "A pendulum that has to swing up: reward of an episode",
    ),
}


# ---------------------------------------------------------------- actors and policies


def random_play(task: Task, seed: int) -> tuple[NDArray, NDArray, NDArray]:
    """Return observations (n, T, F), actions (n, T) and times of play at random."""
    n, steps = 32, 64
    episodes = Episodes(task, n, 1.0, seed)
    seen, done, when, now = [], [], [], np.zeros(n)
    for _ in range(steps):
        seen.append(episodes.observe())
        done.append(episodes.rng.uniform(-1, 1, n) * episodes.plant.limit)
        when.append(now)
        waits = episodes.waits()
        held = episodes.hold(done[-1], waits)
        episodes.renew(held.failed | held.late)
        now = now + waits * episodes.plant.period
    return np.stack(seen, 1), np.stack(done, 1), np.stack(when, 1)


def untrained(name: str, task: Task, seed: int) -> FittedModel:
    """Return a model that knows the units and the time of a task, and nothing else.

    One epoch on actions at random, of which no part can be predicted, is what an
    estimator needs to learn units, scales and gaps.
    """
    seen, done, when = random_play(task, seed)
    model = LiquidRegressor(
        NEURONS,
        return_sequences=True,
        epochs=1,
        early_stopping=False,
        random_state=seed,
        **RECURRENT[name],
    )
    return model.fit(seen, done, timestamps=when).model_


def deployable(model: FittedModel, actor: Any) -> FittedModel:
    """Return the model with the network that was trained elsewhere.

    All that takes a fitted model takes this one: policies, streams, exports, pickles.
    """
    return replace(model, network=copy.deepcopy(actor).eval())


def forgetful(name: str, task: Task, seed: int) -> tuple[Frames, Units]:
    """Return a network of the last frames, and units for it."""
    seen, done, _ = random_play(task, seed)
    units = Units(
        (seen.mean((0, 1)), seen.std((0, 1))),
        (np.array([done.mean()]), np.array([done.std()])),
    )
    generator = torch.Generator().manual_seed(seed)
    return Frames(seen.shape[-1], 1, FEED_FORWARD[name], 32, generator), units


def learnt(name: str, task: Task, updates: int, seed: int) -> tuple[Runner, list]:
    """Train a policy; return what acts with it, and its learning curve."""
    model: FittedModel | None = None
    if name in FEED_FORWARD:
        actor: Any
        actor, units = forgetful(name, task, seed)
        last = actor.network[-1]
    else:
        model = untrained(name, task, seed)
        scalers = model.scaler, model.target_scaler
        units = Units(*((scaler.center_, scaler.scale_) for scaler in scalers))
        actor = copy.deepcopy(model.network)
        last = actor.readout[-1]
    with torch.no_grad():  # begin with small actions
        last.weight.mul_(0.1)
        last.bias.zero_()
    learner = Learner(actor, units, task, HOW, seed)
    curve: list[float] = []

    def note(done: int) -> None:
        curve.append(float(np.mean(learner.returns)) if learner.returns else np.nan)
        learner.returns.clear()

    learner.learn(updates, note)
    count = sum(weights.numel() for weights in actor.parameters())
    if model is None:
        return Runner(partial(FramesPolicy, actor, units), count), curve
    return Runner(partial(LiquidPolicy, deployable(model, actor)), count), curve


class FramesPolicy:
    """Acts by the last frames that arrived, in the units of the plant."""

    def __init__(self, actor: Frames, units: Units, n: int):
        self.actor, self.units = actor, units
        self.state: Any = None
        self.action = np.zeros(n)

    @torch.no_grad()
    def act(self, observation: NDArray, dt: float, *, arrived: NDArray) -> NDArray:
        """Return the actions of all episodes."""
        centre, scale = self.units.seen
        inputs = as_tensor((observation - centre) / scale)[:, None]
        outputs, state = self.actor(inputs, state=self.state, return_state=True)
        action = outputs[:, 0, 0].double().numpy() * self.units.done[1]
        self.action = np.where(arrived, action + self.units.done[0], self.action)
        new = as_tensor(arrived)[:, None]
        before = mapped(state, torch.zeros_like) if self.state is None else self.state
        self.state = (state[0] * new + before[0] * (1 - new),)
        return self.action


# ------------------------------------------------------------------------------- runs


def score(
    problem: Problem, runner: Runner, setting: Setting, seed: int, n: int
) -> float:
    """Return the part of new episodes that is held."""
    kind = type(problem.task.plant(1))
    plant = kind(n, setting.period * kind.own_period)
    plant.begin(problem.task.begin(n, np.random.default_rng(seed)))
    policy = runner.policy(n)
    states = play(policy, plant, setting, SECONDS, problem.task.noise, seed + 1)
    return float(problem.held(plant, states).mean())


class Run(NamedTuple):
    """One training: which, and what came of it."""

    problem: str
    lost: float
    model: str
    seed: int
    updates: int
    parameters: int
    held: dict[str, float]
    curve: list[float]

    @property
    def key(self) -> tuple:
        """What tells it from others."""
        return self[:5]


def run(name: str, lost: float, model: str, seed: int, quick: bool) -> Run:
    """Train a model and test it."""
    problem = PROBLEMS[name]
    task = problem.task._replace(lost=lost)
    runner, curve = learnt(model, task, problem.updates, seed)
    n = 20 if quick else EPISODES
    held = {s.name: score(problem, runner, s, 10 * seed, n) for s in SETTINGS}
    return Run(name, lost, model, seed, problem.updates, runner.parameters, held, curve)


def runs(given: Namespace, path: Path) -> Iterator[Run]:
    """Give all runs: those that a file holds, and others as they end."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    known = {found.key: found for found in (Run(*json.loads(line)) for line in lines)}
    if known:
        print(f"{path} holds {len(known)} runs, which are not repeated.", flush=True)
    for key in planned(given):
        if key not in known:
            known[key] = run(*key[:4], given.quick)
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(known[key]) + "\n")
        yield known[key]


def planned(given: Namespace) -> Iterator[tuple]:
    """Give what tells runs apart, in the order of running."""
    for lost in (0.0, LOST):
        for name, problem in PROBLEMS.items():
            for model in given.models:
                if not lost or model in LOST_TOO:
                    for seed in range(given.seeds):
                        yield name, lost, model, seed, problem.updates


# ----------------------------------------------------------------- tables and picture


def draw(found: list[Run], path: Path) -> None:
    """Draw the learning curves: mean over seeds, and the range as a band."""
    names = list(dict.fromkeys(run.problem for run in found))
    figure, axes = plt.subplots(
        len(names), 2, figsize=(10, 3.4 * len(names)), squeeze=False, sharey="row"
    )
    for row, name in zip(axes, names, strict=True):
        for axis, lost in zip(row, (0.0, LOST), strict=True):
            part = [run for run in found if (run.problem, run.lost) == (name, lost)]
            curves(axis, part)
            frames = f"{lost:.0%} of the frames lost" if lost else "all frames"
            axis.set_title(f"{PROBLEMS[name].title}\n{frames}", fontsize=9)
            axis.set_xlabel("thousand actions in training")
    axes[0, 0].legend(fontsize=7)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def curves(axis: Any, found: list[Run]) -> None:
    """Draw those of one training, smoothed over five updates."""
    for model in dict.fromkeys(run.model for run in found):
        kept = np.array([smooth(r.curve) for r in found if r.model == model])
        actions = HOW.episodes * HOW.steps / 1000 * np.arange(1, kept.shape[1] + 1)
        axis.plot(actions, kept.mean(0), color=COLOURS[model], label=model, lw=1.2)
        low, high = kept.min(0), kept.max(0)
        axis.fill_between(actions, low, high, color=COLOURS[model], alpha=0.12, lw=0)


def smooth(curve: list[float]) -> NDArray:
    """Return means over five updates, without those in which no episode ended."""
    values = np.asarray(curve, dtype=float)
    known = ~np.isnan(values)
    five = np.ones(5)
    sums = np.convolve(np.where(known, values, 0.0), five)[: len(values)]
    counts = np.convolve(known.astype(float), five)[: len(values)]
    return np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)


def tables(given: Namespace, found: list[Run]) -> None:
    """Print a table for each task."""
    report = given.report
    for name in dict.fromkeys(run.problem for run in found):
        report.line("")
        report.line(
            f"{PROBLEMS[name].title.split(':')[0]}: episodes held in %, mean over "
            f"{given.seeds} seed(s), range in brackets"
        )
        report.head(["model", "parameters", *(setting.name for setting in SETTINGS)])
        part = [run for run in found if run.problem == name]
        for lost, model in dict.fromkeys((run.lost, run.model) for run in part):
            same = [run for run in part if (run.lost, run.model) == (lost, model)]
            held = (
                spread(100 * run.held[setting.name] for run in same)
                for setting in SETTINGS
            )
            how = f", {lost:.0%} lost in training".replace("%", " %") if lost else ""
            report.row([model + how, str(same[0].parameters), *held])


def main() -> None:
    """Train, and show tables and learning curves."""
    given = arguments(__doc__, "reinforcement")
    name = "control_reinforcement" + ("_quick" if given.quick else "")
    found = []
    for one in runs(given, given.out / f"{name}.jsonl"):
        print(one.problem, one.lost, one.model, one.seed, one.held, flush=True)
        found.append(one)
    tables(given, found)
    draw(found, given.out / f"{name}.png")


if __name__ == "__main__":
    main()
