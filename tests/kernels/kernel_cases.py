"""Random cells and batches, and how far two backends are from each other on them."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np
import torch

from LNN.cells import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell
from LNN.cells.cfc import ACTIVATIONS, MODES
from LNN.cells.ltc import MAPPINGS
from LNN.kernels.native import library
from LNN.kernels.native.mirror import ISAS
from LNN.wiring import Wiring


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def available():
    """Instruction sets of this machine's library; none without one."""
    found = library.load()
    codes = ISAS.items() if found else ()
    return [name for name, code in codes if found.functions.lnn_isa(code) == code]


# -------------------------------------------------------------------------- wirings


def random_edges(random, n_sources, n_targets, density):
    """Synapses in no order at all."""
    source, target = np.nonzero(random.random((n_sources, n_targets)) < density)
    shuffled = random.permutation(len(source))
    polarity = random.choice([-1, 1], len(source))
    return source[shuffled], target[shuffled], polarity


def random_layers(random, n):
    """A random partition, in random order of evaluation."""
    parts = random.integers(1, min(n, 4) + 1)
    cuts = np.sort(random.choice(np.arange(1, n), parts - 1, replace=False))
    groups = np.split(random.permutation(n), cuts)
    return [(f"layer {k}", group) for k, group in enumerate(groups)]


def random_wiring(random, n_inputs, n):
    """Any wiring: layered or not, sparse or full, neurons and inputs left alone."""
    seed = int(random.integers(1000))
    kind = random.choice(["ncp", "random", "full", "own"], p=[0.3, 0.15, 0.15, 0.4])
    if kind == "ncp" and n >= 8:
        recurrence = bool(random.integers(2))
        n_motor = int(random.integers(1, n // 4 + 1))
        return Wiring.ncp(n_inputs, n, n_motor, seed=seed, layer_recurrence=recurrence)
    if kind == "random" and n >= 8:
        return Wiring.random(n_inputs, n, seed=seed, sparsity=random.uniform(0, 0.9))
    if kind == "full":
        return Wiring.full(n_inputs, n, seed=seed)
    sensory, recurrent = random.choice([0, 0.1, 0.4, 1], 2, p=[0.15, 0.3, 0.4, 0.15])
    return Wiring(
        n_inputs,
        n,
        int(random.integers(1, n + 1)),
        random_edges(random, n_inputs, n, sensory),
        random_edges(random, n, n, recurrent),
        random_layers(random, n),
    )


# ---------------------------------------------------------------------------- cells

KINDS = ("ltc", "wired", "backbone")


def random_cell(random, kind, n_inputs, n):
    """A cell of the kind with any options, every parameter off its initial value."""
    generator = rng(int(random.integers(1000)))
    mode = str(random.choice(MODES))
    if kind == "backbone":
        options = {
            "backbone_layers": int(random.integers(4)),
            "backbone_units": int(random.integers(1, 40)),
            "backbone_activation": str(random.choice(list(ACTIVATIONS))),
        }
        cell = CfCCell(n_inputs, n, mode=mode, generator=generator, **options)
    elif kind == "ltc":
        cell = LTCCell(
            random_wiring(random, n_inputs, n),
            solver=str(random.choice(["semi-implicit", "exponential"])),
            ode_unfolds=int(random.integers(1, 8)),
            input_mapping=MAPPINGS[random.integers(3)],
            generator=generator,
        )
    else:
        wiring = random_wiring(random, n_inputs, n)
        edges = None
        if random.random() < 0.3:  # as `from_ncps` makes them: no two maps alike
            others = [random_wiring(random, n_inputs, n) for _ in range(4)]
            names = ("ff1", "ff2", "time_a", "time_b")
            edges = {
                name: (other.sensory, other.recurrent)
                for name, other in zip(names, others, strict=True)
            }
        cell = WiredCfCCell(wiring, mode=mode, map_edges=edges, generator=generator)
    if random.random() < 0.25:
        cell = MixedMemoryCell(cell, generator=generator)
    return shaken(cell, generator)


@torch.no_grad()
def shaken(cell, generator):
    """Move every parameter off its initial value."""
    for parameter in cell.parameters():
        parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return cell


# --------------------------------------------------------------------------- problems


@dataclass(frozen=True)
class Problem:
    """A cell, a batch for it, and the gradients that come back to its results."""

    cell: torch.nn.Module
    inputs: torch.Tensor
    state: torch.Tensor
    timespans: torch.Tensor
    lengths: torch.Tensor | None
    grad_states: torch.Tensor | None
    grad_final: torch.Tensor | None

    def to(self, dtype):
        """Return the problem in another dtype, with a cell of its own."""
        cell = copy.deepcopy(self.cell).to(dtype)
        names = ("inputs", "state", "timespans", "grad_states", "grad_final")
        tensors = {n: getattr(self, n) for n in names}
        moved = {
            n: None if t is None else t.to(dtype, copy=True) for n, t in tensors.items()
        }
        return replace(self, cell=cell, **moved)

    def with_padding(self, value):
        """Return the problem with what is past the sequences' ends overwritten."""
        if self.lengths is None:
            return self
        past = torch.arange(self.inputs.shape[1]) >= self.lengths[:, None]
        return replace(
            self,
            inputs=self.inputs.masked_fill(past[..., None], value),
            timespans=self.timespans.masked_fill(past, value),
        )


def make_problem(cell, batch, steps, ragged=False, seed=0, into=("states", "final")):
    """Draw a batch in float32: elapsed times over seven decades, some of them 0."""
    generator = rng(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator)

    timespans = 10 ** (7 * torch.rand(batch, steps, generator=generator) - 5)
    timespans[torch.rand(batch, steps, generator=generator) < 0.03] = 0
    lengths = torch.randint(0, steps + 1, (batch,), generator=generator)
    return Problem(
        cell,
        normal(batch, steps, cell.input_size),
        0.5 * normal(batch, cell.state_size),
        timespans,
        lengths if ragged else None,
        normal(batch, steps, cell.state_size) if "states" in into else None,
        normal(batch, cell.state_size) if "final" in into else None,
    )


# Sizes at which tiles, groups and layouts change.
BATCHES = (1, 2, 7, 8, 33, 257)


def random_problem(seed, most_work=3e6):
    """Draw a problem of any kind and size, up to about so many synapses to evaluate."""
    random = np.random.default_rng(seed)
    batch = BATCHES[seed % len(BATCHES)]
    kind = KINDS[seed // len(BATCHES) % len(KINDS)]
    n_inputs = int(np.exp(random.uniform(0, np.log(41))))
    n = int(np.exp(random.uniform(0, np.log(131))))
    cell = random_cell(random, kind, n_inputs, n)
    inner = cell.cell if isinstance(cell, MixedMemoryCell) else cell
    per_step = n * (n + n_inputs) * (inner.ode_unfolds if kind == "ltc" else 4)
    most_steps = int(np.clip(most_work / (per_step * batch), 2, 70))
    steps = int(random.integers(1, most_steps + 1))
    into = [("states", "final"), ("states",), ("final",)][random.integers(3)]
    return make_problem(cell, batch, steps, bool(random.integers(2)), seed, into)


# -------------------------------------------------------------------------- distances


def solve(backend, problem):
    """Run forward and backward; return results and gradients by name."""
    leaves = [problem.inputs, problem.state, problem.timespans]
    leaves = [leaf.clone().requires_grad_() for leaf in leaves]
    problem.cell.zero_grad()
    states, final = backend.run(problem.cell, *leaves, problem.lengths)
    pairs = [(states, problem.grad_states), (final, problem.grad_final)]
    pairs = [(result, grad) for result, grad in pairs if grad is not None]
    torch.autograd.backward([r for r, _ in pairs], [g for _, g in pairs])
    gradients = dict(zip(("inputs", "state", "timespans"), leaves, strict=True))
    gradients.update(problem.cell.named_parameters())
    return (
        {"states": states.detach(), "final": final.detach()},
        {
            name: leaf.grad.clone()
            for name, leaf in gradients.items()
            if leaf.grad is not None and leaf.numel()
        },
    )


def norm(tensors):
    """Euclidean norm over all tensors."""
    return float(torch.stack([t.double().norm() for t in tensors]).norm())


# ------------------------------------------------------------------------- comparisons

# What the results and the gradients may differ by, over the norm of the tensor.
LIMITS = {torch.float64: (1e-10, 1e-10), torch.float32: (2e-6, 5e-5)}


@dataclass(frozen=True)
class Distance:
    """How far single precision is from torch's doubles, over all tensors of a kind.

    Relative to their norm, for the results and for the gradients.
    """

    native: tuple[float, float]
    torch: tuple[float, float]


class Oracle:
    """The torch cell's answer to a problem, in both precisions."""

    def __init__(self, backend, problem):
        self.backend = backend
        self.problems = {d: problem.to(d) for d in LIMITS}
        self.answers = {d: solve(backend, p) for d, p in self.problems.items()}
        self.exact = self.answers[torch.float64]

    def errors(self, answer):
        """Norm of the difference from float64 by tensor, of results and gradients."""
        return [
            {name: norm([given[name] - exact[name]]) for name in exact}
            for given, exact in zip(answer, self.exact, strict=True)
        ]

    def far(self, backend, dtype):
        """Return what of another backend's answer is not near enough, and the distance.

        A tensor that is next to nothing beside the others of its kind (those of a
        membrane at rest are 1e-13) is a difference of rounded numbers, in torch as
        well: it need not be nearer than a few roundings of their norm. In float32 three
        times torch's own distance is near enough too, and ten times what rounding the
        data once moves the exact answer by: a problem that magnifies rounding errors
        does so for everyone, and every step rounds.
        """
        # Whatever stands in the padding must reach nothing.
        problem = self.problems[dtype].with_padding(float("nan"))
        answer = solve(backend, problem)
        for given, exact in zip(answer, self.exact, strict=True):
            assert given.keys() == exact.keys()
        found, own = self.errors(answer), self.errors(self.answers[dtype])
        far = self._above(found, dtype)
        if far and dtype == torch.float32:
            tolerated = [(3, own), *((10, self._rounded(seed)) for seed in range(3))]
            far = self._above(found, dtype, tolerated)
        return far, self._distance(found, own)

    def _above(self, found, dtype, tolerated=()):
        far = []
        for kind, limit in enumerate(LIMITS[dtype]):
            exact = self.exact[kind]
            # float32 is also compared with torch's own distance, float64 with nothing
            # finer: there, sums of thousands of terms that cancel may differ by more.
            roundings = 8 if dtype == torch.float64 else 1
            least = roundings * torch.finfo(dtype).eps / 2 * norm(exact.values())
            for name, error in found[kind].items():
                size = norm([exact[name]])
                allowed = [factor * e[kind][name] for factor, e in tolerated]
                if not error <= max(limit * size, least, *allowed):
                    far.append(f"{name}: {error:.1e} of {size:.1e}")
        return far

    def _rounded(self, seed):
        """Errors of the exact answer to data off by about one rounding to float32."""
        generator = rng(seed)
        problem = self.problems[torch.float64].to(torch.float64)
        data = (problem.inputs, problem.state, problem.timespans)
        with torch.no_grad():
            for tensor in (*data, *problem.cell.parameters()):
                noise = torch.randn(
                    tensor.shape, generator=generator, dtype=tensor.dtype
                )
                tensor.mul_(1 + 2**-24 * noise)
        return self.errors(solve(self.backend, problem))

    def _distance(self, found, own):
        sizes = [max(norm(e.values()), 1e-300) for e in self.exact]

        def relative(errors):
            pairs = zip(errors, sizes, strict=True)
            return tuple(float(np.linalg.norm([*e.values()])) / s for e, s in pairs)

        return Distance(relative(found), relative(own))
