"""Rules say what the tree does."""

import re

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from LNN.inspection.rules import percent, rules_of, text_of

NAMES = ["a", "b, a while ago"]


def holds(rule, row):
    """Evaluate the conditions of a rule."""
    words = rule.removeprefix("if ").split(": ")[0]
    for condition in words.split(" and "):
        if condition.endswith((" is missing", " is known")):
            place = 1 if NAMES[1] in condition else 0
            if np.isnan(row[place]) != condition.endswith(" is missing"):
                return False
            continue
        may_miss = condition.endswith(" or missing")
        condition = condition.removesuffix(" or missing")
        place = 1 if NAMES[1] in condition else 0
        if np.isnan(row[place]):
            if not may_miss:
                return False
            continue
        numbers = re.sub(re.escape(NAMES[place]), "row[place]", condition)
        if not eval(numbers, {"row": row, "place": place}):
            return False
    return True


@pytest.mark.parametrize("with_missing", [False, True])
def test__rules__every_row__meets_one_and_gets_its_answer(with_missing):
    X = np.random.default_rng(0).normal(size=(300, 2)).round(2) * 100
    y = np.where(X[:, 0] > 20, 3.0, np.where(X[:, 1] > -50, 1.0, 2.0)) + (X[:, 1] > 90)
    missing = set()
    if with_missing:
        X[::5, 1], missing = np.nan, {1}
    tree = DecisionTreeRegressor(max_depth=4, random_state=0).fit(X, y)
    # Thresholds are told to four digits, which these values are far from.
    tree.tree_.threshold[:] = np.round(tree.tree_.threshold + 0.5, 1)
    rules = rules_of(tree, NAMES, "rows", missing)
    assert len(rules) == tree.get_n_leaves()
    for row, answer in zip(X, tree.predict(X), strict=True):
        (rule,) = [rule for rule in rules if holds(rule, row)]
        assert float(rule.split(": ")[1].split(" (")[0]) == pytest.approx(
            answer, rel=1e-3
        )


def test__rules__one_limit_on_each_side__of_a_column():
    X = np.arange(40.0)[:, None]
    y = ((X[:, 0] > 9.5) & (X[:, 0] < 29.5)).astype(int)
    tree = DecisionTreeClassifier().fit(X, np.array(["out", "in"])[y])
    rules = rules_of(tree, ["x"], "rows", set())
    assert rules[0] == "if 9.5 < x <= 29.5: in (50% of rows)"
    assert set(rules[1:]) == {
        "if x <= 9.5: out (25% of rows)",
        "if x > 29.5: out (25% of rows)",
    }
    assert text_of(tree, ["x"], "rows", set()).split("\n")[0] in (
        "if x <= 9.5",
        "if x <= 29.5",
    )


def test__rules__question_after_missing_values_alone():
    X = np.array([[np.nan], [1.0]] * 20)
    tree = DecisionTreeClassifier().fit(X, np.array(["no", "yes"] * 20))
    assert sorted(rules_of(tree, ["x"], "rows", {0})) == [
        "if x is known: yes (50% of rows)",
        "if x is missing: no (50% of rows)",
    ]


def test__rules__tree_without_questions__says_so():
    tree = DecisionTreeRegressor().fit(np.zeros((4, 1)), np.full(4, 2.5))
    assert rules_of(tree, ["x"], "steps", set()) == ["always: 2.5 (100% of steps)"]


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0%"), (0.001, "<1%"), (0.254, "25%"), (0.999, ">99%"), (1.0, "100%")],
)
def test__percent__what_is_not_all_or_nothing__does_not_look_so(share, words):
    assert percent(share) == words
