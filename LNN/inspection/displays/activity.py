"""The neurons over time, beside the inputs and the answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from LNN._typing import Column
from LNN.estimators.fitted import as_fitted
from LNN.exceptions import InvalidInputError
from LNN.inspection.activity import activity_over
from LNN.inspection.displays.needs import refuse_without_matplotlib
from LNN.inspection.displays.units import readable_unit
from LNN.inspection.names import output_names
from LNN.inspection.time_constants import unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

# Okabe and Ito's colours, apart for colour-blind readers, and dashes for grey print.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHES = ("-", "--", "-.", ":")
# From dark to light in grey print too.
COLOUR_MAP = "cividis"
# More lines than this nobody tells apart: they become a heat map.
MOST_LINES = 6


class NeuronActivityDisplay:
    """The states of all neurons over time, under the inputs and above the answers.

    Parameters
    ----------
    time : ndarray of shape (T,)
    inputs, states, outputs : ndarray of shape (T, F), (T, N) and (T, K)
    names, neurons, output_names : sequence of str
    time_name : str, default="step"
    title : str, default=""
        Of several recordings or sequences, which one it is.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The one that was given, or the one with the neurons.
    axes_ : list of matplotlib Axes
        With the inputs, the neurons and the answers.
    figure_ : matplotlib Figure
    image_ : matplotlib QuadMesh
        The neurons.

    Notes
    -----
    It shows the model, not the world.

    References
    ----------
    Lechner et al., Neural circuit policies enabling auditable autonomy, Nature Machine
    Intelligence 2020, figure 5.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import NeuronActivityDisplay
    >>> X = np.sin(0.3 * np.arange(60))[:, None]
    >>> lnn = LiquidRegressor(8, window_length=6, epochs=3, random_state=0)
    >>> display = NeuronActivityDisplay.from_estimator(lnn.fit(X[:-1], X[1:, 0]), X)
    >>> display.states.shape
    (60, 8)
    """

    def __init__(
        self,
        time: NDArray[np.float64],
        inputs: NDArray[np.float64],
        states: NDArray[np.float64],
        outputs: NDArray[np.float64],
        *,
        names: Sequence[str],
        neurons: Sequence[str],
        output_names: Sequence[str],
        time_name: str = "step",
        title: str = "",
    ):
        self.time, self.inputs, self.states, self.outputs = (
            time,
            inputs,
            states,
            outputs,
        )
        self.names, self.neurons, self.output_names = names, neurons, output_names
        self.time_name, self.title = time_name, title

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: ArrayLike,
        *,
        sequence: int = 0,
        timestamps: Column | None = None,
        groups: Column | None = None,
        ax: Axes | None = None,
    ) -> NeuronActivityDisplay:
        """Draw the activity of a fitted model over a recording or sequence of X.

        Parameters
        ----------
        model, X, timestamps, groups
            As in `neuron_activity`.
        sequence : int, default=0
            Which recording or sequence of X.
        ax : matplotlib Axes, default=None
            The room for the three parts; None is a new figure.

        Returns
        -------
        NeuronActivityDisplay

        Raises
        ------
        InvalidInputError
            If X has no such sequence.
        """
        fitted = as_fitted(model)
        sequences = fitted.read(X, timestamps=timestamps, groups=groups)
        found = activity_over(fitted, sequences)
        own = found.sequence == sequence
        if not own.any():
            raise InvalidInputError(
                f"Expected sequence from 0 to {found.sequence.max(initial=0)}, got "
                f"{sequence}."
            )
        lines = np.flatnonzero(own)[np.argsort(found.time[own], kind="stable")]
        time = found.time[lines]
        unit, unit_name = readable_unit(unit_of(fitted.clock)[1], np.ptp(time))
        n_outputs = found.outputs.shape[1]
        display = cls(
            time / unit,
            np.asarray(sequences.rows.take(found.position[lines]), dtype=np.float64),
            found.states[lines],
            found.outputs[lines],
            names=[str(name) for name in found.names],
            neurons=found.neurons,
            output_names=[str(name) for name in output_names(fitted, n_outputs)],
            title=_title(sequences.layout == "rows", sequence, found.sequence),
            time_name="Step" if unit_name == "steps" else f"Time, in {unit_name}",
        )
        return display.plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> NeuronActivityDisplay:
        """Draw into the room of axes, or on a new figure.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None is a new figure of suitable size.

        Returns
        -------
        NeuronActivityDisplay
            Itself.
        """
        refuse_without_matplotlib()
        top, middle, bottom = self.axes_ = _three_axes(ax, len(self.neurons))
        self.ax_: Axes = middle if ax is None else ax
        self.figure_: Figure | SubFigure = self.ax_.figure
        several = len(self.names) > 1
        inputs = _scaled(self.inputs) if several else self.inputs
        _draw(top, self.time, inputs, self.names)
        largest = float(np.abs(self.states).max(initial=1e-9))
        self.image_ = _heat_map(middle, self.time, self.states, self.neurons, largest)
        self.figure_.colorbar(self.image_, ax=middle, label="State", pad=0.01)
        _draw(bottom, self.time, self.outputs, self.output_names)
        # Columns in units of their own would be flat lines beside each other.
        scale = ", in standard deviations" if several else ""
        which = f"{self.title}: " if self.title else ""
        titles = (f"{which}Inputs{scale}", "Neurons", "Answer")
        for part, title in zip(self.axes_, titles, strict=True):
            part.set_title(title, loc="left", fontsize=9)
            part.label_outer()
        bottom.set_xlabel(self.time_name)
        return self


def _title(in_rows: bool, sequence: int, sequences: NDArray[np.int64]) -> str:
    n = int(sequences.max(initial=0)) + 1
    word = "Recording" if in_rows else "Sequence"
    return "" if n == 1 else f"{word} {sequence} (of {n}, from 0)"


def _three_axes(ax: Axes | None, n: int) -> list[Axes]:
    """Return axes above each other, in the room of one or on a new figure."""
    import matplotlib.pyplot as plt

    ratios = {"height_ratios": [1.2, max(1.5, 0.16 * n), 1.0]}
    if ax is None:
        height = min(14.0, 3.4 + 0.16 * max(n, 8))
        figure, axes = plt.subplots(
            *(3, 1),
            figsize=(8.0, height),
            sharex=True,
            layout="constrained",
            gridspec_kw=ratios,
        )
        return list(axes)
    ax.set_axis_off()
    spec, room = ax.get_subplotspec(), ax.get_position()
    if spec is None:
        ends = {"left": room.x0, "right": room.x1, "bottom": room.y0, "top": room.y1}
        grid: Any = ax.figure.add_gridspec(3, 1, **ends, hspace=0.3, **ratios)
    else:
        grid = spec.subgridspec(3, 1, hspace=0.3, **ratios)
    first = ax.figure.add_subplot(grid[0])
    rest = [ax.figure.add_subplot(grid[k], sharex=first) for k in (1, 2)]
    return [first, *rest]


def _scaled(values: np.ndarray) -> np.ndarray:
    """Return columns (T, n) in standard deviations from their means."""
    known = np.ma.masked_invalid(values)
    spread = known.std(axis=0).filled(0.0)
    scaled = (known - known.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return scaled.filled(np.nan)


def _draw(ax: Axes, time: np.ndarray, values: np.ndarray, names: Sequence[str]) -> None:
    """Draw a few columns as lines, many as a heat map."""
    if len(names) > MOST_LINES:
        largest = float(np.abs(np.nan_to_num(values)).max(initial=1e-9))
        image = _heat_map(ax, time, values, names, largest)
        ax.figure.colorbar(image, ax=ax, pad=0.01)
        return
    for k, (name, column) in enumerate(zip(names, values.T, strict=True)):
        dash = DASHES[k % len(DASHES)]
        ax.plot(time, column, dash, color=COLOURS[k], linewidth=1.2, label=name)
    ax.margins(x=0)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.05), fontsize=8, frameon=False)


def _heat_map(
    ax: Axes,
    time: np.ndarray,
    values: np.ndarray,
    names: Sequence[str],
    largest: float,
) -> Any:
    """Draw columns (T, n) as rows of colours, each step as wide as it lasts."""
    # A state stands from its row to the next one; the last as long as the one before.
    last = time[-1] + (time[-1] - time[-2] if len(time) > 1 else 1.0)
    edges = np.append(time, last)
    image = ax.pcolormesh(
        edges,
        np.arange(len(names) + 1) - 0.5,
        values.T,
        cmap=COLOUR_MAP,
        vmin=-largest,
        vmax=largest,
        rasterized=True,
    )
    step = max(1, -(-len(names) // 40))
    size = float(np.interp(len(names), [16, 40], [8.0, 5.5]))
    ax.set_yticks(np.arange(len(names))[::step], list(names)[::step], fontsize=size)
    ax.set_ylim(len(names) - 0.5, -0.5)
    return image
