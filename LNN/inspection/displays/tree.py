"""A tree that stands for a model, drawn from left to right."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from LNN.exceptions import InvalidInputError
from LNN.inspection.rules import answer_at, percent, question_at, share_at

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.text import Text

# Okabe and Ito's colours, light ones for black text: apart for colour-blind readers.
CLASS_COLOURS = ("#9ecae9", "#f2c57c", "#a7d8c3", "#e9b3d0", "#f0e891", "#cccccc")
# Inches of a step to the right and of a leaf, and the letters of a line in a box.
ACROSS, DOWN, LETTERS = 2.3, 0.6, 24
FONT, SMALLEST = 8.5, 4.5


class TreeNode(NamedTuple):
    """A box of the picture."""

    text: str
    """The question, or the answer of a leaf."""
    depth: int
    height: float
    """Leaves are 1 apart, the first one on top at 0."""
    parent: int
    """-1 for the first question."""
    value: float
    """Of a leaf: the answer of a regression tree, or the number of the class."""
    share: float
    """Of the rows that the tree was fitted to."""
    certainty: float
    """Of a leaf: the share of its rows that the model gives this answer to."""


class TreeDisplay:
    """Draw the tree that stands for a model, or for a neuron.

    Use `TreeSurrogate.plot`, or `from_estimator`.

    Parameters
    ----------
    nodes : list of TreeNode
        A node stands before those below it; of two, "yes" comes first.
    title : str
        What the tree stands for, and its fidelity.
    classes : list of str or None
        None for numbers.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    boxes_ : list of matplotlib Text
        In the order of `nodes`.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import TreeDisplay, TreeSurrogate
    >>> X = np.random.default_rng(0).normal(size=(400, 2))
    >>> lnn = LiquidRegressor(8, window_length=1, epochs=30, random_state=0)
    >>> lnn = lnn.fit(X, np.where(X[:, 0] > 0.5, 3.0, 1.0))
    >>> tree = TreeSurrogate(lnn, features="inputs", max_depth=2, random_state=0)
    >>> display = TreeDisplay.from_estimator(tree.fit(X))
    >>> len(display.boxes_)
    7
    """

    ax_: Axes
    figure_: Figure | SubFigure
    boxes_: list[Text]

    def __init__(
        self, nodes: list[TreeNode], title: str, classes: list[str] | None = None
    ):
        self.nodes = nodes
        self.title = title
        self.classes = classes

    @classmethod
    def from_estimator(
        cls, tree: Any, *, ax: Axes | None = None, despite_low_fidelity: bool = False
    ) -> TreeDisplay:
        """Draw a fitted tree.

        Parameters
        ----------
        tree : fitted TreeSurrogate
        ax : matplotlib axes, default=None
        despite_low_fidelity : bool, default=False
            Draw the tree even if its fidelity is below `min_fidelity`.

        Returns
        -------
        TreeDisplay
            With `ax_` and `figure_`.

        Raises
        ------
        LowFidelityError
            If its fidelity is too low, and it is not drawn all the same.
        """
        if not hasattr(tree, "check_fidelity"):
            raise InvalidInputError(
                f"Expected a fitted TreeSurrogate, got {type(tree).__name__}. Fit one: "
                "TreeSurrogate(model).fit(X)."
            )
        tree.check_fidelity("plot", despite_low_fidelity)
        fitted = tree.tree_
        classes = [str(c) for c in fitted.classes_] if tree.makes_classes else None
        nodes = _nodes(fitted, tree.feature_names_, tree.with_missing_)
        return cls(nodes, tree.summary(), classes).plot(ax)

    def plot(self, ax: Axes | None = None) -> TreeDisplay:
        """Draw the tree.

        Parameters
        ----------
        ax : matplotlib axes, default=None
            None makes a figure that is large enough for all boxes.

        Returns
        -------
        TreeDisplay
            With `ax_` and `figure_`.
        """
        import matplotlib.pyplot as plt

        columns = 1 + max(node.depth for node in self.nodes)
        rows = 1 + max(node.height for node in self.nodes)
        wanted = max(5.0, ACROSS * columns), max(2.6, DOWN * rows + 0.9)
        if ax is None:
            _, ax = plt.subplots(figsize=wanted, layout="constrained")
        ax.set(xlim=(-0.45, columns - 0.5), ylim=(rows - 0.4, -0.6))
        ax.axis("off")
        # By the bounding box, which a subfigure has as well.
        inches = ax.get_window_extent().transformed(
            ax.figure.dpi_scale_trans.inverted()
        )
        fits = min(inches.width / wanted[0], inches.height / (wanted[1] - 0.9), 1.0)
        size = max(SMALLEST, FONT * fits)
        self._draw_ways(ax, size)
        self.boxes_ = [self._draw_box(ax, node, size) for node in self.nodes]
        wide = max(30, int(inches.width * 72 / (0.55 * (size + 1))))
        ax.set_title(textwrap.fill(self.title, wide), fontsize=size + 1, loc="left")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_ways(self, ax: Axes, size: float) -> None:
        drawn: set[int] = set()
        for node in self.nodes:
            if node.parent < 0:
                continue
            begin = self.nodes[node.parent]
            x, y = [begin.depth, node.depth], [begin.height, node.height]
            thick = 0.6 + 3.4 * node.share
            ax.plot(x, y, color="#777777", linewidth=thick, zorder=1)
            word = "no" if node.parent in drawn else "yes"
            drawn.add(node.parent)
            ax.text(
                begin.depth + 0.55,
                begin.height + 0.55 * (node.height - begin.height),
                word,
                fontsize=0.9 * size,
                ha="center",
                va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
                zorder=2,
            )

    def _draw_box(self, ax: Axes, node: TreeNode, size: float) -> Text:
        is_leaf = not np.isnan(node.value)
        # A sign stays with its number.
        text = node.text.replace("<= ", "<=\N{NO-BREAK SPACE}")
        words = textwrap.fill(text, LETTERS)
        face, ink = self._colours(node) if is_leaf else ("white", "black")
        if is_leaf:
            sure = ""
            if self.classes is not None and node.certainty < 1:
                sure = f", {percent(node.certainty)} so"
            words = f"{words}\n{percent(node.share)}{sure}"
        return ax.text(
            node.depth,
            node.height,
            words,
            fontsize=size,
            ha="center",
            va="center",
            color=ink,
            linespacing=1.05,
            zorder=3,
            bbox={
                "boxstyle": "round,pad=0.3" if is_leaf else "square,pad=0.3",
                "facecolor": face,
                "edgecolor": "#444444",
                "linewidth": 0.7,
            },
        )

    def _colours(self, node: TreeNode) -> tuple[Any, str]:
        """Return the colours of a leaf and of its text."""
        if self.classes is not None:
            return CLASS_COLOURS[int(node.value) % len(CLASS_COLOURS)], "black"
        from matplotlib import colormaps

        values = [n.value for n in self.nodes if not np.isnan(n.value)]
        low, high = min(values), max(values)
        at = (node.value - low) / (high - low) if high > low else 0.5
        return colormaps["cividis"](at), "white" if at < 0.5 else "black"


def _nodes(tree: Any, names: list[str], with_missing: set[int]) -> list[TreeNode]:
    """Return the boxes of a fitted tree of scikit-learn."""
    inner = tree.tree_
    found: list[TreeNode] = []
    n_leaves = 0

    def go(node: int, depth: int, parent: int) -> float:
        nonlocal n_leaves
        place = len(found)
        share = float(inner.n_node_samples[node] / inner.n_node_samples[0])
        if inner.feature[node] < 0:
            value = inner.value[node].ravel()
            number = value.argmax() if hasattr(tree, "classes_") else value[0]
            height, words = float(n_leaves), answer_at(tree, node)
            sure = share_at(tree, node)
            found.append(
                TreeNode(words, depth, height, parent, float(number), share, sure)
            )
            n_leaves += 1
            return height
        words = question_at(tree, node, names, with_missing) + "?"
        box = TreeNode(words, depth, 0.0, parent, np.nan, share, 1.0)
        found.append(box)
        below = (inner.children_left[node], inner.children_right[node])
        height = sum(go(child, depth + 1, place) for child in below) / 2
        found[place] = box._replace(height=height)
        return height

    go(0, 0, -1)
    return found
