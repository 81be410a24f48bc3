from __future__ import annotations

import pickle

import pytest
import torch
from torch import nn

from LNN.exceptions import InfeasibleError, InvalidInputError
from LNN.safety import Bounds, HalfSpaces, RateLimit, SafeOutput

NOTHING_FITS = [HalfSpaces([[1.0], [-1.0]], [-1.0, -1.0])]


def test__safe_output__outputs_that_fit__are_the_very_same():
    y = torch.rand(5, 2)
    layer = SafeOutput([Bounds(0, 1), HalfSpaces([[1.0, 1.0]], [3.0])])
    safe, safety = layer(y)
    assert torch.equal(safe, y)
    assert safety.feasible.all()
    assert not safety.correction.any()


def test__safe_output__several_kinds__all_hold():
    y = 5 * torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    previous = torch.zeros(200, 3)
    layer = SafeOutput(
        [Bounds([-1, -2, -3], [1, 2, 3]), RateLimit(0.8), HalfSpaces([[1, 1, 1]], [1])]
    )
    safe, safety = layer(y, {"previous": previous, "elapsed": 2 * torch.ones(200)})
    assert safety.feasible.all()
    assert (safe.abs() <= torch.tensor([1.0, 1.6, 1.6])).all()
    assert (safe.sum(1) <= 1 + 1e-6).all()
    torch.testing.assert_close(safe - y, safety.correction)


def test__safe_output__trained_through__learns_within_the_limits():
    torch.manual_seed(0)
    x = torch.linspace(-1, 1, 64)[:, None]
    wanted = 2 * x
    safe_layer = SafeOutput([Bounds(-1, 1)])
    model = nn.Linear(1, 1)
    optimiser = torch.optim.Adam(model.parameters(), 0.05)
    for _ in range(200):
        outputs, _ = safe_layer(model(x))
        loss = (outputs - wanted).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    outputs, _ = safe_layer(model(x))
    torch.testing.assert_close(outputs, wanted.clamp(-1, 1), atol=0.05, rtol=0)


def test__safe_output__float32__is_decided_in_float64():
    # Beside 2 ** 24 the half of 1 is lost in float32.
    layer = SafeOutput([HalfSpaces([[1.0]], [16777216.0])])
    safe, safety = layer(torch.tensor([[16777218.0]]))
    assert safe.dtype == torch.float32
    assert safe.item() == 16777216.0
    assert safety.feasible.all()


def test__safe_output__project__flags_and_breaks_least():
    y = torch.tensor([[5.0], [-7.0]])
    safe, safety = SafeOutput(NOTHING_FITS)(y)
    assert not safety.feasible.any()
    torch.testing.assert_close(safe, torch.zeros(2, 1), atol=1e-5, rtol=0)


def test__safe_output__hold__repeats_the_output_before():
    limit = HalfSpaces([[1.0], [-1.0]], lambda context: context["limits"])
    layer = SafeOutput([limit], on_infeasible="hold")
    limits = torch.tensor([[-1.0, -1.0], [1.0, 1.0], [-1.0, -1.0]])
    previous = torch.tensor([[0.3], [0.3], [torch.nan]])
    context = {"limits": limits, "previous": previous}
    safe, safety = layer(torch.full((3, 1), 4.0), context)
    assert safety.feasible.tolist() == [False, True, False]
    torch.testing.assert_close(safe[:2], torch.tensor([[0.3], [1.0]]))
    # Nothing to hold at the start: the projection.
    torch.testing.assert_close(safe[2], torch.zeros(1), atol=1e-5, rtol=0)
    with pytest.raises(InvalidInputError, match="previous"):
        layer(torch.ones(3, 1), {"limits": limits})


def test__safe_output__raise__names_the_sample():
    limit = HalfSpaces([[1.0], [-1.0]], lambda context: context["limits"])
    layer = SafeOutput([limit], on_infeasible="raise")
    limits = torch.tensor([[1.0, 1.0], [-1.0, -1.0]])
    with pytest.raises(InfeasibleError, match=r"1 of 2 samples.*sample 1"):
        layer(torch.ones(2, 1), {"limits": limits})
    layer(torch.ones(1, 1), {"limits": limits[:1]})


def test__safe_output__boxes_apart__the_first_holds_and_it_is_flagged():
    layer = SafeOutput([Bounds(-1, 1), RateLimit(0.5)])
    previous = torch.tensor([[3.0], [1.2], [-9.0]])
    safe, safety = layer(torch.zeros(3, 1), {"previous": previous})
    assert safe.ravel().tolist() == pytest.approx([1.0, 0.7, -1.0])
    assert safety.feasible.tolist() == [False, True, False]


def test__safe_output__row_without_normal__is_feasible_if_its_limit_is():
    layer = SafeOutput([HalfSpaces([[0.0, 0.0]], lambda context: context["b"])])
    b = torch.tensor([[1.0], [-1.0]])
    safe, safety = layer(torch.ones(2, 2), {"b": b})
    assert torch.equal(safe, torch.ones(2, 2))
    assert safety.feasible.tolist() == [True, False]


def test__safe_output__empty_batch_and_no_constraint__pass():
    safe, safety = SafeOutput([Bounds(0, 1)])(torch.empty(0, 2))
    assert safe.shape == (0, 2)
    assert safety.feasible.shape == (0,)
    y = torch.randn(3, 2)
    assert torch.equal(SafeOutput([])(y)[0], y)
    many = SafeOutput([HalfSpaces(torch.eye(3), torch.zeros(3))])
    assert many(torch.empty(0, 3))[0].shape == (0, 3)


def test__safe_output__what_learns_in_constraints__is_registered():
    limit = nn.Parameter(torch.tensor([1.0]))
    layer = SafeOutput([HalfSpaces([[1.0]], limit)])
    assert list(layer.parameters()) == [limit]
    safe, _ = layer(torch.tensor([[3.0], [0.0]]))
    safe.sum().backward()
    assert limit.grad.item() == 1.0


def test__safe_output__pickled__gives_the_same():
    layer = SafeOutput([Bounds(-1, 1), RateLimit(0.5)], on_infeasible="hold")
    again = pickle.loads(pickle.dumps(layer))
    y, context = torch.randn(4, 2), {"previous": torch.zeros(4, 2)}
    assert torch.equal(layer(y, context)[0], again(y, context)[0])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (torch.ones(2, 3, 1), "expects outputs"),
        (torch.ones(2, 1, dtype=torch.int64), "of floats"),
        (torch.tensor([[torch.nan]]), "finite"),
    ],
)
def test__safe_output__other_outputs__are_refused(y, message):
    with pytest.raises(InvalidInputError, match=message):
        SafeOutput([Bounds(0, 1)])(y)


def test__safe_output__other_arguments__are_refused():
    with pytest.raises(InvalidInputError, match="on_infeasible"):
        SafeOutput([Bounds(0, 1)], on_infeasible="ignore")
    with pytest.raises(InvalidInputError, match="constraints of LNN.safety"):
        SafeOutput([(0, 1)])
