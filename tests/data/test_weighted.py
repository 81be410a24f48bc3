"""Weighted quantiles."""

import numpy as np
import pytest

from LNN.data.timestamps import time_unit
from LNN.data.weighted import weighted_median, weighted_quantiles


@pytest.mark.parametrize("scale", [1, 0.1, 3e5])
@pytest.mark.parametrize("seed", range(20))
def test__weights__whole_numbers_in_any_unit__as_repeated(seed, scale):
    random = np.random.default_rng(seed)
    values, counts = random.integers(0, 9, 12) * 1.0, random.integers(1, 4, 12)
    repeated = np.repeat(values, counts)
    assert weighted_median(values, counts * scale) == np.median(repeated)
    levels = [0.01, 0.25, 0.5, 0.75, 0.99]
    expected = np.quantile(repeated, levels, method="inverted_cdf").tolist()
    assert weighted_quantiles(values, levels, counts * scale) == expected


def test__time_unit__weights__only_of_positive_gaps():
    gaps, weights = np.array([0.0, 1.0, 3.0, 5.0]), np.array([9.0, 1.0, 1.0, 3.0])
    assert time_unit(gaps, weights) == 5.0
    assert time_unit(gaps, np.ones(4)) == time_unit(gaps) == 3.0
    assert time_unit(gaps[:1], weights[:1]) == 1.0
