"""Drawing a wiring; reached through :meth:`LNN.wiring.Wiring.plot`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from LNN.exceptions import InvalidInputError
from LNN.wiring.circuit import Circuit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Points = NDArray[np.float64]

# Distinguishable for colour-blind readers. In grey one is dark and the other light, and
# dashes tell them apart where lines are thin.
EXCITATORY, INHIBITORY = "#1c4f91", "#e06a3b"
INPUT_COLOUR, MOTOR_COLOUR = "#bdbdbd", "#f6a04d"
LAYER_COLOURS = ("#8fd0c4", "#f2d16b", "#c9a6dc", "#b5d58a", "#f4b6c2", "#a9c7e8")
CURVE = np.linspace(0.0, 1.0, 17)[:, None]
MAX_INCHES = 14.0
# Height of the middle control point of a synapse that passes a column.
BOW = 1.5
# Of synapses above and below 0.
SOLID, DASHED = "-", (0, (3.0, 1.0))
# Widths of the weakest synapse, and of the strongest among few and among many.
THIN, THICK = 0.2, (3.5, 1.5)


def draw_wiring(
    circuit: Circuit,
    ax: Axes | None = None,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    strengths: tuple[Points, Points] | None = None,
) -> Axes:
    """Draw a circuit on ``ax`` (a new figure if None), see ``Wiring.plot``.

    ``strengths`` of the sensory and the recurrent synapses, in their order, take the
    place of the polarities: the sign is the colour, the size the width of the line.
    """
    input_names = _check_names(input_names, circuit.n_inputs, "input_names")
    output_names = _check_names(output_names, circuit.n_outputs, "output_names")
    layered = len(circuit.layers) > 1
    place = _place_columns if layered else _place_circle
    inputs, neurons, width = place(circuit)
    # One unit is the distance between neighbours of the fullest column or circle.
    points = np.vstack([inputs, neurons])
    low, high = points.min(axis=0), points.max(axis=0)
    # Room for the arcs at the sides and for the names of inputs and outputs.
    low, high = low - 0.9, high + 0.9
    if ax is None:
        ax = _new_axes(low, high, width)
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    ax.axis("off")
    if not layered:
        ax.set_aspect("equal")
    # By the bounding box, which a subfigure has as well.
    height = ax.get_window_extent().height / ax.figure.dpi
    diameter = min(16.0, 0.68 * 72 * height / (high[1] - low[1]))
    _draw_edges(ax, circuit, inputs, neurons, strengths)
    colours = _draw_nodes(ax, circuit, inputs, neurons, diameter)
    _draw_names(ax, circuit, inputs, neurons, input_names, output_names, diameter)
    if layered:
        _draw_titles(ax, circuit, inputs, neurons, high[1])
    _draw_legend(ax, colours)
    return ax


def _new_axes(low: Points, high: Points, width: float) -> Axes:
    """Axes of a new figure whose neurons are about a quarter of an inch apart."""
    import matplotlib.pyplot as plt

    height = min(MAX_INCHES, max(3.5, 0.27 * (high[1] - low[1]) + 1.0))
    width = width or 1.15 * height * (high[0] - low[0]) / (high[1] - low[1])
    _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    return ax


# ------------------------------------------------------------------------- positions


def _place_columns(circuit: Circuit) -> tuple[Points, Points, float]:
    """Inputs and layers as columns; the figure is 3 inches wide per gap."""
    tallest = max(circuit.n_inputs, *(ids.size for _, ids in circuit.layers))
    inputs = _column(0.0, circuit.n_inputs, tallest)
    neurons = np.empty((circuit.n_neurons, 2))
    for i, (_, ids) in enumerate(circuit.layers, start=1):
        neurons[ids] = _column(2.0 * i, ids.size, tallest)
    return inputs, neurons, 2.2 + 2.4 * len(circuit.layers)


def _column(x: float, n: int, tallest: int) -> Points:
    """Positions of n nodes, first on top, spread a little where there is room."""
    gap = 1.0 if n < 2 else min(2.0, (tallest - 1) / (n - 1))
    y = (np.arange(n - 1, -1, -1) - (n - 1) / 2) * gap
    return np.column_stack([np.full(n, x), y])


def _place_circle(circuit: Circuit) -> tuple[Points, Points, float]:
    """Neurons on a circle, outputs first and on the right; inputs in a column left."""
    n, n_inputs = circuit.n_neurons, circuit.n_inputs
    radius = max(1.5, 1.35 * n / (2 * np.pi), 0.45 * n_inputs)
    # Outputs are centred on the right, where their names have room.
    angle = 2 * np.pi * ((circuit.n_outputs - 1) / 2 - np.arange(n)) / n
    neurons = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    inputs = _column(-2.1 * radius - 1.0, n_inputs, max(n_inputs, int(1.6 * radius)))
    return inputs, neurons, 0.0


# ----------------------------------------------------------------------------- edges


def _draw_edges(
    ax: Axes,
    circuit: Circuit,
    inputs: Points,
    neurons: Points,
    strengths: tuple[Points, Points] | None,
) -> None:
    """All synapses as two line collections, sensory ones below."""
    from matplotlib.collections import LineCollection

    source, target, _ = circuit.recurrent
    start, end = neurons[source], neurons[target]
    if len(circuit.layers) > 1:
        paths = _layered_paths(circuit, start, end)
    else:
        # Bent to one side of travel, so i -> j and j -> i are two lines.
        paths = _bezier(start, end, 0.12 * _left_of(end - start))
        rings = source == target
        outward = start[rings] / np.linalg.norm(start[rings], axis=1, keepdims=True)
        paths[rings] = _rings(start[rings] + 0.36 * outward, 0.3, 0.3)
    start, end = inputs[circuit.sensory.source], neurons[circuit.sensory.target]
    bend = np.zeros_like(start)
    bend[circuit.layer_of[circuit.sensory.target] > 0, 1] = BOW
    sensory = _bezier(start, end, bend)
    crowd = circuit.n_synapses
    alpha = np.interp(crowd, [40, 1000], [0.8, 0.35])
    width = np.interp(crowd, [40, 1000], [1.2, 0.5])
    polarities = circuit.sensory.polarity, circuit.recurrent.polarity
    signs: Any = polarities if strengths is None else strengths
    for lines, sign in zip((sensory, paths), signs, strict=True):
        # Strong ones on top of weak ones.
        order = np.argsort(np.abs(sign), kind="stable")
        colours = np.where(sign > 0, EXCITATORY, INHIBITORY)[order].tolist()
        widths = width if strengths is None else _widths(np.abs(sign[order]), crowd)
        ax.add_collection(
            LineCollection(
                list(lines[order]),
                colors=colours,
                linewidths=widths,
                linestyles=[SOLID if s > 0 else DASHED for s in sign[order]],
                alpha=alpha,
                zorder=1,
            ),
            autolim=False,
        )


def _widths(sizes: Points, crowd: int) -> Points:
    """Widths of lines, the thickest for the strongest synapse of its kind."""
    thick = np.interp(crowd, [40, 1000], THICK)
    return THIN + (thick - THIN) * sizes / max(sizes.max(initial=0.0), 1e-300)


def _layered_paths(circuit: Circuit, start: Points, end: Points) -> Points:
    """Lines to the next layer, arcs inside a layer, bows over or back to others."""
    source, target, _ = circuit.recurrent
    layer_of = circuit.layer_of
    step = layer_of[target] - layer_of[source]
    bend = np.zeros_like(start)
    inside = step == 0
    fall = start[inside, 1] - end[inside, 1]
    # Right downwards, left upwards. An arc reaches half as far as its control point:
    # the longest then ends just short of the arcs of the next column.
    reach = np.abs(fall) / max(np.abs(fall).max(initial=0.0), 6.0)
    bend[inside, 0] = np.sign(fall) * (0.25 + 1.45 * reach)
    far = (step != 0) & (step != 1)
    bend[far, 1] = np.where(step[far] > 0, BOW, -BOW)
    paths = _bezier(start, end, bend)
    rings = source == target
    paths[rings] = _rings(start[rings] + [0.13, 0.0], 0.11, 0.3)
    return paths


def _bezier(start: Points, end: Points, bend: Points | float = 0.0) -> Points:
    """Quadratic curves, shape (n, points, 2); ``bend`` moves the middle control."""
    control = (start + end) / 2 + bend
    start, control, end = (p[:, None, :] for p in (start, control, end))
    t = CURVE
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end


def _rings(centres: Points, width: float, height: float) -> Points:
    """Ellipses with the given half axes, for synapses of a neuron to itself."""
    turn = 2 * np.pi * CURVE[:, 0]
    ellipse = np.column_stack([width * np.cos(turn), height * np.sin(turn)])
    return centres[:, None, :] + ellipse


def _left_of(direction: Points) -> Points:
    return np.column_stack([-direction[:, 1], direction[:, 0]])


# ----------------------------------------------------------------- nodes and labels


def _draw_nodes(
    ax: Axes, circuit: Circuit, inputs: Points, neurons: Points, diameter: float
) -> dict[str, str]:
    """Dots with numbers; returns the colour of each kind for the legend."""
    types = [circuit.neuron_type(j) for j in range(circuit.n_neurons)]
    others = [name for name, _ in circuit.layers if name != "motor"]
    colours = {"input": INPUT_COLOUR}
    for i, name in enumerate(others):
        colours[name] = LAYER_COLOURS[i % len(LAYER_COLOURS)]
    colours["motor"] = MOTOR_COLOUR
    colours = {k: v for k, v in colours.items() if k == "input" or k in types}
    style: dict[str, Any] = {
        "s": diameter**2,
        "edgecolors": "#444444",
        "linewidths": 0.6,
        "zorder": 3,
    }
    ax.scatter(*inputs.T, marker="s", color=INPUT_COLOUR, **style)
    ax.scatter(*neurons.T, color=[colours[name] for name in types], **style)
    if diameter >= 8:
        for group in (inputs, neurons):
            for i, (x, y) in enumerate(group):
                _text(ax, x, y, str(i), 0.5 * diameter, "center")
    return colours


def _draw_names(
    ax: Axes,
    circuit: Circuit,
    inputs: Points,
    neurons: Points,
    input_names: list[str],
    output_names: list[str],
    diameter: float,
) -> None:
    """Names left of the inputs and right of the motor neurons."""
    size = min(9.0, max(5.0, 0.7 * diameter))
    for name, (x, y) in zip(input_names, inputs, strict=False):
        _text(ax, x, y, name, size, "right", shift=-(diameter / 2 + 4))
    columns = len(circuit.layers) > 1
    for name, (x, y) in zip(output_names, neurons, strict=False):
        # Outwards from the circle, beyond the ring of a self synapse.
        radius = np.hypot(x, y)
        cosine = 1.0 if columns else x / radius
        x, y = (
            (x + 0.27, y) if columns else (x + 0.85 * cosine, y * (1 + 0.85 / radius))
        )
        side = "left" if cosine > 0.1 else "right" if cosine < -0.1 else "center"
        _text(ax, x, y, name, size, side, shift=3 * round(cosine))


def _draw_titles(
    ax: Axes, circuit: Circuit, inputs: Points, neurons: Points, top: float
) -> None:
    """Name and size of each column above it."""
    plural = "" if circuit.n_inputs == 1 else "s"
    _text(ax, inputs[0, 0], top, f"{circuit.n_inputs} input{plural}", 9, "center")
    for name, ids in circuit.layers:
        _text(ax, neurons[ids[0], 0], top, f"{ids.size} {name}", 9, "center")


def _draw_legend(ax: Axes, colours: dict[str, str]) -> None:
    from matplotlib.lines import Line2D

    dot: dict[str, Any] = {
        "linestyle": "",
        "markeredgecolor": "#444444",
        "markersize": 8,
    }
    handles = [
        Line2D([], [], marker="s" if k == "input" else "o", color=v, label=k, **dot)
        for k, v in colours.items()
    ]
    handles.append(Line2D([], [], color=EXCITATORY, label="excitatory (+)"))
    handles.append(
        Line2D([], [], color=INHIBITORY, linestyle=DASHED, label="inhibitory (-)")
    )
    ax.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        ncols=min(6, len(handles)),
        frameon=False,
        fontsize=8,
        columnspacing=1.2,
        handletextpad=0.4,
    )


def _text(
    ax: Axes, x: float, y: float, text: str, size: float, ha: str, shift: float = 0.0
) -> None:
    """Text at a point, shifted to the right by points of the page."""
    ax.annotate(
        text,
        (x, y),
        (shift, 0.0),
        textcoords="offset points",
        fontsize=size,
        ha=ha,
        va="center",
        zorder=4,
        annotation_clip=False,
    )


def _check_names(names: Sequence[str] | None, n: int, what: str) -> list[str]:
    if names is None:
        return []
    names = [str(name) for name in names]
    if len(names) != n:
        raise InvalidInputError(f"{what} needs {n} names, got {len(names)}: {names}.")
    return names
