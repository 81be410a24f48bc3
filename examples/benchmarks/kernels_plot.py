"""The picture of what kernels.py measured: ratios to peers, and growth."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from kernels_report import (
    PEERS,
    RATIO_BARS,
    Growth,
    Measurement,
    Report,
    fits,
    joint_exponents,
    processor,
)

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

BATCH = 32
# Okabe and Ito's colours, told apart by the colour-blind; markers differ too.
PEER_STYLE = {
    "ncps": ("#0072B2", "o"),
    "torch": ("#E69F00", "s"),
    "LSTM": ("#009E73", "^"),
    "GRU": ("#CC79A7", "v"),
}
OFFSET = dict(zip(PEERS, (-0.24, -0.08, 0.08, 0.24), strict=True))
PEER_NAME = {"torch": "LNN, torch backend", "LSTM": "nn.LSTM", "GRU": "nn.GRU"}
WIRING_STYLE = {
    "NCP": ("#0072B2", "o"),
    "NCP, layers recur": ("#E69F00", "s"),
    "random 25 %": ("#009E73", "^"),
    "full": ("#CC79A7", "D"),
}


def plot(report: Report, file: Path) -> None:
    """Draw and save the picture."""
    figure = plt.figure(figsize=(11, 9.5), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=[1, 1])
    draw_ratios(top.subplots(), report.measurements)
    left, right = bottom.subplots(1, 2)
    draw_growth(left, report, "LTC")
    draw_growth(right, report, "CfC")
    figure.suptitle(
        f"LNN's native kernels, one thread of {processor()}: forward + backward, "
        f"B = {BATCH}, T = 64, F = 8"
    )
    figure.savefig(file, dpi=130)
    plt.close(figure)


# -------------------------------------------------------------------------- ratios


def draw_ratios(axes: Axes, measurements: list[Measurement]) -> None:
    """Draw every peer's time over ours, with quartiles, by model and N."""
    shown = [
        m
        for m in measurements
        if (m.case.batch, m.case.threads, m.case.backward) == (BATCH, 1, True)
    ]
    places = np.array(_places(shown))
    for peer in PEERS:
        draw_peer(axes, shown, places + OFFSET[peer], peer)
    draw_goals(axes, shown, places)
    axes.axhline(1, color="black", linewidth=1)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xticks(places, [f"{m.case.neurons}" for m in shown])
    _name_groups(axes, shown, places)
    axes.set_xlabel("neurons N", labelpad=20)
    axes.set_ylabel("peer's time / our time\n(above 1: LNN is faster)")
    axes.grid(axis="y", color="0.88")
    axes.set_axisbelow(True)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.13), ncols=5, frameon=False)


def draw_peer(axes: Axes, shown: list[Measurement], places, peer: str) -> None:
    """Draw the medians and quartiles of one peer."""
    colour, marker = PEER_STYLE[peer]
    pairs = [
        (x, m.ratios[peer])
        for x, m in zip(places, shown, strict=True)
        if peer in m.ratios
    ]
    if not pairs:
        return
    x = [x for x, _ in pairs]
    low, median, high = np.array([ratio[:3] for _, ratio in pairs]).T
    axes.errorbar(
        x,
        median,
        [median - low, high - median],
        fmt=marker,
        color=colour,
        markersize=7,
        capsize=3,
        label=PEER_NAME.get(peer, peer),
    )


def draw_goals(axes: Axes, shown: list[Measurement], places: np.ndarray) -> None:
    """Draw the goals for N = 32 as short lines."""
    at = {m.case[:3]: x for x, m in zip(places, shown, strict=True)}
    goals = [
        (at[model, wiring, 32] + OFFSET[peer], goal)
        for model, wiring, batch, backward, peer, goal in RATIO_BARS
        if (batch, backward) == (BATCH, True) and (model, wiring, 32) in at
    ]
    if goals:
        x, y = np.array(goals).T
        axes.hlines(y, x - 0.13, x + 0.13, "black", linewidth=2, label="goal")


def _places(shown: list[Measurement]) -> list[float]:
    """Return where on the x axis measurements go: a gap between two models."""
    places, at = [], 0.0
    for before, m in zip([None, *shown], shown, strict=False):
        at += 1 if before is None or before.case[:2] == m.case[:2] else 1.6
        places.append(at)
    return places


def _name_groups(axes: Axes, shown: list[Measurement], places: list[float]) -> None:
    groups: dict[str, list[float]] = {}
    for x, m in zip(places, shown, strict=True):
        groups.setdefault(f"{m.case.model} {m.case.wiring}", []).append(x)
    for name, members in groups.items():
        axes.annotate(
            name,
            (np.mean(members), 0),
            (0, -20),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            va="top",
            weight="bold",
        )


# -------------------------------------------------------------------------- growth


def draw_growth(axes: Axes, report: Report, model: str) -> None:
    """Draw time against synapses, the fit, and what growth with N^2 would be."""
    points = [g for g in report.growth if g.model == model]
    for wiring, (colour, marker) in WIRING_STYLE.items():
        some = [g for g in points if g.wiring == wiring]
        x, y = [g.evaluations for g in some], [1e9 * g.seconds for g in some]
        axes.plot(x, y, marker, color=colour, markersize=7, label=wiring)
    draw_fit(axes, report.growth, points, model)
    counts = np.array(sorted(g.evaluations for g in points))
    if model == "LTC":
        limit = sum(report.bound.values()) * counts
        axes.plot(counts, limit, ":", color="black", label="bound of the sigmoid")
    axes.set_xscale("log")
    axes.set_yscale("log")
    unit = "synapse-evaluations" if model == "LTC" else "synapses"
    axes.set_xlabel(f"live {unit} per sample and step")
    axes.set_ylabel("ns per sample and step")
    synapses, square = joint_exponents(report.growth, model)
    sizes = ", ".join(str(n) for n in sorted({g.neurons for g in points}))
    axes.set_title(
        f"wired {model}, N = {sizes}: time ~ synapses$^{{{synapses:.2f}}}$"
        f" · (N²)$^{{{square:.2f}}}$",
        fontsize="medium",
    )
    axes.grid(color="0.88")
    axes.set_axisbelow(True)
    axes.yaxis.set_minor_formatter("")
    axes.set_ylim(axes.get_ylim()[0] / 2)
    axes.legend(fontsize="small", loc="lower right")


def draw_fit(
    axes: Axes, growth: list[Growth], points: list[Growth], model: str
) -> None:
    """Draw the power law, and NCP as dear as full: growth with N squared."""
    found = fits(growth, model)
    f, square = found["synapses"], found["N squared"]
    counts = np.array(sorted(g.evaluations for g in points), float)
    means = np.log([g.evaluations for g in points]).mean()
    level = np.log([1e9 * g.seconds for g in points]).mean()
    axes.plot(
        counts,
        np.exp(level + f.exponent * (np.log(counts) - means)),
        color="0.35",
        label=f"fit: exponent {f.exponent:.2f}, R² {f.log_r2:.3f} (linear {f.r2:.3f})",
    )
    full = {g.neurons: 1e9 * g.seconds for g in points if g.wiring == "full"}
    sparse = [g for g in points if g.wiring == "NCP"]
    axes.plot(
        [g.evaluations for g in sparse],
        [full[g.neurons] for g in sparse],
        "--",
        color="0.35",
        label=f"NCP at the time of full, N² (linear R² {square.r2:.3f})",
    )
