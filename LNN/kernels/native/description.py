"""How each cell looks to the native library: structure, options and parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from LNN.cells import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell
from LNN.cells.base import Cell
from LNN.cells.ltc import Synapses
from LNN.kernels.native.mirror import ACTIVATIONS, KINDS, MAX_PARAMETERS, MODES, Problem
from LNN.kernels.native.problem import cell_problem

SYNAPSES = ("sensory", "recurrent")
# The mode by which the library knows a solver of the LTC.
SOLVERS = {"semi-implicit": "default", "exponential": "exponential"}
# Five of the parameters' places are for A, w_tau and the memory. A map takes two, and
# the heads are one more map.
MAX_BACKBONE_LAYERS = (MAX_PARAMETERS - 5) // 2 - 1

# What runs on the torch cell even where the library is there, for `show_versions`.
LIMITS = {
    'solver="explicit" or "rk4"': "only the other solvers are fused",
    "backbone_dropout > 0 while training": "its random numbers are torch's",
    f"backbone_layers > {MAX_BACKBONE_LAYERS}": "more than the library takes",
    "devices other than the CPU": "the library runs on the CPU",
    "float16 and bfloat16, autocast": "the library computes in float32 and float64",
    "second derivatives, torch.func, forward mode": "only one backward pass is fused",
    "torch.export, torch.onnx.export": "their files run without the library",
    "torch.jit.trace, make_fx, dispatch modes": "they see torch's own operators only",
    "fake tensors, __torch_dispatch__": "they may have no memory of their own",
    "subclassed or parametrized cells": "their equations are the user's own",
}


# From tensors to tensors. Which of them may be None depends on the cell.
Packing = Callable[[Sequence[Any]], Sequence[Tensor | None]]


@dataclass(frozen=True, eq=False)
class CellDescription:
    """A cell as the library takes it.

    Attributes
    ----------
    options : list of int
        As `mirror.OPTIONS` names them.
    structure : list of ndarray of int64
        Sources and targets of the synapses, evaluation order, ends of layers. No
        tensors: they would be those of whatever transform is at work at the time.
    names : list of str
        The parameters' names in `Cell.named_parameters`.
    shapes : list of tuple, or None where there is no parameter
        Shapes of the parameters that the kernels expect.
    pack : callable
        From the parameters to the library's own list.
    unpack : callable
        From gradients of that list to gradients of the parameters.
    owners : list of (list of str, list of str)
        The names once more: the way from the cell to a module, and what it owns.
    problem : Problem
        What all problems of the cell have in common; it points into the structure.
    epsilon : float
    """

    options: list[int]
    structure: list[np.ndarray]
    names: list[str]
    shapes: list[tuple[int, ...] | None]
    owners: list[tuple[list[str], list[str]]]
    problem: Problem
    pack: Packing
    unpack: Packing
    epsilon: float = 0.0

    def parameters(self, cell: Cell) -> tuple:
        """Return the parameters of a cell as they are now."""
        found: list[Tensor | None] = []
        for path, names in self.owners:
            module: nn.Module = cell
            for part in path:
                module = getattr(module, part)
            # Looking them up here takes a fifth of the time that getattr does.
            own = module._parameters
            found += [own[n] if n in own else getattr(module, n) for n in names]
        return tuple(found)

    def takes(self, parameters: tuple, dtype: torch.dtype) -> bool:
        """Tell whether parameters are plain ones of the type and shapes expected.

        Pruned, parametrized and replaced ones are not: the torch cell runs with them.
        """
        # While a graph is traced, stand-ins take the parameters' places.
        traced = torch.compiler.is_compiling()
        return all(
            (type(p) is nn.Parameter or (traced and p is not None))
            and p.dtype is dtype
            and p.is_cpu
            and p.shape == shape
            or (p is None and name.rpartition(".")[2] in OPTIONAL)
            for name, p, shape in zip(self.names, parameters, self.shapes, strict=True)
        )


# What a cell may lack (`input_mapping` of the LTC).
OPTIONAL = ("input_weight", "input_bias")


def description_of(cell: Cell) -> CellDescription | None:
    """Describe a cell, once for its settings; None if the library has no kernel."""
    # Once, as it goes through all synapses; at every call settings alone are compared.
    settings = _settings(cell)
    if cell.fused is None or cell.fused[0] != settings:
        cell.fused = (settings, _describe(cell))
    return cell.fused[1]


def _settings(cell: Cell) -> tuple:
    """Return what may be changed on a cell, and changes what runs."""
    if type(cell) is MixedMemoryCell:
        inner = cell.cell
        return inner, _settings(inner)
    if type(cell) is LTCCell:
        # Modules by identity: any of them may be replaced by one of other synapses.
        kinds = [cell._modules[kind] for kind in SYNAPSES]
        indices = [kind and kind._modules.get("index") for kind in kinds]
        return cell.solver, cell.ode_unfolds, cell.epsilon, *kinds, *indices
    if type(cell) is CfCCell:
        return cell.mode, cell.backbone_activation, len(cell.backbone)
    return (type(cell), getattr(cell, "mode", None))


def has_dropout(cell: Cell) -> bool:
    """Tell whether the cell would draw random numbers now."""
    inner = cell.cell if type(cell) is MixedMemoryCell else cell
    return type(inner) is CfCCell and inner.dropout.p > 0 and inner.dropout.training


def _describe(cell: Cell) -> CellDescription | None:
    # By exact type: a subclass may have other equations, which the library lacks.
    if type(cell) is MixedMemoryCell:
        return _mixed_memory(cell)
    if type(cell) is LTCCell and cell.solver in SOLVERS:
        plain = all(type(getattr(cell, kind)) is Synapses for kind in SYNAPSES)
        return _ltc(cell) if plain and cell.ode_unfolds >= 1 else None
    if type(cell) is WiredCfCCell:
        return _wired(cell)
    if type(cell) is CfCCell and len(cell.backbone) <= MAX_BACKBONE_LAYERS:
        return _backbone(cell)
    return None


def _options(
    kind: str,
    mode: int = 0,
    activation: int = 0,
    unfolds: int = 1,
    maps: int = 0,
    units: int = 0,
) -> list[int]:
    return [KINDS.index(kind), mode, activation, 0, unfolds, maps, units]


def _described(
    cell: Cell,
    options: list[int],
    structure: list[np.ndarray],
    names: list[str],
    pack: Packing,
    unpack: Packing,
    epsilon: float = 0.0,
) -> CellDescription:
    """Make a description, with the shapes that the parameters have now."""
    owners = [
        (way.split(".")[:-1], [name.rpartition(".")[2] for name in own])
        for way, own in groupby(names, lambda name: name.rpartition(".")[0] + ".")
    ]
    owners = [([part for part in way if part], own) for way, own in owners]
    problem = cell_problem(structure, options, epsilon)
    description = CellDescription(
        options, structure, names, [], owners, problem, pack, unpack, epsilon
    )
    description.shapes.extend(
        None if p is None else p.shape for p in description.parameters(cell)
    )
    return description


def _integers(*arrays: np.ndarray) -> list[np.ndarray]:
    return [np.ascontiguousarray(array, dtype=np.int64) for array in arrays]


def _as_they_are(tensors: Sequence[Any]) -> Sequence[Tensor | None]:
    return tensors


def _ltc(cell: LTCCell) -> CellDescription:
    names = [
        f"{kind}.{name}" for kind in SYNAPSES for name in ("w", "sigma", "mu", "erev")
    ]
    names += ["gleak", "vleak", "cm", "input_weight", "input_bias"]
    edges = [getattr(cell, kind).index.edges for kind in SYNAPSES]
    return _described(
        cell,
        _options("LTC", MODES.index(SOLVERS[cell.solver]), unfolds=cell.ode_unfolds),
        _integers(*edges[0], *edges[1]),
        names,
        _as_they_are,
        _as_they_are,
        cell.epsilon,
    )


def _wired(cell: WiredCfCCell) -> CellDescription:
    names = [f"{name}_{kind}" for kind in (*SYNAPSES, "bias") for name in cell.maps]
    if cell.mode == "pure":
        names += ["A", "w_tau"]
    tables = [_Union(cell, kind) for kind in SYNAPSES]
    m = len(cell.maps)

    def pack(parameters: Sequence[Any]) -> list[Tensor | None]:
        sensory, recurrent = (
            tables[k].spread(parameters[k * m : k * m + m]) for k in (0, 1)
        )
        return [*sensory, *recurrent, *parameters[2 * m :]]

    def unpack(gradients: Sequence[Any]) -> list[Tensor | None]:
        sensory, recurrent = (
            tables[k].gather(gradients[k * m : k * m + m]) for k in (0, 1)
        )
        return [*sensory, *recurrent, *gradients[2 * m :]]

    edges = [edge for table in tables for edge in (table.source, table.target)]
    ends = np.array([end for _, end in cell.slices])
    order = np.concatenate([layer.neurons for layer in cell.wiring.layers])
    return _described(
        cell,
        _options("WIRED_CFC", MODES.index(cell.mode)),
        _integers(*edges, order, ends),
        names,
        pack,
        unpack,
    )


class _Union:
    """The synapses that any map of a cell has, of one kind.

    Maps that do not share their synapses (networks of other libraries) get zeros where
    they have none.
    """

    def __init__(self, cell: WiredCfCCell, kind: str):
        pairs = []
        for name in cell.maps:
            index = getattr(cell, f"{name}_{kind}_index")
            source, target = index.edges
            pairs.append(target * index.n_sources + source)
        # Sorted by target, then source, as csrc/problem.h asks.
        union = np.unique(np.concatenate(pairs))
        n_sources = cell.state_size if kind == "recurrent" else cell.input_size
        self.source, self.target = union % n_sources, union // n_sources
        self.shared = all(len(pair) == len(union) for pair in pairs)
        self.places = [np.searchsorted(union, pair) for pair in pairs]

    def spread(self, weights: Sequence[Tensor]) -> Sequence[Tensor]:
        """Return the weights of each map on the union."""
        if self.shared:
            return weights
        zeros = weights[0].new_zeros(len(self.source))
        pairs = zip(self.places, weights, strict=True)
        return [zeros.index_put((torch.from_numpy(place),), w) for place, w in pairs]

    def gather(self, gradients: Sequence[Tensor]) -> Sequence[Tensor]:
        """Return each map's part of gradients on the union."""
        if self.shared:
            return gradients
        return [g[place] for g, place in zip(gradients, self.places, strict=True)]


def _backbone(cell: CfCCell) -> CellDescription:
    names = ["A", "w_tau"] if cell.mode == "pure" else []
    n_pure, n_layers, m = len(names), len(cell.backbone), len(cell.maps)
    layers = [f"backbone.{k}" for k in range(n_layers)] + list(cell.maps)
    names += [f"{layer}.{name}" for layer in layers for name in ("weight", "bias")]
    first_head = n_pure + 2 * n_layers
    sizes = [cell.state_size] * m

    def pack(parameters: Sequence[Any]) -> list[Tensor | None]:
        pure = parameters[:n_pure] or (None, None)
        heads = list(parameters[first_head:])
        joined = [torch.cat(heads[0::2]), torch.cat(heads[1::2])]
        return [*pure, *parameters[n_pure:first_head], *joined]

    def unpack(gradients: Sequence[Any]) -> list[Tensor | None]:
        *rest, weight, bias = gradients
        heads = zip(weight.split(sizes), bias.split(sizes), strict=True)
        return [*rest[2 - n_pure :], *(g for head in heads for g in head)]

    units = cell.backbone[0].out_features if n_layers else 0
    activation = ACTIVATIONS.index(cell.backbone_activation)
    return _described(
        cell,
        _options(
            "CFC", MODES.index(cell.mode), activation, maps=n_layers + 1, units=units
        ),
        [],
        names,
        pack,
        unpack,
    )


def _mixed_memory(cell: MixedMemoryCell) -> CellDescription | None:
    inner = _describe(cell.cell)
    if inner is None or type(cell.cell) is MixedMemoryCell:
        return None
    own = ["input_map.weight", "input_map.bias", "recurrent_weight"]
    options = list(inner.options)
    options[3] = 1
    return _described(
        cell,
        options,
        inner.structure,
        [*(f"cell.{name}" for name in inner.names), *own],
        lambda parameters: [*inner.pack(parameters[:-3]), *parameters[-3:]],
        lambda gradients: [*inner.unpack(gradients[:-3]), *gradients[-3:]],
        inner.epsilon,
    )
