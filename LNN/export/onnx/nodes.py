"""Nodes of an ONNX graph, written as the equations that they compute.

Numbers are float32, float64 or int64. A `Value` is the output of a node, a constant or
an input.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from LNN.exceptions import MissingDependencyError

# Scan, Where and ScatterND are older; 18 gave all reductions their axes as an input.
OPSET, IR_VERSION = 18, 8


def onnx_package() -> Any:
    """Return the package onnx, which writes the files."""
    try:
        import onnx
    except ImportError as error:
        raise MissingDependencyError(
            'to_onnx needs onnx, which is not installed. Run: pip install "LNN[onnx]"'
        ) from error
    return onnx


class Nodes:
    """The nodes of a graph, in the order in which they were added.

    Parameters
    ----------
    outer : Nodes, default=None
        Those of the graph around a subgraph. Constants all stand in the outermost.
    prefix : str, default=""
        What names begin with.
    """

    def __init__(self, outer: Nodes | None = None, prefix: str = ""):
        self.made: list[Any] = []
        self.prefix: str = prefix if outer is None else outer.prefix
        self.constants: dict[Any, Any] = {} if outer is None else outer.constants
        self.numbers: Iterator[int] = (
            itertools.count() if outer is None else outer.numbers
        )

    def new_name(self) -> str:
        """Return a name that nothing has yet."""
        return f"{self.prefix}v{next(self.numbers)}"

    def value(self, name: str) -> Value:
        """Return an input, or a value of a graph around this one, for use in here."""
        return Value(self, name)

    def seen(self, value: Value) -> Value:
        """Return a value of a graph around this one, for use in here."""
        return Value(self, value.name, value.double)

    def constant(self, array: Any, double: bool = False) -> Value:
        """Return a constant, in float32 if not `double`; equal ones are stored once."""
        array = np.asarray(array)
        if array.dtype.kind == "f":
            array = array.astype(np.float64 if double else np.float32)
        elif array.dtype.kind in "iu":
            array = array.astype(np.int64)
        key = (array.dtype.str, array.shape, array.tobytes())
        if array.dtype.kind in "US":
            key = ("text", array.shape, tuple(array.ravel().tolist()))
            array = array.astype(object)
        if key not in self.constants:
            make = onnx_package().numpy_helper.from_array
            self.constants[key] = make(array, self.new_name())
        return Value(self, self.constants[key].name, double)

    def add(self, op: str, *inputs: Any, **attributes: Any) -> Value:
        """Add a node with one output; numbers and arrays become constants."""
        (found,) = self.add_many(op, 1, *inputs, **attributes)
        return found

    def add_many(
        self, op: str, n_outputs: int, *inputs: Any, **attributes: Any
    ) -> list[Value]:
        """Add a node with several outputs; what one of doubles tells is double too."""
        double = any(i.double for i in inputs if isinstance(i, Value))
        given = [
            i if isinstance(i, Value) else self.constant(i, double) for i in inputs
        ]
        names = [self.new_name() for _ in range(n_outputs)]
        make = onnx_package().helper.make_node
        self.made.append(make(op, [value.name for value in given], names, **attributes))
        return [Value(self, name, double) for name in names]


@dataclass(frozen=True)
class Value:
    """A tensor of a graph; arithmetic with it adds nodes.

    Parameters
    ----------
    nodes : Nodes
        Where arithmetic adds them.
    name : str
    double : bool, default=False
        Whether numbers beside it become float64. Of comparisons of doubles, too.
    """

    nodes: Nodes
    name: str
    double: bool = False

    # Arrays leave arithmetic with values to the values.
    __array_ufunc__ = None

    def __add__(self, other: Any) -> Value:
        return self.nodes.add("Add", self, other)

    def __radd__(self, other: Any) -> Value:
        return self.nodes.add("Add", other, self)

    def __sub__(self, other: Any) -> Value:
        return self.nodes.add("Sub", self, other)

    def __rsub__(self, other: Any) -> Value:
        return self.nodes.add("Sub", other, self)

    def __mul__(self, other: Any) -> Value:
        return self.nodes.add("Mul", self, other)

    def __rmul__(self, other: Any) -> Value:
        return self.nodes.add("Mul", other, self)

    def __truediv__(self, other: Any) -> Value:
        return self.nodes.add("Div", self, other)

    def __rtruediv__(self, other: Any) -> Value:
        return self.nodes.add("Div", other, self)

    def __neg__(self) -> Value:
        return self.nodes.add("Neg", self)

    def __gt__(self, other: Any) -> Value:
        return self.nodes.add("Greater", self, other)

    def __lt__(self, other: Any) -> Value:
        return self.nodes.add("Less", self, other)

    def is_equal(self, other: Any) -> Value:
        """Compare number by number."""
        return self.nodes.add("Equal", self, other)


def tanh(x: Value) -> Value:
    """Return the hyperbolic tangent."""
    return x.nodes.add("Tanh", x)


def sigmoid(x: Value) -> Value:
    """Return the logistic function."""
    return x.nodes.add("Sigmoid", x)


def exp(x: Value) -> Value:
    """Return e to the power of x."""
    return x.nodes.add("Exp", x)


def log(x: Value) -> Value:
    """Return the natural logarithm."""
    return x.nodes.add("Log", x)


def absolute(x: Value) -> Value:
    """Return the absolute value."""
    return x.nodes.add("Abs", x)


def root(x: Value) -> Value:
    """Return the square root."""
    return x.nodes.add("Sqrt", x)


def is_nan(x: Value) -> Value:
    """Tell which numbers are missing."""
    return x.nodes.add("IsNaN", x)


def largest(x: Value, y: Any) -> Value:
    """Return the larger of two numbers."""
    return x.nodes.add("Max", x, y)


def where(condition: Value, yes: Any, no: Any) -> Value:
    """Return `yes` where the condition holds, else `no`."""
    return condition.nodes.add("Where", condition, yes, no)


def as_float(x: Value) -> Value:
    """Return integers, truth values or doubles as float32."""
    found = x.nodes.add("Cast", x, to=onnx_package().TensorProto.FLOAT)
    return Value(found.nodes, found.name)


def as_double(x: Value) -> Value:
    """Return numbers or truth values as float64."""
    found = x.nodes.add("Cast", x, to=onnx_package().TensorProto.DOUBLE)
    return Value(found.nodes, found.name, True)


def softplus(x: Value) -> Value:
    """Return log(1 + exp x), exact for very negative x too."""
    # log(1 + u) = 2 atanh(u / (2 + u)): the operator Softplus adds u to 1.
    u = exp(-absolute(x))
    return x.nodes.add("Relu", x) + 2.0 * x.nodes.add("Atanh", u / (2.0 + u))


def gone(y: Value) -> Value:
    """Return 1 - exp(-y) of y >= 0, exact for small y too."""
    half = tanh(0.5 * y)
    return 2.0 * half / (1.0 + half)


def concat(values: Sequence[Value], axis: int = -1) -> Value:
    """Lay values side by side."""
    if len(values) == 1:
        return values[0]
    return values[0].nodes.add("Concat", *values, axis=axis)


def split(x: Value, sizes: Sequence[int]) -> list[Value]:
    """Cut the last axis."""
    if len(sizes) == 1:
        return [x]
    return x.nodes.add_many("Split", len(sizes), x, list(sizes), axis=-1)


def gather(x: Value, positions: Any, axis: int = -1) -> Value:
    """Take positions of an axis."""
    return x.nodes.add("Gather", x, positions, axis=axis)


def part(x: Value, start: Any, stop: Any, axis: int = 0) -> Value:
    """Return a slice of an axis."""
    return x.nodes.add("Slice", x, [start], [stop], [axis])


def reshape(x: Value, *shape: int) -> Value:
    """Return x in another shape; 0 keeps a size, -1 is what is left."""
    return x.nodes.add("Reshape", x, list(shape))


def total(x: Value, axis: int, keepdims: bool = False) -> Value:
    """Return the sum over an axis."""
    return x.nodes.add("ReduceSum", x, [axis], keepdims=int(keepdims))


def highest(x: Value, axis: int) -> Value:
    """Return the largest number along an axis, which stays."""
    return x.nodes.add("ReduceMax", x, [axis], keepdims=1)


def lowest(x: Value, axis: int) -> Value:
    """Return the smallest number along an axis, which stays."""
    return x.nodes.add("ReduceMin", x, [axis], keepdims=1)


def unsqueeze(x: Value, axis: int) -> Value:
    """Add an axis of size 1."""
    return x.nodes.add("Unsqueeze", x, [axis])


def squeeze(x: Value, axis: int) -> Value:
    """Drop an axis of size 1."""
    return x.nodes.add("Squeeze", x, [axis])


def transpose(x: Value, *order: int) -> Value:
    """Return x with its axes in another order."""
    return x.nodes.add("Transpose", x, perm=list(order))


def size_of(x: Value, axis: int) -> Value:
    """Return the size of an axis as an array of one integer."""
    return x.nodes.add("Shape", x, start=axis, end=axis + 1)


def counting(n: Value) -> Value:
    """Return 0, 1, ... below n, which is an array of one integer."""
    zero, one = n.nodes.constant(0), n.nodes.constant(1)
    return n.nodes.add("Range", zero, squeeze(n, 0), one)


def linear(x: Value, weight: np.ndarray, bias: np.ndarray) -> Value:
    """Return weight @ x + bias of x (..., n)."""
    return x.nodes.add("MatMul", x, weight.T) + bias


Body = Callable[[Nodes, list[Value], list[Value]], tuple[list[Value], list[Value]]]


def scan(
    body: Body,
    states: list[Value],
    scanned: list[Value],
    widths: Sequence[int],
    once: bool = False,
) -> tuple[list[Value], list[Value]]:
    """Go along the first axis of `scanned`, with states from step to step.

    Parameters
    ----------
    body : callable
        Takes the nodes of the subgraph, states and one step of `scanned`; returns new
        states, and what the step shows.
    states, scanned : list of Value
    widths : sequence of int
        How many columns states and shown values have; all are tables.
    once : bool, default=False
        There is one step: write it into the graph itself, without Scan.

    Returns
    -------
    states, shown : list of Value
        The last states, and what all steps showed, along a first axis.
    """
    nodes = scanned[0].nodes
    if once:
        states, shown = body(nodes, states, [squeeze(s, 0) for s in scanned])
        return states, [unsqueeze(s, 0) for s in shown]
    inner = Nodes(nodes)
    given = [inner.value(inner.new_name()) for _ in (*states, *scanned)]
    new, shown = body(inner, given[: len(states)], given[len(states) :])
    graph = _subgraph(inner, given, [*new, *shown], widths)
    found = nodes.add_many(
        "Scan",
        len(new) + len(shown),
        *states,
        *scanned,
        body=graph,
        num_scan_inputs=len(scanned),
    )
    return found[: len(new)], found[len(new) :]


def repeat(
    body: Callable[[Nodes, Value, list[Value]], list[Value]],
    times: Any,
    states: list[Value],
    widths: Sequence[int],
    going: Callable[[list[Value]], Value] | None = None,
) -> list[Value]:
    """Apply a body again and again.

    Parameters
    ----------
    body : callable
        Takes the nodes of the subgraph, the count so far, and states; returns new ones.
    times : Value or int
        How often, at most.
    states : list of Value
        Tables, float32 or float64.
    widths : sequence of int
        How many columns they have.
    going : callable, default=None
        Tells from states whether to go on; None always does.
    """
    nodes, helper = states[0].nodes, onnx_package().helper
    proto, inner = onnx_package().TensorProto, Nodes(nodes)
    count, before = inner.value(inner.new_name()), inner.value(inner.new_name())
    given = [Value(inner, inner.new_name(), state.double) for state in states]
    new = body(inner, count, given)
    after = before if going is None else going(new)
    kept = inner.add("Identity", after).name
    graph = _subgraph(inner, given, new, widths)
    graph.input.insert(0, helper.make_tensor_value_info(before.name, proto.BOOL, []))
    graph.input.insert(0, helper.make_tensor_value_info(count.name, proto.INT64, []))
    graph.output.insert(0, helper.make_tensor_value_info(kept, proto.BOOL, []))
    first = nodes.constant(True) if going is None else going(states)
    found = nodes.add_many("Loop", len(states), times, first, *states, body=graph)
    pairs = zip(found, states, strict=True)
    return [Value(nodes, own.name, state.double) for own, state in pairs]


def _subgraph(
    inner: Nodes, given: list[Value], found: list[Value], widths: Sequence[int]
) -> Any:
    helper, proto = onnx_package().helper, onnx_package().TensorProto
    # onnxruntime must see the shape of what a subgraph returns, and sees none behind a
    # loop. An output that is an input, or stands there twice, is another value so.
    pairs = zip(found, widths, strict=True)
    shown = [reshape(inner.seen(value), -1, width) for value, width in pairs]

    def told(values: list[Value]) -> list[Any]:
        info, kinds = helper.make_tensor_value_info, (proto.FLOAT, proto.DOUBLE)
        return [info(v.name, kinds[v.double], [None, None]) for v in values]

    return helper.make_graph(inner.made, inner.new_name(), told(given), told(shown))
