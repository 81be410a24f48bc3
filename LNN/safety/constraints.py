"""What outputs have to satisfy: bounds, rates of change, half-spaces."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from LNN.exceptions import InvalidInputError

Context = Mapping[str, Any]
Given = ArrayLike | Tensor | Callable[[Context], Tensor]


class Limits(NamedTuple):
    """A convex set per sample: a box, or half-spaces `normals @ y <= offsets`.

    Attributes
    ----------
    low, high : Tensor of shape (B or 1, n), or None
    normals : Tensor of shape (B or 1, m, n), or None
    offsets : Tensor of shape (B or 1, m), or None
    """

    low: Tensor | None = None
    high: Tensor | None = None
    normals: Tensor | None = None
    offsets: Tensor | None = None


class Constraint(ABC):
    """What an output has to satisfy, for `SafeOutput`.

    Plain values are held as they are given: what learns is a parameter or a module
    among them, and `SafeOutput` registers it.
    """

    curved: ClassVar[bool] = False

    @abstractmethod
    def limits(self, y: Tensor, context: Context) -> Limits:
        """Return the set that outputs must lie in.

        Parameters
        ----------
        y : Tensor of shape (B, n), float64
            The outputs that are proposed; a set that is not convex in y is replaced by
            its tangents here.
        context : mapping of str
            What `SafeOutput` was called with.
        """

    def excess(self, y: Tensor, context: Context) -> Tensor:
        """Return by how much y breaks the constraint itself, (B,); 0 where it holds.

        Only asked where the constraint is `curved`: where `limits` need not be exact.
        """
        raise NotImplementedError


class Bounds(Constraint):
    """Each output lies between two numbers.

    Parameters
    ----------
    low, high : float or array-like of shape (n,), default=None
        In the units of the outputs; None is no bound on this side.

    Examples
    --------
    >>> import torch
    >>> from LNN.safety import Bounds, SafeOutput
    >>> safe, _ = SafeOutput([Bounds(-1, 1)])(torch.tensor([[3.0, 0.5]]))
    >>> safe
    tensor([[1.0000, 0.5000]])
    """

    def __init__(self, low: ArrayLike | None = None, high: ArrayLike | None = None):
        self.low, self.high = low, high
        lowest = -np.inf if low is None else np.asarray(low, np.float64)
        highest = np.inf if high is None else np.asarray(high, np.float64)
        # Not `low > high`, which NaN would pass.
        if not np.all(lowest <= highest):
            raise InvalidInputError(
                f"Expected low <= high, got low={low!r} and high={high!r}."
            )

    def limits(self, y: Tensor, context: Context) -> Limits:
        """Return the box."""
        low = -np.inf if self.low is None else self.low
        high = np.inf if self.high is None else self.high
        return Limits(per_output(low, y, "low"), per_output(high, y, "high"))


class RateLimit(Constraint):
    """Outputs move at most so far per unit of time: |y - previous| <= rate * elapsed.

    Reads `previous`, the output before, (B, n), and `elapsed`, the time since then,
    (B,) or a number, from the context. A row of NaN in `previous` has no output before
    it, so that its output may be anything. Without `elapsed` it is 1.

    Parameters
    ----------
    max_rate : float or array-like of shape (n,)

    Examples
    --------
    >>> import torch
    >>> from LNN.safety import RateLimit, SafeOutput
    >>> context = {"previous": torch.zeros(1, 1), "elapsed": 0.5}
    >>> safe, _ = SafeOutput([RateLimit(0.2)])(torch.tensor([[3.0]]), context)
    >>> safe
    tensor([[0.1000]])
    """

    def __init__(self, max_rate: ArrayLike):
        self.max_rate = max_rate
        if not np.all(np.asarray(max_rate, np.float64) >= 0):
            raise InvalidInputError(f"Expected max_rate >= 0, got {max_rate!r}.")

    def limits(self, y: Tensor, context: Context) -> Limits:
        """Return the box around the output before."""
        previous = known(context, "previous", self).to(y)
        if previous.shape != y.shape:
            raise InvalidInputError(
                f"Expected context['previous'] of the outputs' shape {tuple(y.shape)}, "
                f"got {tuple(previous.shape)}."
            )
        elapsed = torch.as_tensor(context.get("elapsed", 1.0)).to(y)
        if elapsed.ndim and elapsed.shape[0] != len(y):
            raise InvalidInputError(
                f"Expected context['elapsed'] as a number or one for each of {len(y)} "
                f"samples, got shape {tuple(elapsed.shape)}."
            )
        if not bool((elapsed >= 0).all()):
            raise InvalidInputError("Expected elapsed times >= 0, got others.")
        reach = per_output(self.max_rate, y, "max_rate") * elapsed.reshape(-1, 1)
        fresh = previous.isnan()
        low = torch.where(fresh, -torch.inf, previous - reach)
        return Limits(low, torch.where(fresh, torch.inf, previous + reach))


class HalfSpaces(Constraint):
    """A y <= b, for all samples alike or for each its own.

    Parameters
    ----------
    A : array-like of shape (m, n), or callable
        A function of the context gives (m, n), or (B, m, n) for each sample its own.
    b : array-like of shape (m,), or callable
        A function gives (m,) or (B, m).

    Examples
    --------
    Two outputs that may sum to 1 at most:

    >>> import torch
    >>> from LNN.safety import HalfSpaces, SafeOutput
    >>> layer = SafeOutput([HalfSpaces([[1, 1]], [1])])
    >>> safe, safety = layer(torch.tensor([[2.0, 1.0]]))
    >>> safe, safety.feasible
    (tensor([[1., 0.]]), tensor([True]))

    A limit that the caller hands over with each sample:

    >>> layer = SafeOutput([HalfSpaces([[1.0]], lambda context: context["limit"])])
    >>> layer(torch.tensor([[2.0], [2.0]]), {"limit": torch.tensor([[1.0], [5.0]])})[0]
    tensor([[1.],
            [2.]])
    """

    def __init__(self, A: Given, b: Given):
        self.A, self.b = A, b

    def limits(self, y: Tensor, context: Context) -> Limits:
        """Return the half-spaces."""
        A, b = value_of(self.A, context, y), value_of(self.b, context, y)
        normals = A if A.ndim == 3 else A[None]
        offsets = b if b.ndim == 2 else b[None]
        batch, n = y.shape
        right = normals.ndim == 3 and normals.shape[2] == n
        right = right and offsets.shape[1:] == normals.shape[1:2]
        if not right or not {len(normals), len(offsets)} <= {1, batch}:
            raise InvalidInputError(
                f"Expected A of shape (m, {n}) or ({batch}, m, {n}) and b of shape "
                f"(m,) or ({batch}, m), got {tuple(A.shape)} and {tuple(b.shape)}."
            )
        return Limits(normals=normals, offsets=offsets)


def value_of(given: Given, context: Context, like: Tensor) -> Tensor:
    """Return a number, an array or what a function makes of the context, as tensor."""
    value = given(context) if callable(given) else given
    if not isinstance(value, Tensor):
        value = torch.as_tensor(np.asarray(value, np.float64))
    return value.to(like)


def per_output(value: ArrayLike, y: Tensor, name: str) -> Tensor:
    """Return a number for each output, (1, n)."""
    array = np.asarray(value, np.float64)
    if array.shape not in ((), (1,), y.shape[1:]):
        raise InvalidInputError(
            f"Expected {name} as a number or one for each of {y.shape[1]} outputs, got "
            f"shape {array.shape}."
        )
    return torch.as_tensor(array).to(y).expand(y.shape[1])[None]


def known(context: Context, name: str, reader: object) -> Tensor:
    """Return a tensor of the context."""
    if name not in context:
        raise InvalidInputError(
            f"{type(reader).__name__} reads context[{name!r}], which is missing. Call "
            f"layer(y, {{{name!r}: ...}})."
        )
    return torch.as_tensor(context[name])
