"""Who influences whom, as a map of causes and targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from LNN._typing import Column
from LNN.inspection.displays.needs import refuse_without_matplotlib
from LNN.inspection.influence import influence_graph

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

INCHES = 0.2
UNWIRED = "#dddddd"
# Shares below this are white: a dash there would say nothing.
SEEN = 0.02


class InfluenceDisplay:
    """Causes as rows, targets as columns, the effect as colour.

    Outputs have another unit than neurons, so that each of the two parts has a scale of
    its own: dark is the largest effect of the part.

    Parameters
    ----------
    on_neurons : ndarray of shape (F + N, N)
        Effects of inputs and neurons on neurons, 0 for none.
    on_outputs : ndarray of shape (F + N, K)
    wired : ndarray of bool, shape (F + N, N + K)
        Where there is a direct connection; elsewhere an effect of exactly 0 is drawn
        grey.
    causes, neurons, outputs : sequence of str
        Names of the inputs and neurons, of the neurons, and of the outputs.
    kind : str
        As in `influence_graph`.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    image_ : matplotlib AxesImage
    negative_ : matplotlib PathCollection
        The dashes.

    Notes
    -----
    It shows the model, not the world.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import InfluenceDisplay
    >>> X = np.sin(0.3 * np.arange(60))[:, None]
    >>> lnn = LiquidRegressor(8, window_length=6, epochs=3, random_state=0)
    >>> display = InfluenceDisplay.from_estimator(lnn.fit(X[:-1], X[1:, 0]), X)
    >>> display.on_neurons.shape, display.on_outputs.shape
    ((9, 8), (9, 1))
    """

    def __init__(
        self,
        on_neurons: NDArray[np.float64],
        on_outputs: NDArray[np.float64],
        wired: NDArray[np.bool_],
        *,
        causes: Sequence[str],
        neurons: Sequence[str],
        outputs: Sequence[str],
        kind: str = "jacobian",
    ):
        self.on_neurons, self.on_outputs, self.wired = on_neurons, on_outputs, wired
        self.causes, self.neurons, self.outputs = causes, neurons, outputs
        self.kind = kind

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: ArrayLike,
        *,
        kind: str = "jacobian",
        max_samples: int | None = 500,
        timestamps: Column | None = None,
        groups: Column | None = None,
        ax: Axes | None = None,
    ) -> InfluenceDisplay:
        """Draw the influences within a fitted model over X.

        The size is the mean of absolute effects, the sign that of the mean effect.

        Parameters
        ----------
        model, X, kind, max_samples, timestamps, groups
            As in `influence_graph`.
        ax : matplotlib Axes, default=None
            None is a new figure.

        Returns
        -------
        InfluenceDisplay
        """
        found = influence_graph(
            model,
            X,
            kind=kind,
            max_samples=max_samples,
            timestamps=timestamps,
            groups=groups,
        )
        on_neurons, on_outputs = (
            np.vstack([_signed(found, f"{cause}_to_{to}") for cause in CAUSES])
            for to in ("neurons", "outputs")
        )
        masks = [
            np.vstack([found.wired_mask[f"{cause}_to_{to}"] for cause in CAUSES])
            for to in ("neurons", "outputs")
        ]
        display = cls(
            on_neurons,
            on_outputs,
            np.hstack(masks),
            causes=[*found.inputs, *found.neurons],
            neurons=found.neurons,
            outputs=[str(name) for name in found.outputs],
            kind=kind,
        )
        return display.plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> InfluenceDisplay:
        """Draw on axes, or on a new figure.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None is a new figure of suitable size.

        Returns
        -------
        InfluenceDisplay
            Itself.
        """
        refuse_without_matplotlib()
        import matplotlib as mpl
        import matplotlib.pyplot as plt

        targets = [*self.neurons, *self.outputs]
        n_rows, n_columns = len(self.causes), len(targets)
        if ax is None:
            size = (2.6 + INCHES * n_columns, 2.0 + INCHES * n_rows)
            size = (min(16.0, max(5.0, size[0])), min(14.0, max(4.0, size[1])))
            _, ax = plt.subplots(figsize=size, layout="constrained")
        scaled = np.hstack([_scaled(self.on_neurons), _scaled(self.on_outputs)])
        colours = mpl.colormaps["RdBu"].with_extremes(bad=UNWIRED)
        shown = np.ma.masked_array(scaled, ~self.wired & (scaled == 0))
        self.image_ = ax.imshow(shown, cmap=colours, vmin=-1, vmax=1, aspect="auto")
        # Both ends of the colours are dark: in grey print the sign is told by a dash.
        row, column = np.nonzero(scaled < -SEEN)
        self.negative_ = ax.scatter(
            column, row, marker="_", s=14, linewidths=0.8, color="black"
        )
        font = float(np.interp(max(n_rows, n_columns), [20, 64], [8.5, 4.5]))
        ax.set_xticks(np.arange(n_columns), targets, rotation=90, fontsize=font)
        ax.set_yticks(np.arange(n_rows), self.causes, fontsize=font)
        # Between inputs and neurons, and between neurons and outputs.
        ax.axhline(n_rows - len(self.neurons) - 0.5, color="black", linewidth=0.8)
        ax.axvline(len(self.neurons) - 0.5, color="black", linewidth=0.8)
        ax.set_xlabel("Target: neurons, then outputs")
        ax.set_ylabel("Cause: inputs, then neurons")
        ax.set_title(
            f"Influence ({self.kind}); dash: negative, grey: none", fontsize=10
        )
        ax.figure.colorbar(
            self.image_, ax=ax, label="Effect, as a share of the largest", shrink=0.8
        )
        self.ax_: Axes = ax
        self.figure_: Figure | SubFigure = ax.figure
        return self


CAUSES = ("inputs", "neurons")


def _signed(found: Any, pair: str) -> np.ndarray:
    # A neuron that is held falls by 0 on average.
    sign = np.where(found.mean[pair] < 0, -1.0, 1.0)
    return sign * found.mean_absolute[pair]


def _scaled(effects: np.ndarray) -> np.ndarray:
    largest = np.abs(effects).max(initial=0.0)
    return effects / largest if largest > 0 else effects
