"""How long a run will take, from runs that were measured."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from LNN.experiments.runs import BUDGETS, TRIVIAL, Record, Run
from LNN.experiments.store import read_collection

# Beside the package in a checkout; an installed package has no measured times.
COMMITTED = Path(__file__).parents[2] / "docu" / "experiments"
# Without any measurement: seconds of a run of the standard budget.
UNKNOWN, OF_TRIVIAL = 120.0, 10.0


@dataclass
class Estimates:
    """Seconds of a run of the standard budget, by task and model.

    Attributes
    ----------
    by_task, by_model : dict
        From (task, model) to seconds; from a model to how many times longer than the
        LSTM it takes.
    """

    by_task: dict[tuple[str, str], float] = field(default_factory=dict)
    by_model: dict[str, float] = field(default_factory=dict)

    @classmethod
    def committed(cls) -> Estimates:
        """Return those of the committed results."""
        return cls.of_records(read_collection(COMMITTED))

    @classmethod
    def of_records(cls, records: list[Record]) -> Estimates:
        """Return those of finished runs."""
        found: dict[tuple[str, str], list[float]] = defaultdict(list)
        for record in records:
            if "seconds" in record and record["budget"] == "standard":
                found[record["task"], record["model"]].append(record["seconds"])
        by_task = {key: median(seconds) for key, seconds in found.items()}
        ratios: dict[str, list[float]] = defaultdict(list)
        for (task, model), seconds in by_task.items():
            if (task, "LSTM") in by_task:
                ratios[model].append(seconds / by_task[task, "LSTM"])
        return cls(by_task, {model: median(r) for model, r in ratios.items()})

    def seconds(self, run: Run) -> float:
        """Return how long a run may take on the machine of the measurements."""
        if run.model == TRIVIAL:
            return OF_TRIVIAL
        known = self.by_task.get((run.task, run.model))
        if known is None:
            lstm = self.by_task.get((run.task, "LSTM"), UNKNOWN)
            known = lstm * self.by_model.get(run.model, 1.0)
        budget = BUDGETS[run.budget]
        # A part of the data is about a part of the time; how much depends on the task.
        return known * budget.epochs * (1.0 if budget.train is None else 0.3)
