from __future__ import annotations

import numpy as np
import pytest
import torch

from LNN.exceptions import InvalidInputError
from LNN.safety import Bounds, HalfSpaces, RateLimit, SafeOutput


def test__bounds__one_side__leaves_the_other_open():
    y = torch.tensor([[-9.0], [9.0]])
    assert SafeOutput([Bounds(low=0)])(y)[0].ravel().tolist() == [0, 9]
    assert SafeOutput([Bounds(high=0)])(y)[0].ravel().tolist() == [-9, 0]


@pytest.mark.parametrize(("low", "high"), [(1, 0), (np.nan, 1), ([0, 2], [1, 1])])
def test__bounds__the_wrong_way_round__are_refused(low, high):
    with pytest.raises(InvalidInputError, match="low <= high"):
        Bounds(low, high)


def test__bounds__for_another_number_of_outputs__are_refused():
    with pytest.raises(InvalidInputError, match="each of 3 outputs"):
        SafeOutput([Bounds([0, 0], 1)])(torch.ones(2, 3))


def test__rate_limit__elapsed_time__scales_the_reach():
    layer = SafeOutput([RateLimit([1.0, 2.0])])
    context = {"previous": torch.zeros(2, 2), "elapsed": torch.tensor([0.1, 3.0])}
    safe, _ = layer(torch.full((2, 2), 5.0), context)
    torch.testing.assert_close(safe, torch.tensor([[0.1, 0.2], [3.0, 5.0]]))
    safe, _ = layer(torch.full((2, 2), 5.0), {"previous": torch.zeros(2, 2)})
    assert safe.tolist() == [[1.0, 2.0]] * 2


def test__rate_limit__no_output_before__is_free():
    previous = torch.tensor([[torch.nan], [0.0]])
    safe, safety = SafeOutput([RateLimit(1.0)])(
        torch.full((2, 1), 5.0), {"previous": previous}
    )
    assert safe.ravel().tolist() == [5.0, 1.0]
    assert safety.feasible.all()


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({}, r"context\['previous'\], which is missing"),
        ({"previous": torch.ones(1)}, "of the outputs' shape"),
        ({"previous": torch.ones(2, 1), "elapsed": torch.ones(3)}, "each of 2"),
        ({"previous": torch.ones(2, 1), "elapsed": -1.0}, ">= 0"),
    ],
)
def test__rate_limit__wrong_context__is_refused(context, message):
    with pytest.raises(InvalidInputError, match=message):
        SafeOutput([RateLimit(1.0)])(torch.ones(2, 1), context)


def test__rate_limit__below_0__is_refused():
    with pytest.raises(InvalidInputError, match="max_rate >= 0"):
        RateLimit(-1.0)


def test__half_spaces__for_each_sample__are_its_own():
    A = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    layer = SafeOutput([HalfSpaces(lambda context: context["A"], [0.0])])
    safe, _ = layer(torch.ones(2, 2), {"A": A})
    assert safe.tolist() == [[0.0, 1.0], [1.0, 0.0]]


@pytest.mark.parametrize(
    ("A", "b"),
    [([[1.0, 1.0]], [1.0, 2.0]), ([[1.0]], [1.0]), ([1.0, 1.0], [1.0])],
)
def test__half_spaces__shapes_that_do_not_fit__are_refused(A, b):
    with pytest.raises(InvalidInputError, match="Expected A of shape"):
        SafeOutput([HalfSpaces(A, b)])(torch.ones(4, 2))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Bounds(np.inf, np.inf), "low <= high"),
        (lambda: Bounds([1, 2], [3, 4, 5]), "one shape"),
        (lambda: Bounds("a", "b"), "numbers for low"),
        (lambda: RateLimit("a"), "numbers for max_rate"),
        (lambda: HalfSpaces({}, {}), "numbers for A"),
        (lambda: HalfSpaces([[1.0], [1.0, 2.0]], [1.0, 2.0]), "numbers for A"),
        (lambda: HalfSpaces([[1.0]], [np.nan]), "finite numbers in b"),
        (lambda: HalfSpaces([[1.0]], [-np.inf]), "finite numbers in b"),
        (lambda: HalfSpaces([[np.inf]], [1.0]), "finite numbers in A"),
        (lambda: HalfSpaces([[1.0]], [1.0], b_inputs=[[np.nan]]), "in b_inputs"),
        (lambda: HalfSpaces([[1e-10]], [46e-10]), "Multiply this row"),
    ],
)
def test__constraints__numbers_that_are_none__are_refused(make, words):
    with pytest.raises(InvalidInputError, match=words):
        make()


def test__half_spaces__offset_that_is_infinite__limits_nothing():
    y = torch.tensor([[3.0]])
    safe, safety = SafeOutput([HalfSpaces([[1.0]], [np.inf])])(y)
    assert safe.item() == 3.0
    assert safety.feasible.all()


@pytest.mark.parametrize("unknown", [np.nan, -np.inf])
def test__half_spaces__function_that_does_not_know__is_infeasible(unknown):
    offsets = torch.tensor([[unknown], [1.0]])
    layer = SafeOutput([Bounds(0, 9), HalfSpaces([[1.0]], lambda context: offsets)])
    safe, safety = layer(torch.tensor([[3.0], [3.0]]))
    assert safety.feasible.tolist() == [False, True]
    assert safe.tolist() == [[3.0], [1.0]]


def test__rate_limit__infinite_times_or_outputs_before__are_refused():
    layer, y = SafeOutput([RateLimit(1.0)]), torch.zeros(1, 1)
    for context in ({"previous": y, "elapsed": np.inf}, {"previous": y + np.inf}):
        with pytest.raises(InvalidInputError, match="Expected"):
            layer(y, context)


def test__safe_output__array__says_how_to_make_a_tensor():
    with pytest.raises(InvalidInputError, match="as_tensor"):
        SafeOutput([Bounds(0, 1)])(np.zeros(3))
