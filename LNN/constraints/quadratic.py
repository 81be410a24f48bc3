"""Barriers that are quadratic in the state of a linear system, as half-spaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from LNN.constraints.kinds import HalfSpaces
from LNN.exceptions import InvalidInputError

# A derivative along the controls that counts as none, beside its summands.
NOTHING = 1e-9


class Quadratic(NamedTuple):
    """m functions z'Pz + q'z + r of states z of d numbers.

    Attributes
    ----------
    P : ndarray of shape (m, d, d), symmetric
    q : ndarray of shape (m, d)
    r : ndarray of shape (m,)
    """

    P: NDArray
    q: NDArray
    r: NDArray

    def plus(self, share: float, other: Quadratic) -> Quadratic:
        """Return the sum with a share of others."""
        return Quadratic(*(a + share * b for a, b in zip(self, other, strict=True)))

    def along(self, F: NDArray, c: NDArray) -> Quadratic:
        """Return the derivative along z' = F z + c: (2 P z + q)'(F z + c)."""
        bent = self.P @ F  # twice its symmetric part is the sum with its transpose
        return Quadratic(
            bent + bent.transpose(0, 2, 1),
            2 * self.P @ c + self.q @ F,
            self.q @ c,
        )


def quadratic_half_spaces(
    barrier: tuple[Any, Any, Any],
    system: tuple[Any, Any, Any],
    rates: tuple[float, ...],
    columns: Sequence[int] | None = None,
    n_inputs: int | None = None,
) -> HalfSpaces:
    """Return the condition on controls that `BarrierFunction` has, in numbers.

    Parameters
    ----------
    barrier : (P, q, r), or m of each
        b(z) = z'Pz + q'z + r.
    system : (F, G, c)
        z' = F z + G u + c; None for c is 0.
    rates : tuple of one or two floats
        As many as the order: the condition is that of `BarrierFunction`.
    columns, n_inputs
        Where z is among the inputs, as in `BarrierFunction.quadratic`.

    Raises
    ------
    InvalidInputError
        If shapes do not fit, or the barrier is of another order.

    Examples
    --------
    A level z' = u that may not rise above 1:

    >>> quadratic_half_spaces(([[0]], [-1], 1), ([[0]], [[1]], [0]), (2.0,)).b
    array([2.])
    """
    own, F, G, c = _read(barrier, system)
    refuse_endless({**own._asdict(), "F": F, "G": G, "c": c, "gamma": rates})
    value, first = own, own.along(F, c)
    if len(rates) == 1:
        _refuse_idle(own, G, "b', so that it is not of order 1. Try order=2")
        offset = first.plus(rates[0], value)
        moved = own
    else:
        _refuse_first_order(own, G)
        _refuse_idle(first, G, "b'', so that it is not of order 2 either")
        offset = first.along(F, c).plus(sum(rates), first)
        offset = offset.plus(rates[0] * rates[1], value)
        moved = first
    # Controls add (2 P z + q)'G u, which stands on the other side of the inequality.
    turned = -2 * G.T @ moved.P
    place = Places(columns, len(F), n_inputs)
    return HalfSpaces(
        0.0 - moved.q @ G,
        offset.r,
        A_inputs=place.wide(turned, 1),
        b_inputs=place.wide(offset.q, 1),
        b_quadratic=place.wide(offset.P, 2),
    )


class Places:
    """Where the d numbers of a state are among the inputs."""

    def __init__(self, columns: Sequence[int] | None, d: int, n_inputs: int | None):
        self.columns = list(range(d) if columns is None else columns)
        ends = max(self.columns, default=0) + 1
        self.n_inputs = ends if n_inputs is None else n_inputs
        apart = len(set(self.columns)) == len(self.columns) == d
        if not apart or min(self.columns, default=0) < 0 or ends > self.n_inputs:
            raise InvalidInputError(
                f"Expected columns as {d} different places from 0 to n_inputs - 1, one "
                f"for each number of the state, got {columns!r} with n_inputs="
                f"{n_inputs!r}."
            )

    def wide(self, values: NDArray, axes: int) -> NDArray:
        """Return values whose last axes are those of the state for all inputs."""
        shape = (*values.shape[: values.ndim - axes], *[self.n_inputs] * axes)
        found = np.zeros(shape)
        places: Any = (..., *np.ix_(*[self.columns] * axes))
        found[places] = values + 0.0  # no -0
        return found


def _read(
    barrier: tuple[Any, Any, Any], system: tuple[Any, Any, Any]
) -> tuple[Quadratic, NDArray, NDArray, NDArray]:
    """Return m barriers and the system, if their shapes fit each other."""
    P, q, r = (np.asarray(part, np.float64) for part in barrier)
    F, G = (np.asarray(part, np.float64) for part in system[:2])
    d = len(F) if F.ndim else 0
    c = np.asarray(np.zeros(d) if system[2] is None else system[2], np.float64)
    many = r.shape
    right = len(many) <= 1 and P.shape == (*many, d, d) and q.shape == (*many, d)
    right = right and F.shape == (d, d) and G.ndim == 2 and c.shape == (d,)
    if not (right and len(G) == d and d and 0 not in (*many, *G.shape)):
        raise InvalidInputError(
            "Expected P (d, d), q (d,), r () or m of each, F (d, d), G (d, n) and c "
            f"(d,), got {P.shape}, {q.shape}, {r.shape}, {F.shape}, {G.shape} and "
            f"{c.shape}."
        )
    P = P.reshape(-1, d, d)
    own = Quadratic((P + P.transpose(0, 2, 1)) / 2, q.reshape(-1, d), r.reshape(-1))
    return own, F, G, c


def refuse_endless(parts: Mapping[str, ArrayLike]) -> None:
    """Refuse numbers that are not finite, by their names."""
    odd = [name for name, part in parts.items() if not np.isfinite(part).all()]
    if odd:
        raise InvalidInputError(
            f"Expected finite numbers in {', '.join(parts)}, got NaN or infinity in "
            f"{', '.join(odd)}."
        )


def _acts(own: Quadratic, G: NDArray) -> NDArray:
    """Tell of which functions controls move the derivative anywhere, (m,)."""
    parts = [own.q @ G, G.T @ own.P]
    sizes = [np.abs(own.q) @ np.abs(G), np.abs(G.T) @ np.abs(own.P)]
    felt = [
        (np.abs(part) > NOTHING * size).reshape(len(own.r), -1).any(axis=1)
        for part, size in zip(parts, sizes, strict=True)
    ]
    return felt[0] | felt[1]


def _refuse_first_order(own: Quadratic, G: NDArray) -> None:
    acts = _acts(own, G)
    if acts.any():
        raise InvalidInputError(
            "Expected a barrier of relative degree 2, (2 P z + q)'G = 0 for all z, but "
            f"the controls act on b' of barrier {int(acts.argmax())} already. Use "
            "order=1."
        )


def _refuse_idle(own: Quadratic, G: NDArray, where: str) -> None:
    acts = _acts(own, G)
    if not acts.all():
        raise InvalidInputError(
            f"Expected controls that act on the barrier, but for barrier "
            f"{int(acts.argmin())} they never act on {where}."
        )
