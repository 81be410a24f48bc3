"""The search finds nearest points that are known, and keeps bounds."""

import numpy as np
import pytest
import torch

from LNN.inspection.nearest import Nearest, nearest_of_linear, sparse

ZERO = torch.zeros(2, 3, dtype=torch.float64)
FREE = torch.ones(2, 3, dtype=torch.bool)
SLOPE = torch.tensor([[3.0, 0.0, -1.0], [0.5, 0.0, 2.0]], dtype=torch.float64)


def linear(values):
    return (values * SLOPE).sum(dim=(1, 2)) - 1


def test__linear__nearest_point_is_on_the_normal():
    found = nearest_of_linear(SLOPE, 1.0, ZERO - 9, ZERO + 9)
    expected = SLOPE / SLOPE.square().sum()
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test__linear__bounds_are_kept_and_others_do_more():
    high = ZERO + 0.04
    found = nearest_of_linear(SLOPE, 0.2, ZERO - 9, high)
    assert float((SLOPE * found).sum()) == pytest.approx(0.2)
    assert bool((found <= high).all())
    assert float(found[0, 0]) == 0.04  # at its bound
    most = nearest_of_linear(SLOPE, 99.0, ZERO - 1, ZERO + 1)
    np.testing.assert_array_equal(most, SLOPE.sign())


def test__search__of_a_linear_margin__is_exact():
    search = Nearest(linear, ZERO, ZERO - 9, ZERO + 9, 0.0)
    found = search.found(FREE)
    expected = SLOPE / SLOPE.square().sum()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)


def test__search__of_a_ball__is_the_nearest_of_its_points():
    centre = torch.tensor([[3.0, 4.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64)

    def margin(values):
        return 4 - (values - centre).square().sum(dim=(1, 2))

    found = Nearest(margin, ZERO, ZERO - 9, ZERO + 9, 0.0).found(FREE)
    np.testing.assert_allclose(found, centre * 3 / 5, atol=5e-3)  # radius 2, 5 away
    assert float(margin(found[None])[0]) >= 0


def test__search__only_free_values_and_within_bounds():
    free = torch.zeros_like(FREE)
    free[1, 2] = True
    found = Nearest(linear, ZERO, ZERO - 9, ZERO + 9, 0.0).found(free)
    assert float(found[1, 2]) == pytest.approx(0.5)
    assert float(found.abs().sum()) == pytest.approx(0.5)
    assert Nearest(linear, ZERO, ZERO, ZERO + 0.01, 0.0).found(FREE) is None


def test__search__where_slopes_vanish__starts_elsewhere():
    def margin(values):  # flat at the start
        return values.square().sum(dim=(1, 2)) - 1

    found = Nearest(margin, ZERO, ZERO - 2, ZERO + 2, 0.0).found(FREE)
    assert float(found.norm()) == pytest.approx(1, rel=1e-3)


def test__sparse__fewest_values_that_add_most():
    search = Nearest(linear, ZERO, ZERO - 9, ZERO + 9, 0.0)
    found = sparse(search, FREE, 1)
    assert torch.nonzero(found).tolist() == [[0, 0]]
    assert float(found[0, 0]) == pytest.approx(1 / 3, rel=1e-5)
    bounded = Nearest(linear, ZERO, ZERO - 0.1, ZERO + 0.1, 0.0)
    assert sparse(bounded, FREE, 1) is None
