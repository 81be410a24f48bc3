"""Half-spaces as nodes of ONNX: the nearest points that numpy finds."""

import numpy as np
import pytest

from LNN.constraints.numpy_limits import Limits

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from LNN.export.onnx.half_spaces import HalfSpaceNodes  # noqa: E402
from LNN.export.onnx.nodes import IR_VERSION, OPSET, Nodes, Value  # noqa: E402

FAR = 3e38


def session_of(told, n, n_inputs):
    """Return a graph of nothing but half-spaces, in double precision."""
    nodes, double = Nodes(), onnx.TensorProto.DOUBLE
    widths = {"y": n, "low": n, "high": n, "x": n_inputs}
    y, low, high, x = (Value(nodes, name, True) for name in widths)
    spaces = HalfSpaceNodes([told], n)
    found = spaces.keep(y, low, high, x if spaces.reads_inputs else None)
    helper = onnx.helper
    for name, value in zip(("kept", "good"), found, strict=True):
        nodes.made.append(helper.make_node("Identity", [value.name], [name]))
    outputs = {"kept": n, "good": 1}
    graph = helper.make_graph(
        nodes.made,
        "nearest",
        *(
            [
                helper.make_tensor_value_info(k, double, [None, w])
                for k, w in own.items()
            ]
            for own in (widths, outputs)
        ),
        list(nodes.constants.values()),
    )
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    onnx.checker.check_model(made, full_check=True)
    return onnxruntime.InferenceSession(
        made.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def both(told, y, low, high, x):
    """Return points and flags of numpy and of the graph."""
    limits = Limits([{"kind": "half_spaces", **told}], "project", y.shape[1])
    clipped = np.minimum(np.maximum(y, low), high)
    wanted = limits._in_half_spaces(y, clipped, low, high, x)
    ends = {"low": np.maximum(low, -FAR), "high": np.minimum(high, FAR)}
    session = session_of(told, y.shape[1], x.shape[1])
    kept, good = session.run(None, {"y": y, "x": x, **ends})
    return *wanted, kept, good[:, 0] > 0.5


def problem(seed, n, m, batch):
    """Return half-spaces and batch points to move; some contradict each other."""
    random = np.random.default_rng(seed)
    A = random.normal(size=(m, n))
    b = random.normal(size=m) + random.choice([-0.5, 0.5, 2])
    told = {"A": A, "b": b}
    if seed % 2:
        told["b_inputs"] = random.normal(size=(m, 3))
    if seed % 3 == 1:
        told["A_inputs"] = 0.5 * random.normal(size=(m, n, 3))
    if seed % 4 == 1:
        told["b_quadratic"] = 0.3 * random.normal(size=(m, 3, 3))
    if seed % 7 == 0 and m > 1:  # one half-space twice
        A[1], b[1] = 2 * A[0], 2 * b[0]
    if seed % 5 == 0 and m > 1:  # two that face each other
        A[1], b[1] = -A[0], -b[0]
    y, x = 2 * random.normal(size=(batch, n)), random.normal(size=(batch, 3))
    low, high = np.full(y.shape, -np.inf), np.full(y.shape, np.inf)
    if seed % 6:
        there = random.random((2, batch, n)) < 0.4
        low = np.where(there[0], random.normal(size=y.shape) - 2, low)
        wide = np.maximum(low, -3) + random.choice([0.0, 1.0, 3.0], size=y.shape)
        high = np.where(there[1], wide, high)
    return told, y, low, high, x


def compare(seeds, batch):
    """Compare problems; return how many are feasible, and sizes of active sets."""
    n_good, sizes = 0, set()
    for seed in seeds:
        random = np.random.default_rng(1000 + seed)
        n, m = int(random.integers(1, 6)), int(random.integers(1, 13))
        told, y, low, high, x = problem(seed, n, m, batch)
        wanted, feasible, kept, good = both(told, y, low, high, x)
        assert (good == feasible).all()
        np.testing.assert_allclose(kept[good], wanted[good], rtol=1e-5, atol=5e-6)
        # Where no point satisfies all, breaking a row has a price of 10^8.
        np.testing.assert_allclose(kept[~good], wanted[~good], rtol=1e-5, atol=1e-4)
        n_good += good.sum()
        A, b = told["A"], told["b"]
        if set(told) == {"A", "b"} and n == 4:
            near = np.abs(kept @ A.T - b) < 1e-8 * np.abs(A).sum(axis=1)
            ends = (kept == low).sum(axis=1) + (kept == high).sum(axis=1)
            sizes |= {*(near.sum(axis=1) + ends)[good].tolist()}
    return n_good, sizes


def test__half_space_nodes__random_problems__agree_with_numpy():
    n_good, _ = compare(range(12), 50)
    assert 100 < n_good < 500


@pytest.mark.slow
def test__half_space_nodes__many_random_problems__agree_with_numpy():
    n_good, sizes = compare(range(12, 82), 120)  # 8,400
    assert 2500 < n_good < 6000
    assert {0, 1, 2, 3, 4} <= sizes


@pytest.mark.parametrize(
    "b", [[1.0, 1.0, 1.0], [-1.0, 1.0, 1.0], [1.0, -1.0, -9.0], [-1.0, -1.0, -1.0]]
)
def test__half_space_nodes__that_leave_nothing__break_as_little_as_possible(b):
    """x <= b0, -x <= b1, 0 <= b2: numbers that can be worked out by hand."""
    told = {"A": np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]]), "b": np.array(b)}
    y = np.array([[3.0, 0.5], [-3.0, 0.5]])
    end = np.full_like(y, np.inf)
    wanted, feasible, kept, good = both(told, y, -end, end, y)
    left, right = -b[1], b[0]
    middle = np.full(2, (left + right) / 2)
    x = np.clip(y[:, 0], left, right) if left <= right else middle
    np.testing.assert_allclose(kept, np.column_stack([x, [0.5, 0.5]]), atol=1e-6)
    np.testing.assert_allclose(kept, wanted, atol=1e-6)
    assert good.tolist() == feasible.tolist() == [left <= right and b[2] >= 0] * 2


def test__half_space_nodes__nan__is_never_feasible_and_harms_no_other_row():
    told = {"A": np.eye(2), "b": np.zeros(2), "b_inputs": np.ones((2, 3))}
    y, x = np.ones((4, 2)), np.zeros((4, 3))
    y[0, 0], x[1, 2], y[2] = np.nan, np.nan, np.nan
    end = np.full_like(y, np.inf)
    _, feasible, kept, good = both(told, y, -end, end, x)
    assert good.tolist() == feasible.tolist() == [False, False, False, True]
    np.testing.assert_array_equal(kept[3], [0, 0])


def test__half_space_nodes__a_point_inside__stays_bit_by_bit():
    random = np.random.default_rng(0)
    told = {"A": random.normal(size=(4, 3)), "b": np.full(4, 9.0)}
    y = random.normal(size=(50, 3))
    end = np.full_like(y, np.inf)
    *_, kept, good = both(told, y, -end, end, y)
    assert good.all()
    assert (kept == y).all()
