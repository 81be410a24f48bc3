"""The range of each neuron's time constant over data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from LNN._typing import Column
from LNN.inspection.displays.needs import refuse_without_matplotlib
from LNN.inspection.displays.units import readable_unit
from LNN.inspection.time_constants import time_constants

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

RANGE, MEDIAN = "#8c8c8c", "#2166ac"
LINE_INCHES = 0.22


class TimeConstantDisplay:
    """The range of each neuron's time constant over data, with its median.

    Parameters
    ----------
    minimum, median, maximum : ndarray of shape (N,)
    neurons : sequence of str
    unit_name : str
        What the time constants are in.
    kind : {"exact", "proxy"}
        As in `time_constants`.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    ranges_ : matplotlib LineCollection
    medians_ : matplotlib Line2D

    Notes
    -----
    It shows the model, not the world. A wide range is a neuron that changes its pace
    with what it reads.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import TimeConstantDisplay
    >>> X = np.sin(0.3 * np.arange(60))[:, None]
    >>> lnn = LiquidRegressor(8, window_length=6, epochs=3, random_state=0)
    >>> display = TimeConstantDisplay.from_estimator(lnn.fit(X[:-1], X[1:, 0]), X)
    >>> display.ax_.get_xlabel()
    'Time constant, in steps (exact)'
    """

    def __init__(
        self,
        minimum: NDArray[np.float64],
        median: NDArray[np.float64],
        maximum: NDArray[np.float64],
        *,
        neurons: Sequence[str],
        unit_name: str = "steps",
        kind: str = "exact",
    ):
        self.minimum, self.median, self.maximum = minimum, median, maximum
        self.neurons, self.unit_name, self.kind = neurons, unit_name, kind

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: ArrayLike,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
        ax: Axes | None = None,
    ) -> TimeConstantDisplay:
        """Draw the time constants of a fitted model over X.

        Parameters
        ----------
        model, X, timestamps, groups
            As in `time_constants`.
        ax : matplotlib Axes, default=None
            None is a new figure.

        Returns
        -------
        TimeConstantDisplay
        """
        found = time_constants(model, X, timestamps=timestamps, groups=groups)
        typical = found.unit * float(np.nanmedian(found.median))
        size, unit_name = readable_unit(found.unit_name, typical)
        ends = ("minimum", "median", "maximum")
        display = cls(
            *(found[name] * found.unit / size for name in ends),
            neurons=found.neurons,
            unit_name=unit_name,
            kind=found.kind,
        )
        return display.plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> TimeConstantDisplay:
        """Draw on axes, or on a new figure.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None is a new figure of suitable size.

        Returns
        -------
        TimeConstantDisplay
            Itself.
        """
        refuse_without_matplotlib()
        n = len(self.neurons)
        if ax is None:
            import matplotlib.pyplot as plt

            height = min(14.0, 1.0 + LINE_INCHES * max(n, 4))
            _, ax = plt.subplots(figsize=(6.0, height), layout="constrained")
        place = np.arange(n)
        self.ranges_ = ax.hlines(
            place, self.minimum, self.maximum, color=RANGE, linewidth=3, label="range"
        )
        (self.medians_,) = ax.plot(
            self.median, place, "o", color=MEDIAN, markersize=4, label="median"
        )
        ax.set_xscale("log")
        size = float(np.interp(n, [20, 64], [9.0, 5.0]))
        ax.set_yticks(place, self.neurons, fontsize=size)
        ax.set_ylim(n - 0.5, -0.5)
        ax.set_xlabel(f"Time constant, in {self.unit_name} ({self.kind})")
        ax.grid(axis="x", alpha=0.3)
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
        self.ax_: Axes = ax
        self.figure_: Figure | SubFigure = ax.figure
        return self
