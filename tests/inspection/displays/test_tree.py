"""The picture holds what the tree says, and boxes do not lie on each other."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from tiny import TINY

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError, LowFidelityError
from LNN.inspection import TreeDisplay, TreeSurrogate

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def tree():
    values = np.random.default_rng(0).normal(size=(500, 3))
    names = ["temperature of the second boiler", "flow", "noise"]
    X = pd.DataFrame(values, columns=names)
    y = np.where(values[:, 0] > 0.5, "open", np.where(values[:, 1] > 0, "half", "shut"))
    model = LiquidClassifier(12, window_length=2, epochs=60, random_state=0).fit(X, y)
    return TreeSurrogate(model, max_depth=4, min_fidelity=0.5, random_state=0).fit(X)


def test__boxes__one_for_each_node_with_its_words(tree):
    display = tree.plot()
    inner = tree.tree_.tree_
    assert len(display.boxes_) == inner.node_count
    texts = [box.get_text().replace("\n", " ") for box in display.boxes_]
    leaves = [node for node in display.nodes if not np.isnan(node.value)]
    assert len(leaves) == tree.tree_.get_n_leaves()
    assert sorted(node.height for node in leaves) == list(range(len(leaves)))
    assert sum(node.share for node in leaves) == pytest.approx(1.0)
    questions = [text for text in texts if text.endswith("?")]
    assert len(questions) == inner.node_count - len(leaves)
    first = tree.feature_names_[inner.feature[0]]
    assert texts[0].startswith(first)
    assert f"{inner.threshold[0]:.4g}" in texts[0]
    assert f"Fidelity {tree.fidelity_:.3f}" in display.ax_.get_title("left").replace(
        "\n", " "
    )


def test__large_tree__boxes_do_not_overlap(tree):
    display = tree.plot()
    display.figure_.canvas.draw()
    boxes = [b.get_bbox_patch().get_window_extent() for b in display.boxes_]
    for k, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:k])
    page = display.figure_.bbox
    assert all(page.x0 <= b.x0 and b.x1 <= page.x1 for b in boxes)
    assert all(page.y0 <= b.y0 and b.y1 <= page.y1 for b in boxes)


def test__ways__yes_comes_first_and_is_on_top(tree):
    display = tree.plot()
    nodes = display.nodes
    for place, node in enumerate(nodes):
        below = [other for other in nodes if other.parent == place]
        assert len(below) == (0 if not np.isnan(node.value) else 2)
        if below:
            assert below[0].height < node.height < below[1].height
    inner = tree.tree_.tree_
    assert nodes[1].share == pytest.approx(
        inner.n_node_samples[inner.children_left[0]] / inner.n_node_samples[0]
    )


def test__own_axes__are_drawn_on_and_given_back(tree):
    _, ax = plt.subplots(figsize=(6, 3))
    display = TreeDisplay.from_estimator(tree, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert display.plot().ax_ is not ax


def test__numbers__dark_and_light_leaves_have_readable_text():
    X = np.random.default_rng(0).normal(size=(300, 2))
    model = LiquidRegressor(8, window_length=1, epochs=40, random_state=0)
    model.fit(X, 3.0 * (X[:, 0] > 0))
    tree = TreeSurrogate(model, features="inputs", max_depth=2, random_state=0)
    display = tree.fit(X).plot()
    leaves = [
        (n.value, b)
        for n, b in zip(display.nodes, display.boxes_, strict=True)
        if n.value == n.value
    ]
    darkest, brightest = min(leaves)[1], max(leaves)[1]
    assert darkest.get_color() == "white"
    assert brightest.get_color() == "black"
    assert display.classes is None


def test__what_does_not_stand_for_the_model__is_refused():
    X = np.random.default_rng(0).normal(size=(200, 2))
    model = LiquidRegressor(**TINY, window_length=5).fit(X, X[:, 0])
    with pytest.raises(InvalidInputError, match="fitted TreeSurrogate, got Liquid"):
        TreeDisplay.from_estimator(model)
    tree = TreeSurrogate(model, features="inputs", max_depth=1, min_fidelity=0.99)
    with pytest.raises(NotFittedError):
        TreeDisplay.from_estimator(tree)
    tree.fit(X)
    with pytest.raises(LowFidelityError, match="plot.despite_low_fidelity=True"):
        TreeDisplay.from_estimator(tree)
    display = TreeDisplay.from_estimator(tree, despite_low_fidelity=True)
    assert len(display.boxes_) == 3
