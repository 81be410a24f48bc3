"""Ranks and Pareto tails."""

import numpy as np
import pytest

from LNN.anomaly.tail import Tail


@pytest.mark.parametrize("draw", ["exponential", "uniform", "standard_t"])
def test__rarity__of_a_known_law__is_its_rate(draw):
    rng = np.random.default_rng(0)
    sample = getattr(rng, draw)
    values = np.abs(sample(4, 20_000) if draw == "standard_t" else sample(size=20_000))
    tail = Tail.fit(values[:10_000])
    # The tail of a uniform law ends more abruptly than is believed.
    for zeros in (1, 2) if draw == "uniform" else (1, 2, 3):
        rate = (tail.rarity_of(values[10_000:]) > zeros).mean()
        assert 0.4 < rate * 10**zeros < 2.5


@pytest.mark.parametrize("draw", ["exponential", "uniform", "standard_cauchy"])
def test__rarity__grows_with_the_value_without_end(draw):
    values = np.abs(getattr(np.random.default_rng(0), draw)(size=2000))
    tail = Tail.fit(values)
    grid = np.concatenate([np.sort(values), values.max() * np.linspace(1.01, 1e6, 999)])
    found = tail.rarity_of(grid)
    assert (np.diff(found) >= 0).all()
    assert (np.diff(found[-999:]) > 0).all()
    assert np.isfinite(found).all()


def test__rarity__where_the_tail_begins__has_no_jump():
    tail = Tail.fit(np.random.default_rng(0).exponential(size=3000))
    below, above = tail.rarity_of(tail.level + np.array([-1e-9, 1e-9]))
    assert below == pytest.approx(above, abs=1e-2)


@pytest.mark.parametrize("values", [[], [1.0], [2.0] * 50, [np.nan, 1, 2]])
def test__fit__hardly_any_values__has_finite_answers(values):
    tail = Tail.fit(np.array(values, dtype=float))
    assert np.isfinite(tail.rarity_of(np.array([0.0, 2, 9]))).all()
    assert np.isnan(tail.rarity_of(np.array(np.nan)))
