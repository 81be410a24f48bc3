"""BarrierNet with liquid cells: the network learns how near a barrier it may come.

    python examples/control/barriernet.py            both tables and pictures
    python examples/control/barriernet.py --quick    one seed, few episodes
    python examples/control/barriernet.py --animate robot.gif   some robots, moving

Two problems of Xiao et al., BarrierNet (IEEE T-RO 2023), rebuilt from their equations
(`barrier_problems.py`): a robot goes round a disc, a car merges behind another. A
network of 19 liquid neurons on an NCP imitates a teacher, whose recordings are
disturbed so that they show how to recover. The layer after it is one of these:

- none: what the network says, cut to the controls' limits where there are some;
- fixed: a `BarrierFunction` whose gammas are given; trained through;
- learned: the same, but the network says the gammas too, from 0 to 4, in each step;
- discrete: `DiscreteBarrier` after the network that was trained with none;
- discrete, margin: the same, with what the room can be less between two samples.

Every episode of a closed loop begins alike for all of them. Between two controls the
room that is left is measured ten times.
"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import NamedTuple

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import torch
from barrier_problems import Merging, Problem, Robot, Scene
from cloning import arguments, spread
from matplotlib.axes import Axes
from moving import write
from numpy.typing import NDArray
from torch import Tensor, nn

from LNN import LiquidNetwork
from LNN.safety import SafeOutput

NEURONS, EPISODES = 19, 100
RECORDINGS, BATCH, RATE = 128, 16, 0.01
HIGHEST_GAMMA = 4.0
# The layers that are compared: how the network is trained, and what follows it then.
KINDS = {
    "none": "none",
    "fixed, gamma 1": "fixed, gamma 1",
    "fixed, gamma 4": "fixed, gamma 4",
    "learned": "learned",
    "discrete": "none",
    "discrete, margin": "none",
}
FIXED = {"fixed, gamma 1": 1.0, "fixed, gamma 4": 4.0}
WITHIN = 10  # looks between two controls


class Policy(nn.Module):
    """A liquid network, and the layer that keeps its controls safe."""

    def __init__(self, problem: Problem, trained: str, seed: int):
        super().__init__()
        self.problem, self.trained = problem, trained
        n_gammas = problem.order if trained == "learned" else 0
        self.network = LiquidNetwork(
            problem.n_features,
            NEURONS,
            problem.n_controls + n_gammas,
            mode="exponential",
            return_sequences=True,
            generator=torch.Generator().manual_seed(seed),
        )
        self.register_buffer("size", torch.tensor(problem.highest))

    def layer(self, kind: str, scene: Scene) -> SafeOutput:
        """Return the layer of a kind, with the limits of a scene."""
        constraints = list(self.problem.limits(scene))
        if kind == "learned":
            constraints.append(self.problem.barrier(lambda context: context["gamma"]))
        elif kind in FIXED:
            constraints.append(self.problem.barrier(FIXED[kind]))
        elif kind.startswith("discrete"):
            margin = 0.0
            if "margin" in kind:
                margin = self.problem.margin(scene.size[0], scene.period)
            constraints.append(self.problem.discrete(scene.period, margin))
        return SafeOutput(constraints)

    def forward(
        self,
        layer: SafeOutput,
        z: Tensor,
        dt: float = 1.0,
        state: tuple | None = None,
    ) -> tuple[Tensor, Tensor, Tensor, tuple]:
        """Return safe controls (B, T, n), where there were some, gammas, and the state.

        `z` are the states of the system, (B, T, d); `dt` is in periods of training.
        """
        batch, steps, d = z.shape
        rows = z.reshape(-1, d)
        seen = self.problem.features(rows).float().reshape(batch, steps, -1)
        said, state = self.network(seen, timespans=dt, state=state, return_state=True)
        said = said.reshape(batch * steps, -1)
        wanted = said[:, : self.problem.n_controls] * self.size
        gamma = HIGHEST_GAMMA * torch.sigmoid(said[:, self.problem.n_controls :])
        context = {"state": rows, "gamma": list(gamma.double().unbind(1))}
        safe, safety = layer(wanted.double(), context)
        shape = (batch, steps, -1)
        return safe.reshape(shape), safety.feasible, gamma.reshape(shape), state


class Shown(NamedTuple):
    """What a teacher did: states (n, T, d) and controls (n, T, k)."""

    z: Tensor
    u: Tensor


def demonstrate(problem: Problem, n: int, seed: int) -> Shown:
    """Record the teacher while its controls are disturbed."""
    rng = torch.Generator().manual_seed(seed)
    scene = problem.scenes[0]
    z = problem.begin(n, scene, rng)
    others = problem.disturbances(n, problem.steps, scene, rng)
    push, seen, done = torch.zeros(n, problem.n_controls), [], []
    size = 0.15 * torch.tensor(problem.highest)
    for other in others:
        u = problem.teacher(z)
        seen.append(z)
        done.append(u)
        push = 0.9 * push + size * torch.randn(push.shape, generator=rng)
        other = problem.possible(z, other, scene.period)
        z = problem.moved(z, u + push, scene.period, other)
    return Shown(torch.stack(seen, 1), torch.stack(done, 1))


def fit(problem: Problem, trained: str, shown: Shown, seed: int, epochs: int) -> Policy:
    """Imitate the teacher, through the layer."""
    policy = Policy(problem, trained, seed)
    layer = policy.layer(trained, problem.scenes[0])
    optimizer = torch.optim.Adam(policy.parameters(), RATE)
    n_steps = epochs * -(-len(shown.z) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    rng = torch.Generator().manual_seed(seed)
    # Recordings go on after the end; what was done there teaches nothing.
    counts = torch.stack([~problem.over(z) for z in shown.z])
    for _ in range(epochs):
        for rows in torch.randperm(len(shown.z), generator=rng).split(BATCH):
            safe = policy(layer, shown.z[rows])[0]
            error = ((safe - shown.u[rows]) / policy.size).square().mean(2)
            loss = error[counts[rows]].mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return policy


class Driven(NamedTuple):
    """A closed loop of n episodes and T controls.

    Attributes
    ----------
    z : ndarray of shape (T + 1, n, d)
        States when controls are computed, and at the end.
    sampled, room : ndarray of shape (n,)
        The least distance that was left until the episode was over, m: when controls
        were computed, and at all times.
    ended : ndarray of bool, shape (n,)
        Which came to their end.
    error : float
        Root mean square of what the teacher would have done differently there.
    infeasible : int
        Controls for which the layer found no safe one.
    gamma : ndarray of shape (T, n, order or 0)
    """

    z: NDArray
    sampled: NDArray
    room: NDArray
    ended: NDArray
    error: float
    infeasible: int
    gamma: NDArray


def between(
    problem: Problem, z: Tensor, u: Tensor, period: float, other: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Hold controls for a period; look at the state ten times.

    Returns
    -------
    room : Tensor of shape (n,)
        The least that was left, until the episode came to its end.
    over : Tensor of bool, shape (n,)
    z : Tensor of shape (n, d)
        At the end of the period.
    """
    looks = period * torch.arange(1, WITHIN + 1, dtype=z.dtype) / WITHIN
    held = [part.repeat(WITHIN, *[1] * (part.ndim - 1)) for part in (z, u, other)]
    seen = problem.moved(*held[:2], looks.repeat_interleave(len(z)), held[2])
    over = problem.over(seen).reshape(WITHIN, -1)
    before = torch.cat([torch.zeros_like(over[:1]), over[:-1].cummax(0)[0]])
    room = problem.room(seen).reshape(WITHIN, -1)
    least = torch.where(before, torch.inf, room).amin(0)
    return least, over.any(0), seen[-len(z) :]


@torch.no_grad()
def drive(
    problem: Problem, policy: Policy | None, kind: str, scene: Scene, n: int, seed: int
) -> Driven:
    """Close the loop; without a policy the teacher drives."""
    rng = torch.Generator().manual_seed(seed)
    steps = round(problem.steps * problem.period / scene.period)
    z = problem.begin(n, scene, rng)
    others = problem.disturbances(n, steps, scene, rng)
    layer = None if policy is None else policy.layer(kind, scene)
    sampled = room = problem.room(z)
    ended = problem.over(z)
    state, infeasible, errors, states, gammas = None, 0, [], [z], []
    for other in others:
        u = taught = problem.teacher(z)
        if policy is not None and layer is not None:
            dt = scene.period / problem.period
            u, feasible, gamma, state = policy(layer, z[:, None], dt, state)
            u = u[:, 0]
            infeasible += int((~feasible & ~ended).sum())
            gammas.append(gamma[:, 0])
        errors.append((u - taught)[~ended].square().mean(1))
        other = problem.possible(z, other, scene.period)
        least, over, z = between(problem, z, u, scene.period, other)
        room = torch.where(ended, room, torch.minimum(room, least))
        ended = ended | over
        at_end = torch.minimum(sampled, problem.room(z))
        sampled = torch.where(ended, sampled, at_end)
        states.append(z)
    error = float(torch.cat(errors).mean().sqrt())
    path = torch.stack(states).numpy()
    said = torch.stack(gammas).numpy() if gammas else np.zeros((steps, n, 0))
    return Driven(
        path, sampled.numpy(), room.numpy(), ended.numpy(), error, infeasible, said
    )


def compare(problem: Problem, title: str, given: Namespace) -> dict[str, Policy]:
    """Fit, drive and print a table; return the policies of the first seed."""
    n = 20 if given.quick else EPISODES
    epochs, recordings = (30, 32) if given.quick else (problem.epochs, RECORDINGS)
    policies: dict[str, list[Policy]] = {}
    for trained in dict.fromkeys(KINDS.values()):
        policies[trained] = [
            fit(
                problem,
                trained,
                demonstrate(problem, recordings, 100 + seed),
                seed,
                epochs,
            )
            for seed in range(given.seeds)
        ]
    given.report.line("")
    given.report.line(
        f"{title}: {given.seeds} seed(s) of {n} episodes. Sums over seeds; for the "
        "error the mean over seeds, with the range in brackets"
    )
    given.report.head(
        ["scene", "layer", "violations", "least room, m", "the same at samples"]
        + ["infeasible", "error to the teacher", "arrived, %"]
    )
    for scene in problem.scenes:
        for kind in ("teacher", *KINDS):
            if "margin" in kind and not scene.limited:
                continue  # without limits nothing bounds what happens in between
            own = [None] if kind == "teacher" else policies[KINDS[kind]]
            runs = [
                drive(problem, policy, kind, scene, n, 10 * seed)
                for seed, policy in enumerate(own * (given.seeds // len(own)))
            ]
            given.report.row([scene.name, kind, *cells(runs)])
    return {trained: own[0] for trained, own in policies.items()}


def cells(runs: list[Driven]) -> list[str]:
    """Return the numbers of a row."""
    room = np.concatenate([run.room for run in runs])
    sampled = np.concatenate([run.sampled for run in runs])
    return [
        # Rounding of the dynamics is below 1e-6 m.
        str(int((room < -1e-6).sum())),
        f"{room.min():.4f}",
        f"{sampled.min():.4f}",
        str(sum(run.infeasible for run in runs)),
        spread([run.error for run in runs], 2),
        f"{100 * np.mean([run.ended.mean() for run in runs]):.0f}",
    ]


def draw_paths(robot: Robot, policies: dict[str, Policy], path: Path) -> None:
    """Draw where robots go round discs as in training, and larger than that."""
    shown = ("none", "fixed, gamma 1", "learned", "discrete")
    figure, axes = plt.subplots(
        2, 4, figsize=(11, 4.0), sharex=True, sharey=True, layout="constrained"
    )
    for line, scene in zip(axes, (robot.scenes[0], robot.scenes[2]), strict=True):
        for axis, kind in zip(line, shown, strict=True):
            run = drive(robot, policies[KINDS[kind]], kind, scene, 30, 7)
            draw_robots(axis, run)
            past, there = int((run.room < -1e-6).sum()), int(run.ended.sum())
            axis.set_title(f"{kind}\n{past} of 30 hit, {there} arrive", fontsize=9)
        line[0].set_ylabel(scene.name, fontsize=9)
    figure.savefig(path, dpi=80)


def draw_robots(axis: Axes, run: Driven) -> None:
    """Draw paths around the least and the largest disc; red are those that hit."""
    for row in range(run.z.shape[1]):
        there = np.hypot(*(run.z[:, row, 5:] - run.z[:, row, :2]).T) < Robot.near
        end = int(np.argmax(there)) if there.any() else len(there)
        colour = "tab:red" if run.room[row] < -1e-6 else "tab:blue"
        axis.plot(*run.z[:end, row, :2].T, color=colour, lw=0.6, alpha=0.7)
    for radius in (run.z[0, :, 4].min(), run.z[0, :, 4].max()):
        axis.add_patch(plt.Circle((0, 0), radius, color="k", alpha=0.2, lw=0))
    axis.set_aspect("equal")
    axis.set(xlim=(-12, 12), ylim=(-6.5, 6.5))


def draw_rooms(cars: Merging, policies: dict[str, Policy], path: Path) -> None:
    """Draw the room that is left, if controls are held for a second."""
    shown, scene = ("none", "fixed, gamma 4", "learned", "discrete, margin"), 3
    figure, axes = plt.subplots(
        1, 4, figsize=(11, 2.8), sharex=True, sharey=True, layout="constrained"
    )
    for axis, kind in zip(axes, shown, strict=True):
        run = drive(cars, policies[KINDS[kind]], kind, cars.scenes[scene], 40, 7)
        for row in range(run.z.shape[1]):
            z = torch.tensor(run.z[:, row])
            inside = ~cars.over(z)
            colour = "tab:red" if run.room[row] < -1e-6 else "tab:blue"
            room, x = cars.room(z)[inside], z[inside, 0]
            axis.plot(x, room, color=colour, lw=0.6, alpha=0.7)
        axis.axhline(0, color="k", lw=0.8)
        axis.set_title(f"{kind}: {int((run.room < -1e-6).sum())} of 40", fontsize=9)
        axis.set_xlabel("place, m")
    axes[0].set(ylabel="room left, m", ylim=(-8, 30))
    figure.savefig(path, dpi=80)


def draw_gammas(robot: Robot, policy: Policy, path: Path) -> None:
    """Draw the gammas that the network says, over the room that is left."""
    figure, axes = plt.subplots(
        1, 2, figsize=(8, 2.6), sharey=True, layout="constrained"
    )
    for scene, colour in zip(robot.scenes[:3], "kbr", strict=True):
        run = drive(robot, policy, "learned", scene, 40, 7)
        z = torch.tensor(run.z[:-1]).reshape(-1, run.z.shape[2])
        inside = (~robot.over(z)).numpy()
        room = robot.room(z).numpy()[inside]
        for axis, gamma in zip(axes, run.gamma.reshape(-1, 2).T, strict=True):
            axis.plot(room, gamma[inside], ".", color=colour, ms=1, alpha=0.3)
            axis.plot([], [], "o", color=colour, label=scene.name)
    for axis, name in zip(axes, ("p1", "p2"), strict=True):
        axis.set(xlabel="room left, m", xlim=(0, 6), ylim=(0, HIGHEST_GAMMA))
        axis.set_title(name, fontsize=9)
    axes[0].legend(fontsize=7)
    figure.savefig(path, dpi=80)


def animate(path: Path) -> None:
    """Show robots around a disc that is larger than those of training."""
    robot, shown, n = Robot(), demonstrate(Robot(), RECORDINGS, 100), 8
    figure, axes = plt.subplots(
        1, 2, figsize=(7.6, 2.5), sharey=True, layout="constrained"
    )
    parts = []
    for axis, kind in zip(axes, ("none", "learned"), strict=True):
        policy = fit(robot, kind, shown, 0, robot.epochs)
        run = drive(robot, policy, kind, robot.scenes[2], n, 7)
        axis.add_patch(plt.Circle((0, 0), run.z[0, 0, 4], color="0.75", lw=0))
        axis.set(xlim=(-11.5, 11.5), ylim=(-6.5, 6.5), aspect="equal")
        title = "no barrier" if kind == "none" else "barrier, learned gammas"
        axis.set_title(title, fontsize=9)
        for row in range(n):
            axis.plot(*run.z[0, row, 5:], "x", color="0.4", ms=4)
            (trail,) = axis.plot([], [], color="tab:blue", lw=0.8, alpha=0.6)
            (body,) = axis.plot([], [], "o", color="tab:blue", ms=4)
            parts.append((trail, body, run.z[:, row]))

    def draw_at(frame: int) -> None:
        for trail, body, z in parts:
            path = z[: 2 * frame + 1]
            trail.set_data(path[:, 0], path[:, 1])
            body.set_data(path[-1:, 0], path[-1:, 1])
            if np.hypot(*path[-1, :2]) < path[-1, 4]:
                for part in (trail, body):
                    part.set_color("tab:red")

    # Every second state is a frame, twice as fast as it really is.
    write(figure, draw_at, robot.steps // 2, path, 1 / robot.period)


def main() -> None:
    """Print both tables and draw, or animate."""
    given = arguments(__doc__, "barriernet", animates=True)
    if given.animate:
        animate(given.animate)
        return
    robot, cars = Robot(), Merging()
    robots = compare(robot, "Robot", given)
    draw_paths(robot, robots, given.out / "barriernet_robot.png")
    draw_gammas(robot, robots["learned"], given.out / "barriernet_gammas.png")
    drivers = compare(cars, "Merging", given)
    draw_rooms(cars, drivers, given.out / "barriernet_merging.png")


if __name__ == "__main__":
    main()
