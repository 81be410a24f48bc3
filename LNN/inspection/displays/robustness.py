"""Curves of scores on disturbed data, a panel for each disturbance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from LNN._results import Result
from LNN.exceptions import InvalidInputError
from LNN.inspection.disturbances import DISTURBANCES
from LNN.inspection.robustness import robustness

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

# Okabe and Ito's colours, with markers and strokes that tell lines apart in grey.
STYLES = (
    ("#0072b2", "o", "-"),
    ("#d55e00", "s", "--"),
    ("#009e73", "^", "-."),
    ("#cc79a7", "D", ":"),
    ("#555555", "v", (0, (5, 1, 1, 1, 1, 1))),
    ("#e69f00", "P", (0, (1, 1))),
)
MOST_COLUMNS = 4


class RobustnessDisplay:
    """Draw how much scores fall as sensors get worse.

    Use `from_estimator`.

    Parameters
    ----------
    result : Bunch
        As `robustness` returns it.
    score_name : str, default="score"
        For the axes.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The first of `axes_`.
    axes_ : list of matplotlib Axes
        One for each disturbance.
    lines_ : dict from (disturbance, model) to matplotlib Line2D
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import RobustnessDisplay
    >>> X = np.random.default_rng(0).normal(size=(60, 6, 2))
    >>> lnn = LiquidRegressor(8, epochs=10, random_state=0).fit(X, X[:, -1, 0])
    >>> display = RobustnessDisplay.from_estimator(
    ...     lnn, X, X[:, -1, 0], disturbances=["noise", "drift"], random_state=0
    ... )
    >>> len(display.axes_)
    2
    """

    ax_: Axes
    axes_: list[Axes]
    lines_: dict[tuple[str, str], Any]
    figure_: Figure | SubFigure

    def __init__(self, result: Result, score_name: str = "score"):
        self.result = result
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Any,
        y: Any,
        *,
        ax: Any = None,
        score_name: str = "score",
        **how: Any,
    ) -> RobustnessDisplay:
        """Disturb the data, score all models, and draw the curves.

        Parameters
        ----------
        model, X, y
            As in `robustness`.
        ax : matplotlib axes or sequence of them, default=None
            One for each disturbance.
        score_name : str, default="score"
        **how
            Other parameters of `robustness`.

        Returns
        -------
        RobustnessDisplay
            With `ax_`, `axes_` and `figure_`.
        """
        return cls(robustness(model, X, y, **how), score_name).plot(ax)

    def plot(self, ax: Axes | Any = None) -> RobustnessDisplay:
        """Draw a panel for each disturbance.

        Parameters
        ----------
        ax : matplotlib axes or sequence of them, default=None
            One for each disturbance; None makes a figure.

        Returns
        -------
        RobustnessDisplay
            With `ax_`, `axes_` and `figure_`.
        """
        names = list(self.result.scores)
        panels = self._panels(ax, len(names))
        self.lines_ = {}
        for panel, name in zip(panels, names, strict=True):
            self._draw(panel, name)
        if ax is None:
            panels[0].figure.legend(
                *panels[0].get_legend_handles_labels(),
                loc="outside upper center",
                ncols=min(4, len(self.result.models)),
                frameon=False,
                fontsize=8,
            )
        else:
            panels[0].legend(frameon=False, fontsize=8)
        self.ax_, self.axes_ = panels[0], list(panels)
        self.figure_ = self.ax_.figure
        return self

    def _panels(self, ax: Any, n: int) -> Any:
        if ax is not None:
            panels = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
            if len(panels) != n:
                raise InvalidInputError(
                    f"Expected axes for {n} disturbances, got {len(panels)}."
                )
            return panels
        import matplotlib.pyplot as plt

        columns = min(n, MOST_COLUMNS)
        rows = -(-n // columns)
        size = max(3.4, 2.9 * columns), 2.6 * rows
        _, grid = plt.subplots(
            rows,
            columns,
            figsize=size,
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        panels = grid.ravel()
        for empty in panels[n:]:
            empty.axis("off")
        return panels[:n]

    def _draw(self, ax: Axes, name: str) -> None:
        strengths, scores = self.result.strengths[name], self.result.scores[name]
        for place, (model, draws) in enumerate(
            zip(self.result.models, scores, strict=True)
        ):
            colour, marker, stroke = STYLES[place % len(STYLES)]
            (line,) = ax.plot(
                strengths,
                draws.mean(axis=1),
                color=colour,
                marker=marker,
                linestyle=stroke,
                markersize=4.5,
                linewidth=1.4,
                label=model,
            )
            ax.fill_between(
                strengths,
                draws.min(axis=1),
                draws.max(axis=1),
                color=colour,
                alpha=0.18,
                linewidth=0,
            )
            self.lines_[name, model] = line
        refused = [m for m in self.result.models if (name, m) in self.result.refused]
        if refused:
            ax.text(
                0.03,
                0.04,
                "no missing values:\n" + "\n".join(refused),
                fontsize=7,
                transform=ax.transAxes,
            )
        words = DISTURBANCES[name].words
        ax.set_title(name.replace("_", " "), fontsize=9, loc="left")
        ax.set_xlabel(words, fontsize=8)
        place_in_grid = ax.get_subplotspec()
        if place_in_grid is None or place_in_grid.is_first_col():
            ax.set_ylabel(self.score_name, fontsize=8)
        ax.set_xticks(strengths)
        ax.tick_params(labelsize=7)
        ax.grid(alpha=0.25, linewidth=0.5)
        ax.spines[["top", "right"]].set_visible(False)
