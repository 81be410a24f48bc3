"""What holds for every cell over time and over a batch, on the native backend."""

from dataclasses import replace

import pytest
import torch
from kernel_cases import make_problem, rng, shaken, solve
from quick import quick

from LNN import CfC, LiquidNetwork
from LNN.cells import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell
from LNN.wiring import Wiring

F, T = 3, 37
WIRING = Wiring.ncp(F, 11, 2, seed=3, layer_recurrence=True)
CELLS = {
    "LTC": lambda: LTCCell(WIRING, generator=rng()),
    "LTC exponential": lambda: LTCCell(
        WIRING, solver="exponential", ode_unfolds=1, generator=rng()
    ),
    "wired": lambda: WiredCfCCell(WIRING, generator=rng()),
    "wired pure": lambda: WiredCfCCell(WIRING, mode="pure", generator=rng()),
    "wired exponential": lambda: WiredCfCCell(
        WIRING, mode="exponential", generator=rng()
    ),
    "CfC": lambda: CfCCell(F, 7, backbone_units=9, generator=rng()),
    "CfC deep": lambda: CfCCell(
        F, 7, mode="no_gate", backbone_units=9, backbone_layers=3, generator=rng()
    ),
    "memory": lambda: MixedMemoryCell(LTCCell(WIRING, generator=rng())),
    "CfC exponential": lambda: CfCCell(F, 7, mode="exponential", generator=rng()),
    "memory CfC": lambda: MixedMemoryCell(CfCCell(F, 7, generator=rng())),
}
BATCHES = [1, 5, 40]
DTYPES = [torch.float32, torch.float64]


@pytest.fixture(params=CELLS)
def cell(request):
    return shaken(CELLS[request.param](), rng(2))


@pytest.fixture(params=quick(BATCHES, 1, 40))
def batch(request):
    return request.param


def forward(native, problem, **changed):
    problem = replace(problem, **changed)
    names = ("cell", "inputs", "state", "timespans", "lengths")
    with torch.no_grad():
        return native.run(*(getattr(problem, name) for name in names))


# -------------------------------------------------------------------------------- time


def test__causality__later_inputs__change_no_bit_before(cell, batch, isa, native):
    problem = make_problem(cell, batch, T)
    expected, _ = forward(native, problem)
    for t in (0, 1, 15, 30, 31, 32, 35):
        inputs, timespans = problem.inputs.clone(), problem.timespans.clone()
        inputs[:, t + 1 :] += 1
        timespans[:, t + 1 :] += 1
        found, _ = forward(native, problem, inputs=inputs, timespans=timespans)
        assert torch.equal(found[:, : t + 1], expected[:, : t + 1])
        assert not torch.equal(found[:, t + 1 :], expected[:, t + 1 :])


def test__causality__later_gradients__are_zero_before_their_input(cell, batch, native):
    problem = make_problem(cell, batch, T, into=("states",))
    problem.grad_states[:, 20:] = 0
    _, gradients = solve(native, problem)
    assert not gradients["inputs"][:, 20:].any()
    assert not gradients["timespans"][:, 20:].any()


@pytest.mark.parametrize("dtype", DTYPES)
def test__state__carried_over__two_halves_are_the_whole(dtype, cell, batch, native):
    problem = make_problem(cell, batch, T).to(dtype)
    states, final = forward(native, problem)
    x, dt = problem.inputs, problem.timespans
    for cut in (1, 31, 32, 33):
        begin = {"inputs": x[:, :cut], "timespans": dt[:, :cut]}
        first, middle = forward(native, problem, **begin)
        end = {"inputs": x[:, cut:], "timespans": dt[:, cut:], "state": middle}
        second, last = forward(native, problem, **end)
        assert torch.equal(torch.cat([first, second], 1), states)
        assert torch.equal(last, final)


def test__time__none_elapsed__leaves_an_ltc_as_it_was(batch, isa, native):
    cell = CELLS["LTC"]()
    problem = make_problem(cell, batch, 5)
    timespans = torch.zeros_like(problem.timespans)
    states, _ = forward(native, problem, timespans=timespans)
    assert torch.equal(states, problem.state[:, None].expand_as(states))


# ------------------------------------------------------------------------------- batch


@pytest.mark.parametrize("dtype", DTYPES)
def test__batch__one_by_one__is_the_same(dtype, cell, batch, native):
    problem = make_problem(cell, batch, 6, ragged=True).to(dtype)
    states, final = forward(native, problem)
    for b in range(0, batch, 3):
        one = slice(b, b + 1)
        alone, last = forward(
            native,
            problem,
            inputs=problem.inputs[one],
            state=problem.state[one],
            timespans=problem.timespans[one],
            lengths=problem.lengths[one],
        )
        tolerance = {torch.float32: 2e-6, torch.float64: 1e-13}[dtype]
        torch.testing.assert_close(alone, states[one], rtol=0, atol=tolerance)
        torch.testing.assert_close(last, final[one], rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
def test__padding__shorter_sequences__are_as_alone(dtype, cell, batch, native):
    problem = make_problem(cell, batch, 35, ragged=True).to(dtype)
    states, final = forward(native, problem.with_padding(float("nan")))
    for b in range(0, batch, 3):
        n = int(problem.lengths[b])
        expected = problem.state[b] if not n else states[b, n - 1]
        assert torch.equal(final[b], expected)
        assert torch.equal(states[b, n:], expected.expand(35 - n, -1))
        if not n:
            continue
        _, last = forward(
            native,
            problem,
            inputs=problem.inputs[b : b + 1, :n],
            state=problem.state[b : b + 1],
            timespans=problem.timespans[b : b + 1, :n],
            lengths=None,
        )
        tolerance = {torch.float32: 1e-5, torch.float64: 1e-12}[dtype]
        torch.testing.assert_close(last[0], final[b], rtol=0, atol=tolerance)


@pytest.mark.parametrize("value", quick([1e30, float("nan")], 1e30))
def test__padding__whatever_it_holds__changes_no_bit(value, cell, batch, isa, native):
    problem = make_problem(cell, batch, 9, ragged=True)
    plain = solve(native, problem)
    padded = solve(native, problem.with_padding(value))
    for expected, found in zip(plain, padded, strict=True):
        assert all(torch.equal(found[name], expected[name]) for name in expected)


def test__nan__in_one_sample__reaches_no_other(cell, isa, native):
    problem = make_problem(cell, 40, 6)
    inputs = problem.inputs.clone()
    inputs[5, 3, 0] = float("nan")
    expected, plain = solve(native, problem)
    found, gradients = solve(native, replace(problem, inputs=inputs))
    others = torch.arange(40) != 5
    assert found["states"][5, 3:].isnan().any()
    assert torch.equal(found["states"][5, :3], expected["states"][5, :3])
    for name in ("states", "final"):
        assert torch.equal(found[name][others], expected[name][others])
    for name in ("inputs", "state", "timespans"):
        assert torch.equal(gradients[name][others], plain[name][others])


def test__weights__only_half_of_a_batch_has_a_gradient__is_that_half(cell, native):
    problem = make_problem(cell, 40, 6).to(torch.float64)
    half = slice(0, 20)
    for gradient in (problem.grad_states, problem.grad_final):
        gradient[20:] = 0
    _, whole = solve(native, problem)
    names = ("inputs", "state", "timespans", "grad_states", "grad_final")
    cut = {name: getattr(problem, name)[half] for name in names}
    _, part = solve(native, replace(problem, **cut))
    for name in whole.keys() - {"inputs", "state", "timespans"}:
        torch.testing.assert_close(whole[name], part[name], rtol=1e-9, atol=1e-12)


# ------------------------------------------------------------------------------ memory


def test__last_state_only__is_the_same_and_stores_no_states(cell, batch, native):
    problem = make_problem(cell, batch, T, ragged=True)
    _, expected = forward(native, problem)
    data = (problem.inputs, problem.state, problem.timespans, problem.lengths)
    with torch.no_grad():
        states, final = native.run(cell, *data, all_states=False)
    assert states is None
    assert torch.equal(final, expected)


@pytest.mark.parametrize("make", ["layer", "network"])
def test__last_state_only__long_sequence__takes_little_memory(make, native):
    from torch.profiler import ProfilerActivity, profile

    if make == "layer":
        module = CfC(2, 64, return_sequences=False, backend="native", generator=rng())
    else:
        module = LiquidNetwork(2, 64, 1, backend="native", generator=rng())
    steps, batch = 400, 32
    inputs = torch.randn(batch, steps, 2, generator=rng())
    with (
        torch.no_grad(),
        profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found,
    ):
        module(inputs)
    allocated = [e.cpu_memory_usage for e in found.events() if e.cpu_memory_usage > 0]
    all_states = 4 * batch * steps * 64
    assert max(allocated, default=0) < all_states / 2


def test__gradient__twice_through_one_graph__same_bits(cell, batch, native):
    problem = make_problem(cell, batch, T, ragged=True)
    inputs = problem.inputs.clone().requires_grad_()
    leaves = [inputs, *cell.parameters()]
    data = (inputs, problem.state, problem.timespans, problem.lengths)
    states, _ = native.run(cell, *data)
    found = [
        torch.autograd.grad(
            states, leaves, problem.grad_states, retain_graph=True, allow_unused=True
        )
        for _ in range(2)
    ]
    for first, second in zip(*found, strict=True):
        assert first is second is None or torch.equal(first, second)
