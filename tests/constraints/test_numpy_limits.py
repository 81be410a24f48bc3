"""The projection in numpy alone: the same points and flags as the torch layer."""

import numpy as np
import pytest
import torch
from quick import quick

from LNN.constraints.numpy_limits import Limits
from LNN.safety import Bounds, HalfSpaces, RateLimit, SafeOutput

ELAPSED = np.array([1.0, 0.5, 2.0, 3.0])


def problem(seed):
    """Return constraints, what they are in a spec, and proposals."""
    random = np.random.default_rng(seed)
    n, m = random.integers(1, 6), random.integers(0, 9)
    A = random.normal(size=(m, n))
    b = random.normal(size=m) + random.choice([-0.5, 0.5])
    if m > 1 and seed % 7 == 0:  # one of them twice
        A[1], b[1] = 2 * A[0], 2 * b[0]
    if m > 1 and seed % 11 == 0:  # an equation
        A[1], b[1] = -A[0], -b[0]
    low = -random.uniform(0, 2, size=n)
    high = low + random.uniform(0, 3, size=n) * (random.random(n) < 0.8)
    if seed % 5 == 0:
        low[:] = -np.inf
    constraints, told = [Bounds(low, high)], [dict(kind="bounds", low=low, high=high)]
    if seed % 2:
        constraints.append(RateLimit(0.5))
        told.append(dict(kind="rate_limit", max_rate=0.5))
    if m:
        slopes = random.normal(size=(m, 2)) if seed % 3 == 0 else None
        constraints.append(HalfSpaces(A, b, b_inputs=slopes))
        told.append(dict(kind="half_spaces", A=A, b=b, b_inputs=slopes))
    y, previous = 3 * random.normal(size=(4, n)), random.normal(size=(4, n))
    previous[0] = np.nan
    return constraints, told, y, previous, random.normal(size=(4, 2))


@pytest.mark.parametrize("n", quick([200, 1200], 200))
def test__limits__random_problems__give_the_points_and_flags_of_torch(n):
    flagged = 0
    for seed in range(n):
        constraints, told, y, previous, inputs = problem(seed)
        context = {"previous": previous, "elapsed": ELAPSED, "inputs": inputs}
        context = {name: torch.tensor(value) for name, value in context.items()}
        right, safety = SafeOutput(constraints)(torch.tensor(y), context)
        kept, feasible = Limits(told, "project", y.shape[1]).keep(
            y, inputs, previous, ELAPSED
        )
        assert (feasible == safety.feasible.numpy()).all(), seed
        # Where no point satisfies all, breaking a row has a price of 10^8.
        off = np.abs(kept - right.numpy()).max(axis=1)
        assert (off <= np.where(feasible, 1e-9, 3e-5)).all(), (seed, off)
        flagged += int((~feasible).sum())
    assert 0.2 < flagged / (4 * n) < 0.8  # both kinds were tried


def test__limits__a_point_inside__is_returned_bit_by_bit():
    limits = Limits([dict(kind="half_spaces", A=[[1.0, 1.0]], b=[1.0])], "project", 2)
    y = np.array([[0.1, 0.3]])
    assert (limits.keep(y)[0] == y).all()


@pytest.mark.parametrize("none", [None, np.nan])
def test__limits__a_side_without_a_bound__binds_nothing(none):
    told = [
        dict(kind="bounds", low=none, high=2.0),
        dict(kind="bounds", low=[0.0, np.nan], high=none),
        dict(kind="rate_limit", max_rate=[np.nan, np.inf]),
    ]
    y = np.array([[-5.0, -5.0], [5.0, 5.0]])
    kept, feasible = Limits(told, "project", 2).keep(y, None, np.zeros((2, 2)), 0.0)
    assert kept.tolist() == [[0, -5], [2, 2]]
    assert feasible.all()


def test__limits__hold_and_raise__do_what_they_say():
    told = [dict(kind="half_spaces", A=[[1.0], [-1.0]], b=[0.0, -1.0])]
    y, previous = np.array([[5.0], [5.0]]), np.array([[0.25], [np.nan]])
    kept, feasible = Limits(told, "hold", 1).keep(y, None, previous)
    assert kept[0] == 0.25
    assert not feasible.any()
    assert kept[1] == pytest.approx(0.5, abs=1e-6)  # nothing to hold yet
    with pytest.raises(ArithmeticError, match="none for row 0"):
        Limits(told, "raise", 1).keep(y)


def test__limits__a_kind_of_a_later_version__is_refused():
    with pytest.raises(ValueError, match="later version"):
        Limits([dict(kind="sphere")], "project", 1)
