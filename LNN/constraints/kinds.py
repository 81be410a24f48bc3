"""What outputs have to satisfy: bounds, rates of change, half-spaces."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from LNN.exceptions import InvalidInputError

# What rounding leaves of an output counts beside a row of this size.
SMALLEST_ROW = 1e-6

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
    """What an output has to satisfy, for `SafeOutput` and `output_constraints`.

    Plain values are held as they are given: what learns is a parameter or a module
    among them, and `SafeOutput` registers it. Two constraints are equal if their values
    are.
    """

    curved: ClassVar[bool] = False
    # Whether it reads the output before, and (of a model) the row's input columns.
    reads_previous: ClassVar[bool] = False

    @property
    def reads_inputs(self) -> bool:
        """Whether it reads more than outputs, the one before and the time between."""
        return False

    @property
    def functions(self) -> list[str]:
        """The names of values that are functions, tensors or modules, not numbers."""
        kinds = (Tensor, nn.Module)
        return [k for k, v in vars(self).items() if callable(v) or isinstance(v, kinds)]

    @property
    def learns(self) -> bool:
        """Whether training a `SafeOutput` changes it."""
        return any(isinstance(v, nn.Parameter | nn.Module) for v in vars(self).values())

    def __repr__(self) -> str:
        values = ", ".join(f"{k}={v!r}" for k, v in vars(self).items() if v is not None)
        return f"{type(self).__name__}({values})"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        mine, theirs = vars(self), vars(other)
        return all(_same(mine[name], theirs[name]) for name in mine)

    def __hash__(self) -> int:
        return hash(type(self))  # values may be arrays

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
        lowest = numbers(-np.inf if low is None else low, "low")
        highest = numbers(np.inf if high is None else high, "high")
        if not {lowest.size, highest.size} <= {1, max(lowest.size, highest.size)}:
            raise InvalidInputError(
                f"Expected low and high of one shape, got {lowest.shape} and "
                f"{highest.shape}."
            )
        # Not `low > high`, which NaN would pass.
        right = np.all(lowest <= highest)
        if not right or np.any(lowest == np.inf) or np.any(highest == -np.inf):
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

    reads_previous: ClassVar[bool] = True

    def __init__(self, max_rate: ArrayLike):
        self.max_rate = max_rate
        if not np.all(numbers(max_rate, "max_rate") >= 0):
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
        if bool(previous.isinf().any()):
            raise InvalidInputError(
                "Expected context['previous'] of finite numbers, and NaN where there "
                "is no output before, got infinite ones."
            )
        if not bool(((elapsed >= 0) & elapsed.isfinite()).all()):
            raise InvalidInputError("Expected elapsed times >= 0, got others.")
        rate = per_output(self.max_rate, y, "max_rate")
        # A rate without a limit has none either where no time passes.
        finite = torch.where(rate.isinf(), 0.0, rate) * elapsed.reshape(-1, 1)
        reach = torch.where(rate.isinf(), rate, finite)
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
    A_inputs : array-like of shape (m, n, n_inputs), default=None
        A sample's normals are A + A_inputs x, where x is `inputs` of the context. In a
        model these are the input columns of the row that is answered, in the units of
        X. In numbers a model can be stored and exported; functions cannot.
    b_inputs : array-like of shape (m, n_inputs), default=None
        A sample's offsets are b + b_inputs x.
    b_quadratic : array-like of shape (m, n_inputs, n_inputs), default=None
        Adds x' b_quadratic[i] x to the i-th offset of a sample. Barriers that are
        quadratic in the state need it: `BarrierFunction.quadratic` fills it in.

    Examples
    --------
    Two outputs that may sum to 1 at most:

    >>> import torch
    >>> from LNN.safety import HalfSpaces, SafeOutput
    >>> layer = SafeOutput([HalfSpaces([[1, 1]], [1])])
    >>> safe, safety = layer(torch.tensor([[2.0, 1.0]]))
    >>> safe, safety.feasible
    (tensor([[1., 0.]]), tensor([True]))

    At most a half of the first input:

    >>> layer = SafeOutput([HalfSpaces([[1.0]], [0.0], b_inputs=[[0.5, 0.0]])])
    >>> layer(torch.tensor([[2.0]]), {"inputs": torch.tensor([[3.0, 9.0]])})[0]
    tensor([[1.5000]])

    A limit that the caller hands over with each sample:

    >>> layer = SafeOutput([HalfSpaces([[1.0]], lambda context: context["limit"])])
    >>> layer(torch.tensor([[2.0], [2.0]]), {"limit": torch.tensor([[1.0], [5.0]])})[0]
    tensor([[1.],
            [2.]])
    """

    def __init__(
        self,
        A: Given,
        b: Given,
        *,
        A_inputs: ArrayLike | None = None,
        b_inputs: ArrayLike | None = None,
        b_quadratic: ArrayLike | None = None,
    ):
        self.A, self.b, self.A_inputs, self.b_inputs = A, b, A_inputs, b_inputs
        self.b_quadratic = b_quadratic
        self._check_numbers()
        for name, base, dims in (("A", A, 3), ("b", b, 2)):
            slopes = getattr(self, f"{name}_inputs")
            if slopes is None:
                continue
            if callable(base):
                raise InvalidInputError(
                    f"Expected {name} in numbers beside {name}_inputs, got a function. "
                    "A function can read the inputs by itself."
                )
            shape = np.shape(slopes)
            if len(shape) != dims or shape[:-1] != np.shape(base):
                raise InvalidInputError(
                    f"Expected {name}_inputs of shape (*{name}.shape, n_inputs), with "
                    f"{np.shape(base)} for {name}, got {shape}."
                )
        if b_quadratic is not None:
            self._check_quadratic(np.shape(b_quadratic))

    def _check_numbers(self) -> None:
        """Refuse numbers that say nothing, and rows too small to be held exactly."""
        given = {
            name: numbers(value, name)
            for name, value in vars(self).items()
            if value is not None and not callable(value)
        }
        for name, value in given.items():
            # An offset may be infinite: then a row limits nothing.
            fine = np.isfinite(value) | ((name == "b") & (value == np.inf))
            if not fine.all():
                raise InvalidInputError(
                    f"Expected finite numbers in {name}, got {value[~fine][0]}."
                )
        if "A" in given and given["A"].ndim == 2:
            sizes = np.abs(given["A"]).max(axis=1, initial=0.0)
            slopes = given.get("A_inputs")
            if slopes is not None and slopes.shape[:2] == given["A"].shape:
                steepest = np.abs(slopes).max(axis=(1, 2), initial=0.0)
                sizes = np.maximum(sizes, steepest)
            small = (sizes > 0) & (sizes < SMALLEST_ROW)
            if small.any():
                row = int(np.argmax(small))
                raise InvalidInputError(
                    f"Expected rows of A whose largest number is {SMALLEST_ROW:g} at "
                    f"least, got {sizes[row]:g} in row {row}. Multiply this row and "
                    "its b by the same number: it says the same then."
                )

    def _check_quadratic(self, shape: tuple[int, ...]) -> None:
        if callable(self.b):
            raise InvalidInputError(
                "Expected b in numbers beside b_quadratic, got a function. A function "
                "can read the inputs by itself."
            )
        slopes = (self.A_inputs, self.b_inputs)
        widths = {np.shape(own)[-1] for own in slopes if own is not None}
        right = len(shape) == 3 and shape[:1] == np.shape(self.b)
        if not (right and shape[1] == shape[2] and widths <= {shape[2]}):
            raise InvalidInputError(
                "Expected b_quadratic of shape (*b.shape, n_inputs, n_inputs), with "
                f"{np.shape(self.b)} for b and the n_inputs of A_inputs and b_inputs "
                f"where they are given ({sorted(widths)}), got {shape}."
            )

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Pickles of older versions have no b_quadratic.
        self.__dict__.update({"b_quadratic": None, **state})

    @property
    def reads_inputs(self) -> bool:
        """Whether normals or offsets depend on the sample."""
        slopes = (self.A_inputs, self.b_inputs, self.b_quadratic)
        return any(s is not None for s in slopes) or bool(self.functions)

    def limits(self, y: Tensor, context: Context) -> Limits:
        """Return the half-spaces."""
        A = self._each(self.A, self.A_inputs, context, y)
        b = self._each(self.b, self.b_inputs, context, y)
        if self.b_quadratic is not None:
            curve = value_of(self.b_quadratic, context, y)
            x = self._inputs(context, y, curve.shape[-1])
            b = b + torch.einsum("bf,mfg,bg->bm", x, curve, x)
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

    def _each(
        self, base: Given, slopes: ArrayLike | None, context: Context, y: Tensor
    ) -> Tensor:
        """Return a number of the constraint for all samples or for each its own."""
        value = value_of(base, context, y)
        if slopes is None:
            return value
        slope = value_of(slopes, context, y)
        x = self._inputs(context, y, slope.shape[-1])
        return value + torch.einsum("...f,bf->b...", slope, x)

    def _inputs(self, context: Context, y: Tensor, n_inputs: int) -> Tensor:
        x = known(context, "inputs", self).to(y)
        if x.shape != (len(y), n_inputs):
            raise InvalidInputError(
                f"Expected inputs (context['inputs']; of a model the columns of X but "
                f"those of time and group) of shape ({len(y)}, {n_inputs}), as the "
                f"constraint has {n_inputs} number(s) for each, got {tuple(x.shape)}."
            )
        return x


def _same(mine: Any, theirs: Any) -> bool:
    if mine is theirs:
        return True
    if mine is None or theirs is None or callable(mine) or callable(theirs):
        return bool(mine == theirs)
    return np.array_equal(np.asarray(mine), np.asarray(theirs))


def numbers(value: Any, name: str) -> NDArray[np.float64]:
    """Return what is given as float64, or say that it is no number."""
    if isinstance(value, Tensor):
        value = value.detach().cpu()
    try:
        return np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise InvalidInputError(
            f"Expected numbers for {name}, got {value!r}."
        ) from None


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
