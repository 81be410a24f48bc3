from __future__ import annotations

import numpy as np
import pytest
import torch
from quick import quick

from LNN.exceptions import InvalidInputError
from LNN.safety import BarrierFunction, Bounds, DiscreteBarrier, SafeOutput

# A cart (position, speed) in front of a wall at 0, pushed towards it.
WALL = BarrierFunction(
    lambda z: -z[:, 0],
    f=lambda z: torch.stack([z[:, 1], 0 * z[:, 1]], dim=1),
    g=lambda z: torch.tensor([[0.0], [1.0]]).expand(len(z), 2, 1),
    order=2,
    gamma=(2.0, 2.0),
)


def moved(z, u, dt):
    """Return where the cart is after dt, exactly."""
    position, speed = z[:, :1], z[:, 1:]
    return torch.cat(
        [position + dt * speed + dt**2 / 2 * u, speed + dt * u],
        dim=1,
    )


def room_to_brake(z):
    """Return the way to the wall that is left after braking with u = -1."""
    return -z[:, 0] - z[:, 1].clamp_min(0).square() / 2


def driven(layer, z, dt, steps):
    """Drive towards the wall; return the nearest way to it and the steps flagged."""
    nearest, flagged = -z[:, 0].max(), 0
    for _ in range(steps):
        u, safety = layer(torch.ones(len(z), 1, dtype=z.dtype), {"state": z})
        flagged += int((~safety.feasible).sum())
        z = moved(z, u, dt)
        nearest = torch.minimum(nearest, -z[:, 0].max())
    return float(nearest), flagged


def starts(n=300, seed=0):
    """Draw states that satisfy both conditions of `WALL` and leave room to brake."""
    random = np.random.default_rng(seed)
    z = np.column_stack([-3 * random.random(8 * n), 2 * random.random(8 * n) - 0.5])
    z = torch.tensor(z)
    return z[(room_to_brake(z) >= 0) & (2 * -z[:, 0] - z[:, 1] >= 0)][:n]


@pytest.mark.parametrize("dt", quick([0.01, 0.05, 0.2], 0.05, 0.2))
def test__barrier_function__control_without_limits__keeps_off_the_wall(dt):
    nearest, flagged = driven(SafeOutput([WALL]), starts(), dt, int(4 / dt))
    assert nearest > -1e-6
    assert flagged == 0


def test__wall__control_within_limits__only_the_discrete_barrier_holds():
    """With |u| <= 1 the continuous condition asks for more than the brakes have."""
    dt, z = 0.1, starts()
    limits = Bounds(-1, 1)
    nearest, flagged = driven(SafeOutput([limits, WALL]), z, dt, 40)
    assert nearest < -0.1
    assert flagged > 100
    brakes = DiscreteBarrier(room_to_brake, lambda z, u: moved(z, u, dt), 0.5)
    nearest, flagged = driven(SafeOutput([limits, brakes]), z, dt, 40)
    assert nearest > -1e-6
    assert flagged == 0


def test__barrier_function__order_1__is_its_condition():
    """A point that steers itself round a circle: z' = u."""
    barrier = BarrierFunction(
        lambda z: z.square().sum(1) - 1,
        f=torch.zeros_like,
        g=lambda z: torch.eye(2).expand(len(z), 2, 2),
        gamma=0.5,
    )
    z = torch.tensor([[2.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    u = torch.tensor([[-9.0, 1.0], [1.0, -1.0]], dtype=torch.float64)
    safe, safety = SafeOutput([barrier])(u, {"state": z})
    # 2 z u + 0.5 (|z|^2 - 1) >= 0
    torch.testing.assert_close(
        safe, torch.tensor([[-0.375, 1.0], [1.0, 0.0]], dtype=torch.float64)
    )
    assert safety.feasible.all()


def test__barrier_function__learnt_gamma__has_exact_gradients():
    def safe(u, z, p):
        barrier = BarrierFunction(
            WALL.b, WALL.f, WALL.g, order=2, gamma=lambda context: (p[0], p[1])
        )
        return SafeOutput([barrier])(u, {"state": z})[0]

    z = torch.tensor([[-0.2, 0.3], [-2.0, -1.0]], dtype=torch.float64)
    u = torch.ones(2, 1, dtype=torch.float64)
    p = torch.tensor([1.5, 0.7], dtype=torch.float64)
    assert safe(u, z, p)[0].item() < 1 == safe(u, z, p)[1].item()
    given = tuple(part.requires_grad_() for part in (u, z, p))
    assert torch.autograd.gradcheck(safe, given)


def test__barriers__nothing_that_learns__leave_no_graph():
    z, u = torch.tensor([[-0.1, 0.5]]), torch.ones(1, 1)
    assert not SafeOutput([WALL])(u, {"state": z})[0].requires_grad
    with torch.no_grad():
        assert SafeOutput([WALL])(u, {"state": z})[0].item() < 1


@pytest.mark.parametrize("ratio", [1.0, 3.0])
def test__discrete_barrier__concave__is_the_nearest_point(ratio):
    """Inside an ellipse, the nearest next position is on its edge."""
    shape = torch.tensor([1.0, ratio], dtype=torch.float64)
    barrier = DiscreteBarrier(
        lambda z: 1 - (shape * z).square().sum(1), lambda z, u: z + u, 1.0
    )
    u = torch.tensor([[3.0, 4.0], [0.1, 0.2], [0.0, -2.0]], dtype=torch.float64)
    safe, safety = SafeOutput([barrier])(u, {"state": torch.zeros_like(u)})
    assert safety.feasible.all()
    around = torch.linspace(0, 2 * torch.pi, 100_001, dtype=torch.float64)
    edge = torch.stack([around.cos(), around.sin()], dim=1) / shape
    for k in (0, 2):
        nearest = edge[(edge - u[k]).norm(dim=1).argmin()]
        torch.testing.assert_close(safe[k], nearest, atol=2e-4, rtol=0)
    assert torch.equal(safe[1], u[1])


def test__discrete_barrier__one_control__has_exact_gradients():
    """A curved condition, met with equality: the control is where it holds."""
    barrier = DiscreteBarrier(room_to_brake, lambda z, u: moved(z, u, 0.2), 0.5)
    z = torch.tensor([[-0.7, 1.0], [-3.0, 0.2]], dtype=torch.float64).requires_grad_()
    u = torch.ones(2, 1, dtype=torch.float64).requires_grad_()

    def safe(u, z):
        return SafeOutput([barrier])(u, {"state": z})[0]

    assert safe(u, z)[0].item() < 0.9
    assert torch.autograd.gradcheck(safe, (u, z))


def test__discrete_barrier__obstacle__is_kept_outside_of():
    barrier = DiscreteBarrier(
        lambda z: z.square().sum(1) - 1, lambda z, u: z + 0.1 * u, 0.3
    )
    generator = torch.Generator().manual_seed(0)
    angle = 6.28 * torch.rand(50, 1, generator=generator)
    z = 2 * torch.cat([angle.cos(), angle.sin()], dim=1)
    layer = SafeOutput([barrier, Bounds(-2, 2)])
    for _ in range(60):
        u, safety = layer(-3 * z / z.norm(dim=1, keepdim=True), {"state": z})
        assert safety.feasible.all()
        z = z + 0.1 * u
        assert (z.norm(dim=1) > 1 - 1e-5).all()
    assert (z.norm(dim=1) < 1.2).all()  # it comes near, not as near as it may


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BarrierFunction(WALL.b, WALL.f, WALL.g, order=3), "order 1 or 2"),
        (lambda: BarrierFunction(WALL.b, WALL.f, WALL.g, gamma=0.0), "gamma > 0"),
        (
            lambda: BarrierFunction(WALL.b, WALL.f, WALL.g, gamma=(1.0, 2.0)),
            "gamma > 0",
        ),
        (lambda: DiscreteBarrier(room_to_brake, moved, 1.5), "from 0 to 1"),
    ],
)
def test__barriers__other_parameters__are_refused(make, message):
    with pytest.raises(InvalidInputError, match=message):
        make()


def test__barriers__functions_that_do_not_fit__are_refused():
    context, u = {"state": torch.ones(2, 2)}, torch.ones(2, 1)
    wrong = BarrierFunction(lambda z: z, WALL.f, WALL.g)
    with pytest.raises(InvalidInputError, match="Expected b to return"):
        SafeOutput([wrong])(u, context)
    first = BarrierFunction(lambda z: -z[:, 1], WALL.f, WALL.g, order=2)
    with pytest.raises(InvalidInputError, match="relative degree 2"):
        SafeOutput([first])(u, context)
    with pytest.raises(InvalidInputError, match="'state'"):
        SafeOutput([WALL])(u)


# --------------------------------------------------------------- barriers in numbers


@pytest.mark.parametrize("seed", range(12))
def test__affine_barrier__is_the_barrier_of_functions_in_numbers(seed):
    random = np.random.default_rng(seed)
    m, d, n = random.integers(1, 4, size=3)
    h, h0, c = random.normal(size=(m, d)), random.normal(size=m), random.normal(size=d)
    A, B = random.normal(size=(d, d)), random.normal(size=(d, n))
    gamma = float(random.uniform(0, 1))
    of_h, of_A, of_B, of_c = map(torch.tensor, (h, A, B, c))

    def barrier(k):
        return DiscreteBarrier(
            lambda z: z @ of_h[k] + h0[k],
            lambda z, u: z @ of_A.T + u @ of_B.T + of_c,
            gamma,
        )

    z, u = torch.tensor(random.normal(size=(9, d))), random.normal(size=(9, n))
    places = random.permutation(d + 1)[:d].tolist()
    inputs = torch.zeros(9, d + 1, dtype=torch.float64)
    inputs[:, places] = z
    context = {"state": z, "inputs": inputs}
    functions = SafeOutput([barrier(k) for k in range(m)])
    numbers = SafeOutput([DiscreteBarrier.affine(h, h0, A, B, c, gamma, places, d + 1)])
    (right, told), (found, safety) = (
        layer(torch.tensor(u), context) for layer in (functions, numbers)
    )
    assert (safety.feasible == told.feasible).all()
    good = told.feasible
    torch.testing.assert_close(found[good], right[good], atol=1e-7, rtol=0)


def test__affine_barrier__of_other_sizes__is_refused():
    with pytest.raises(InvalidInputError, match=r"Expected h \(m, d\)"):
        DiscreteBarrier.affine([1.0], [1.0], [[1.0]], [[1.0]])


@pytest.mark.parametrize("name", ["h", "h0", "A", "B", "c"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test__affine_barrier__of_numbers_that_are_not_finite__is_refused(name, value):
    parts = {"h": [[1.0]], "h0": [1.0], "A": [[1.0]], "B": [[1.0]], "c": [0.0]}
    parts[name] = np.full_like(parts[name], value)
    with pytest.raises(InvalidInputError, match=f"infinity in {name}"):
        DiscreteBarrier.affine(**parts)


@pytest.mark.parametrize(
    "odd",
    [{"columns": [0, 0]}, {"columns": [-1, 0]}, {"n_inputs": 1}, {"c": [1.0] * 3}],
)
def test__affine_barrier__of_other_columns__is_refused(odd):
    parts = {"h": [[1.0, 1.0]], "h0": [1.0], "A": np.eye(2), "B": [[1.0], [0.0]]}
    with pytest.raises(InvalidInputError, match="Expected"):
        DiscreteBarrier.affine(**parts, **odd)
