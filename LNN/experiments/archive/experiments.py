"""What is run on the archive: which fits, in which order, and what each measures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from LNN.exceptions import InvalidInputError
from LNN.experiments.archive.changes import CHANGES
from LNN.experiments.archive.fitting import N_FOLDS
from LNN.experiments.archive.lines import Fit
from LNN.experiments.archive.models import IN_TIME, MODELS, PLAIN, check_models
from LNN.experiments.archive.sets import EQUAL, LEARNT, RAGGED, SETS, SHIFTED

GROUPS = {"equal": tuple(EQUAL), "ragged": tuple(RAGGED)}
# Percent of the training data, at all steps; then of the steps, with all data.
PARTS, STEPS = (100, 50, 25, 10, 5), (50, 25, 10)
# Folds of the learning curves, each with parts of its own; then the seeds change.
DRAWS = 3


@dataclass(frozen=True)
class Extent:
    """How much a budget runs.

    Attributes
    ----------
    rounds : int
        Each is a whole table, with seeds and folds of its own.
    steps : int
        Optimiser steps of a fit.
    sets : int or None
        So many of the shortest sets; None is all.
    """

    rounds: int
    steps: int = 500
    sets: int | None = None


# Sets, models, round and optimiser steps to the fits of this round.
Plan = Callable[[Sequence[str], Sequence[str], int, int], Iterator[Fit]]


@dataclass(frozen=True)
class Experiment:
    """A benchmark on the archive.

    Attributes
    ----------
    name, title : str
    sets, models, changes : tuple of str
        Names, from `SETS`, `MODELS` and `CHANGES`.
    plan : callable
        Makes the fits of a round.
    extents : dict
        From the name of a budget to its `Extent`.
    """

    name: str
    title: str
    sets: tuple[str, ...]
    models: tuple[str, ...]
    changes: tuple[str, ...]
    plan: Plan
    extents: dict[str, Extent]

    def fits(
        self,
        budget: str,
        *,
        sets: Sequence[str] | None = None,
        models: Sequence[str] | None = None,
        rounds: int | None = None,
    ) -> list[Fit]:
        """Return the fits of a budget in order: a run that is stopped has whole tables.

        Parameters
        ----------
        budget : str
        sets, models : sequence of str, default=None
            In place of those of the budget; "equal" and "ragged" are groups of sets.
        rounds : int, default=None
            In place of the budget's number.
        """
        extent = self.extents[budget]
        check_models(models or ())
        chosen = _sets_of(sets) if sets else self.sets[: extent.sets]
        return [
            fit
            for number in range(rounds or extent.rounds)
            for fit in self.plan(chosen, models or self.models, number, extent.steps)
        ]


def _sets_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return sets by name, and for the name of a group those of the group."""
    unknown = [name for name in names if name not in SETS and name not in GROUPS]
    if unknown:
        raise InvalidInputError(
            f"Expected sets among {', '.join((*GROUPS, *SETS))}, got "
            f"{', '.join(unknown)}."
        )
    found = (each for name in names for each in GROUPS.get(name, (name,)))
    return tuple(dict.fromkeys(found))


def _on_test_parts(
    sets: Sequence[str], models: Sequence[str], number: int, steps: int
) -> Iterator[Fit]:
    for name in sets:
        for model in models:
            yield Fit(name, model, seed=number, steps=steps)


def _on_folds(
    sets: Sequence[str], models: Sequence[str], number: int, steps: int
) -> Iterator[Fit]:
    for name in sets:
        for model in models:
            yield Fit(name, model, seed=number, fold=number % N_FOLDS, steps=steps)


def _along_curves(
    sets: Sequence[str], models: Sequence[str], number: int, steps: int
) -> Iterator[Fit]:
    seed, fold = divmod(number, DRAWS)
    for name in sets:
        for model in models:
            for part in PARTS:
                yield Fit(name, model, seed, fold, part, steps)
            for share in STEPS if not MODELS[model].external else ():
                yield Fit(name, model, seed, fold, 100, steps * share // 100)


UCR = Experiment(
    "ucr",
    "accuracy on the test parts",
    tuple(SETS),
    PLAIN,
    ("clean", "half rate"),
    _on_test_parts,
    {"quick": Extent(1, 50, 4), "standard": Extent(5), "full": Extent(10)},
)
SHIFT = Experiment(
    "shift",
    "trained clean at a constant rate, then changed",
    SHIFTED,
    (*PLAIN, *IN_TIME),
    tuple(CHANGES),
    _on_folds,
    {"quick": Extent(1, 50, 2), "standard": Extent(5), "full": Extent(10)},
)
CURVES = Experiment(
    "curves",
    "less data and less training",
    LEARNT,
    ("liquid", "LTC", "LSTM", "GRU", "MiniRocket"),
    ("clean",),
    _along_curves,
    {"quick": Extent(1, 100, 2), "standard": Extent(6), "full": Extent(15)},
)
EXPERIMENTS = {experiment.name: experiment for experiment in (UCR, SHIFT, CURVES)}
