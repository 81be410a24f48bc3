"""What processes that train one model together must have in common."""

from __future__ import annotations

import numpy as np

from LNN.data.examples import Examples
from LNN.training.distributed import digest
from LNN.training.loop import Step

# Rows that tell whether processes hold the same data, beside all targets.
LOOKED_AT = 1024


def refuse_other_ranks(
    step: Step,
    training: Examples,
    validation: Examples | None,
    random: np.random.RandomState,
) -> None:
    """Refuse to train where processes hold other data, parameters or seeds.

    Their weights would differ, or their answers, with no error to tell of it.
    """
    if step.ranks.size == 1:
        return
    rule = step.optimizer
    how = step.plan, type(rule).__name__, rule.rate, rule.weight_decay, step.objective
    step.ranks.refuse_others(
        {
            "the training": digest(*how),
            "the data": _contents(training),
            "the validation data": _contents(validation),
            "the start": digest(step.parameters.vector, *random.get_state()),
        }
    )


def _contents(data: Examples | None) -> str:
    """Return a digest of spans, targets and weights, and of some of the rows."""
    if data is None:
        return ""
    sequences, rows = data.sequences, data.sequences.rows
    some = np.unique(np.linspace(0, rows.n_rows - 1, LOOKED_AT).astype(np.int64))
    held = [sequences.start, sequences.length, data.targets.values, data.weights]
    times = [] if sequences.elapsed is None else [sequences.elapsed]
    return digest(rows.n_rows, *held, *times, rows.take(some))
