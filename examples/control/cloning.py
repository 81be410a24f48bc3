"""Clones of an expert: demonstrations, the models that are compared, closed loops.

What cartpole.py, pendulum.py and quadrotor.py share. Every model is fitted on the same
recordings with their time stamps, and plays the same episodes.
"""

from __future__ import annotations

import argparse
import functools
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from plants import Plant
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from LNN import LiquidRegressor, LNNWarning
from LNN.streaming import LiquidPolicy

NEURONS = 19
RECURRENT = {
    "CfC, NCP": {"model_type": "CfC"},
    "CfC of the paper, NCP": {"model_type": "CfC", "mode": "default"},
    "LTC, NCP": {"model_type": "LTC"},
    "LSTM": {"model_type": "LSTM"},
    "GRU": {"model_type": "GRU"},
}
# Frames that a feed-forward network sees.
FEED_FORWARD = {"MLP, 1 frame": 1, "MLP, 8 frames": 8}
# Periods of control of training, beside the plant's own.
ONE_RATE, THREE_RATES = (1.0,), (0.45, 1.0, 2.2)
THREE_RATES_TOO = ("CfC, NCP", "CfC of the paper, NCP", "LTC, NCP", "LSTM", "GRU")
MODELS = (*RECURRENT, *FEED_FORWARD)
QUICK_MODELS = ("CfC, NCP", "LSTM", "MLP, 8 frames")


class Setting(NamedTuple):
    """In what a closed loop differs from training."""

    name: str
    period: float = 1.0  # in periods of training
    noise: float = 1.0  # in deviations of training
    dropped: float = 0.0  # part of the frames that is lost
    wind: float = 1.0  # in deviations of training


class Demonstrations(NamedTuple):
    """What sensors showed, (n, T, F), what the expert did, (n, T), and when."""

    seen: NDArray
    done: NDArray
    time: NDArray

    def joined(self, other: Demonstrations) -> Demonstrations:
        """Return both."""
        return Demonstrations(
            *(np.concatenate(pair) for pair in zip(self, other, strict=True))
        )


class Expert:
    """Acts by the true state of a plant; without a frame it holds its action too."""

    def __init__(self, law: Callable[[Plant], NDArray], plant: Plant):
        self.law, self.plant = law, plant
        self.action: NDArray | None = None

    def act(self, observation: Any, dt: float, *, arrived: NDArray, **_: Any) -> Any:
        """Return the actions of all episodes."""
        action = self.law(self.plant)
        if self.action is not None:
            lost = ~arrived.reshape(-1, *[1] * (action.ndim - 1))
            action = np.where(lost, self.action, action)
        self.action = action
        return action


class FeedForwardPolicy:
    """Acts by the last frames that arrived."""

    def __init__(self, network: Any, frames: int):
        self.network, self.frames = network, frames
        self.past: NDArray | None = None

    def act(
        self, observation: NDArray, dt: float, *, arrived: NDArray, **_: Any
    ) -> NDArray:
        """Return the actions of all episodes."""
        if self.past is None:
            self.past = np.repeat(observation[:, None], self.frames, axis=1)
        moved = np.concatenate([self.past[:, 1:], observation[:, None]], axis=1)
        self.past = np.where(arrived[:, None, None], moved, self.past)
        return self.network.predict(self.past.reshape(len(self.past), -1))


class Clone(NamedTuple):
    """A fitted model: how to act with it, and how many numbers it has learnt."""

    policy: Callable[..., Any]
    parameters: int


def fit(name: str, shown: Demonstrations, seed: int, epochs: int) -> Clone:
    """Fit a model on demonstrations."""
    if name in FEED_FORWARD:
        return _fit_feed_forward(FEED_FORWARD[name], shown, seed)
    model = LiquidRegressor(
        NEURONS,
        return_sequences=True,
        epochs=epochs,
        batch_size=16,
        early_stopping=False,
        random_state=seed,
        **RECURRENT[name],
    )
    model.fit(shown.seen, shown.done, timestamps=shown.time)
    count = sum(weights.numel() for weights in model.network_.parameters())
    return Clone(lambda n, **options: LiquidPolicy(model, n, **options), count)


def _fit_feed_forward(frames: int, shown: Demonstrations, seed: int) -> Clone:
    # The first frames of an episode are repeated, as FeedForwardPolicy does.
    padded = np.concatenate(
        [np.repeat(shown.seen[:, :1], frames - 1, axis=1), shown.seen], axis=1
    )
    rows = np.lib.stride_tricks.sliding_window_view(padded, frames, axis=1)
    rows = np.swapaxes(rows, 2, 3).reshape(-1, frames * shown.seen.shape[-1])
    targets = shown.done.reshape(len(rows), -1)
    mlp = MLPRegressor(hidden_layer_sizes=(32, 32), max_iter=25, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it could go on
        network = make_pipeline(StandardScaler(), mlp).fit(rows, targets.squeeze())
    count = sum(part.size for part in (*mlp.coefs_, *mlp.intercepts_))
    return Clone(lambda n: FeedForwardPolicy(network, frames), count)


def learn(
    name: str,
    record: Callable[[int, float, int, Any], Demonstrations],
    recordings: int,
    seed: int,
    epochs: int,
    rates: tuple[float, ...],
) -> Clone:
    """Fit a model twice: then with what the expert says of the first one's play.

    `record(n, rate, seed, driver)` demonstrates at a period of `rate` times the
    plant's own; the driver acts, or the expert does if it is None.
    """

    def shown(seed: int, clone: Clone | None) -> Demonstrations:
        n = recordings // len(rates)
        parts = [
            record(n, rate, 10 * seed + k, None if clone is None else clone.policy(n))
            for k, rate in enumerate(rates)
        ]
        return functools.reduce(Demonstrations.joined, parts)

    begin = shown(100 + seed, None)
    first = fit(name, begin, seed, epochs)
    return fit(name, begin.joined(shown(200 + seed, first)), seed, epochs)


def play(
    policy: Any,
    plant: Plant,
    setting: Setting,
    seconds: float,
    noise: float,
    seed: int,
    context: Callable[[Plant], dict] | None = None,
) -> NDArray:
    """Close the loop; return the states after each action, (T, n, d).

    Lost frames and sensor noise are drawn from `seed`. The first frame always arrives.
    """
    rng = np.random.default_rng(seed)
    states = []
    with warnings.catch_warnings():
        # Of gaps that training did not show: that is what is measured here.
        warnings.simplefilter("ignore", LNNWarning)
        for step in range(round(seconds / plant.period)):
            seen = plant.observe()
            seen = seen + setting.noise * noise * rng.normal(size=seen.shape)
            arrived = rng.random(plant.n) >= (setting.dropped if step else 0.0)
            told = {} if context is None else {"context": context(plant)}
            plant.step(policy.act(seen, plant.period, arrived=arrived, **told))
            states.append(plant.state)
    return np.stack(states)


class Report:
    """Prints lines, and appends them to a file as they come."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        path.write_text("", encoding="utf-8")

    def line(self, text: str) -> None:
        """Print a line."""
        print(text, flush=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(text + "\n")

    def row(self, cells: Iterable[str]) -> None:
        """Print a row of a table."""
        self.line("| " + " | ".join(cells) + " |")

    def head(self, cells: Iterable[str]) -> None:
        """Print the head of a table."""
        cells = list(cells)
        self.line("")
        self.row(cells)
        self.row(["---"] * len(cells))


def spread(values: Iterable[float], digits: int = 0) -> str:
    """Return the mean over seeds, and the range where they differ."""
    values = np.asarray(list(values), dtype=float)
    if not values.size:
        return "-"
    texts = [f"{value:.{digits}f}" for value in (values.mean(), *np.sort(values))]
    return texts[0] if len(set(texts)) == 1 else f"{texts[0]} ({texts[1]}-{texts[-1]})"


def arguments(text: str, name: str, animates: bool = False) -> argparse.Namespace:
    """Return what was given on the command line."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one seed, few episodes")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("output"))
    if animates:
        parser.add_argument(
            "--animate", type=Path, metavar="GIF", help="only write an animation"
        )
    given = parser.parse_args()
    given.seeds = 1 if given.quick else given.seeds
    given.models = QUICK_MODELS if given.quick else MODELS
    given.report = Report(given.out / f"control_{name}.md")
    return given
