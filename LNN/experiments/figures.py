"""Figures: the validation metric against epochs and against seconds, per task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from LNN.exceptions import MissingDependencyError
from LNN.experiments.metrics import METRICS
from LNN.experiments.models import EQUAL, MODELS
from LNN.experiments.runs import Record
from LNN.experiments.tasks import TASKS


def plot_task(
    records: Iterable[Record], task: str, protocol: str, budget: str, folder: Path
) -> Path | None:
    """Draw the curves of a task; the line is the mean of seeds, the band their range.

    Parameters
    ----------
    records : iterable of dict
    task, protocol, budget : str
    folder : Path
        Gets `<task>-<protocol>.png`.

    Returns
    -------
    Path or None
        The picture; None if there is nothing to draw.
    """
    curves = _curves(records, task, protocol, budget)
    if not curves:
        return None
    matplotlib = import_matplotlib()
    # No pyplot: it would choose a backend, which is the caller's to choose.
    figure = matplotlib.figure.Figure(figsize=(11, 4))
    axes = figure.subplots(1, 2, sharey=True)
    # Ten strong colours, then their light shades: no two models share one.
    tab20 = matplotlib.colormaps["tab20"].colors
    palette = dict(zip(MODELS, (*tab20[::2], *tab20[1::2]), strict=False))
    for k, (name, (values, seconds)) in enumerate(curves.items()):
        style = "-" if MODELS[name].liquid else "--"
        epochs = np.arange(1, values.shape[1] + 1)
        colour = palette[name]
        for axis, x in zip(axes, (epochs, seconds), strict=True):
            look = {"color": colour, "linestyle": style, "zorder": k}
            axis.plot(x, values.mean(axis=0), label=name, lw=1.4, **look)
            low, high = values.min(axis=0), values.max(axis=0)
            axis.fill_between(x, low, high, color=colour, alpha=0.12, lw=0)
    metric = METRICS[TASKS[task].metric]
    axes[0].set(xlabel="epoch", ylabel=f"validation {metric.label}")
    axes[1].set(xlabel="seconds of training, one thread", xscale="log")
    if not metric.greater_is_better:
        axes[0].set_yscale("log")
    # Beside the curves, which are everywhere.
    beside = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
    axes[1].legend(fontsize=8, frameon=False, **beside)
    for axis in axes:
        axis.grid(alpha=0.25, which="both")
    figure.suptitle(f"{task} ({protocol}): {TASKS[task].title}", fontsize=10)
    figure.tight_layout()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{task}-{protocol}.png"
    figure.savefig(path, dpi=110)
    return path


def _curves(
    records: Iterable[Mapping[str, Any]], task: str, protocol: str, budget: str
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return per model the metric (seeds, epochs) and the mean seconds (epochs,)."""
    found = defaultdict(list)
    for record in records:
        same = (record["task"], record["protocol"], record["budget"])
        if same == (task, protocol, budget) and "curve" in record:
            found[record["model"]].append(record)
    curves = {}
    for name in MODELS:  # variants "@equal" would double the lines
        if name not in found or name.endswith(EQUAL):
            continue
        n_epochs = min(len(record["curve"]) for record in found[name])
        values = np.array([record["curve"][:n_epochs] for record in found[name]])
        seconds = [record["curve_seconds"][:n_epochs] for record in found[name]]
        curves[name] = values, np.mean(seconds, axis=0)
    return curves


def import_matplotlib() -> Any:
    """Return matplotlib; raise MissingDependencyError without it."""
    try:
        import matplotlib.figure
    except ImportError as error:
        raise MissingDependencyError(
            'plot needs matplotlib. Install it with: pip install "LNN[plot]".'
        ) from error
    return matplotlib
