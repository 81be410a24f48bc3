"""`SafeOutput`: the last layer of a network, which keeps outputs in a safe set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from LNN.constraints.kinds import Constraint, Context, Limits, known
from LNN.constraints.projection import clip, project
from LNN.exceptions import InfeasibleError, InvalidInputError

CHOICES = ("project", "hold", "raise")
# How far beside a constraint a point still counts as on it, beside the size of both.
TOLERANCE = 1e-7
# Tangents of a curved condition, until it holds.
MOST_ROUNDS = 20
SETTLED = 1e-10
# Tangents from each other start, and outputs up to which corners of the box are starts.
MORE_ROUNDS, MOST_CORNERED = 6, 3


class Safety(NamedTuple):
    """What became of outputs.

    Attributes
    ----------
    feasible : Tensor of bool, shape (B,)
        Whether the output satisfies every constraint. Where this is False, no output
        does, or none was found: the guarantee is gone.
    correction : Tensor of shape (B, n)
        What was added to the outputs that were proposed.
    """

    feasible: Tensor
    correction: Tensor

    def __repr__(self) -> str:
        good = [np.atleast_1d(np.asarray(part)) for part in _listed(self.feasible)]
        moved = sum(
            int((np.asarray(part).reshape(own.size, -1) != 0).any(axis=1).sum())
            for part, own in zip(_listed(self.correction), good, strict=True)
            if own.size
        )
        fine, n = sum(int(own.sum()) for own in good), sum(own.size for own in good)
        return f"<Safety: feasible {fine} of {n}, corrected {moved}>"


def _listed(values: Any) -> list[Any]:
    """Return arrays, one for each sequence where there are several."""
    values = values if isinstance(values, list) else [values]
    return [v.detach().cpu() if isinstance(v, Tensor) else v for v in values]


class SafeOutput(nn.Module):
    """Replaces outputs by the nearest ones that satisfy the constraints.

    As the last layer of a network it is trained through: gradients are exact, also
    with respect to constraints that depend on the network's parameters.

    Parameters
    ----------
    constraints : sequence of Constraint
        `Bounds`, `RateLimit`, `HalfSpaces`, `BarrierFunction`, `DiscreteBarrier`. If
        boxes (the first two) have no point in common, those that come first hold.
    on_infeasible : {"project", "hold", "raise"}, default="project"
        Where no output satisfies all constraints: take the point of the boxes that
        breaks the others least; repeat context["previous"]; or raise an error. The
        first two are flagged.

    Examples
    --------
    >>> import torch
    >>> from LNN.safety import Bounds, HalfSpaces, SafeOutput
    >>> layer = SafeOutput([Bounds(0, 1), HalfSpaces([[1.0, 1.0]], [1.5])])
    >>> safe, safety = layer(torch.tensor([[2.0, 0.9], [0.1, 0.2]]))
    >>> safe
    tensor([[1.0000, 0.5000],
            [0.1000, 0.2000]])
    >>> safety.feasible
    tensor([True, True])
    """

    def __init__(
        self, constraints: Sequence[Constraint], on_infeasible: str = "project"
    ):
        super().__init__()
        if on_infeasible not in CHOICES:
            raise InvalidInputError(
                f"Expected on_infeasible as one of {CHOICES}, got {on_infeasible!r}."
            )
        for constraint in constraints:
            if not isinstance(constraint, Constraint):
                raise InvalidInputError(
                    "Expected constraints of LNN.safety, got "
                    f"{type(constraint).__name__}."
                )
        self.constraints, self.on_infeasible = tuple(constraints), on_infeasible
        self._register_what_learns()

    def _register_what_learns(self) -> None:
        for k, constraint in enumerate(self.constraints):
            for name, value in vars(constraint).items():
                if isinstance(value, nn.Module):
                    self.add_module(f"{k}_{name}", value)
                elif isinstance(value, nn.Parameter):
                    self.register_parameter(f"{k}_{name}", value)

    def forward(
        self, y: Tensor, context: Context | None = None
    ) -> tuple[Tensor, Safety]:
        """Return safe outputs and what became of them.

        Parameters
        ----------
        y : Tensor of shape (B, n)
        context : mapping of str, default=None
            What the constraints read: `previous`, `elapsed`, `state`, and whatever
            functions given to them do.

        Returns
        -------
        safe : Tensor of shape (B, n)
            In the dtype of y; they are found in float64.
        safety : Safety

        Raises
        ------
        InfeasibleError
            With `on_infeasible="raise"`, if no output satisfies all constraints.
        InvalidInputError
            If y has another shape or is not finite, or the context lacks something.
        """
        _check(y)
        context = {} if context is None else context
        wanted = y.double()
        safe, feasible = self._settled(wanted, context)
        if not bool(feasible.all()):
            safe = self._where_infeasible(safe, feasible, context)
        return safe.to(y), Safety(feasible, (safe - wanted).to(y))

    def _settled(self, y: Tensor, context: Context) -> tuple[Tensor, Tensor]:
        """Project; lay more tangents until a condition that is curved holds itself."""
        limits = [constraint.limits(y, context) for constraint in self.constraints]
        safe, feasible = _nearest(y, limits)
        for _ in range(MOST_ROUNDS):
            reached = safe.detach()
            if not bool(((self._excess(reached, context) > SETTLED) & feasible).any()):
                break
            limits += [c.limits(reached, context) for c in self.constraints if c.curved]
            safe, feasible = _nearest(y, limits)
        feasible = feasible & (self._excess(safe.detach(), context) <= TOLERANCE)
        if not bool(feasible.all()) and any(c.curved for c in self.constraints):
            return self._from_elsewhere(y, safe, feasible, context)
        return safe, feasible

    def _from_elsewhere(
        self, y: Tensor, safe: Tensor, feasible: Tensor, context: Context
    ) -> tuple[Tensor, Tensor]:
        """Lay tangents at other points for the samples that found none.

        Where a condition is not concave a tangent cuts off points that satisfy it. From
        each start tangents are laid anew, the last ones only; the nearest point that
        holds is taken.
        """
        flat = [c.limits(y, context) for c in self.constraints if not c.curved]
        curved = [c for c in self.constraints if c.curved]
        lost = ~feasible
        least = torch.full_like(y[:, 0], torch.inf)
        for start in _starts(y, flat):
            found, held = _nearest(start, flat)
            for _ in range(MORE_ROUNDS):
                held = held & (self._excess(found.detach(), context) <= TOLERANCE)
                away = (found.detach() - y).square().sum(1)
                better = lost & held & (away < least)
                least = torch.where(better, away, least)
                safe = torch.where(better[:, None], found, safe)
                reached = found.detach()
                tangents = [c.limits(reached, context) for c in curved]
                found, held = _nearest(y, flat + tangents)
        return safe, feasible | least.isfinite()

    @torch.no_grad()
    def _excess(self, y: Tensor, context: Context) -> Tensor:
        """Return by how much outputs break the conditions that are curved, (B,)."""
        worst = torch.zeros_like(y[:, 0])
        for constraint in self.constraints:
            if constraint.curved:
                worst = torch.maximum(worst, constraint.excess(y, context))
        return worst

    def _where_infeasible(
        self, safe: Tensor, feasible: Tensor, context: Context
    ) -> Tensor:
        if self.on_infeasible == "raise":
            first = int((~feasible).nonzero()[0, 0])
            raise InfeasibleError(
                "Expected constraints that some output satisfies, but for "
                f"{int((~feasible).sum())} of {len(feasible)} samples there is none, "
                f"first for sample {first}. Loosen them, or choose "
                'on_infeasible="project" or "hold" and look at the flag.'
            )
        if self.on_infeasible == "hold":
            previous = known(context, "previous", self).to(safe)
            # Where nothing can be held, at the start, the projection stays.
            hold = ~feasible[:, None] & previous.isfinite()
            return torch.where(hold, previous, safe)
        return safe


def _check(y: Tensor) -> None:
    if not isinstance(y, Tensor):
        raise InvalidInputError(
            f"SafeOutput expects a torch tensor of outputs, got {type(y).__name__}. Of "
            "what predict returns make torch.as_tensor(answers).reshape(len(answers), "
            "-1); or give the estimator output_constraints=."
        )
    if y.ndim != 2 or not y.is_floating_point():
        raise InvalidInputError(
            f"SafeOutput expects outputs (batch, outputs) of floats, got "
            f"{tuple(y.shape)} of {y.dtype}. Fold other axes into the batch."
        )
    if not bool(y.isfinite().all()):
        raise InvalidInputError(
            "SafeOutput expects finite outputs: nothing is near to NaN or infinity."
        )


def _starts(y: Tensor, limits: Sequence[Limits]) -> Iterator[Tensor]:
    """Yield the outputs themselves, and the middle and the corners of their box."""
    yield y
    low, high, _ = _box(y, limits)
    bounded = (low.isfinite() & high.isfinite()).all(1, keepdim=True)
    if not bool(bounded.any()):
        return
    yield torch.where(bounded, (low + high) / 2, y)
    if y.shape[1] <= MOST_CORNERED:
        for sides in product((False, True), repeat=y.shape[1]):
            corner = torch.where(torch.tensor(sides, device=y.device), high, low)
            yield torch.where(bounded, corner, y)


def _box(y: Tensor, limits: Sequence[Limits]) -> tuple[Tensor, Tensor, Tensor]:
    """Return what boxes have in common, (B, n), and where they have nothing, (B,)."""
    low, high = torch.full_like(y, -torch.inf), torch.full_like(y, torch.inf)
    apart = torch.zeros(len(y), dtype=torch.bool, device=y.device)
    for own in limits:
        if own.low is not None and own.high is not None:
            apart = apart | ((own.low > high) | (own.high < low)).any(1)
            # The part of this box that is nearest to those before it.
            low, high = clip(own.low, low, high), clip(own.high, low, high)
    return low, high, apart


def _nearest(y: Tensor, limits: Sequence[Limits]) -> tuple[Tensor, Tensor]:
    """Return the nearest point in all sets, and for which samples there is one."""
    low, high, apart = _box(y, limits)
    normals = y.new_zeros(len(y), 0, y.shape[1])
    offsets = y.new_zeros(len(y), 0)
    for own in limits:
        if own.normals is not None and own.offsets is not None:
            more = own.normals.expand(len(y), -1, -1)
            normals = torch.cat([normals, more], dim=1)
            offsets = torch.cat([offsets, own.offsets.expand(len(y), -1)], dim=1)
    # What is not known, as a function may return it, is not satisfied.
    unknown = ~(normals.isfinite().all(2) & ~offsets.isnan() & (offsets > -torch.inf))
    normals = torch.where(unknown[..., None], 0.0, normals)
    offsets = torch.where(unknown, 0.0, offsets)
    nearest = project(y, low, high, normals, offsets)
    over = torch.einsum("bmn,bn->bm", normals, nearest) - offsets
    size = (normals * nearest[:, None]).abs().sum(2) + offsets.abs()
    holds = (over <= TOLERANCE * (1e-3 + size)) & ~unknown
    return nearest, ~apart & holds.all(1)
