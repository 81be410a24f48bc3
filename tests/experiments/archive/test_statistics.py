from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from LNN.experiments.archive.diagram import draw_ranks
from LNN.experiments.archive.statistics import Comparison, interval


@pytest.fixture
def comparison():
    """Return "best" ahead of "twin" nowhere, and of "poor" on all of 12 sets."""
    random = np.random.default_rng(0)
    best = random.uniform(0.7, 0.9, 12)
    away = random.permutation(np.repeat([0.011, -0.0112], 6)) * random.uniform(1, 2, 12)
    poor = best - random.uniform(0.1, 0.2, 12)
    return Comparison(pd.DataFrame({"poor": poor, "best": best, "twin": best + away}))


def test__ranks__ties__share_the_mean_of_their_places():
    scores = pd.DataFrame({"a": [0.5, 0.9], "b": [0.5, 0.8], "c": [0.4, 0.7]})
    assert Comparison(scores).ranks().to_dict() == {"a": 1.25, "b": 1.75, "c": 3.0}


def test__pairs__holm__multiplies_by_what_is_left_and_never_falls(comparison):
    pairs = comparison.pairs()
    # All of 12 differences of one sign: 2 / 2^12, the smallest of three.
    assert pairs[0].p == pytest.approx(3 * 2 / 2**12)
    assert pairs[1].p == pytest.approx(max(pairs[0].p, 2 * 2 / 2**12))
    assert {pairs[0].worse, pairs[1].worse} == {"poor"}
    assert pairs[2].p > 0.2
    assert comparison.friedman() < 0.001


def test__pairs__with_one_model__are_corrected_for_these_alone(comparison):
    pairs = comparison.pairs("best")
    assert [{pair.better, pair.worse} for pair in pairs] == [
        {"best", "poor"},
        {"best", "twin"},
    ]
    assert pairs[0].p == pytest.approx(2 * 2 / 2**12)


def test__pairs__equal_models__do_not_differ():
    scores = pd.DataFrame({"a": [0.5, 0.9, 0.1], "b": [0.5, 0.9, 0.1]})
    assert Comparison(scores).pairs()[0].p == 1.0


def test__groups__neighbours_that_do_not_differ__share_a_bar(comparison):
    (group,) = comparison.groups()
    assert set(group) == {"best", "twin"}
    assert comparison.groups(level=0.0) == [tuple(comparison.ranks().index)]
    assert comparison.groups(level=1.1) == []


def test__against__base__counts_sets_and_takes_the_median():
    scores = pd.DataFrame({"LSTM": [0.5, 0.5, 0.5, 0.5], "a": [0.6, 0.5, 0.4, 0.7]})
    record = Comparison(scores).against("LSTM")["a"]
    assert record[:3] == (2, 1, 1)
    assert record.median == pytest.approx(0.05)


def test__interval__many_samples__is_narrow_about_the_mean():
    low, high = interval(np.array([0.8, 0.9]), np.array([100, 1000]))
    # The deviation of (p1 + p2) / 2: a half of the root of the summed variances.
    wide = 1.96 * np.sqrt(0.8 * 0.2 / 100 + 0.9 * 0.1 / 1000) / 2
    assert (low + high) / 2 == pytest.approx(0.85, abs=0.003)
    assert (high - low) / 2 == pytest.approx(wide, rel=0.1)


def test__draw_ranks__writes_a_picture_with_every_model(comparison, tmp_path):
    path = draw_ranks(comparison, tmp_path / "new" / "ranks.svg")
    text = path.read_text()
    for name in comparison.scores:
        assert f"<!-- {name}" in text or f"{name} -->" in text
