"""Control barrier functions: half-spaces that keep a system's state in a safe set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from LNN.constraints.kinds import (
    Constraint,
    Context,
    HalfSpaces,
    Limits,
    known,
    value_of,
)
from LNN.constraints.quadratic import (
    NOTHING,
    Places,
    quadratic_half_spaces,
    refuse_endless,
)
from LNN.exceptions import InvalidInputError

Function = Callable[[Tensor], Tensor]


class BarrierFunction(Constraint):
    r"""Keeps b(z) >= 0 for the system z' = f(z) + g(z) u, in continuous time.

    The outputs are the controls u. With order 1 they have to satisfy

    .. math:: L_f b + L_g b\, u + \gamma b \ge 0

    and with order 2, where u appears in the second derivative of b only,

    .. math:: L_f^2 b + L_g L_f b\, u + (p_1 + p_2) L_f b + p_1 p_2 b \ge 0.

    Reads `state`, z of shape (B, d), from the context; in a model these are the input
    columns of the row, in the units of X. Derivatives are automatic.

    Parameters
    ----------
    b : callable
        Maps states (B, d) to (B,), sample by sample; the safe set is b >= 0.
    f : callable
        Maps states to (B, d).
    g : callable
        Maps states to (B, d, n).
    order : {1, 2}, default=1
        The relative degree of b.
    gamma : float, or tuple of two for order 2, or callable, default=1.0
        How fast b may fall, all of them > 0. A function of the context gives (B,) or a
        number, and a pair of these for order 2: this is how a network learns it.

    Notes
    -----
    The guarantee needs a start with b >= 0 (for order 2 also b' + p_1 b >= 0), the
    exact f and g, a control that is recomputed at every instant, and no other
    constraint that leaves this one no solution: limits on u do. `DiscreteBarrier` has
    no gap between samples. See docu/safety.md.

    References
    ----------
    Ames et al., Control barrier functions: theory and applications, ECC 2019. Xiao and
    Belta, High-order control barrier functions, IEEE TAC 2022. Xiao et al., BarrierNet,
    IEEE T-RO 2023.

    Examples
    --------
    A cart (position, speed) that must stay in front of a wall at 1:

    >>> import torch
    >>> from LNN.safety import BarrierFunction, SafeOutput
    >>> wall = BarrierFunction(
    ...     lambda z: 1 - z[:, 0],
    ...     f=lambda z: torch.stack([z[:, 1], 0 * z[:, 1]], dim=1),
    ...     g=lambda z: torch.tensor([[0.0], [1.0]]).expand(len(z), 2, 1),
    ...     order=2,
    ...     gamma=(2.0, 2.0),
    ... )
    >>> state = torch.tensor([[0.0, 0.0], [0.5, 1.0]])
    >>> SafeOutput([wall])(torch.ones(2, 1), {"state": state})[0]
    tensor([[ 1.],
            [-2.]])
    """

    @staticmethod
    def quadratic(
        P: ArrayLike,
        q: ArrayLike,
        r: ArrayLike,
        F: ArrayLike,
        G: ArrayLike,
        c: ArrayLike | None = None,
        *,
        order: int = 1,
        gamma: float | tuple[float, float] = 1.0,
        columns: Sequence[int] | None = None,
        n_inputs: int | None = None,
    ) -> HalfSpaces:
        r"""Return the barrier z'Pz + q'z + r >= 0 of z' = F z + G u + c, in numbers.

        The conditions above are half-spaces then, with a normal that is affine and an
        offset that is quadratic in z, so that a model with them can be stored and
        exported.

        Parameters
        ----------
        P : array-like of shape (d, d), or (m, d, d) for m barriers
            Need not be symmetric.
        q : array-like of shape (d,), or (m, d)
        r : float, or array-like of shape (m,)
        F : array-like of shape (d, d)
        G : array-like of shape (d, n)
        c : array-like of shape (d,), default=None
            None is 0.
        order : {1, 2}, default=1
            The relative degree of all of them.
        gamma : float, or tuple of two for order 2, default=1.0
            How fast b may fall, > 0, as above.
        columns : sequence of int, default=None
            Which of the `inputs` z is; None is all of them.
        n_inputs : int, default=None
            How many inputs there are, where `columns` leaves some out.

        Returns
        -------
        HalfSpaces
            Reads `inputs`, in a model the input columns of the row.

        Raises
        ------
        InvalidInputError
            If shapes do not fit each other, if numbers are not finite, or if a barrier
            is of another order than `order`: with order 1, controls that never act
            on b'; with order 2, controls that act on it, or never on b''.

        Examples
        --------
        A point with speed u outside a disc of radius 1, 2 z'u + z'z - 1 >= 0:

        >>> from LNN.safety import BarrierFunction
        >>> still, direct = [[0, 0], [0, 0]], [[1, 0], [0, 1]]
        >>> disc = BarrierFunction.quadratic(direct, [0, 0], -1, still, direct)
        >>> disc.A_inputs.tolist(), disc.b.tolist(), disc.b_quadratic.tolist()
        ([[[-2.0, 0.0], [0.0, -2.0]]], [-1.0], [[[1.0, 0.0], [0.0, 1.0]]])
        """
        rates = _checked_rates(order, gamma)
        return quadratic_half_spaces((P, q, r), (F, G, c), rates, columns, n_inputs)

    def __init__(
        self,
        b: Function,
        f: Function,
        g: Function,
        order: int = 1,
        gamma: float | tuple[float, float] | Callable = 1.0,
    ):
        _checked_rates(order, 1.0 if callable(gamma) else gamma)
        self.b, self.f, self.g, self.order, self.gamma = b, f, g, order, gamma

    @property
    def reads_inputs(self) -> bool:
        """Whether it reads the state."""
        return True

    def limits(self, y: Tensor, context: Context) -> Limits:
        """Return the half-space of controls that let b fall slowly enough."""
        z = known(context, "state", self).to(y)
        drift, control = _shaped(self.f(z), z.shape, "f"), self.g(z).to(y)
        _shaped(control, (*z.shape, y.shape[1]), "g")
        value, slope = _with_slope(self._value, z)
        rates = self._rates(context, y)
        free = (slope * drift).sum(1)
        forced = torch.einsum("bd,bdn->bn", slope, control)
        if self.order == 1:
            offset = free + rates[0] * value
        else:
            _refuse_first_order(forced, slope, control)
            first, slope = _with_slope(self._first, z)
            free = (slope * drift).sum(1)
            forced = torch.einsum("bd,bdn->bn", slope, control)
            offset = free + (rates[0] + rates[1]) * first + rates[0] * rates[1] * value
        return Limits(normals=-forced[:, None], offsets=offset[:, None])

    def _value(self, z: Tensor) -> Tensor:
        return _one_each(self.b(z), z, "b")

    def _first(self, z: Tensor) -> Tensor:
        """Return how fast b changes without a control."""
        return (_with_slope(self._value, z)[1] * self.f(z).to(z)).sum(1)

    def _rates(self, context: Context, y: Tensor) -> list[Tensor]:
        gamma = self.gamma(context) if callable(self.gamma) else self.gamma
        values = list(gamma) if isinstance(gamma, tuple | list) else [gamma]
        if len(values) < self.order:
            values = values * self.order
        return [value_of(value, context, y).reshape(-1) for value in values]


class DiscreteBarrier(Constraint):
    r"""Keeps h(z) >= 0 for the system z+ = f_d(z, u) from one sample to the next.

    The outputs are the controls u, and have to satisfy

    .. math:: h(f_d(z, u)) \ge (1 - \gamma)\, h(z).

    Reads `state`, z of shape (B, d), from the context; in a model these are the input
    columns of the row, in the units of X. There is no gap between samples that the
    condition does not see, as `BarrierFunction` has.

    Parameters
    ----------
    h : callable
        Maps states (B, d) to (B,), sample by sample; the safe set is h >= 0.
    f_d : callable
        Maps states (B, d) and controls (B, n) to the next states.
    gamma : float or callable, default=1.0
        From 0 (h may not fall) to 1 (h may fall to 0 in one step); a function of the
        context gives (B,) or a number.

    Notes
    -----
    Where h(f_d(z, u)) is affine in u the nearest control and its gradients are exact.
    Where it is concave in u, tangents are laid until the control satisfies the
    condition itself; where it is convex, as around an obstacle, the tangent at the
    proposed control is on the safe side, and the control need not be the nearest one.
    With several controls gradients then leave out how the tangent turns. Where tangents
    leave no control, they are laid anew from the middle and the corners of the `Bounds`
    (corners for up to three controls), and the nearest control that holds is taken.
    What counts as feasible is the condition itself in all cases.

    The guarantee needs the exact f_d, and an h that some control within the other
    constraints can keep: with limits on the control, h has to hold room to brake.

    References
    ----------
    Agrawal and Sreenath, Discrete control barrier functions for safety-critical control
    of discrete systems, RSS 2017.

    Examples
    --------
    >>> import torch
    >>> from LNN.safety import DiscreteBarrier, SafeOutput
    >>> tank = DiscreteBarrier(
    ...     lambda level: 1 - level[:, 0], lambda level, inflow: level + inflow, 0.5
    ... )
    >>> SafeOutput([tank])(torch.ones(1, 1), {"state": torch.zeros(1, 1)})[0]
    tensor([[0.5000]])
    """

    curved: ClassVar[bool] = True

    @staticmethod
    def affine(
        h: ArrayLike,
        h0: ArrayLike,
        A: ArrayLike,
        B: ArrayLike,
        c: ArrayLike = 0.0,
        gamma: float = 1.0,
        columns: Sequence[int] | None = None,
        n_inputs: int | None = None,
    ) -> HalfSpaces:
        r"""Return barriers h z + h0 >= 0 of the system z+ = A z + B u + c, in numbers.

        They are half-spaces, so that a model with them can be stored and exported.

        Parameters
        ----------
        h : array-like of shape (m, d)
        h0 : array-like of shape (m,)
        A : array-like of shape (d, d)
        B : array-like of shape (d, n)
        c : array-like of shape (d,), default=0
        gamma : float, default=1.0
            From 0 to 1, as above.
        columns : sequence of int, default=None
            Which of the `inputs` z is; None is all of them.
        n_inputs : int, default=None
            How many inputs there are, where `columns` leaves some out.

        Returns
        -------
        HalfSpaces
            Reads `inputs`, in a model the input columns of the row.

        Raises
        ------
        InvalidInputError
            If shapes do not fit each other, or if numbers are not finite.

        Examples
        --------
        A tank that may not rise above 1, and loses a tenth from row to row:

        >>> from LNN.safety import DiscreteBarrier
        >>> DiscreteBarrier.affine([[-1]], [1], [[0.9]], [[1]], gamma=0.5)
        HalfSpaces(A=array([[1.]]), b=array([0.5]), b_inputs=array([[-0.4]]))
        """
        h, h0, A, B = (np.asarray(part, np.float64) for part in (h, h0, A, B))
        d = h.shape[-1]
        right = h.ndim == B.ndim == 2 and h0.shape == h.shape[:1]
        if not (right and A.shape == (d, d) and len(B) == d and 0 <= gamma <= 1):
            raise InvalidInputError(
                "Expected h (m, d), h0 (m,), A (d, d), B (d, n) and gamma from 0 to 1, "
                f"got {h.shape}, {h0.shape}, {A.shape}, {B.shape} and {gamma!r}."
            )
        c = np.asarray(c, np.float64)
        if c.shape not in ((), (1,), (d,)):
            raise InvalidInputError(f"Expected c (d,) with d={d}, got {c.shape}.")
        refuse_endless({"h": h, "h0": h0, "A": A, "B": B, "c": c})
        slopes = Places(columns, d, n_inputs).wide(h @ A - (1 - gamma) * h, 1)
        offset = h @ np.broadcast_to(c, (d,)) + gamma * h0
        return HalfSpaces(0.0 - h @ B, offset, b_inputs=slopes)

    def __init__(
        self,
        h: Function,
        f_d: Callable[[Tensor, Tensor], Tensor],
        gamma: float | Callable = 1.0,
    ):
        if not callable(gamma) and not 0 <= float(gamma) <= 1:
            raise InvalidInputError(f"Expected gamma from 0 to 1, got {gamma!r}.")
        self.h, self.f_d, self.gamma = h, f_d, gamma

    @property
    def reads_inputs(self) -> bool:
        """Whether it reads the state."""
        return True

    def limits(self, y: Tensor, context: Context) -> Limits:
        """Return the tangent half-space at the proposed controls."""
        y = y.detach()  # the tangent is laid there, and does not move along
        spare, slope = _with_slope(lambda u: -self.excess(u, context), y)
        # The tangent is spare at y, and falls or grows by its slope from there.
        offset = spare - (slope * y).sum(1)
        return Limits(normals=-slope[:, None], offsets=offset[:, None])

    def excess(self, y: Tensor, context: Context) -> Tensor:
        """Return by how much h falls too far."""
        z = known(context, "state", self).to(y)
        now = _one_each(self.h(z), z, "h")
        then = _one_each(self.h(self.f_d(z, y)), z, "h")
        return (1 - value_of(self.gamma, context, y).reshape(-1)) * now - then


def _checked_rates(order: int, gamma: float | tuple[float, float]) -> tuple[float, ...]:
    """Return as many rates as the order asks for."""
    if order not in (1, 2):
        raise InvalidInputError(f"Expected order 1 or 2, got {order!r}.")
    values = gamma if isinstance(gamma, tuple) else (gamma,)
    right = 1 <= len(values) <= order
    if not right or not all(float(value) > 0 for value in values):
        raise InvalidInputError(
            f"Expected gamma > 0, one number or, for order 2, two, got {gamma!r}."
        )
    rates = tuple(float(value) for value in values)
    return rates if len(rates) == order else rates * order


def _with_slope(function: Function, at: Tensor) -> tuple[Tensor, Tensor]:
    """Return (B,) values and their derivatives, sample by sample."""
    # Not torch.autograd.grad: what depends on no parameter then needs no gradient.
    value, back = torch.func.vjp(function, at)[:2]
    return value, back(torch.ones_like(value))[0]


def _refuse_first_order(forced: Tensor, slope: Tensor, control: Tensor) -> None:
    size = torch.einsum("bd,bdn->bn", slope.abs(), control.abs())
    if bool((forced.abs() > NOTHING * size).any()):
        raise InvalidInputError(
            "Expected a barrier of relative degree 2, but the controls act on its "
            "first derivative already. Use order=1."
        )


def _one_each(value: Tensor, z: Tensor, name: str) -> Tensor:
    return _shaped(value, z.shape[:1], name).to(z)


def _shaped(value: Tensor, shape: tuple[int, ...], name: str) -> Tensor:
    if value.shape != shape:
        raise InvalidInputError(
            f"Expected {name} to return shape {tuple(shape)}, got {tuple(value.shape)}."
        )
    return value
