from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from LNN.constraints.projection import DEARNESS, project


def problems(n_problems, n, m, *, box, seed=0, feasible=True):
    """Draw points, boxes and half-spaces that have a point in common, or need not."""
    random = np.random.default_rng(seed)
    A = random.normal(size=(n_problems, m, n))
    inside = random.normal(size=(n_problems, n))
    room = 0.3 * random.exponential(size=(n_problems, m))
    b = np.einsum("bmn,bn->bm", A, inside) + (room if feasible else -3 * room)
    low = np.full((n_problems, n), -np.inf)
    high = np.full((n_problems, n), np.inf)
    if box:
        low = inside - random.exponential(size=(n_problems, n))
        high = inside + random.exponential(size=(n_problems, n))
    y = inside + 3 * random.normal(size=(n_problems, n))
    return tuple(torch.tensor(part) for part in (y, low, high, A, b))


def over(u, low, high, A, b):
    """Return by how much a point is outside, (B,)."""
    rows = torch.einsum("bmn,bn->bm", A, u) - b
    parts = [low - u, u - high, rows]
    return torch.cat(parts, dim=1).amax(1)


def gap_of_optimum(u, y, low, high, A, b):
    """Return how far y - u is from the cone of the normals that hold u, (B,).

    By scipy, on its own: the conditions of Karush, Kuhn and Tucker.
    """
    from scipy.optimize import nnls

    gaps = []
    for k in range(len(u)):
        eye = np.eye(u.shape[1])
        rows = np.vstack([A[k], eye, -eye])
        ends = np.concatenate([b[k], high[k], -low[k]])
        with np.errstate(invalid="ignore"):
            held = np.abs(rows @ u[k].numpy() - ends) < 1e-8 * (1 + np.abs(ends))
        wanted = (y[k] - u[k]).numpy()
        if not held.any():
            gaps.append(np.abs(wanted).max())
            continue
        gaps.append(nnls(rows[held].T, wanted)[1])
    return np.array(gaps)


SIZES = [
    (1, 1, True),
    (2, 1, False),
    (3, 1, True),
    (2, 3, False),
    (2, 2, True),
    (4, 4, True),
    (3, 12, False),
    (6, 9, True),
    (12, 30, True),
]


@pytest.mark.parametrize(("n", "m", "box"), SIZES)
def test__project__random_problems__is_the_nearest_point(n, m, box):
    y, *sets = problems(120, n, m, box=box)
    u = project(y, *sets)
    assert over(u, *sets).max() < 1e-9
    assert gap_of_optimum(u, y, *sets).max() < 1e-8


@pytest.mark.parametrize(("n", "m", "box"), [(5, 400, False), (60, 120, True)])
def test__project__large_problems__is_the_nearest_point(n, m, box):
    y, *sets = problems(8, n, m, box=box, seed=10)
    u = project(y, *sets)
    assert over(u, *sets).max() < 1e-9
    assert gap_of_optimum(u, y, *sets).max() < 1e-8


def hard(kind, n_problems=40, n=8, m=40):
    """Draw problems that have a point in common, but barely."""
    random = np.random.default_rng(11)
    A = random.normal(size=(n_problems, m, n))
    A /= np.linalg.norm(A, axis=2, keepdims=True)
    point, room = random.normal(size=(n_problems, n)), np.zeros((n_problems, m))
    if kind == "nearly parallel":
        A[:, 1::2] = A[:, ::2] + 1e-6 * random.normal(size=A[:, ::2].shape)
        room = 1e-6 * random.random((n_problems, m))
    elif kind == "slices":
        A[:, 1::2], room = -A[:, ::2], 1e-5 * random.random((n_problems, m))
    elif kind == "all sizes":
        room = 10.0 ** random.uniform(-8, 4, size=(n_problems, m))
    elif kind == "far":
        point, room = 1e6 * point, random.random((n_problems, m))
    b = np.einsum("bmn,bn->bm", A, point) + room
    y = point + 5 * random.normal(size=point.shape)
    end = np.full_like(y, np.inf)
    return tuple(torch.tensor(part) for part in (y, -end, end, A, b))


@pytest.mark.parametrize(
    "kind", ["one corner", "nearly parallel", "slices", "all sizes", "far"]
)
def test__project__hard_problems__finds_a_point_that_satisfies_all(kind):
    y, *sets = hard(kind)
    u = project(y, *sets)
    size = 1 + (sets[2] * u[:, None]).abs().sum(2).amax(1)
    assert (over(u, *sets) / size).max() < 1e-8


@pytest.mark.slow
@pytest.mark.parametrize(("n", "m", "box"), SIZES[1:5] + SIZES[6:8])
def test__project__very_many_random_problems__is_feasible(n, m, box):
    y, *sets = problems(20_000, n, m, box=box, seed=1)
    u = project(y, *sets)
    assert over(u, *sets).max() < 1e-8
    # No point of a random cloud inside is nearer.
    inside = u + 0.1 * torch.tensor(np.random.default_rng(2).normal(size=u.shape))
    inside = inside.clamp(sets[0], sets[1])
    fits = over(inside, *sets) <= 0
    nearer = (inside - y).norm(dim=1) < (u - y).norm(dim=1) - 1e-9
    assert fits.any()
    assert not (fits & nearer).any()


@pytest.mark.parametrize(
    ("n", "m", "box"), [(2, 3, True), (4, 4, True), (3, 8, False), (20, 40, True)]
)
def test__project__beside_slsqp__agrees(n, m, box):
    y, *sets = problems(20, n, m, box=box, seed=3)
    u = project(y, *sets).numpy()
    low, high, A, b = (part.numpy() for part in sets)
    for k in range(len(y)):
        goal = y[k].numpy()
        found = minimize(
            lambda x, goal=goal: 0.5 * np.sum((x - goal) ** 2),
            np.clip(goal, low[k], high[k]),
            jac=lambda x, goal=goal: x - goal,
            bounds=list(zip(low[k], high[k], strict=True)),
            constraints={
                "type": "ineq",
                "fun": lambda x, k=k: b[k] - A[k] @ x,
                "jac": lambda x, k=k: -A[k],
            },
            method="SLSQP",
            options={"ftol": 1e-13, "maxiter": 300},
        )
        np.testing.assert_allclose(u[k], found.x, atol=1e-6)


@pytest.mark.quick_cases("1-1-True", "2-3-False", "4-4-True")
@pytest.mark.parametrize(("n", "m", "box"), [*SIZES[:6], (6, 9, True), (6, 20, True)])
def test__project__gradients__are_exact(n, m, box):
    given = problems(4, n, m, box=box, seed=4)
    given = tuple(part.requires_grad_(bool(part.isfinite().all())) for part in given)
    assert torch.autograd.gradcheck(project, given, eps=1e-7, atol=1e-5)


def test__project__rows_that_repeat_or_say_nothing__change_nothing():
    y, low, high, A, b = problems(50, 3, 4, box=True, seed=5)
    wanted = project(y, low, high, A, b)
    scaled = torch.cat([A, 7 * A, 0 * A[:, :1], A[:, :1] + 1e-12], dim=1)
    ends = torch.cat([b, 7 * b, 0 * b[:, :1] + 1, b[:, :1]], dim=1)
    again = project(y, low, high, scaled, ends)
    torch.testing.assert_close(again, wanted, atol=1e-7, rtol=0)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test__project__other_units__gives_the_same_point_in_them(size):
    y, low, high, A, b = problems(50, 4, 6, box=True, seed=6)
    wanted = project(y, low, high, A, b)
    again = project(size * y, size * low, size * high, A, size * b)
    torch.testing.assert_close(again / size, wanted, atol=1e-8, rtol=0)


def test__project__a_point_inside__stays_bit_by_bit():
    y, low, high, A, b = problems(50, 3, 5, box=True, seed=7)
    inside = project(y, low, high, A, b - 0.01)
    fits = over(inside, low, high, A, b) < 0
    assert fits.sum() > 10
    again = project(inside, low, high, A, b)
    assert torch.equal(again[fits], inside[fits])


@pytest.mark.parametrize("box", [False, True])
def test__project__half_spaces_that_contradict_each_other__are_broken_least(box):
    y, low, high, A, b = problems(60, 2, 5, box=box, seed=8, feasible=False)
    A = A / A.norm(dim=2, keepdim=True)
    u = project(y, low, high, A, b)
    assert ((u >= low) & (u <= high)).all()

    def cost(u):
        broken = (torch.einsum("bmn,bn->bm", A, u) - b).clamp_min(0).square().sum(1)
        return broken + (u - y).square().sum(1) / DEARNESS

    assert (cost(u) > 1e-4).any()  # some of them do contradict each other
    random = np.random.default_rng(9)
    for size in (1e-3, 0.1, 3.0):
        step = torch.tensor(size * random.normal(size=(200, *u.shape)))
        for other in (u + step).clamp(low, high):
            assert (cost(other) >= cost(u) * (1 - 1e-7) - 1e-9).all()


def test__project__one_half_space_beyond_the_box__goes_to_its_nearest_corner():
    one = torch.ones(1, 3, dtype=torch.float64)
    a = torch.tensor([[[1.0, -1.0, 0.0]]], dtype=torch.float64)
    y = torch.tensor([[0.5, 0.2, 0.3]], dtype=torch.float64)
    u = project(y, -one, one, a, torch.tensor([[-9.0]], dtype=torch.float64))
    assert u.tolist() == [[-1.0, 1.0, 0.3]]
