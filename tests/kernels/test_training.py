"""Training steps on the library: each cell's passes, one after another."""

import ctypes

import pytest
import torch
from cell_cases import CELLS, EACH
from kernel_cases import LIMITS, make_problem, norm, rng, shaken
from quick import quick

from LNN.kernels.native.description import description_of
from LNN.kernels.native.packing import PackedWeights
from LNN.kernels.native.passes import Passes


def through_autograd(native, cell, problem):
    """Gradients of the parameters and the inputs, from a state of zeros."""
    inputs = problem.inputs.clone().requires_grad_()
    state = torch.zeros_like(problem.state)
    data = (inputs, state, problem.timespans, problem.lengths)
    states, final = native.run(cell, *data)
    outputs, gradients = (states, final), (problem.grad_states, problem.grad_final)
    leaves = [inputs, *cell.parameters()]
    return torch.autograd.grad(outputs, leaves, gradients, materialize_grads=True)


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("batch", [1, 9])
@pytest.mark.parametrize("name", quick(CELLS, *EACH))
def test__passes__every_kind_of_cell__have_the_bits_of_autograd(
    name, batch, ragged, native
):
    for dtype in LIMITS:
        cell = shaken(CELLS[name](), rng(3)).to(dtype)
        gradients = {id(p): torch.zeros_like(p) for p in cell.parameters()}
        passes = Passes(cell, gradients, needs_inputs=True)
        # Twice, and once more in another shape: memory is used again.
        for seed, steps in enumerate([5, 5, 2]):
            problem = make_problem(cell, batch, steps, ragged, seed).to(dtype)
            data = (problem.inputs, problem.timespans, problem.lengths)
            passes.forward(*data)
            inputs = passes.backward(problem.grad_states, problem.grad_final)
            expected = through_autograd(native, cell, problem)
            found = [inputs, *(gradients[id(p)] for p in cell.parameters())]
            assert all(map(torch.equal, found, expected))
            assert norm(found) > 0


def do(copies):
    for copy in copies:
        ctypes.memmove(copy.target, copy.source, copy.bytes)


def same(found, expected):
    pairs = zip(found, expected, strict=True)
    return all(a is b is None or torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("name", CELLS)
def test__packed_weights__every_kind_of_cell__copies_are_what_packing_does(name):
    for dtype in LIMITS:
        cell = shaken(CELLS[name](), rng(3)).to(dtype)
        description = description_of(cell)
        own = description.parameters(cell)
        weights = [None if p is None else p.detach() for p in own]
        gradients = [None if p is None else torch.full_like(p, 7) for p in own]
        packed = PackedWeights(description, weights, gradients)
        for weight in weights:
            if weight is not None:
                weight.uniform_(-1, 1)
        do(packed.pack)
        assert same(packed.weights, description.pack(weights))
        for gradient in packed.gradients:
            if gradient is not None:
                gradient.uniform_(-1, 1)
        do(packed.unpack)
        assert same(gradients, description.unpack(packed.gradients))
        read = [id(weight) for weight in weights if weight is not None]
        moved = [w for w in packed.weights if w is not None and id(w) not in read]
        assert bool(packed.pack) == bool(moved)
