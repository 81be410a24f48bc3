"""Quadratic barriers of linear systems: the barriers of functions, in numbers."""

import pickle

import numpy as np
import pytest
import torch
from quick import quick

from LNN.constraints.numpy_limits import Limits
from LNN.constraints.plain import from_plain, to_plain
from LNN.exceptions import InvalidInputError
from LNN.safety import BarrierFunction, Bounds, HalfSpaces, SafeOutput

# Position and speed in a plane, and what holds the position outside of a disc.
GLIDE, PUSH = np.eye(4, k=2), np.eye(4)[:, 2:]
DISC = (np.diag([1.0, 1.0, 0.0, 0.0]), np.zeros(4), -1.0)


def problem(order, random):
    """Return barriers, a system and rates."""
    n = int(random.integers(1, 4))
    d, m = int(random.integers(n + order - 1, 6)), int(random.integers(1, 4))
    P, q = random.normal(size=(m, d, d)), random.normal(size=(m, d))
    F, G = random.normal(size=(d, d)), random.normal(size=(d, n))
    if order == 2:  # what controls move at once tells nothing of b
        off = np.eye(d) - G @ np.linalg.pinv(G)
        P, q = off @ P @ off, q @ off
    rates = tuple(random.uniform(0.1, 3, size=random.integers(1, order + 1)).tolist())
    gamma = rates if len(rates) > 1 else rates[0]
    return P, q, random.normal(size=m), F, G, random.normal(size=d), gamma


def in_functions(P, q, r, F, G, c, gamma, order):
    """Return one barrier in functions of torch, whose derivatives are automatic."""
    P, q, F, G, c = map(torch.as_tensor, (P, q, F, G, c))
    return BarrierFunction(
        lambda z: ((z @ P) * z).sum(1) + z @ q + r,
        lambda z: z @ F.T + c,
        lambda z: G.expand(len(z), *G.shape),
        order,
        gamma,
    )


def same(found, right):
    size = 1 + right.abs().max()
    return bool(((found - right).abs() <= 1e-9 * size).all())


@pytest.mark.parametrize("n", quick([200, 1000], 200))
@pytest.mark.parametrize("order", [1, 2])
def test__quadratic_barrier__random_problems__is_the_one_of_functions(order, n):
    random = np.random.default_rng(order)
    for k in range(n):
        P, q, r, F, G, c, gamma = problem(order, random)
        d, n_controls = G.shape
        places = random.permutation(d + 1)[:d].tolist()
        z, u = random.normal(size=(5, d)), random.normal(size=(5, n_controls))
        inputs = random.normal(size=(5, d + 1))
        inputs[:, places], u = z, torch.tensor(u)
        context = {"state": torch.tensor(z), "inputs": torch.tensor(inputs)}
        numbers = BarrierFunction.quadratic(
            P, q, r, F, G, c, order=order, gamma=gamma, columns=places, n_inputs=d + 1
        )
        each = [
            in_functions(*own, F, G, c, gamma, order)
            for own in zip(P, q, r, strict=True)
        ]
        found, right = numbers.limits(u, context), [b.limits(u, context) for b in each]
        assert same(found.normals, torch.cat([one.normals for one in right], 1)), k
        assert same(found.offsets, torch.cat([one.offsets for one in right], 1)), k
        if k % 20:
            continue  # the half-spaces tell; the points take longest
        (mine, told), (theirs, safety) = (
            SafeOutput(limits)(u, context) for limits in ([numbers], each)
        )
        assert (told.feasible == safety.feasible).all(), k
        good = told.feasible
        torch.testing.assert_close(mine[good], theirs[good], atol=1e-6, rtol=1e-6)


def test__quadratic_barrier__a_single_one__is_the_first_of_one():
    one = BarrierFunction.quadratic(*DISC, GLIDE, PUSH, order=2, gamma=(1.0, 2.0))
    P, q, r = DISC
    many = BarrierFunction.quadratic(
        [P], [q], [r], GLIDE, PUSH, np.zeros(4), order=2, gamma=(1.0, 2.0)
    )
    assert one == many
    assert one.b.shape == (1,)
    assert one.b_quadratic.shape == (1, 4, 4)


def test__quadratic_barrier__an_asymmetric_form__is_its_symmetric_part():
    skew = np.zeros((4, 4))
    skew[0, 1], skew[1, 0] = 3, -3
    P, q, r = DISC
    mine = BarrierFunction.quadratic(P + skew, q, r, GLIDE, PUSH, order=2)
    assert mine == BarrierFunction.quadratic(*DISC, GLIDE, PUSH, order=2)


def test__quadratic_barrier__double_integrator__keeps_outside_of_the_disc():
    disc = BarrierFunction.quadratic(*DISC, GLIDE, PUSH, order=2, gamma=(2.0, 2.0))
    layer, dt = SafeOutput([disc]), 0.01
    z = torch.tensor([[-3.0, 0.3, 0.0, 0.0]], dtype=torch.float64)
    goal = torch.tensor([[3.0, 0.0]], dtype=torch.float64)
    nearest, unsafe = np.inf, z.clone()

    def follow(z):
        return goal - z[:, :2] - 1.5 * z[:, 2:]

    def moved(z, u):
        speed = z[:, 2:] + dt * u
        return torch.cat([z[:, :2] + dt * (z[:, 2:] + speed) / 2, speed], 1)

    through = np.inf
    for _ in range(1500):
        u, safety = layer(follow(z), {"inputs": z})
        assert safety.feasible.all()
        z, unsafe = moved(z, u), moved(unsafe, follow(unsafe))
        nearest = min(nearest, float(z[0, :2].norm()))
        through = min(through, float(unsafe[0, :2].norm()))
    assert nearest > 1 - 1e-3  # between samples the condition is not seen
    assert through < 0.5  # without the barrier
    assert (z[0, :2] - goal[0]).norm() < 0.1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"P": np.eye(3)}, r"Expected P \(d, d\)"),
        ({"q": np.zeros(3)}, r"Expected P \(d, d\)"),
        ({"r": [1.0, 2.0]}, r"Expected P \(d, d\)"),
        ({"r": np.empty(0), "P": np.empty((0, 4, 4)), "q": np.empty((0, 4))}, "P "),
        ({"F": 1.0}, r"Expected P \(d, d\)"),
        ({"G": np.ones(4)}, r"Expected P \(d, d\)"),
        ({"G": np.ones((4, 0))}, r"Expected P \(d, d\)"),
        ({"c": np.ones(3)}, r"Expected P \(d, d\)"),
        ({"q": [np.nan, 0, 0, 0]}, "finite numbers"),
        ({"gamma": np.inf}, "finite numbers"),
        ({"gamma": 0.0}, "gamma > 0"),
        ({"gamma": (1.0, 2.0, 3.0)}, "gamma > 0"),
        ({"order": 3}, "order 1 or 2"),
        ({"order": 1}, "never act on b', so that it is not of order 1. Try order=2"),
        ({"P": np.eye(4)}, "relative degree 2.*Use order=1"),
        ({"q": [0.0, 0.0, 0.5, 0.0]}, "relative degree 2.*Use order=1"),
        ({"F": np.zeros((4, 4))}, "never act on b''"),
        ({"columns": [0, 1, 2]}, "4 different places"),
        ({"columns": [0, 1, 2, 2]}, "4 different places"),
        ({"columns": [0, 1, 2, -1]}, "4 different places"),
        ({"n_inputs": 3}, "4 different places"),
    ],
)
def test__quadratic_barrier__what_does_not_fit__is_refused(change, message):
    given = dict(zip(("P", "q", "r"), DISC, strict=True))
    given |= {"F": GLIDE, "G": PUSH, "order": 2, **change}
    with pytest.raises(InvalidInputError, match=message):
        BarrierFunction.quadratic(**given)


def test__quadratic_barrier__one_of_another_order__is_named():
    P, q, r = DISC
    with pytest.raises(InvalidInputError, match="of barrier 1 already"):
        BarrierFunction.quadratic([P, np.eye(4)], [q, q], [r, r], GLIDE, PUSH, order=2)
    with pytest.raises(InvalidInputError, match="for barrier 1 they never act"):
        BarrierFunction.quadratic([np.eye(4), P], [q, q], [r, r], GLIDE, PUSH)


# ------------------------------------------------------------------- half-spaces


CURVED = HalfSpaces([[1.0]], [1.0], b_quadratic=[[[2.0, 1.0], [0.0, -1.0]]])


def test__half_spaces__quadratic_offsets__are_those_of_each_sample():
    x = torch.tensor([[1.0, 2.0], [0.5, 0.0]])
    kept, safety = SafeOutput([CURVED])(torch.full((2, 1), 9.0), {"inputs": x})
    assert kept.tolist() == [[1.0], [1.5]]  # 1 + 2 + 2 - 4 and 1 + 0.5
    assert safety.feasible.all()
    with pytest.raises(InvalidInputError, match=r"of shape \(2, 2\)"):
        SafeOutput([CURVED])(torch.ones(2, 1), {"inputs": torch.ones(2, 3)})


@pytest.mark.parametrize(
    "given",
    [
        {"b_quadratic": np.ones((2, 2, 2))},
        {"b_quadratic": np.ones((1, 2, 3))},
        {"b_quadratic": np.ones((2, 2))},
        {"b_quadratic": np.ones((1, 2, 2)), "b_inputs": np.ones((1, 3))},
        {"b_quadratic": np.ones((1, 2, 2)), "A_inputs": np.ones((1, 1, 3))},
    ],
)
def test__half_spaces__quadratic_offsets_of_other_shapes__are_refused(given):
    with pytest.raises(InvalidInputError, match="Expected b_quadratic of shape"):
        HalfSpaces([[1.0]], [1.0], **given)


def test__half_spaces__quadratic_beside_a_function__is_refused():
    with pytest.raises(InvalidInputError, match="b in numbers beside b_quadratic"):
        HalfSpaces([[1.0]], lambda context: 1, b_quadratic=np.ones((1, 2, 2)))


def test__half_spaces__with_quadratic_offsets__are_equal_as_values():
    again = pickle.loads(pickle.dumps(CURVED))
    assert again == CURVED
    assert HalfSpaces([[1.0]], [1.0]) != CURVED
    assert CURVED.reads_inputs
    assert from_plain(to_plain(CURVED)) == CURVED
    assert "b_quadratic" not in to_plain(HalfSpaces([[1.0]], [1.0]))


def test__half_spaces__of_a_pickle_of_an_older_version__are_as_before():
    old = HalfSpaces.__new__(HalfSpaces)
    numbers = {"A": [[1.0]], "b": [1.0], "A_inputs": None, "b_inputs": None}
    old.__setstate__(numbers)
    assert old == HalfSpaces([[1.0]], [1.0])
    assert SafeOutput([old])(torch.full((1, 1), 3.0))[0].tolist() == [[1.0]]


def test__numpy_limits__random_quadratic_offsets__give_the_points_of_torch():
    random = np.random.default_rng(0)
    for seed in range(150):
        n, f, m = random.integers(1, 4, size=3)
        parts = {
            "A": random.normal(size=(m, n)),
            "b": random.normal(size=m) + 1,
            "b_quadratic": random.normal(size=(m, f, f)),
        }
        if seed % 2:
            parts["A_inputs"] = random.normal(size=(m, n, f))
        curved, flat = HalfSpaces(**parts), HalfSpaces(np.ones((1, n)), [2.0])
        constraints = [Bounds(-3, 3), flat, curved]
        y, x = 3 * random.normal(size=(4, n)), random.normal(size=(4, f))
        right, safety = SafeOutput(constraints)(
            torch.tensor(y), {"inputs": torch.tensor(x)}
        )
        told = Limits([to_plain(one) for one in constraints], "project", n)
        kept, feasible = told.keep(y, x)
        assert (feasible == safety.feasible.numpy()).all(), seed
        off = np.abs(kept - right.numpy()).max(axis=1)
        assert (off <= np.where(feasible, 1e-8, 3e-5)).all(), (seed, off)
