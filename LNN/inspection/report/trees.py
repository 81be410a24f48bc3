"""Trees that imitate the model and its neurons, as a page tells them."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.exceptions import InvalidInputError
from LNN.inspection.report.data import SEED, ReportData
from LNN.inspection.surrogate import TreeSurrogate

# A tree of this depth is read on a phone. Each neuron's asks the model anew.
DEPTH, MOST_RULES = 3, 8
MOST_NEURONS, MOST_ROWS, MOST_SEQUENCES = 64, 2500, 100
# What a tree sorts: steps times columns. Fewer steps or sequences tell little.
MOST_NUMBERS, LEAST_ROWS, LEAST_SEQUENCES = 100_000, 500, 10

Told = dict[str, Any]
_ALWAYS = (
    "A tree without any question says the same as often: these answers hardly differ."
)


def smaller(part: ReportData) -> ReportData:
    """Return what trees are fitted to."""
    sequences, n = part.sequences, len(part.X)
    steps = int(np.clip(MOST_NUMBERS // sequences.n_features, LEAST_ROWS, MOST_ROWS))
    most = steps
    if sequences.layout != "rows":
        # From the last one on, as many as hold so many steps.
        fitting = np.cumsum(sequences.length[::-1]) <= steps
        most = int(np.clip(fitting.sum(), LEAST_SEQUENCES, MOST_SEQUENCES))
    return part if n <= most else part.taken(np.arange(n - most, n))


def tree_of_answers(part: ReportData) -> Told | None:
    """Return the tree that imitates the model; None where there are too few answers."""
    return _told(part, target="output")


def trees_of_neurons(part: ReportData, n_neurons: int) -> list[Told | None]:
    """Return a tree for each neuron, as far as a page may take."""
    data = smaller(part)
    return [
        _told(data, target="neuron", neuron=k) if k < MOST_NEURONS else None
        for k in range(n_neurons)
    ]


def _told(data: ReportData, **asked: Any) -> Told | None:
    tree = TreeSurrogate(data.fitted, max_depth=DEPTH, random_state=SEED, **asked)
    try:
        tree.fit(data.X, **data.given)
    except InvalidInputError:  # too few answers, all others suit
        return None
    enough = tree.fidelity_ >= tree.min_fidelity and tree.fidelity_ > tree.baseline_
    faithful = bool(enough)
    told = {"fidelity": f"{tree.fidelity_:.2f}", "faithful": faithful}
    if faithful:
        rules = tree.rules()
        more = (
            [f"and {len(rules) - MOST_RULES} more"] if len(rules) > MOST_RULES else []
        )
        return {**told, "rules": rules[:MOST_RULES] + more}
    if tree.fidelity_ <= tree.baseline_:
        return {**told, "rules": [_ALWAYS]}
    why = (
        f"No tree of {DEPTH} questions about columns and their moving averages does "
        f"what it does. On data that the tree did not see, its fidelity is "
        f"{tree.fidelity_:.2f}, where {tree.min_fidelity:g} is needed: it would "
        "explain another model."
    )
    return {**told, "rules": [why]}
