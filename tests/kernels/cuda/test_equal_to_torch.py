"""The CUDA kernels, emulated on the CPU, give what the torch cells give.

Every result and every gradient, as `kernel_cases.Oracle` measures it, with the threads
of a block in both orders: a missing barrier shows in one of them.
"""

import pytest
import torch
from cell_cases import CELLS
from kernel_cases import (
    KINDS,
    LIMITS,
    Oracle,
    make_problem,
    random_problem,
    rng,
    shaken,
    solve,
)

from LNN.cells import CfCCell, MixedMemoryCell
from LNN.kernels import torch_loop
from LNN.kernels.cuda import ltc, steps
from LNN.kernels.cuda.plans import plan_of

# Of every kind of kernel and way through it; the rest is slow, as each is compiled.
SOME = (
    "LTC ncp",
    "LTC exponential unsorted",
    "wired exponential ncp",
    "wired default unsorted",
    "wired pure other edges",
    "wired no_gate full",
    "CfC pure 0",
    "CfC pure 2",
    "memory LTC ncp",
    "memory wired pure unsorted",
    "memory CfC default 1",
)
HERE = [name for name, cell in CELLS.items() if plan_of(cell()) is not None]
FASTER = [
    pytest.param(name, marks=[] if name in SOME else pytest.mark.slow) for name in HERE
]


def far(backend, problem, dtype=torch.float64):
    return Oracle(torch_loop, problem).far(backend, dtype)[0]


@pytest.fixture(autouse=True)
def one_thread():
    """Keep the yardstick, torch's own rounding, the same on any number of cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.quick_cases("LTC ncp", "wired exponential ncp")
@pytest.mark.parametrize("name", FASTER)
def test__cuda__every_kind_of_cell__equals_torch(name, cuda, order):
    cell = shaken(CELLS[name](), rng(3))
    oracle = Oracle(torch_loop, make_problem(cell, 3, 5, ragged=True))
    for falling in ("rising", "falling"):
        order(falling)
        assert not oracle.far(cuda, torch.float64)[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["LTC ncp", "wired exponential ncp", *SOME[-4:]])
def test__cuda__single_precision__equals_torch(name, cuda):
    cell = shaken(CELLS[name](), rng(3))
    assert not far(cuda, make_problem(cell, 5, 7, ragged=True), torch.float32)


@pytest.mark.slow
@pytest.mark.parametrize("into", [("states",), ("final",)])
@pytest.mark.parametrize("name", SOME)
def test__cuda__loss_of_one_result__equals_torch(name, into, cuda):
    cell = shaken(CELLS[name](), rng(3))
    assert not far(cuda, make_problem(cell, 2, 4, True, into=into))


@pytest.mark.parametrize("name", SOME)
def test__cuda__no_room_for_the_record__goes_back_in_chunks(name, cuda, monkeypatch):
    cell = shaken(CELLS[name](), rng(3))
    monkeypatch.setattr(steps, "most_bytes", lambda device: 0)
    numbers = plan_of(cell).n_record + plan_of(cell).n_work
    for n_bytes in (1, 2 * 8 * 3 * numbers):  # one step, two steps
        monkeypatch.setattr(steps, "CHUNK_BYTES", n_bytes)
        assert not far(cuda, make_problem(cell, 3, 5, ragged=True))


@pytest.mark.parametrize(
    ("neurons", "units", "layers", "memory"),
    [
        (140, 60, 1, False),  # more maps than threads
        (20, 300, 2, True),  # more units than threads
        pytest.param(300, 530, 1, True, marks=pytest.mark.slow),  # more than 256 both
    ],
)
def test__cuda__weights_too_many_for_registers__equal_torch(
    neurons, units, layers, memory, cuda, order
):
    cell = CfCCell(
        3, neurons, backbone_units=units, backbone_layers=layers, generator=rng()
    )
    cell = MixedMemoryCell(cell, generator=rng(1)) if memory else cell
    oracle = Oracle(torch_loop, make_problem(shaken(cell, rng(3)), 2, 2))
    for falling, dtype in (("rising", torch.float64), ("falling", torch.float32)):
        order(falling)
        assert not oracle.far(cuda, dtype)[0]


@pytest.mark.parametrize("memory", [False, True])
def test__cuda__parametrized_backbone__equals_torch(memory, cuda):
    cell = CELLS["CfC default 2"]()
    torch.nn.utils.parametrizations.weight_norm(cell.backbone[1])
    cell = MixedMemoryCell(cell, generator=rng(1)) if memory else cell
    problem = make_problem(cell, 2, 3)
    assert cuda.can_run(cell, problem.inputs, problem.state, problem.timespans)
    assert not far(cuda, problem)


def test__cuda__blocks_of_several_sequences__equal_torch(cuda, order, monkeypatch):
    monkeypatch.setattr(ltc, "MOST_BLOCKS", 2)
    cell = shaken(CELLS["LTC ncp"](), rng(3))
    oracle = Oracle(torch_loop, make_problem(cell, 7, 4, ragged=True))
    for falling in ("rising", "falling"):
        order(falling)
        assert not oracle.far(cuda, torch.float64)[0]


@pytest.mark.parametrize("name", SOME)
def test__cuda__all_sequences_empty__keeps_the_state(name, cuda):
    problem = make_problem(CELLS[name](), 3, 3, ragged=True).to(torch.float64)
    problem.lengths.zero_()
    results, gradients = solve(cuda, problem.with_padding(float("nan")))
    assert torch.equal(results["final"], problem.state)
    whole = problem.grad_final + problem.grad_states.sum(1)
    torch.testing.assert_close(gradients.pop("state"), whole)
    assert all(not g.any() for g in gradients.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", SOME)
def test__cuda__twice__has_the_same_bits(name, cuda, monkeypatch):
    problem = make_problem(CELLS[name](), 3, 4, ragged=True).to(torch.float64)
    first = solve(cuda, problem)
    # What is left unwritten shows: memory is full of NaN then.
    monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", True)
    torch.use_deterministic_algorithms(True)
    try:
        second = solve(cuda, problem)
    finally:
        torch.use_deterministic_algorithms(False)
    for part, other in zip(first, second, strict=True):
        assert all(torch.equal(part[name], other[name]) for name in part)


@pytest.mark.parametrize("name", SOME)
def test__cuda__without_gradients__gives_the_same_states(name, cuda):
    problem = make_problem(CELLS[name](), 3, 4, ragged=True).to(torch.float64)
    data = (problem.cell, problem.inputs, problem.state, problem.timespans)
    with torch.no_grad():
        states, final = cuda.run(*data, problem.lengths)
        nothing, alone = cuda.run(*data, problem.lengths, all_states=False)
    assert nothing is None
    assert torch.equal(final, alone)
    assert torch.equal(final, states[:, -1])
    torch.testing.assert_close(states, torch_loop.run(*data, problem.lengths)[0])


@pytest.mark.parametrize("name", SOME)
def test__cuda__second_derivative__is_torchs(name, cuda):
    problem = make_problem(CELLS[name](), 2, 3).to(torch.float64)

    def slopes(backend):
        inputs = problem.inputs.clone().requires_grad_()
        data = (problem.cell, inputs, problem.state, problem.timespans, None)
        final = backend.run(*data)[1].square().sum()
        (first,) = torch.autograd.grad(final, inputs, create_graph=True)
        parameters = list(problem.cell.parameters())
        return torch.autograd.grad(first.square().sum(), parameters, allow_unused=True)

    for found, expected in zip(slopes(cuda), slopes(torch_loop), strict=True):
        assert (found is None) == (expected is None)
        if found is not None:
            torch.testing.assert_close(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(0, 108, 3))
def test__cuda__random_problem__equals_torch(seed, cuda, order):
    problem = random_problem(seed, most_work=1e5)
    if plan_of(problem.cell) is None:
        pytest.skip(f"no kernel for this cell, of {KINDS}")
    oracle = Oracle(torch_loop, problem)
    for falling in ("rising", "falling"):
        order(falling)
        for dtype in LIMITS:
            assert not oracle.far(cuda, dtype)[0]
