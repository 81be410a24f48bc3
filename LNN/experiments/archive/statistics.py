"""How models compare over many sets: ranks, tests, and intervals."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import friedmanchisquare, rankdata, wilcoxon


class Pair(NamedTuple):
    """Two models; `p` is Wilcoxon's, after Holm's correction for all that are asked."""

    better: str
    worse: str
    p: float


class Record(NamedTuple):
    """How a model fares against another: sets, and the median of the differences."""

    wins: int
    ties: int
    losses: int
    median: float
    p: float


@dataclass(frozen=True)
class Comparison:
    """Models on the same sets.

    Attributes
    ----------
    scores : DataFrame of shape (sets, models)
        The greater the better.
    """

    scores: pd.DataFrame

    def ranks(self) -> pd.Series:
        """Return the mean rank of each model, the best (1 at the least) first."""
        ranks = rankdata(-self.scores.to_numpy(), axis=1).mean(axis=0)
        return pd.Series(ranks, self.scores.columns).sort_values(kind="stable")

    def friedman(self) -> float:
        """Return the p-value of "all models are the same", of three or more."""
        return float(friedmanchisquare(*self.scores.to_numpy().T).pvalue)

    def against(self, base: str) -> dict[str, Record]:
        """Return how each other model fares against one; p without a correction."""
        found = {}
        for model in self.scores.columns.drop(base):
            gain = (self.scores[model] - self.scores[base]).to_numpy()
            found[model] = Record(
                int((gain > 0).sum()),
                int((gain == 0).sum()),
                int((gain < 0).sum()),
                float(np.median(gain)),
                _p_value(gain),
            )
        return found

    def pairs(self, base: str | None = None) -> list[Pair]:
        """Return all pairs, or those with one model, the surest difference first."""
        found = []
        for a, b in itertools.combinations(self.ranks().index, 2):
            if base is None or base in (a, b):
                gain = (self.scores[a] - self.scores[b]).to_numpy()
                found.append(Pair(a, b, _p_value(gain)))
        found.sort(key=lambda pair: pair.p)
        corrected, largest = [], 0.0
        for rank, pair in enumerate(found):
            # None is surer than one that is before it.
            largest = max(largest, min(1.0, pair.p * (len(found) - rank)))
            corrected.append(pair._replace(p=largest))
        return corrected

    def groups(self, level: float = 0.05) -> list[tuple[str, ...]]:
        """Return neighbours in rank of which no two differ: the bars of the diagram."""
        order = list(self.ranks().index)
        apart = {frozenset(p[:2]) for p in self.pairs() if p.p < level}
        found: list[range] = []
        for first in range(len(order)):
            last = first
            while last + 1 < len(order) and not any(
                frozenset((order[k], order[last + 1])) in apart
                for k in range(first, last + 1)
            ):
                last += 1
            inside = any(first >= r[0] and last <= r[-1] for r in found)
            if last > first and not inside:
                found.append(range(first, last + 1))
        return [tuple(order[k] for k in group) for group in found]


def _p_value(gain: np.ndarray) -> float:
    return float(wilcoxon(gain).pvalue) if np.any(gain) else 1.0


def interval(
    accuracy: np.ndarray, n: np.ndarray, *, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % interval of a mean accuracy over sets, by a bootstrap.

    Only the test samples are drawn anew: the sets stay.

    Parameters
    ----------
    accuracy, n : ndarray of shape (sets,)
        On how many test samples.
    draws, seed : int
    """
    # Samples drawn with replacement are right as often as a binomial says.
    random = np.random.default_rng(seed)
    means = (random.binomial(n, accuracy, (draws, len(n))) / n).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)
