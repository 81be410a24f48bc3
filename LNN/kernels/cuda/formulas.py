"""The constants of a step as formulas of the parameters (csrc/constants.cuh).

A constant is a number that only the parameters decide: a weight, at the place where the
kernels read it, or a conductance, which a softplus keeps positive. As each one is a
formula of up to three parameters, kernels can make all constants of a step, and turn
their gradients into those of the parameters.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from LNN.cells import LTCCell
from LNN.cells.base import Cell
from LNN.kernels.cuda.ledger import Ledger
from LNN.kernels.cuda.plan import Plan

# Numbered as in csrc/constants.cuh, which has the formulas.
KINDS = (
    "copy",  # a
    "positive",  # softplus(a)
    "leak",  # softplus(a) + epsilon
    "current",  # softplus(a) b
    "product",  # a b
    "shift",  # a (b - c)
)
# In place of a parameter that a formula lacks, or of an entry that nobody needs.
NONE = -1
# The parameters of an LTC's synapses.
SYNAPSES = ("w", "sigma", "mu", "erev")


@dataclass
class Formulas:
    """A list of constants: the formula of each, and where its gradient stands.

    Attributes
    ----------
    rows : list of ndarray of int32, shape (5, n)
        One array for each call of `add`. Its rows are the kind, the places of the
        parameters a, b and c in the vector, and the entry of the `Ledger`.
    n : int
        How many constants there are so far.
    """

    rows: list[np.ndarray] = field(default_factory=list)
    n: int = 0

    def add(
        self,
        kind: str,
        a: np.ndarray,
        b: np.ndarray | int = NONE,
        c: np.ndarray | int = NONE,
        *,
        entries: np.ndarray | int = NONE,
    ) -> int:
        """Add constants of one kind.

        Parameters
        ----------
        kind : str
            One of `KINDS`.
        a, b, c : ndarray of int
            The places of the parameters in the vector, one for each constant.
        entries : ndarray of int
            The entries that are the constants' gradients.

        Returns
        -------
        int
            The number of the first of them.
        """
        parts = (KINDS.index(kind), a, b, c, entries)
        flat = [
            part.ravel() if isinstance(part, np.ndarray) else part for part in parts
        ]
        begin, rows = self.n, np.empty((5, np.size(a)), np.int32)
        for row, part in zip(rows, flat, strict=True):
            row[:] = part
        self.rows.append(rows)
        self.n += rows.shape[1]
        return begin

    def table(self) -> np.ndarray:
        """Return all constants as one table, (5, n)."""
        return np.concatenate(self.rows, axis=1)

    def uses(self, n_parameters: int) -> tuple[np.ndarray, np.ndarray]:
        """Return in which constants each parameter occurs, if they have a gradient.

        Returns
        -------
        first : ndarray of int32, shape (n_parameters + 1,)
            Where the constants of each parameter begin.
        constants : ndarray of int32
            Their numbers, parameter by parameter.
        """
        _, *parameters, entry = self.table()
        counted = [(entry >= 0) & (p >= 0) for p in parameters]
        numbers = np.arange(self.n)
        constant = np.concatenate([numbers[c] for c in counted])
        owner = np.concatenate([p[c] for p, c in zip(parameters, counted, strict=True)])
        order = np.lexsort((constant, owner))
        first = np.searchsorted(owner[order], np.arange(n_parameters + 1))
        return first.astype(np.int32), constant[order].astype(np.int32)


@dataclass
class Constants:
    """Where the constants of a cell stand in the list of `Formulas`.

    Attributes
    ----------
    inputs : dict of str to int
        Where those begin that make the drive from inputs: "input_weight" and
        "input_bias", or, for an LTC, "sensory" and "leak".
    drive_size : int
        How many numbers the drive of one step has.
    shapes : list of (int, tuple of int)
        Begin and shape of each of the plan's constants.
    by_column : list of (int, tuple of int)
        The same for what `Plan.by_column` returns.
    edges : ndarray of int32, shape (2, n), or None
        Sources and targets of an LTC's sensory synapses, sorted by target.
    sensory_entry : int
        The first entry of their gradients.
    """

    inputs: dict[str, int]
    drive_size: int
    shapes: list[tuple[int, tuple[int, ...]]]
    by_column: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    edges: np.ndarray | None = None
    sensory_entry: int = 0


def constants_of(
    plan: Plan,
    cell: Cell,
    places: Mapping[int, int],
    formulas: Formulas,
    ledger: Ledger,
) -> Constants | None:
    """Add the constants of a cell; None if one of them is no formula of `KINDS`.

    Parameters
    ----------
    plan : Plan
        That of the cell.
    cell : Cell
    places : mapping of int to int
        Where each parameter begins in the vector, by its `id`.
    formulas, ledger
        The constants and their gradients are added to them.
    """
    if isinstance(cell, LTCCell):
        return _of_ltc(plan, cell, places, formulas, ledger)
    return _of_affine(plan, cell, places, formulas, ledger)


# ------------------------------------------------------------------- affine in inputs


def _of_affine(
    plan: Plan,
    cell: Cell,
    places: Mapping[int, int],
    formulas: Formulas,
    ledger: Ledger,
) -> Constants | None:
    """Add constants that are parameters in another order, with zeros between them."""
    found = _read_off(plan, cell, places)
    if found is None:
        return None
    weight, bias, constants, by_column = found
    drive = bias.size
    begins = {
        "input_weight": formulas.add(
            "copy",
            weight,
            entries=ledger.product("values", len(weight), "drive", drive),
        ),
        "input_bias": formulas.add("copy", bias, entries=ledger.sums("drive", drive)),
    }
    entries = plan.entries(ledger)
    shapes = [
        (formulas.add("copy", part, entries=entry), part.shape)
        for part, entry in zip(constants, entries, strict=True)
    ]
    turned = [(formulas.add("copy", part), part.shape) for part in by_column]
    return Constants(begins, drive, shapes, turned)


Read = tuple[np.ndarray, np.ndarray, list[np.ndarray], list[np.ndarray]]


def _read_off(plan: Plan, cell: Cell, places: Mapping[int, int]) -> Read | None:
    """Return which parameter each constant is; None if one is not just a parameter.

    The cell itself is asked: each parameter gets the number of its place in the vector,
    counted from 1, and the constants then show which of them they are (0 is none). The
    cell is asked again with the numbers in another order, which must agree.

    Returns
    -------
    weight, bias : ndarray of int
        Those of the drive, as places in the vector; -1 where there is a zero.
    constants, by_column : list of ndarray of int
        The same for those of the plan.
    """
    if any(id(p) not in places for p in cell.parameters()):
        return None
    last = max(places[id(p)] + p.numel() for p in cell.parameters())
    numbers = np.arange(1.0, last + 1)
    first, n = _asked(plan, cell, places, numbers)
    where = [np.rint(part).astype(np.int64) - 1 for part in first]
    other = np.random.RandomState(0).permutation(numbers)
    again, _ = _asked(plan, cell, places, other)
    padded = np.append(other, 0.0)  # what -1 reads
    for part, values in zip(where, again, strict=True):
        inside = part.size == 0 or (part.min() >= -1 and part.max() < last)
        if not inside or not np.array_equal(padded[part], values):
            return None
    weight, bias, *rest = where
    return weight, bias, rest[:n], rest[n:]


@torch.no_grad()
def _asked(
    plan: Plan, cell: Cell, places: Mapping[int, int], numbers: np.ndarray
) -> tuple[list[np.ndarray], int]:
    """Return what a cell makes of a vector of parameters.

    Returns
    -------
    parts : list of ndarray
        The weights and biases of the drive, the constants, and those by column.
    n_constants : int
        How many of the parts are constants.
    """
    own = copy.deepcopy(cell).to("cpu", torch.float64)
    vector = torch.from_numpy(numbers)
    for given, parameter in zip(cell.parameters(), own.parameters(), strict=True):
        begin = places[id(given)]
        part = vector[begin : begin + given.numel()]
        parameter.copy_(part.view(given.shape))
    n = cell.input_size
    inputs = torch.cat([torch.eye(n), torch.zeros(1, n)]).double()[:, None]
    state = torch.zeros(n + 1, cell.state_size, dtype=torch.float64)
    drive, _, constants = plan.enter(own, inputs, state)
    bias = drive[n, 0]
    parts = [drive[:n, 0] - bias, bias, *constants, *plan.by_column(constants)]
    return [part.numpy() for part in parts], len(constants)


# ---------------------------------------------------------------------------- the LTC


def _of_ltc(
    plan: Plan,
    cell: LTCCell,
    places: Mapping[int, int],
    formulas: Formulas,
    ledger: Ledger,
) -> Constants | None:
    sensory, recurrent = cell.sensory, cell.recurrent
    mapping = [p for p in (cell.input_weight, cell.input_bias) if p is not None]
    needed = [getattr(kind, n) for kind in (sensory, recurrent) for n in SYNAPSES]
    needed += [cell.gleak, cell.vleak, cell.cm, *mapping]
    if any(id(p) not in places for p in needed):
        return None

    def places_of(parameter: Tensor) -> np.ndarray:
        return places[id(parameter)] + np.arange(parameter.numel())

    n, (source, target) = cell.state_size, sensory.index.edges
    order = np.argsort(target, kind="stable")
    edges = np.stack([source, target])[:, order]
    factor, added = (
        None if p is None else places_of(p)[edges[0]]
        for p in (cell.input_weight, cell.input_bias)
    )
    own = [places_of(getattr(sensory, name))[order] for name in SYNAPSES]
    room = ledger.room(4, len(order))
    begin = _add_synapses(formulas, own, room, factor, added)
    gleak, drive = places_of(cell.gleak), ledger.sums("drive", 2 * n)
    leak = formulas.add("current", gleak, places_of(cell.vleak), entries=drive[:n])
    formulas.add("leak", gleak, entries=drive[n:])
    values, capacities = plan.entries(ledger)
    own = [places_of(getattr(recurrent, name)) for name in SYNAPSES]
    first = _add_synapses(formulas, own, values)
    last = formulas.add("positive", places_of(cell.cm), entries=capacities)
    return Constants(
        {"sensory": begin, "leak": leak},
        2 * n,
        [(first, values.shape), (last, capacities.shape)],
        edges=edges.astype(np.int32),
        sensory_entry=int(room[0, 0]) if room.size else 0,
    )


def _add_synapses(
    formulas: Formulas,
    own: list[np.ndarray],
    entries: np.ndarray,
    factor: np.ndarray | None = None,
    added: np.ndarray | None = None,
) -> int:
    """Add four numbers of each synapse, as `Synapses.per_synapse` has them.

    Parameters
    ----------
    formulas : Formulas
    own : list of ndarray
        Their parameters, in the order of `SYNAPSES`.
    entries : ndarray of shape (4, n)
    factor, added : ndarray, or None
        What x is multiplied by and what is added to it before the synapses see it:
        sigma (factor x + added - mu) is sigma factor x + sigma (added - mu).
    """
    w, sigma, mu, erev = own
    shift = NONE if added is None else added
    begin = formulas.add("shift", sigma, shift, mu, entries=entries[0])
    if factor is None:
        formulas.add("copy", sigma, entries=entries[1])
    else:
        formulas.add("product", sigma, factor, entries=entries[1])
    formulas.add("current", w, erev, entries=entries[2])
    formulas.add("positive", w, entries=entries[3])
    return begin
