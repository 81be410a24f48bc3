"""Which constraints hold a projection: small sets tried together, else one by one."""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor

# Of so many rows all pairs are tried for all samples together. There are so many larger
# sets that each sample is solved faster by itself.
MOST_ROWS = 16
# Beside rows of length 1 and offsets of the same size.
TOLERANCE = 1e-9
# How far away a point is that is looked for once more, and how near it has to come.
FAR, ROUGHLY = 10.0, 1e-6
# The square of what non-negative least squares leave where a point exists is more.
NOTHING_LEFT = 1e-12
# Samples times sets at a time: it is what memory grows with.
MOST_AT_ONCE = 200_000


def active_rows(y: Tensor, normals: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Find the rows that hold the nearest point to y with `normals @ u <= offsets`.

    Parameters
    ----------
    y : Tensor of shape (B, n), float64
    normals : Tensor of shape (B, m, n)
        Of length 1, or 0 for a row that says nothing.
    offsets : Tensor of shape (B, m)

    Returns
    -------
    active : Tensor of bool, shape (B, m)
        Rows that are linearly independent.
    found : Tensor of bool, shape (B,)
        False where no point satisfies all rows.
    """
    batch, m, n = normals.shape
    excess = torch.einsum("bmn,bn->bm", normals, y) - offsets
    # In units of the largest excess, so that tolerances mean the same for all.
    size = excess.amax(1, keepdim=True).clamp_min(1e-300)
    inside = excess.amax(1) <= 0
    active = torch.zeros(batch, m, dtype=torch.bool, device=y.device)
    found = inside.clone()
    alone, worst = _alone(normals, excess / size)
    active |= (alone & ~inside)[:, None] & worst
    found |= alone
    if min(n, m) >= 2 and m <= MOST_ROWS:
        sets = _pairs(m).to(y.device)
        for left in (~found).nonzero()[:, 0].split(max(1, MOST_AT_ONCE // len(sets))):
            right, chosen = _try(normals[left], excess[left] / size[left], sets)
            active[left[right]] = active[left[right]].scatter(1, chosen[right], True)
            found[left[right]] = True
    for sample in (~found).nonzero()[:, 0].tolist():
        left = excess[sample] / size[sample]
        rows = _one(normals[sample].cpu().numpy(), left.cpu().numpy())
        if rows is not None:
            active[sample] = torch.as_tensor(rows, device=y.device)
            found[sample] = True
    return active, found


def _alone(normals: Tensor, excess: Tensor) -> tuple[Tensor, Tensor]:
    """Return for which samples the row exceeded most is enough, and which it is.

    No other row can hold a point alone: what row i alone leaves of the excess of row j
    is e_j - e_i a_i a_j <= 0 only if e_j <= e_i.
    """
    most, which = excess.max(1)
    row = normals.gather(1, which[:, None, None].expand(-1, 1, normals.shape[2]))
    moved = row[:, 0] * most[:, None]
    after = excess - torch.einsum("bmn,bn->bm", normals, moved)
    worst = torch.zeros_like(excess, dtype=torch.bool).scatter(1, which[:, None], True)
    return after.amax(1) <= TOLERANCE, worst


@cache
def _pairs(m: int) -> Tensor:
    return torch.tensor(list(combinations(range(m), 2)))


def _try(normals: Tensor, excess: Tensor, sets: Tensor) -> tuple[Tensor, Tensor]:
    """Return for which samples one of these sets is right, and the best set of each."""
    rows = normals[:, sets]  # (B, S, k, n)
    gram = rows @ rows.transpose(-1, -2)
    factor, failed = torch.linalg.cholesky_ex(gram)
    pivots = factor.diagonal(dim1=-2, dim2=-1).amin(-1)
    # Dependent rows: one of them can be left out, in a smaller set.
    dependent = (failed > 0) | (pivots < 1e-6)
    gram = torch.where(
        dependent[..., None, None], torch.eye(sets.shape[1]).to(gram), gram
    )
    price = torch.linalg.solve(gram, excess[:, sets][..., None])
    moved = (rows.transpose(-1, -2) @ price)[..., 0]
    after = excess[:, None] - torch.einsum("bmn,bsn->bsm", normals, moved)
    wrong = torch.maximum(after.amax(-1), -price[..., 0].amin(-1))
    wrong = torch.where(dependent, torch.inf, wrong)
    least, which = wrong.min(1)
    return least <= TOLERANCE, sets[which]


def _one(normals: np.ndarray, excess: np.ndarray) -> np.ndarray | None:
    """Solve one problem of any size; return its active rows."""
    x, active = _nearest_to_zero(normals, excess)
    if x is not None and np.abs(x).max() > FAR:
        # Rows count in units of the distance: once more, now that it is known.
        excess = excess / np.abs(x).max()
        x, active = _nearest_to_zero(normals, excess)
    if x is None or np.max(excess + normals @ x) > ROUGHLY:
        return None
    return active


def _nearest_to_zero(
    normals: np.ndarray, excess: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray]:
    """Return the least |x| with `excess + normals @ x <= 0`, and which rows hold it.

    It comes from the w >= 0 for which [-normals' excess'] w is nearest to
    (0, ..., 0, 1): Lawson and Hanson, Solving least squares problems, 1974, chapter 23.
    """
    system = np.vstack([-normals.T, excess])
    goal = np.zeros(len(system))
    goal[-1] = 1.0
    try:
        weight, _ = nnls(system, goal)
    except RuntimeError:  # it went round in circles
        return None, np.zeros(len(excess), dtype=bool)
    rest = goal - system @ weight
    # It vanishes where no point satisfies all rows.
    x = None if rest[-1] <= NOTHING_LEFT else -rest[:-1] / rest[-1]
    return x, weight > 0
