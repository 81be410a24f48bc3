"""Native equals torch: every result and every gradient, for any cell and batch.

By norm of the difference over norm, per tensor: 1e-10 in float64; in float32 2e-6 for
results and 5e-5 for gradients, or three times what the torch cell itself is off by.
That the torch cell is nowhere three times as near holds for nine problems in ten
(`assert_as_near_as_torch`), and typically there is no difference: in a single problem
rounding errors are luck, and torch's may cancel.
"""

import numpy as np
import pytest
import torch
from cell_cases import CELLS, EACH, NCP
from kernel_cases import (
    BATCHES,
    KINDS,
    LIMITS,
    Oracle,
    available,
    make_problem,
    random_cell,
    random_problem,
    rng,
    shaken,
    solve,
)
from quick import quick
from torch.func import functional_call

from LNN.cells import CfCCell, LTCCell
from LNN.cells.cfc import MODES
from LNN.kernels import torch_loop

SOME = ("LTC ncp", "wired default ncp", "wired pure unsorted", "CfC default 1")
SOME += ("memory LTC ncp", "memory wired default ncp", "memory CfC pure 2")
DTYPES = pytest.mark.parametrize("dtype", LIMITS, ids=["float64", "float32"])


def assert_equal(native, problem, dtype):
    far, _ = Oracle(torch_loop, problem).far(native, dtype)
    assert not far, f"{problem.cell}: {far}"


# ------------------------------------------------------------------------------- equal


# One sample has neurons in the lanes, many have samples there: two sets of kernels.
@pytest.mark.parametrize("batch", [1, 9])
@pytest.mark.parametrize("name", quick(CELLS, *EACH))
def test__native__every_kind_of_cell__equals_torch(name, batch, native):
    cell = shaken(CELLS[name](), rng(3))
    oracle = Oracle(torch_loop, make_problem(cell, batch, 9, ragged=batch > 1))
    for dtype in LIMITS:
        far, _ = oracle.far(native, dtype)
        assert not far


@pytest.mark.parametrize(
    "batch", quick([*BATCHES[:-1], 3, 4, 5, 9, 16, 17, 32], 1, 2, 5, 8, 33)
)
@pytest.mark.parametrize("name", SOME)
def test__native__batch_sizes__equal_torch(name, batch, native):
    cell = shaken(CELLS[name](), rng(3))
    oracle = Oracle(torch_loop, make_problem(cell, batch, 4, ragged=batch % 2 == 0))
    for dtype in LIMITS:
        assert not oracle.far(native, dtype)[0]


@pytest.mark.parametrize("name", SOME)
def test__native__instruction_sets__equal_torch(name, isa, native):
    cell = shaken(CELLS[name](), rng(3))
    for batch in (1, 7, 33):
        oracle = Oracle(torch_loop, make_problem(cell, batch, 6, ragged=True))
        for dtype in LIMITS:
            assert not oracle.far(native, dtype)[0]


@pytest.mark.parametrize("steps", quick([1, 31, 32, 33, 65], 1, 33))
@pytest.mark.parametrize("name", SOME)
def test__native__lengths_of_chunks__equal_torch(name, steps, native):
    cell = shaken(CELLS[name](), rng(3))
    oracle = Oracle(torch_loop, make_problem(cell, 3, steps, ragged=True))
    assert not oracle.far(native, torch.float64)[0]


@pytest.mark.parametrize(
    ("kind", "n"), [("ltc", 30), ("wired", 130), ("backbone", 130)]
)
def test__native__chunks_of_few_steps__equal_torch(kind, n, native):
    # A chunk's record has a limit: so many neurons leave room for a few steps or one.
    cell = random_cell(np.random.default_rng(5), kind, 40, n)
    oracle = Oracle(torch_loop, make_problem(cell, 3, 24, ragged=True))
    for dtype in LIMITS:
        assert not oracle.far(native, dtype)[0]


@DTYPES
@pytest.mark.parametrize("into", [("states",), ("final",)])
@pytest.mark.parametrize("name", SOME)
def test__native__loss_of_one_result__equals_torch(name, into, dtype, native):
    cell = shaken(CELLS[name](), rng(3))
    assert_equal(native, make_problem(cell, 5, 7, True, into=into), dtype)


@pytest.mark.parametrize("name", SOME)
def test__native__all_sequences_empty__keeps_the_state(name, native):
    problem = make_problem(CELLS[name](), 5, 3, ragged=True)
    problem.lengths.zero_()
    results, gradients = solve(native, problem.with_padding(float("nan")))
    assert torch.equal(results["final"], problem.state)
    whole = problem.grad_final + problem.grad_states.sum(1)
    torch.testing.assert_close(gradients.pop("state"), whole)
    assert all(not g.any() for g in gradients.values())


@DTYPES
def test__native__large_raw_parameters__equal_torch(dtype, native):
    cell = LTCCell(NCP, generator=rng())  # softplus is linear from 20 on
    with torch.no_grad():
        for parameter in (cell.recurrent.w, cell.sensory.w, cell.cm, cell.gleak):
            parameter.copy_(torch.linspace(-30, 40, len(parameter)))
    assert_equal(native, make_problem(cell, 5, 7), dtype)


@DTYPES
@pytest.mark.parametrize("name", ["LTC ncp", "wired default ncp", "CfC default 1"])
def test__native__steep_synapses__equal_torch(name, dtype, native):
    cell = CELLS[name]()
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.mul_(6)
    assert_equal(native, make_problem(cell, 5, 7), dtype)


@pytest.mark.parametrize("mode", MODES)
def test__native__relu_at_minus_infinity__is_zero(mode, isa, native):
    cell = CfCCell(
        1,
        4,
        mode=mode,
        backbone_layers=1,
        backbone_activation="relu",
        generator=rng(),
    )
    with torch.no_grad():
        cell.backbone[0].weight.fill_(-3e38)
    inputs, state = torch.full((2, 1, 1), 10.0), torch.zeros(2, 4)
    data = (cell, inputs, state, torch.ones(2, 1), None)
    expected = torch_loop.run(*data)[1]
    assert torch.isfinite(expected).all()
    torch.testing.assert_close(native.run(*data)[1], expected)


# ------------------------------------------------------------------------------- random


@pytest.fixture(autouse=True)
def one_thread():
    """Keep the yardstick, torch's own rounding, the same on any number of cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("seed", range(36))
def test__native__random_problem__equals_torch(seed, native):
    oracle = Oracle(torch_loop, random_problem(seed, most_work=1e5))
    for dtype in LIMITS:
        far, _ = oracle.far(native, dtype)
        assert not far


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 1080, 72))
def test__native__random_problems__equal_torch(first, native, choose_isa):
    distances = {name: [] for name in available()}
    for seed in range(first, first + 72):
        oracle = Oracle(torch_loop, random_problem(seed))
        for name in distances:
            choose_isa(name)
            for dtype in LIMITS:
                far, distance = oracle.far(native, dtype)
                assert not far, f"seed {seed}, {name}, {dtype}: {far}"
            distances[name].append(distance)
    for found in distances.values():
        assert_as_near_as_torch(found)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test__float32__many_problems__is_as_near_as_torch(kind, native, choose_isa):
    first = len(BATCHES) * KINDS.index(kind)
    seeds = [s + 18 * k for k in range(6) for s in range(first, first + len(BATCHES))]
    oracles = [Oracle(torch_loop, random_problem(s, most_work=3e4)) for s in seeds]
    for name in available():
        choose_isa(name)
        assert_as_near_as_torch([o.far(native, torch.float32)[1] for o in oracles])


def assert_as_near_as_torch(distances):
    """Relative distances from float64, over a problem's results or its gradients."""
    ours = np.array([d.native for d in distances])
    theirs = np.array([d.torch for d in distances])
    ratios = (ours + 1e-9) / (theirs + 1e-9)
    assert (np.quantile(ratios, 0.9, axis=0) <= 3).all()
    assert (np.exp(np.log(ratios).mean(0)) <= 1.5).all()


# ---------------------------------------------------------------------------- gradcheck


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize(
    "name",
    [
        *("LTC ncp", "LTC unsorted", "LTC no sensory", "wired default ncp"),
        *("wired no_gate unsorted", "wired pure ncp", "wired default other edges"),
        *("CfC default 0", "CfC no_gate 1", "CfC pure 2", "CfC silu", "CfC gelu"),
        *("memory LTC ncp", "memory wired default ncp", "memory CfC pure 2"),
    ],
)
def test__native__finite_differences__give_its_gradients(name, ragged, native):
    cell = shaken(CELLS[name](), rng(3)).double()
    problem = make_problem(cell, 2, 3, ragged).to(torch.float64)
    spans = 0.2 + torch.rand(2, 3, dtype=torch.float64, generator=rng())
    leaves = [problem.inputs, problem.state, spans]
    leaves = [leaf.requires_grad_() for leaf in leaves]
    names, parameters = zip(*problem.cell.named_parameters(), strict=True)

    class Run(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = problem.cell

        def forward(self, inputs, state, timespans):
            return native.run(self.cell, inputs, state, timespans, problem.lengths)

    def function(inputs, state, timespans, *values):
        named = {f"cell.{n}": v for n, v in zip(names, values, strict=True)}
        return functional_call(Run(), named, (inputs, state, timespans))

    # One random direction a tensor in place of every entry: many times faster.
    assert torch.autograd.gradcheck(function, (*leaves, *parameters), fast_mode=True)
