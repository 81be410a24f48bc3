"""Proximal policy optimisation of a policy that remembers, many episodes at once.

What reinforcement.py uses: the loop of Schulman et al. 2017 (arXiv:1707.06347) with
generalised advantages (arXiv:1506.02438), for the plants of plants.py. An actor is any
module like `LNN.LiquidNetwork`: (inputs, timespans, state=, lengths=, return_state=).
Three things are not in the papers:

- The state is carried from rollout to rollout. Updates begin at states that were stored
  while playing, and no sequence goes over the end of an episode (`pieces`).
- A frame may be lost. The action is then held, and reward, discount and the time that
  the actor is told are those of the whole wait (`Episodes.hold`).
- The critic sees the true state of the simulation and needs no memory; only training
  uses it (Pinto et al. 2017, arXiv:1710.06542).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from plants import Plant
from torch import Tensor, nn

# A frame comes after at most so many periods.
LONGEST_WAIT = 10


class Task(NamedTuple):
    """What is to be learnt.

    `begin(n, rng)` returns states, (n, d). `reward(states, actions)` is for a period of
    the plant, (n,). `seen(states)` is what the critic reads, (n, k), about unit size.
    """

    plant: Callable[[int], Plant]
    begin: Callable[[int, np.random.Generator], NDArray]
    reward: Callable[[NDArray, NDArray], NDArray]
    seen: Callable[[NDArray], NDArray]
    seconds: float
    noise: float
    lost: float = 0.0


class Settings(NamedTuple):
    """How to learn; one set of values for all actors and tasks."""

    episodes: int = 64  # that are played at once
    steps: int = 64  # of each of them between two updates
    length: int = 32  # of the sequences that gradients go back through
    passes: int = 6
    parts: int = 4  # of the sequences, for so many steps of Adam in a pass
    learning_rate: float = 3e-3  # falls to 0 over training
    discount: float = 0.97  # per period
    trace: float = 0.95  # lambda of the advantages
    clip: float = 0.2
    largest_gradient: float = 0.5
    first_spread: float = 0.6  # of actions, in those of random play


class Units(NamedTuple):
    """What the actor's numbers mean: (centre, scale) of observations and of actions."""

    seen: tuple[NDArray, NDArray]
    done: tuple[NDArray, NDArray]


class Held(NamedTuple):
    """What came of holding actions, each (n,)."""

    reward: NDArray  # discounted to the moment of the action
    gained: NDArray  # the same without discount
    discount: NDArray  # of what comes afterwards
    failed: NDArray
    late: NDArray  # the time is over, though nothing went wrong


class Rollout(NamedTuple):
    """What was played: time by episodes, (T, n, ...)."""

    inputs: Tensor
    spans: Tensor
    actions: Tensor
    chances: Tensor  # the logarithm of the density of the actions
    watched: Tensor  # by the critic, before the action
    then: Tensor  # the same after it
    reward: Tensor
    discount: Tensor
    failed: Tensor
    ended: Tensor
    states: list[Any]  # of the actor, at the beginning of each `length` steps


class Episodes:
    """Episodes that begin anew, one by one, when they end."""

    def __init__(self, task: Task, n: int, discount: float, seed: int):
        self.task, self.discount = task, discount
        self.rng = np.random.default_rng(seed)
        self.plant = task.plant(n)
        self.plant.begin(task.begin(n, self.rng))
        # Not all of them should end at the same time.
        self.age = self.rng.uniform(0, task.seconds, n)

    def observe(self) -> NDArray:
        """Return what the sensors show, with noise."""
        seen = self.plant.observe()
        return seen + self.task.noise * self.rng.normal(size=seen.shape)

    def waits(self) -> NDArray:
        """Draw for how many periods each action will be held."""
        drawn = self.rng.geometric(1 - self.task.lost, self.plant.n)
        return np.minimum(drawn, LONGEST_WAIT)

    def hold(self, actions: NDArray, waits: NDArray) -> Held:
        """Hold each action for its own number of periods."""
        plant = self.plant
        reward, gained = np.zeros(plant.n), np.zeros(plant.n)
        discount = np.ones(plant.n)
        for period in range(int(waits.max())):
            before, alive = plant.state, plant.alive.copy()
            moves = alive & (period < waits)
            plant.step(actions)
            now = np.where(moves, self.task.reward(plant.state, actions), 0.0)
            gained += now
            reward += discount * now
            discount = np.where(moves, self.discount * discount, discount)
            plant.state = np.where(moves[:, None], plant.state, before)
            plant.alive = np.where(moves, plant.alive, alive)
        self.age += waits * plant.period
        late = self.age >= self.task.seconds - 1e-9
        return Held(reward, gained, discount, ~plant.alive, late)

    def renew(self, which: NDArray) -> None:
        """Begin some episodes anew."""
        fresh = self.task.begin(self.plant.n, self.rng)
        self.plant.state = np.where(which[:, None], fresh, self.plant.state)
        self.plant.alive = self.plant.alive | which
        self.age = np.where(which, 0.0, self.age)


def advantages(
    reward: Tensor,
    discount: Tensor,
    value: Tensor,
    then: Tensor,
    ended: Tensor,
    trace: float,
) -> Tensor:
    """Return generalised advantages, all (T, n).

    `value` and `then` are the critic's before and after the action; `then` is 0 where
    an episode failed, and goes on counting where only its time was over. `discount` is
    that of the whole time that an action was held.
    """
    surprise = reward + discount * then - value
    found, later = torch.zeros_like(surprise), torch.zeros_like(surprise[0])
    for step in reversed(range(len(surprise))):
        later = surprise[step] + discount[step] * trace * later * ~ended[step]
        found[step] = later
    return found


def pieces(ended: NDArray, length: int) -> NDArray:
    """Cut (T, n) steps into sequences that no end of an episode goes through.

    Returns
    -------
    ndarray of int, shape (n_pieces, 3)
        Episode, first step and number of steps, at most `length`; a sequence begins at
        each multiple of it and after each end.
    """
    found = []
    for episode in range(ended.shape[1]):
        starts = set(range(0, len(ended), length))
        starts |= set((np.flatnonzero(ended[:-1, episode]) + 1).tolist())
        edges = [*sorted(starts), len(ended)]
        found += [(episode, a, b - a) for a, b in zip(edges, edges[1:], strict=False)]
    return np.array(found)


def mapped(state: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Change every tensor of a state: layers nest them in tuples, (..., n, k)."""
    if isinstance(state, tuple):
        return tuple(mapped(part, change) for part in state)
    return change(state)


def stacked(states: list[Any], which: Tensor, rows: Tensor) -> Any:
    """Return the state of row `rows[i]` in `states[which[i]]`, for every i."""
    first = states[0]
    if isinstance(first, tuple):
        parts = ([state[k] for state in states] for k in range(len(first)))
        return tuple(stacked(part, which, rows) for part in parts)
    return torch.stack(states)[which, ..., rows, :].movedim(0, -2).contiguous()


class Learner:
    """An actor, its critic, and the episodes that they learn from."""

    def __init__(
        self, actor: nn.Module, units: Units, task: Task, how: Settings, seed: int
    ):
        self.actor, self.units, self.how = actor, units, how
        self.episodes = Episodes(task, how.episodes, how.discount, seed)
        self.task, self.generator = task, torch.Generator().manual_seed(seed)
        n = self.episodes.plant.n
        self.spans = torch.ones(n, 1)  # the first frame counts one period
        self.state = self._first_state()
        width = units.done[0].size
        self.spread = nn.Parameter(
            torch.full((width,), float(np.log(how.first_spread)))
        )
        watched = task.seen(self.episodes.plant.state).shape[1]
        self.critic = perceptron(watched, 64, 1, self.generator)
        learnt = [*actor.parameters(), self.spread, *self.critic.parameters()]
        self.learnt = learnt
        self.optimizer = torch.optim.Adam(learnt, lr=how.learning_rate, eps=1e-5)
        self.returns: list[float] = []  # of episodes that ended, undiscounted
        self._gained = np.full(n, np.nan)  # the first ones began in the middle

    def learn(self, updates: int, each: Callable[[int], None] = lambda _: None) -> None:
        """Play and update, so many times; `each` is told how often already."""
        for done in range(updates):
            for group in self.optimizer.param_groups:
                group["lr"] = self.how.learning_rate * (1 - done / updates)
            self.update(self.rollout())
            each(done + 1)

    # ------------------------------------------------------------------------ play

    @torch.no_grad()
    def rollout(self) -> Rollout:
        """Play on from where the last rollout stopped."""
        self.actor.eval()
        steps, states = [], []
        for step in range(self.how.steps):
            if step % self.how.length == 0:
                states.append(self.state)
            steps.append(self._step())
        columns = (torch.stack(column) for column in zip(*steps, strict=True))
        return Rollout(*columns, states)

    def _step(self) -> tuple[Tensor, ...]:
        episodes, plant = self.episodes, self.episodes.plant
        centre, scale = self.units.seen
        inputs = as_tensor((episodes.observe() - centre) / scale)
        spans, watched = self.spans, as_tensor(self.task.seen(plant.state))
        mean, self.state = self.actor(
            inputs[:, None], timespans=spans, state=self.state, return_state=True
        )
        noise = torch.randn(mean[:, 0].shape, generator=self.generator)
        actions = mean[:, 0] + self.spread.exp() * noise
        chances = log_density(actions, mean[:, 0], self.spread)
        waits = episodes.waits()
        held = episodes.hold(self.in_units(actions), waits)
        then, ended = as_tensor(self.task.seen(plant.state)), held.failed | held.late
        self._count(held, ended)
        self._renew(ended, waits)
        numbers = map(as_tensor, (held.reward, held.discount))
        ends = map(torch.from_numpy, (held.failed, ended))
        return (inputs, spans[:, 0], actions, chances, watched, then, *numbers, *ends)

    def in_units(self, actions: Tensor) -> NDArray:
        """Return actions in the plant's units."""
        centre, scale = self.units.done
        wanted = actions.double().numpy() * scale + centre
        return wanted[:, 0] if wanted.shape[1] == 1 else wanted

    def _first_state(self) -> Any:
        """Return the state at the beginning of an episode: zeros."""
        zeros = torch.zeros(self.episodes.plant.n, 1, self.units.seen[0].size)
        with torch.no_grad():
            _, state = self.actor(zeros, timespans=1.0, return_state=True)
        return mapped(state, torch.zeros_like)

    def _renew(self, ended: NDArray, waits: NDArray) -> None:
        """Begin anew what ended: episodes, the actor's states and its clock."""
        self.episodes.renew(ended)
        kept = as_tensor(~ended)[:, None]
        self.state = mapped(self.state, lambda part: part * kept)
        self.spans = as_tensor(np.where(ended, 1, waits))[:, None]

    def _count(self, held: Held, ended: NDArray) -> None:
        """Keep the sums of rewards of whole episodes, as they were played."""
        self._gained += held.gained
        self.returns += self._gained[ended & ~np.isnan(self._gained)].tolist()
        self._gained[ended] = 0.0

    # ---------------------------------------------------------------------- update

    def update(self, played: Rollout) -> None:
        """Take the steps of Adam that a rollout is good for."""
        self.actor.train()
        how = self.how
        value, then = self._values(played)
        gain = advantages(
            played.reward, played.discount, value, then, played.ended, how.trace
        )
        goal = gain + value
        gain = (gain - gain.mean()) / (gain.std() + 1e-8)
        cuts = torch.from_numpy(pieces(played.ended.numpy(), how.length))
        for _ in range(how.passes):
            order = torch.randperm(len(cuts), generator=self.generator)
            for chosen in order.chunk(how.parts):
                self._improve(played, cuts[chosen], gain, goal)

    @torch.no_grad()
    def _values(self, played: Rollout) -> tuple[Tensor, Tensor]:
        value, then = (self.critic(x)[..., 0] for x in (played.watched, played.then))
        return value, then * ~played.failed

    def _improve(
        self, played: Rollout, cuts: Tensor, gain: Tensor, goal: Tensor
    ) -> None:
        episode, first, count = cuts.T
        places = first[:, None] + torch.arange(int(count.max()))
        valid = places < (first + count)[:, None]
        places = places.clamp(max=len(gain) - 1)

        def cut(table: Tensor) -> Tensor:
            return table[places, episode[:, None]]

        inputs, spans = cut(played.inputs), cut(played.spans)
        mean = self.actor(
            inputs,
            timespans=spans,
            lengths=count,
            state=self._states_at(played, cuts),
        )
        chances = log_density(cut(played.actions), mean, self.spread)
        ratio = (chances - cut(played.chances)).exp()
        gains, clip = cut(gain), self.how.clip
        kept = torch.minimum(ratio * gains, ratio.clamp(1 - clip, 1 + clip) * gains)
        wrong = (self.critic(cut(played.watched))[..., 0] - cut(goal)).square()
        loss = (0.5 * wrong - kept)[valid].mean()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.learnt, self.how.largest_gradient)
        self.optimizer.step()

    def _states_at(self, played: Rollout, cuts: Tensor) -> Any:
        """Return the actor's states where sequences begin: stored ones, or zeros."""
        episode, first, _ = cuts.T
        length = self.how.length
        state = stacked(played.states, first // length, episode)
        # The others begin after an end.
        kept = (first % length == 0).float()[:, None]
        return mapped(state, lambda part: part * kept)


def log_density(actions: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    """Return that of independent normal distributions; `spread` is a logarithm."""
    far = (actions - mean) / spread.exp()
    return (-0.5 * far.square() - spread - 0.5 * np.log(2 * np.pi)).sum(-1)


def perceptron(
    n_inputs: int, width: int, n_outputs: int, generator: torch.Generator
) -> nn.Sequential:
    """Return a feed-forward network with two hidden layers."""
    sizes = [n_inputs, width, width, n_outputs]
    layers: list[nn.Module] = []
    for size, wide in zip(sizes, sizes[1:], strict=False):
        layer = nn.Linear(size, wide)
        nn.init.orthogonal_(layer.weight, gain=np.sqrt(2), generator=generator)
        nn.init.zeros_(layer.bias)
        layers += [layer, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


class Frames(nn.Module):
    """An actor without memory that sees the last frames: they are its state."""

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        frames: int,
        width: int,
        generator: torch.Generator,
    ):
        super().__init__()
        self.frames = frames
        self.network = perceptron(n_inputs * frames, width, n_outputs, generator)

    def forward(
        self,
        inputs: Tensor,
        timespans: Any = None,
        *,
        lengths: Tensor | None = None,
        state: tuple[Tensor] | None = None,
        return_state: bool = False,
    ) -> Any:
        """Return outputs (B, T, k); time and lengths make no difference."""
        batch, steps, width = inputs.shape
        before = self.frames - 1
        past = inputs.new_zeros(batch, before * width) if state is None else state[0]
        known = torch.cat([past.reshape(batch, before, width), inputs], dim=1)
        rows = [known[:, k : k + steps] for k in range(self.frames)]
        outputs = self.network(torch.cat(rows, dim=-1))
        last = known[:, steps:].reshape(batch, -1)
        return (outputs, (last,)) if return_state else outputs


def as_tensor(array: NDArray) -> Tensor:
    """Return numbers as torch's networks take them."""
    return torch.as_tensor(array, dtype=torch.float32)
