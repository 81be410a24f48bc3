"""An explanation as a picture: values and shares, columns, steps and neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from LNN.inspection.displays.attribution import AttributionDisplay, draw_bars
from LNN.inspection.explaining import explain
from LNN.inspection.explanation import Explanation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_COLUMNS = 10


class ExplanationDisplay:
    """Draws what `explain` returns.

    Above, the shares of each row and column over the curves of the values; below, the
    shares of columns, and of groups of neurons where the answer entered and left.

    Parameters
    ----------
    explanation : Explanation

    Attributes
    ----------
    ax_ : matplotlib Axes
        The one that is divided.
    axes_ : list of matplotlib Axes
        The heat map, the columns, the neurons.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import ExplanationDisplay
    >>> X = np.random.default_rng(0).normal(size=(60, 6, 2))
    >>> lnn = LiquidRegressor(8, epochs=9, random_state=0).fit(X, X[:, -1, 0])
    >>> len(ExplanationDisplay.from_estimator(lnn, X, row=3).axes_)
    3
    """

    def __init__(self, explanation: Explanation):
        self.explanation = explanation

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: ArrayLike,
        row: int = -1,
        *,
        ax: Axes | None = None,
        **how: Any,
    ) -> ExplanationDisplay:
        """Explain an answer and draw it.

        Parameters
        ----------
        model, X, row
            As in `explain`.
        ax : matplotlib Axes, default=None
            As in `plot`.
        **how
            Further arguments of `explain`.

        Returns
        -------
        ExplanationDisplay
        """
        return cls(explain(model, X, row, **how)).plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> ExplanationDisplay:
        """Draw the explanation.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Divided into three parts; None makes a figure.

        Returns
        -------
        ExplanationDisplay
        """
        import matplotlib.pyplot as plt

        found = self.explanation
        n_bars = min(MOST_COLUMNS, len(found.names))
        if ax is None:
            figure: Any = plt.figure(
                figsize=(9.0, 3.4 + 0.8 * n_bars), layout="constrained"
            )
            parts: Any = figure.add_gridspec(2, 2, height_ratios=(1.3, 1))
        else:
            figure = ax.figure
            place = ax.get_subplotspec()
            if place is None:
                place = figure.add_gridspec(1, 1)[0]
            apart = {"hspace": 0.5, "wspace": 0.5, "height_ratios": (1.3, 1)}
            parts = place.subgridspec(2, 2, **apart)
            ax.axis("off")
        heat = figure.add_subplot(parts[0, :])
        columns, neurons = (figure.add_subplot(parts[1, k]) for k in (0, 1))
        display = AttributionDisplay(
            found.attributions[None],
            found.names,
            values=found.values,
            baseline=found.baseline,
            labels=found.labels,
            unit=found.unit,
        )
        display.plot(ax=heat, n_columns=MOST_COLUMNS)
        heat.set_title(self._title(), fontsize=10, loc="left")
        display.plot(ax=columns, kind="bars", n_columns=MOST_COLUMNS)
        columns.set_title("columns", fontsize=9, loc="left")
        columns.set_xlabel("")
        self._draw_neurons(neurons)
        self.ax_ = heat if ax is None else ax
        self.axes_, self.figure_ = [heat, columns, neurons], figure
        return self

    def _title(self) -> str:
        found = self.explanation
        answer = found.answer
        told = f"{answer:.4g}" if isinstance(answer, float) else str(answer)
        return f"{found.title}: {told}, {found.difference:+.3g} from the baseline"

    def _draw_neurons(self, ax: Axes) -> None:
        found = self.explanation
        groups = [
            (f"{word} {name}", share)
            for word, shares in (
                ("into", found.entered_groups),
                ("out of", found.left_groups),
            )
            for name, share in shares.items()
            if share
        ]
        draw_bars(ax, [name for name, _ in groups], np.array([s for _, s in groups]))
        ax.set_title("groups of neurons", fontsize=9, loc="left")
