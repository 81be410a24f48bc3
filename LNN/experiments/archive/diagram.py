"""The critical-difference diagram: mean ranks, and who does not differ."""

from __future__ import annotations

from pathlib import Path

from LNN.experiments.archive.statistics import Comparison
from LNN.experiments.figures import import_matplotlib


def draw_ranks(comparison: Comparison, path: Path) -> Path:
    """Draw the mean ranks on a line; a bar joins models that do not differ.

    By Wilcoxon's test with Holm's correction for all pairs, at 5 %.

    Parameters
    ----------
    comparison : Comparison
    path : Path
        Gets the picture.

    Returns
    -------
    Path

    References
    ----------
    Demsar, Statistical comparisons of classifiers over multiple data sets, JMLR 2006.
    """
    matplotlib = import_matplotlib()
    ranks, groups = comparison.ranks(), comparison.groups()
    half = (len(ranks) + 1) // 2
    bars, rows = 0.22 * len(groups), 0.34 * half
    figure = matplotlib.figure.Figure(figsize=(9, 1.1 + bars + rows))
    axes = figure.subplots()
    low, high = 1, len(ranks)
    axes.plot([low, high], [0, 0], color="black", lw=1)
    for rank in range(low, high + 1):
        axes.plot([rank, rank], [0, 0.12], color="black", lw=1)
        axes.text(rank, 0.18, str(rank), ha="center", va="bottom")
    for k, (name, rank) in enumerate(ranks.items()):
        left = k < half
        # The best on top at the left, the worst on top at the right.
        row = k if left else len(ranks) - 1 - k
        height, side = -0.25 - bars - 0.34 * row, low - 0.1 if left else high + 0.1
        axes.plot([rank, rank, side], [0, height, height], color="0.45", lw=0.8)
        words = f"{name}  {rank:.2f}" if left else f"{rank:.2f}  {name}"
        where = {"ha": "right" if left else "left", "va": "center"}
        axes.text(side + (-0.05 if left else 0.05), height, words, **where)
    for k, group in enumerate(groups):
        ends = [ranks[group[0]] - 0.04, ranks[group[-1]] + 0.04]
        axes.plot(ends, [-0.16 - 0.22 * k] * 2, color="black", lw=3.5)
    axes.set(xlim=(low - 2, high + 2), ylim=(-0.5 - bars - rows, 0.6))
    axes.axis("off")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, bbox_inches="tight")
    return path
