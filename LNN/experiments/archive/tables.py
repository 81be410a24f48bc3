"""Results as tables: what the models have in common decides which sets count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from LNN.experiments.archive.lines import Fit, Line
from LNN.experiments.archive.statistics import Comparison, interval

Rows = list[list[str]]
BASE = "LSTM"


@dataclass(frozen=True)
class Common:
    """The results that all models of a table have.

    Attributes
    ----------
    frame : DataFrame
        A row per fit: of sets, seeds and folds that every model has.
    left_out : dict
        From models with less than half of the fits of the others to their number.
    """

    frame: pd.DataFrame
    left_out: dict[str, int]

    def means(self, what: str) -> pd.DataFrame:
        """Return the mean over seeds and folds, (sets, models)."""
        return self._mean("set", "model", what)

    def along(self, what: str) -> pd.DataFrame:
        """Return the mean accuracy over all sets along a curve, (models, values)."""
        return self._mean("model", what, "clean")

    def _mean(self, index: str, columns: str, values: str) -> pd.DataFrame:
        if values not in self.frame:
            return pd.DataFrame()
        return self.frame.pivot_table(
            index=index, columns=columns, values=values, aggfunc="mean", sort=False
        )

    def basis(self) -> str:
        """Say in words how much stands behind each number."""
        kinds = self.frame.groupby(["model", "part", "steps"]).ngroup()
        counts = self.frame[kinds == 0].groupby("set").size()
        few, many = counts.min(), counts.max()
        fits = f"{few}" if few == many else f"{few} to {many}"
        sets = "1 set" if len(counts) == 1 else f"{len(counts)} sets"
        said = f"{sets}, {fits} {'fit' if many == 1 else 'fits'} of each"
        if self.left_out:
            names = ", ".join(f"{name} ({n})" for name, n in self.left_out.items())
            said += f"; left out, with too few fits so far: {names}"
        return said


def common_of(
    lines: Mapping[Fit, Line],
    models: Sequence[str],
    among: Callable[[Fit], bool] | None = None,
) -> Common | None:
    """Return what the models have in common; None if there is nothing.

    Parameters
    ----------
    lines : mapping of Fit to dict
    models : sequence of str
        In the order of the table.
    among : callable, default=None
        Whether a fit is one of the table; None takes those of the most steps.
    """
    if among is None:
        most = max((fit.steps for fit in lines), default=0)
        among = partial(_has_steps, most)
    chosen = [line for fit, line in lines.items() if among(fit)]
    frame = pd.DataFrame([line for line in chosen if line["model"] in models])
    if frame.empty:
        return None
    counts = frame.model.value_counts()
    counts = counts.reindex([name for name in models if name in counts.index])
    kept = counts[counts >= counts.max() / 2].index
    frame = frame[frame.model.isin(kept)]
    # Where an experiment varies the data or the steps, whole curves are compared.
    kind = frame.groupby(["model", "part", "steps"], sort=False).ngroup()
    together = kind.groupby([frame.set, frame.seed, frame.fold.fillna(-1)])
    frame = frame[together.transform("nunique") == kind.nunique()]
    if frame.empty:
        return None
    order = {name: k for k, name in enumerate(kept)}
    frame = frame.sort_values("model", key=lambda m: m.map(order), kind="stable")
    return Common(frame, counts[~counts.index.isin(kept)].to_dict())


def _has_steps(steps: int, fit: Fit) -> bool:
    return fit.steps == steps


def accuracy_table(common: Common, base: str = BASE) -> Rows:
    """Return a row per model, the best rank first, and how it fares against one."""
    accuracy = common.means("clean")
    comparison = Comparison(accuracy)
    half, loss, seconds, weights = (
        common.means(what).mean()
        for what in ("half rate", "log loss", "seconds", "weights")
    )
    samples = common.means("n").round().astype(int)
    against = comparison.against(base) if base in accuracy else {}
    rows = [
        [
            *("model", "mean rank", "accuracy", "95 %", "at half rate", "log loss"),
            *(f"won/tied/lost to {base}", "median gain", "p", "seconds", "weights"),
        ]
    ]
    for model, rank in comparison.ranks().items():
        low, high = interval(accuracy[model].to_numpy(), samples[model].to_numpy())
        record = against.get(model)
        rows.append(
            [
                *(model, f"{rank:.2f}", f"{accuracy[model].mean():.3f}"),
                f"{low:.3f} to {high:.3f}",
                *(number(half[model]), number(loss.get(model, np.nan), 2)),
                f"{record.wins}/{record.ties}/{record.losses}" if record else "",
                f"{record.median:+.3f}" if record else "",
                p_text(record.p) if record else "",
                f"{seconds[model]:.1f}",
                f"{weights[model]:,.0f}" if weights.get(model, np.nan) > 0 else "",
            ]
        )
    return rows


def shift_table(common: Common, changes: Sequence[str]) -> Rows:
    """Return a row per model with its accuracy after each change, the best marked."""
    found = pd.DataFrame({name: common.means(name).mean() for name in changes})
    best = found.round(3).max()
    rows = [["model", *changes]]
    for model, row in found.iterrows():
        shown = [
            f"**{value:.3f}**" if round(value, 3) == best[name] else f"{value:.3f}"
            for name, value in row.items()
        ]
        rows.append([str(model), *shown])
    return rows


def curve_table(common: Common, what: str, unit: str) -> Rows:
    """Return a row per model with its accuracy along a curve, and the mean of it."""
    found = common.along(what).sort_index(axis=1)
    ranks = Comparison(common.means("clean")).ranks()
    rows = [["model", *(f"{value}{unit}" for value in found), "mean", "mean rank"]]
    for model, row in found.iterrows():
        means = [f"{value:.3f}" for value in (*row, row.mean())]
        rows.append([str(model), *means, f"{ranks[model]:.2f}"])
    return rows


def number(value: float, digits: int = 3) -> str:
    """Return a number; nothing if there is none."""
    return "" if np.isnan(value) else f"{value:.{digits}f}"


def p_text(p: float) -> str:
    """Return a p-value in two figures."""
    return f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def pairs_text(comparison: Comparison, base: str | None = None) -> str:
    """Say whether the models differ, and which pairs do: all, or those with one."""
    said, pairs = "", comparison.pairs(base)
    if comparison.scores.shape[1] > 2:
        said = f"Friedman: p = {p_text(comparison.friedman())}. "
    sure = [f"{a} > {b} (p = {p_text(p)})" for a, b, p in pairs if p < 0.05]
    which = f"Pairs with {base}" if base else "Pairs"
    return (
        f"{said}{which} that differ by Wilcoxon's test with Holm's correction for "
        f"{len(pairs)}: {', '.join(sure) or 'none'}."
    )
