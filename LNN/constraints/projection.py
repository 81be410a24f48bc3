"""The nearest point of a box and half-spaces, with exact gradients."""

from __future__ import annotations

import torch
from torch import Tensor

from LNN.constraints.active_sets import active_rows

# How dear it is to break a half-space where no point satisfies all of them.
DEARNESS = 1e8


def clip(y: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Return the nearest point of a box, whose sides may be infinite."""
    return torch.minimum(torch.maximum(y, low), high)


def project(
    y: Tensor, low: Tensor, high: Tensor, normals: Tensor, offsets: Tensor
) -> Tensor:
    """Return the nearest point to y in a box and in half-spaces.

    Where there is none, the point of the box that breaks the half-spaces least, by the
    sum of squares over rows of length 1, and of these points the nearest.

    Parameters
    ----------
    y, low, high : Tensor of shape (B, n), float64
        With low <= high; the sides may be infinite.
    normals : Tensor of shape (B, m, n)
    offsets : Tensor of shape (B, m)
        Points u are wanted with `normals @ u <= offsets`.

    Returns
    -------
    Tensor of shape (B, n)
        Its gradients are those of the point itself: the constraints that hold it are
        found without gradients, and what they make of y is differentiated.
    """
    length = torch.linalg.vector_norm(normals, dim=2)
    # A row of zeros says nothing about u, so it stays one.
    length = torch.where(length > 0, length, 1.0)
    normals, offsets = normals / length[..., None], offsets / length
    if normals.shape[1] == 0:
        return clip(y, low, high)
    if normals.shape[1] == 1:
        return _one_half_space(y, low, high, normals[:, 0], offsets[:, 0])
    return _many_half_spaces(y, low, high, normals, offsets)


def _one_half_space(
    y: Tensor, low: Tensor, high: Tensor, a: Tensor, b: Tensor
) -> Tensor:
    """Project onto a box and a half-space, by the breakpoints of its dual.

    u(p) = clip(y - p a) with the price p >= 0 at which a u(p) = b. a u(p) falls with p,
    linearly between the prices at which a coordinate leaves or reaches a side.
    """
    with torch.no_grad():
        leaves, reaches = _breakpoints(y, low, high, a)
        prices = torch.cat([torch.zeros_like(b)[:, None], leaves, reaches], dim=1)
        prices = torch.where(prices.isfinite(), prices, 0.0)
        tried = clip(y[:, None] - prices[..., None] * a[:, None], *_each(low, high))
        over = torch.einsum("bpn,bn->bp", tried, a) - b[:, None]
        outside = over[:, 0] > 0
        price = torch.where(over > 0, prices, 0.0).amax(1, keepdim=True)
        free = (a != 0) & (leaves <= price) & (price < reaches) & outside[:, None]
        ends = (a != 0) & (reaches <= price)
    plain = clip(y, low, high)
    # Where a coordinate does not move any more, it is at the side that a pushes it to.
    held = torch.where(ends, torch.where(a > 0, low, high), plain)
    held = torch.where(outside[:, None], held, plain)
    moving = torch.where(free, a, 0.0)
    power = moving.square().sum(1, keepdim=True)
    at = torch.where(free, y, held)
    gap = (a * at).sum(1, keepdim=True) - b[:, None]
    # No coordinate moves where the box ends before the half-space begins.
    step = torch.where(power > 0, gap / torch.where(power > 0, power, 1.0), 0.0)
    return clip(at - step * moving, low, high)


def _each(*sides: Tensor) -> tuple[Tensor, ...]:
    return tuple(side[:, None] for side in sides)


def _breakpoints(
    y: Tensor, low: Tensor, high: Tensor, a: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the prices from which and to which each coordinate moves, (B, n)."""
    slope = torch.where(a == 0, 1.0, a)
    first = torch.where(a > 0, high, low)
    last = torch.where(a > 0, low, high)
    return ((y - first) / slope).clamp_min(0), ((y - last) / slope).clamp_min(0)


def _many_half_spaces(
    y: Tensor, low: Tensor, high: Tensor, normals: Tensor, offsets: Tensor
) -> Tensor:
    sides, ends = _sides(low, high)
    rows = torch.cat([normals, sides], dim=1)
    limits = torch.cat([offsets, ends], dim=1)
    soft = torch.zeros_like(limits)
    with torch.no_grad():
        active, found = active_rows(y, rows, limits)
        lost = ~found
        if bool(lost.any()):
            soft[lost, : normals.shape[1]] = 1 / DEARNESS
            active[lost] = _softly(y[lost], rows[lost], limits[lost], soft[lost])
    return clip(_held_by(y, rows, limits, active, soft), low, high)


def _sides(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Return a box as rows (B, s, n); a side that is nowhere finite makes none."""
    batch, n = low.shape
    rows, ends = [], []
    for sign, side in ((-1.0, -low), (1.0, high)):
        bounded = side.isfinite()
        unit = sign * torch.eye(n).to(low)
        which = bounded.any(0).nonzero()[:, 0]
        there = bounded[:, which]
        rows.append(torch.where(there[..., None], unit[which], 0.0))
        ends.append(torch.where(there, side[:, which], 1.0))
    return torch.cat(rows, dim=1), torch.cat(ends, dim=1)


def _softly(y: Tensor, rows: Tensor, limits: Tensor, soft: Tensor) -> Tensor:
    """Return the active rows where those with `soft` > 0 may be broken at a price."""
    # With one more coordinate s per row, `rows u - s <= limits`, there is a solution.
    spare = -torch.diag_embed(soft.sqrt())
    wider = torch.cat([rows, spare], dim=2)
    length = torch.linalg.vector_norm(wider, dim=2).clamp_min(1e-300)
    start = torch.cat([y, torch.zeros_like(soft)], dim=1)
    active, _ = active_rows(start, wider / length[..., None], limits / length)
    return active


def _held_by(
    y: Tensor, rows: Tensor, limits: Tensor, active: Tensor, soft: Tensor
) -> Tensor:
    """Return the nearest point at which the active rows hold with equality."""
    # Few of many rows hold a point: the system is as large as the largest set.
    most = int(active.sum(1).max()) if len(active) else 0
    first = active.to(torch.int8).argsort(dim=1, descending=True, stable=True)
    which = first[:, :most]
    rows = rows.gather(1, which[..., None].expand(-1, -1, rows.shape[2]))
    limits, soft = limits.gather(1, which), soft.gather(1, which)
    held = active.gather(1, which).to(y)
    own = rows * held[..., None]
    # Rows that are not active have the price 0.
    gram = own @ own.transpose(1, 2) + torch.diag_embed(1 - held + held * soft)
    gap = held * (torch.einsum("bmn,bn->bm", rows, y) - limits)
    price = torch.linalg.solve(gram, gap)
    return y - torch.einsum("bmn,bm->bn", own, price)
