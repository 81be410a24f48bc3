"""What there is to run: a task, a protocol, a model, a seed, and how much of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from LNN.exceptions import InvalidInputError
from LNN.experiments.models import EQUAL, MODELS, model_of
from LNN.experiments.task import PROTOCOLS
from LNN.experiments.tasks import TASKS

TRIVIAL = "trivial"

# What a run that has finished leaves: plain values, as they stand in its JSON file.
Record = dict[str, Any]


@dataclass(frozen=True, order=True)
class Run:
    """One training, or with `model="trivial"` the trivial baselines of a task."""

    task: str
    protocol: str
    model: str
    seed: int
    budget: str

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Run:
        """Return the run that a record is of."""
        return cls(**{field.name: record[field.name] for field in fields(cls)})

    @property
    def name(self) -> str:
        """A path without suffix, of its own for each run."""
        return f"{self.task}/{self.protocol}/{self.model}/{self.budget}-{self.seed}"

    def as_dict(self) -> dict[str, Any]:
        """Return what identifies the run, for its record."""
        return asdict(self)


Block = tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Budget:
    """How much is run.

    Attributes
    ----------
    seeds : int
    blocks : tuple of (tasks, models)
        Every model of a block on every task of it.
    once : tuple of (tasks, models)
        The same, with one seed: what takes too long for its worth.
    train, test : int or None
        So many sequences at most, evenly spread; None is all.
    epochs : float
        As a part of the standard number of epochs of a task.
    """

    seeds: int
    blocks: tuple[Block, ...]
    once: tuple[Block, ...] = ()
    train: int | None = None
    test: int | None = None
    epochs: float = 1.0


CORE = ("cheetah", "walker2d", "gesture", "occupancy", "ozone", "traffic", "xor-event")
LARGE = ("power", "person", "smnist", "et-smnist", "physionet")
# Where a wired model takes seconds or a few minutes.
SHORT = ("cheetah", "gesture", "occupancy", "ozone", "traffic")
SEQUENCE = ("LSTM", "GRU")
SMALL = tuple(name + EQUAL for name in ("CfC", "CfC-mixed"))

BUDGETS: dict[str, Budget] = {
    "quick": Budget(
        1,
        ((tuple(TASKS), ("LTC-NCP", "CfC-NCP", "CfC-mixed", "LSTM", "GRU")),),
        train=300,
        test=200,
        epochs=0.1,
    ),
    "standard": Budget(
        3,
        (
            (CORE, (*SEQUENCE, "LTC", "CfC", "CfC-mixed", *SMALL, "CT-RNN")),
            (SHORT, ("LTC-NCP", "CfC-NCP")),
            (LARGE, ("CfC", "CfC-NCP", "CfC-mixed", *SMALL)),
            (("power", "person", "smnist", "physionet"), SEQUENCE),
            (("physionet", "power", "person"), ("LTC", "LTC-NCP")),
            (("cheetah", "gesture"), ("GRU-D", "CT-GRU")),
            ((*SHORT, "power"), ("LSTM-open",)),
        ),
        once=(
            (("walker2d", "xor-event"), ("CfC-NCP",)),
            (("walker2d",), ("LSTM-open",)),
            (("et-smnist",), SEQUENCE),
            (("cheetah", "gesture", "physionet"), ("Neural-ODE",)),
            (("physionet",), ("GRU-D", "CT-GRU")),
        ),
    ),
    "full": Budget(
        5,
        (
            (
                tuple(TASKS),
                (
                    *MODELS,
                    *(n + EQUAL for n, m in MODELS.items() if m.equal),
                ),
            ),
        ),
        epochs=2.0,
    ),
}


def runs_of(
    budget: str,
    *,
    tasks: list[str] | None = None,
    models: list[str] | None = None,
    protocols: list[str] | None = None,
    seeds: int | None = None,
) -> list[Run]:
    """Return the runs of a budget, or of some of its tasks, models, protocols.

    Tasks and models that are asked for by name are run even where the budget leaves
    them out. A task whose published protocol is sound runs once, as "published".
    """
    plan = BUDGETS[budget]
    _check(tasks, tuple(TASKS), "tasks")
    for name in models or ():
        if name != TRIVIAL:
            model_of(name)
    chosen: dict[Run, None] = {}  # a set that keeps the order
    for task in tasks or tuple(TASKS):
        names = models or _models_of(plan, task, named=tasks is not None)
        for protocol in _protocols_of(task, protocols):
            for model in names:
                n = 1 if model == TRIVIAL else seeds or _seeds_of(plan, task, model)
                runs = (Run(task, protocol, model, seed, budget) for seed in range(n))
                chosen.update(dict.fromkeys(runs))
    return list(chosen)


def _models_of(plan: Budget, task: str, *, named: bool) -> list[str]:
    """Return the models of a task: those of its blocks, else those of the first."""
    blocks = [models for tasks, models in plan.blocks + plan.once if task in tasks]
    if not blocks and named:
        blocks = [plan.blocks[0][1]]
    models = dict.fromkeys(name for block in blocks for name in block)
    return [TRIVIAL, *models] if models else []


def _seeds_of(plan: Budget, task: str, model: str) -> int:
    once = any(task in tasks and model in models for tasks, models in plan.once)
    return 1 if once else plan.seeds


def _protocols_of(task: str, wanted: list[str] | None) -> list[str]:
    _check(wanted, PROTOCOLS, "protocols")
    if TASKS[task].sound_is_published:
        return ["published"]
    return wanted or list(PROTOCOLS)


def _check(given: list[str] | None, known: tuple[str, ...], what: str) -> None:
    unknown = [name for name in given or () if name not in known]
    if unknown:
        raise InvalidInputError(
            f"Expected {what} among {', '.join(known)}, got {', '.join(unknown)}."
        )
