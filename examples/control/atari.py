"""Clone a player of Atari's Pong from frames: convolution, then a liquid cell.

    python examples/control/atari.py            a table and a picture; ten minutes
    python examples/control/atari.py --quick    one seed, two models

The games run in the Arcade Learning Environment (`pip install "LNN[atari]"`). An expert
that was written here reads ball and paddles from the memory of the console, foresees
where the ball will arrive, and moves 20 times per second. Clones see frames of 40 x 40
and the time since the last one: a small convolution, then a cell, then three actions.
They are trained on 24 minutes of play in which the expert was disturbed, and play
games of a minute, at other frame skips and with lost frames. In a quarter of all frames
the console repeats the action before (Machado et al. 2018, arXiv:1709.06009), so that
no two games are equal. Every run is written to a file when it ends, and those that are
there already are not repeated: delete it after a change.
"""

from __future__ import annotations

import functools
import itertools
import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import torch
from cloning import RECURRENT, arguments, spread
from numpy.typing import NDArray
from torch import Tensor, nn

from LNN import LiquidNetwork

SKIP = 3  # frames of the console per action, of 60 in a second
STILL, UP, DOWN = 0, 3, 4  # actions of the console: in Pong, right is up
ACTIONS = np.array([STILL, UP, DOWN])
SIZE, FEATURES, NEURONS = 40, 24, 32
MINUTE = 3600  # frames of the console
RECORDINGS, GAMES = 24, 4  # of a minute each
EPOCHS, LENGTH, BATCH, LEARNING_RATE = 12, 32, 16, 4e-3
DISTURBED = 0.2  # part of the time in which a recorded expert acts at random
# Frames that a network without memory sees.
FEED_FORWARD = {"1 frame": 1, "4 frames": 4}
MODELS = ("CfC, NCP", "LSTM", *FEED_FORWARD)
QUICK_MODELS = ("CfC, NCP", "1 frame")


class Setting(NamedTuple):
    """In what games differ from those of training."""

    name: str
    skip: int = SKIP
    dropped: float = 0.0


SETTINGS = (
    Setting("as trained"),
    Setting("12 actions/s", skip=5),
    Setting("30 % lost", dropped=0.3),
)


# --------------------------------------------------------------------------- the game


class Pong:
    """One game, with what happened to the balls.

    Attributes
    ----------
    won, lost : int
        Points.
    returned : int
        Balls that were hit back.
    """

    def __init__(self, seed: int):
        try:
            from ale_py import ALEInterface, LoggerMode, roms
        except ImportError as error:
            raise ImportError(
                'The games come with ale-py. Install it: pip install "LNN[atari]".'
            ) from error
        ALEInterface.setLoggerMode(LoggerMode.Error)
        self.console = ALEInterface()
        self.console.setInt("random_seed", seed)
        self.console.setFloat("repeat_action_probability", 0.25)
        self.console.loadROM(roms.get_rom_path("pong"))
        self.won = self.lost = self.returned = 0
        self._x, self._toward = 0, False
        self.memory = self._read()

    def step(self, action: int, frames: int) -> None:
        """Hold an action; a game that is over begins anew."""
        for _ in range(frames):
            reward = self.console.act(action)
            self.won += reward > 0
            self.lost += reward < 0
            if self.console.game_over():
                self.console.reset_game()
            self.memory = self._read()
            x = int(self.memory[0])
            if x != self._x:
                # Our paddle is at 188: there a ball turns that was hit.
                self.returned += self._toward and x < self._x and x > 160
                self._toward = x > self._x
            self._x = x

    def _read(self) -> NDArray:
        """Return x and y of the ball, and y of our paddle; y is 0 without a ball."""
        return self.console.getRAM()[[49, 54, 51]].astype(float)

    def frame(self) -> NDArray:
        """Return what clones see: means over squares of the field, from 0 to 1."""
        field = self.console.getScreenGrayscale()[34:194].astype(np.float32)
        squares = field.reshape(SIZE, 4, SIZE, 4).mean(axis=(1, 3))
        return (squares - 87) / 149  # 87 is the ground, 236 the ball


class Expert:
    """Goes where the ball will arrive, and hits it so that it stays steep."""

    ours, top, bottom, middle = 188, 48, 204, 125
    aside, near, sliding = 7.0, 4.0, 4.0  # sliding: frames that a paddle moves on

    def __init__(self) -> None:
        self.before: NDArray | None = None

    def act(self, memory: NDArray, frames: int) -> int:
        """Return the action; `frames` went by since the last call."""
        before, self.before = self.before, memory
        speed = np.zeros(3) if before is None else (memory - before) / frames
        goal = self.middle
        if before is not None and memory[1] and before[1] and speed[0] > 0:
            goal = self.arrival(memory, speed)
        # The middle of the paddle is this far from what the memory says.
        far = goal - 6.5 - (memory[2] + self.sliding * speed[2])
        if abs(far) <= self.near:
            return STILL
        return UP if far < 0 else DOWN

    def arrival(self, memory: NDArray, speed: NDArray) -> float:
        """Return where to stand when the ball comes, after it was thrown back."""
        height = self.bottom - self.top
        straight = memory[1] + speed[1] * (self.ours - memory[0]) / speed[0] - self.top
        walls, along = divmod(straight, height)
        mirrored = walls % 2 == 1
        y = self.top + (height - along if mirrored else along)
        return y + self.aside * np.sign(speed[1]) * (-1 if mirrored else 1)


class Recording(NamedTuple):
    """Frames (T, 40, 40), and the index of what the expert would do, (T,)."""

    frames: NDArray
    actions: NDArray


def record(seed: int, frames: int) -> Recording:
    """Record an expert; at times something else moves the paddle for a while."""
    rng = np.random.default_rng(seed)
    pong, expert, seen, done = Pong(seed), Expert(), [], []
    disturbed, other = False, STILL
    for _ in range(frames // SKIP):
        seen.append(pong.frame())
        wanted = expert.act(pong.memory, SKIP)
        done.append(int(np.flatnonzero(wanted == ACTIONS)[0]))
        if rng.random() < 0.25:
            disturbed, other = rng.random() < DISTURBED, int(rng.choice(ACTIONS))
        pong.step(other if disturbed else wanted, SKIP)
    return Recording(np.stack(seen), np.array(done))


# ----------------------------------------------------------------------- the networks


def convolution(channels: int = 1) -> nn.Sequential:
    """Return what turns a frame into features, for each step alone."""
    return nn.Sequential(
        nn.Conv2d(channels, 16, kernel_size=8, stride=4),
        nn.ReLU(),
        nn.Conv2d(16, 16, kernel_size=3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 4 * 4, FEATURES),
        nn.LayerNorm(FEATURES),  # a liquid layer expects inputs of about unit size
    )


class Stacked(nn.Module):
    """A network without memory that sees the last frames: they are its state."""

    def __init__(self, frames: int):
        super().__init__()
        self.frames = frames
        self.network = nn.Sequential(
            convolution(frames),
            nn.Linear(FEATURES, NEURONS),
            nn.ReLU(),
            nn.Linear(NEURONS, len(ACTIONS)),
        )

    def forward(
        self,
        inputs: Tensor,
        timespans: Any = None,
        *,
        state: tuple[Tensor] | None = None,
        return_state: bool = False,
    ) -> Any:
        """Return outputs (B, T, 3) for frames (B, T, 1, 40, 40)."""
        batch, steps = inputs.shape[:2]
        past = inputs[:, :1].expand(-1, self.frames - 1, -1, -1, -1)
        if state is not None:
            past = state[0].reshape(past.shape)
        known = torch.cat([past, inputs], dim=1)
        rows = [known[:, k : k + steps, 0] for k in range(self.frames)]
        outputs = self.network(torch.stack(rows, dim=2).flatten(0, 1))
        outputs = outputs.unflatten(0, (batch, steps))
        last = known[:, steps:].reshape(batch, -1)
        return (outputs, (last,)) if return_state else outputs


def network_of(name: str, seed: int) -> nn.Module:
    """Return an untrained network."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        if name in FEED_FORWARD:
            return Stacked(FEED_FORWARD[name])
        options = {"mode": "exponential", **RECURRENT[name]}
        return LiquidNetwork(
            FEATURES,
            NEURONS,
            len(ACTIONS),
            encoder=convolution(),
            return_sequences=True,
            use_time=name in ("LSTM", "GRU"),
            time_constants=(1, LENGTH),  # in actions of training
            **options,
        )


def fit(name: str, shown: list[Recording], seed: int) -> nn.Module:
    """Train a network to say what the expert does."""
    rng, network = np.random.default_rng(seed), network_of(name, seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    frames = torch.from_numpy(np.stack([r.frames for r in shown]))[:, :, None]
    actions = torch.from_numpy(np.stack([r.actions for r in shown]))
    recordings, steps = actions.shape
    firsts = np.arange(0, steps - 2 * LENGTH, LENGTH)
    pairs = np.stack(np.meshgrid(np.arange(recordings), firsts), -1).reshape(-1, 2)
    for _ in range(EPOCHS):
        pairs = rng.permutation(pairs)
        moved = pairs[:, 1] + rng.integers(0, LENGTH, len(pairs))
        for part in np.array_split(np.arange(len(pairs)), len(pairs) // BATCH):
            which = pairs[part, :1], moved[part, None] + np.arange(LENGTH)
            outputs = network(frames[which], timespans=1.0)
            target = actions[which].flatten()
            loss = nn.functional.cross_entropy(outputs.flatten(0, 1), target)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
    return network.eval()


# --------------------------------------------------------------------------- playing


class Clone:
    """Plays several games at once; where a frame is lost, the action is held."""

    def __init__(self, network: nn.Module, n: int):
        self.network = network
        self.state: Any = None
        self.actions, self.waited = np.zeros(n, dtype=int), np.zeros(n)

    @torch.no_grad()
    def act(self, frames: NDArray, gap: float, arrived: NDArray) -> NDArray:
        """Return actions; `gap` is in actions of training."""
        self.waited += gap
        outputs, state = self.network(
            torch.from_numpy(frames)[:, None, None],
            timespans=torch.from_numpy(self.waited.astype(np.float32))[:, None],
            state=self.state,
            return_state=True,
        )
        chosen = ACTIONS[outputs[:, 0].argmax(-1).numpy()]
        self.actions = np.where(arrived, chosen, self.actions)
        self.waited = np.where(arrived, 0.0, self.waited)
        before = state if self.state is None else self.state  # the first ones arrive
        self.state = kept(before, state, torch.from_numpy(arrived))
        return self.actions


def kept(before: Any, after: Any, arrived: Tensor) -> Any:
    """Return the new states of games in which a frame arrived, and the others' old."""
    if isinstance(after, tuple):
        pairs = zip(before, after, strict=True)
        return tuple(kept(old, new, arrived) for old, new in pairs)
    return torch.where(arrived[:, None], after, before)  # (..., n, k)


class Result(NamedTuple):
    """Points of a player and of the console, and balls hit back, over all games."""

    won: int
    lost: int
    returned: int


def play(player: Any, setting: Setting, games: int, frames: int, seed: int) -> Result:
    """Play games of so many frames; a player is a network, "expert" or "random"."""
    rng = np.random.default_rng(seed)
    pongs = [Pong(1000 + seed + k) for k in range(games)]
    experts = [Expert() for _ in pongs]
    clone = Clone(player, games) if isinstance(player, nn.Module) else None
    actions = np.full(games, STILL)
    for step in range(frames // setting.skip):
        arrived = rng.random(games) >= (setting.dropped if step else 0.0)
        if clone is not None:
            seen = np.stack([pong.frame() for pong in pongs])
            actions = clone.act(seen, setting.skip / SKIP, arrived)
        elif player == "random":
            actions = rng.choice(ACTIONS, games)
        else:
            told = [
                expert.act(pong.memory, setting.skip)
                for expert, pong in zip(experts, pongs, strict=True)
            ]
            actions = np.where(arrived, told, actions)
        for pong, action in zip(pongs, actions, strict=True):
            pong.step(int(action), setting.skip)
    return Result(*(sum(getattr(p, name) for p in pongs) for name in Result._fields))


# ------------------------------------------------------------------------------- runs


class Run(NamedTuple):
    """One clone: which, and what came of it in each setting."""

    model: str
    seed: int
    parameters: int
    agreed: float  # part of new moments in which it does what the expert would do
    results: dict[str, tuple[int, int, int]]

    @property
    def key(self) -> tuple:
        """What tells it from others."""
        return self[:2]


@functools.lru_cache(maxsize=1)
def demonstrations(seed: int, n: int) -> list[Recording]:
    """Return recordings of a minute each."""
    return [record(100 * seed + k, MINUTE) for k in range(n)]


def run(name: str, seed: int, quick: bool) -> Run:
    """Fit a clone and let it play."""
    network = fit(name, demonstrations(seed, 8 if quick else RECORDINGS), seed)
    count = sum(weights.numel() for weights in network.parameters())
    return Run(name, seed, count, agreement(network, seed), games(network, seed))


@torch.no_grad()
def agreement(network: nn.Module, seed: int) -> float:
    """Return how often a clone does what the expert does, in new recordings."""
    shown = [record(10_000 + 100 * seed + k, MINUTE) for k in range(4)]
    frames = torch.from_numpy(np.stack([r.frames for r in shown]))[:, :, None]
    actions = torch.from_numpy(np.stack([r.actions for r in shown]))
    outputs = network(frames, timespans=torch.ones(frames.shape[:2]))
    return float((outputs.argmax(-1) == actions).float().mean())


def games(player: Any, seed: int) -> dict[str, tuple[int, int, int]]:
    """Play in all settings."""
    return {s.name: tuple(play(player, s, GAMES, MINUTE, 10 * seed)) for s in SETTINGS}


def runs(given: Namespace, path: Path) -> Iterator[Run]:
    """Give all runs: those that a file holds, and others as they end."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    known = {found.key: found for found in (Run(*json.loads(line)) for line in lines)}
    if known:
        print(f"{path} holds {len(known)} runs, which are not repeated.", flush=True)
    for seed in range(given.seeds):
        for key in ((name, seed) for name in given.models):
            if key not in known:
                known[key] = run(*key, given.quick)
                with path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(known[key]) + "\n")
            yield known[key]


# ----------------------------------------------------------------- table and picture


def returned(result: tuple[int, int, int]) -> float:
    """Return the part of the balls that came and were hit back, in %."""
    _, lost, back = result
    return 100 * back / (lost + back)


def cells(results: list[dict[str, tuple[int, int, int]]]) -> Iterator[str]:
    """Give a cell for each setting; `results` has a seed each."""
    for setting in SETTINGS:
        seeds = [result[setting.name] for result in results]
        won, lost, _ = np.mean(seeds, axis=0) / GAMES
        yield f"{spread(map(returned, seeds))}; {won:.1f} : {lost:.1f}"


def table(given: Namespace, players: dict[str, list], found: list[Run]) -> None:
    """Print the table."""
    report = given.report
    report.line(
        "Balls hit back in %, and points won : lost per minute; mean over "
        f"{given.seeds} seed(s) of {GAMES} games, range in brackets"
    )
    settings = (setting.name for setting in SETTINGS)
    report.head(["player", "parameters", "agrees, %", *settings])
    for name, results in players.items():
        report.row([name, "", "", *cells(results)])
    for name in dict.fromkeys(run.model for run in found):
        same = [run for run in found if run.model == name]
        agreed = spread(100 * run.agreed for run in same)
        rest = cells([run.results for run in same])
        report.row([name, str(same[0].parameters), agreed, *rest])


def draw(found: list[Run], players: dict[str, list], path: Path) -> None:
    """Draw a frame of the game, what clones see of it, and balls hit back."""
    figure, axes = plt.subplots(
        1, 3, figsize=(11, 3.6), width_ratios=(0.8, 1, 2), layout="constrained"
    )
    pong, expert = Pong(1), Expert()
    # A moment of play with the ball on its way.
    for step in itertools.count():
        if step > 100 and pong.memory[1] and 110 < pong.memory[0] < 150:
            break
        pong.step(expert.act(pong.memory, SKIP), SKIP)
    axes[0].imshow(pong.console.getScreenRGB())
    axes[0].set_title("the game", fontsize=10)
    axes[1].imshow(pong.frame(), cmap="gray", vmin=0, vmax=0.6)
    axes[1].set_title("what clones see", fontsize=10)
    for axis in axes[:2]:
        axis.axis("off")
    bars = dict(players)
    for one in found:
        bars.setdefault(one.model, []).append(one.results)
    for place, setting in enumerate(SETTINGS):
        parts = [[returned(r[setting.name]) for r in each] for each in bars.values()]
        rows = np.arange(len(bars)) + 0.25 * (place - 1)
        axes[2].barh(rows, [np.mean(p) for p in parts], 0.24, label=setting.name)
        for row, part in zip(rows, parts, strict=True):
            axes[2].plot([min(part), max(part)], [row, row], color="black", lw=1)
    axes[2].set_yticks(range(len(bars)), bars, fontsize=8)
    axes[2].invert_yaxis()
    axes[2].set_xlabel("balls hit back, %")
    axes[2].set_xlim(0, 100)
    axes[2].legend(fontsize=8, loc="lower right")
    figure.savefig(path, dpi=100)
    plt.close(figure)


def main() -> None:
    """Fit clones, let all play, and show what they did."""
    given = arguments(__doc__, "atari")
    given.models = QUICK_MODELS if given.quick else MODELS
    name = "control_atari" + ("_quick" if given.quick else "")
    found = []
    for one in runs(given, given.out / f"{name}.jsonl"):
        print(one, flush=True)
        found.append(one)
    players = {
        player: [games(player, seed) for seed in range(given.seeds)]
        for player in ("expert", "random")
    }
    table(given, players, found)
    draw(found, players, given.out / f"{name}.png")


if __name__ == "__main__":
    main()
