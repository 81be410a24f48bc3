"""A layer of safety keeps a clone between walls that it knows nothing of."""

from __future__ import annotations

import numpy as np
import pytest
from cartpole import demonstrate, expert
from cloning import fit
from plants import CartPole
from walls import KINDS, WALL, at_the_edge, between_walls, safe_set


@pytest.fixture(scope="module")
def clone():
    # Trained so little that it lets the cart drift.
    return fit("LTC, NCP", demonstrate(32, 150, seed=0), seed=0, epochs=60)


def test__safe_set__edge__expert_stays_within_all_limits():
    plant = CartPole(200)
    plant.begin(at_the_edge(plant, np.random.default_rng(0)))
    P = safe_set(plant)
    furthest = 0.0
    for _ in range(250):
        z = plant.state
        assert (np.einsum("bi,ij,bj->b", z, P, z) <= 1).all()
        assert (np.abs(expert(plant)) < plant.limit).all()
        furthest = max(furthest, np.abs(z[:, 0]).max())
        plant.step(expert(plant))
    assert plant.alive.all()
    assert 0.5 * WALL < furthest < WALL


@pytest.mark.slow
def test__between_walls__without_and_with_safety(clone):
    none, _, cart, whole = (
        between_walls(clone, kind, 12, seed=0).counts for kind in KINDS
    )
    assert none[0] > 0  # carts went through a wall
    # The cart alone is kept, at the price of poles; the whole state keeps both.
    assert cart[0] == 0
    np.testing.assert_array_equal(whole[:3], 0)
