"""The leaves of a tree as rules that people read."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Rule(NamedTuple):
    """The way to a leaf, and what it says there."""

    conditions: list[str]
    answer: str
    n: int
    share: float


def rules_of(
    tree: Any, names: list[str], unit: str, with_missing: set[int]
) -> list[str]:
    """Return a sentence for each leaf, the most frequent one first.

    Parameters
    ----------
    tree : fitted DecisionTreeRegressor or DecisionTreeClassifier
    names : list of str
        Of the features.
    unit : str
        What the tree was fitted to: "rows".
    with_missing : set of int
        The features that were missing now and then.
    """
    rules = sorted(_leaves(tree, names, with_missing), key=lambda rule: -rule.n)
    total = sum(rule.n for rule in rules)
    found = []
    for rule in rules:
        condition = " and ".join(rule.conditions)
        begin = f"if {condition}: " if condition else "always: "
        sure = f", {percent(rule.share)} of them so" if rule.share < 1 else ""
        found.append(
            f"{begin}{rule.answer} ({percent(rule.n / total)} of {unit}{sure})"
        )
    return found


def text_of(tree: Any, names: list[str], unit: str, with_missing: set[int]) -> str:
    """Return a tree as indented lines, a question or an answer in each.

    Parameters
    ----------
    tree, names, unit, with_missing
        As in `rules_of`.
    """
    nodes, lines = tree.tree_, []

    def go(node: int, depth: int) -> None:
        before = "|   " * depth
        if nodes.feature[node] < 0:
            share = percent(nodes.n_node_samples[node] / nodes.n_node_samples[0])
            lines.append(f"{before}{answer_at(tree, node)} ({share} of {unit})")
            return
        lines.append(f"{before}if {question_at(tree, node, names, with_missing)}")
        go(nodes.children_left[node], depth + 1)
        lines.append(f"{before}else")
        go(nodes.children_right[node], depth + 1)

    go(0, 0)
    return "\n".join(lines)


def question_at(tree: Any, node: int, names: list[str], with_missing: set[int]) -> str:
    """Return the question at a node; the way to the left is "yes"."""
    nodes = tree.tree_
    feature = int(nodes.feature[node])
    left = bool(nodes.missing_go_to_left[node])
    limits = _Limits(high=nodes.threshold[node], missing=left)
    return _words(names[feature], limits, feature in with_missing)


def percent(share: float) -> str:
    """Return a share in words; what is not all or nothing never looks so."""
    if 0 < share < 0.01:
        return "<1%"
    return ">99%" if 0.99 < share < 1 else f"{share:.0%}"


def answer_at(tree: Any, node: int) -> str:
    """Return what a tree says at a node."""
    value = tree.tree_.value[node].ravel()
    if hasattr(tree, "classes_"):
        return str(tree.classes_[value.argmax()])
    return f"{value[0]:.4g}"


def share_at(tree: Any, node: int) -> float:
    """Return the share of the lines at a node that the model gives this answer to."""
    value = tree.tree_.value[node].ravel()
    return float(value.max() / value.sum()) if hasattr(tree, "classes_") else 1.0


class _Limits(NamedTuple):
    """What a way through the tree allows of a feature."""

    low: float = -np.inf
    high: float = np.inf
    missing: bool = True


def _leaves(tree: Any, names: list[str], with_missing: set[int]) -> list[Rule]:
    nodes = tree.tree_
    found = []

    def go(node: int, way: dict[int, _Limits]) -> None:
        feature, at = nodes.feature[node], nodes.threshold[node]
        if feature < 0:
            conditions = [
                _words(names[f], limits, f in with_missing) for f, limits in way.items()
            ]
            n, share = int(nodes.n_node_samples[node]), share_at(tree, node)
            found.append(Rule(conditions, answer_at(tree, node), n, share))
            return
        low, high, missing = way.get(feature, _Limits())
        left = bool(nodes.missing_go_to_left[node])
        below = _Limits(low, min(high, at), missing and left)
        above = _Limits(max(low, at), high, missing and not left)
        go(nodes.children_left[node], way | {feature: below})
        go(nodes.children_right[node], way | {feature: above})

    go(0, {})
    return found


def _words(name: str, limits: _Limits, may_be_missing: bool) -> str:
    low, high, missing = limits
    # A question after missing values alone has no number.
    if low == np.inf:
        return f"{name} is missing"
    if (low, high) == (-np.inf, np.inf):
        return f"{name} is known"
    if low == -np.inf:
        words = f"{name} <= {high:.4g}"
    elif high == np.inf:
        words = f"{name} > {low:.4g}"
    else:
        words = f"{low:.4g} < {name} <= {high:.4g}"
    return f"{words} or missing" if missing and may_be_missing else words
