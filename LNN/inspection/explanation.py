"""What `explain` found: numbers that add up, as text and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# What the text tells apart; the rest is one sum.
MOST_COLUMNS, MOST_STEPS, MOST_NEURONS = 6, 4, 3
Floats = NDArray[np.float64]


class Share(NamedTuple):
    """The share of one value in the difference."""

    step: Any
    column: str
    value: float
    share: float


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Why a model gave an answer: shares of its difference from a baseline.

    `print` says it in words, `ExplanationDisplay(explanation).plot()` draws it.

    Attributes
    ----------
    title : str
        What was asked about, such as "row 2026-03-01 10:00:00".
    word : str
        What a place in time is called: "row" or "step".
    answer : object
        What `predict` answers; of several outputs the one that is explained.
    unit : str
        What the shares are in: empty for the unit of y, or "log odds of ill".
    anchored : bool
        Whether the model has an anchor: a column of the target's present value. What
        is explained is then the change from it, not the whole answer.
    output, baseline_output : float
        What is explained, here and at the baseline.
    names : list of str
        The inputs, F of them.
    labels : list
        The T rows or steps that the answer read, as the index of X names them; the last
        one is the one that is answered.
    values : ndarray of shape (T, F)
        What the model read there, in the units of X; anchor columns as changes.
    baseline : ndarray of shape (F,)
        What they are compared with.
    attributions : ndarray of shape (T, F)
        The share of each value.
    entered : ndarray of shape (T, F, N1), or None
        The same, divided by the neuron of the first layer that the value entered
        through. None where inputs do not go to neurons one by one.
    entries : list of str
        The names of these neurons.
    left : ndarray of shape (N,)
        The shares of the neurons of the last layer that the read-out reads.
    neurons : list of str
        The names of these neurons.
    way : list of (str, str, float)
        What went from one group of neurons to the next, where each is the only way
        there; else empty.
    """

    title: str
    word: str
    answer: Any
    unit: str
    anchored: bool
    output: float
    baseline_output: float
    names: list[str]
    labels: list[Any]
    values: Floats
    baseline: Floats
    attributions: Floats
    entered: Floats | None
    entries: list[str]
    left: Floats
    neurons: list[str]
    way: list[tuple[str, str, float]]

    def __repr__(self) -> str:
        return f"<Explanation of {self.title}: {self.difference:+.3g}>"

    def __str__(self) -> str:
        return "\n".join([*self._answer_lines(), *self._share_lines(), _LIMITS])

    @property
    def difference(self) -> float:
        """What all shares add up to: the output minus that at the baseline."""
        return self.output - self.baseline_output

    @property
    def completeness_error(self) -> float:
        """How far the shares are from adding up to the difference."""
        sums = [self.attributions.sum(), self.left.sum()]
        return float(max(abs(total - self.difference) for total in sums))

    @property
    def columns(self) -> Floats:
        """The share of each column, (F,)."""
        return self.attributions.sum(axis=0)

    @property
    def steps(self) -> Floats:
        """The share of each row or step, (T,)."""
        return self.attributions.sum(axis=1)

    @property
    def entered_groups(self) -> dict[str, float]:
        """What entered through each group of neurons; empty where it is not known."""
        if self.entered is None:
            return {}
        return _grouped(self.entries, self.entered.sum(axis=(0, 1)))

    @property
    def left_groups(self) -> dict[str, float]:
        """What left through each group of neurons."""
        return _grouped(self.neurons, self.left)

    def top(self, n: int = 5) -> list[Share]:
        """Return the values with the largest shares, the largest first.

        Parameters
        ----------
        n : int, default=5
            How many values.

        Returns
        -------
        list of Share
            Row or step, column, value and share of each.
        """
        order = np.argsort(-np.abs(self.attributions), axis=None, kind="stable")[:n]
        steps, columns = np.unravel_index(order, self.attributions.shape)
        return [
            Share(
                self.labels[t],
                self.names[f],
                float(self.values[t, f]),
                float(self.attributions[t, f]),
            )
            for t, f in zip(steps.tolist(), columns.tolist(), strict=True)
        ]

    # --------------------------------------------------------------------- the text

    def _answer_lines(self) -> list[str]:
        here, there = number(self.output), number(self.baseline_output)
        if not self.unit:
            what = "change from the anchor" if self.anchored else "answer"
            told = f"the {what} is {here}, at the baseline {there}"
            if self.anchored:
                told = f"the answer is {number(self.answer)}; {told}"
            return [f"{self.title}: {told}. Shares of the difference:"]
        p, q = _probability(self.output), _probability(self.baseline_output)
        name = self.unit.removeprefix("log odds of ")
        return [
            f"{self.title}: the answer is {self.answer}. The probability of {name} is "
            f"{p:.3g}, at the baseline {q:.3g}.",
            f"Shares of the difference of the log odds ({here}, at the baseline "
            f"{there}):",
        ]

    def _share_lines(self) -> list[str]:
        lines = [f"  {'in all':<{self._width}} {self.difference:+.3g}"]
        lines += self._column_lines()
        named = [str(label) for label in self.labels]
        lines.append(f"By {self.word}: " + _largest(named, self.steps, MOST_STEPS))
        if self.entered is not None:
            shares = self.entered.sum(axis=(0, 1))
            lines.append("Entered through: " + _by_group(self.entries, shares))
        lines.append("Left through: " + _by_group(self.neurons, self.left))
        if self.way:
            went = [f"{share:+.3g} to {target}" for _, target, share in self.way]
            lines.append("On the way from the inputs: " + ", ".join(went))
        return lines

    @property
    def _width(self) -> int:
        return min(24, max(6, *(len(name) for name in self.names)))

    def _column_lines(self) -> list[str]:
        columns, lines = self.columns, []
        order = np.argsort(-np.abs(columns), kind="stable")
        # One more fits into the line that would tell of it alone.
        shown = len(order) if len(order) <= MOST_COLUMNS + 1 else MOST_COLUMNS
        for f in order[:shown]:
            t = int(np.argmax(np.abs(self.attributions[:, f])))
            lines.append(
                f"  {self.names[f]:<{self._width}} {columns[f]:+.3g}, above all "
                f"{self.attributions[t, f]:+.3g} at {self.word} {self.labels[t]}, "
                f"where it is {number(self.values[t, f])} "
                f"(baseline {number(self.baseline[f])})"
            )
        if shown < len(order):
            rest = columns[order[shown:]].sum()
            lines.append(f"  {len(order) - shown} other columns {rest:+.3g}")
        return lines


_LIMITS = (
    "Columns, rows or steps, and neurons each add up to the whole difference. They "
    "explain the model, not the world."
)


def number(value: float) -> str:
    """Return a number with as many digits as a reader needs."""
    return f"{value:.4g}"


def _probability(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-log_odds)))


def _group_of(neuron: str) -> str:
    """Return "inter" of "inter 3"."""
    return neuron.rpartition(" ")[0]


def _grouped(neurons: list[str], shares: Floats) -> dict[str, float]:
    groups: dict[str, float] = {}
    for neuron, share in zip(neurons, shares.tolist(), strict=True):
        group = _group_of(neuron)
        groups[group] = groups.get(group, 0.0) + share
    return groups


def _by_group(neurons: list[str], shares: Floats) -> str:
    """Return the sum of each group that has a share, and its largest neurons."""
    words = []
    for group, total in _grouped(neurons, shares).items():
        own = [k for k, name in enumerate(neurons) if _group_of(name) == group]
        if not shares[own].any():
            continue
        names = [neurons[k].rpartition(" ")[2] for k in own]
        words.append(
            f"{group} {total:+.3g} ({_largest(names, shares[own], MOST_NEURONS)})"
        )
    return "; ".join(words) if words else "none"


def _largest(names: list[str], shares: Floats, most: int) -> str:
    """Return the largest shares by name, and the sum of all others."""
    order = np.argsort(-np.abs(shares), kind="stable")
    shown = len(order) if len(order) <= most + 1 else most
    words = [f"{names[k]} {shares[k]:+.3g}" for k in order[:shown]]
    if shown < len(order):
        rest = shares[order[shown:]].sum()
        words.append(f"{len(order) - shown} others {rest:+.3g}")
    return ", ".join(words)
