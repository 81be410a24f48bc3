"""Prices of constraints as nodes: the dual method of numpy_limits.py, as a loop."""

from __future__ import annotations

import numpy as np

from LNN.constraints.numpy_limits import INDEPENDENT, NEAR, ROUNDED
from LNN.export.onnx.nodes import (
    Nodes,
    Value,
    absolute,
    as_double,
    highest,
    lowest,
    repeat,
    reshape,
    squeeze,
    total,
    transpose,
    unsqueeze,
    where,
)

# A step of this size has no end.
ENDLESS = 1e300


def prices(
    gram: Value, excess: Value, starts: Value, n_rows: int
) -> tuple[Value, Value]:
    """Return the prices >= 0 at which no row is exceeded, and 1 where there are none.

    Rows are added one by one, the worst first, and dropped where their price falls to
    0 (Goldfarb and Idnani, Mathematical Programming 27, 1983). What they need of the
    rows that are held stands in a table, which a principal pivot turns from set to set
    (Tsatsomeros, Linear Algebra and its Applications 307, 2000).

    Parameters
    ----------
    gram : Value (B, M, M), double
    excess : Value (B, M), double
    starts : Value (B, 1), double
        1 where prices are wanted; they stay 0 elsewhere.
    n_rows : int
        M.

    Returns
    -------
    prices : Value (B, M), double
    failed : Value (B, 1), double
    """
    none = 0.0 * excess
    size = highest(absolute(excess), 1)
    steps = _Steps(gram, excess, size, n_rows)
    table = reshape(gram, -1, n_rows * n_rows)
    states = [table, none, none, none, starts, 0.0 * starts]
    widths = [n_rows * n_rows, n_rows, n_rows, n_rows, 1, 1]
    limit = excess.nodes.constant(50 + 10 * n_rows)
    table, _, held, _, runs, failed = repeat(
        steps.body, limit, states, widths, _anything_runs
    )
    # Once more at a stroke: steps add up their rounding, pivots theirs.
    inverse = reshape(table, -1, n_rows, n_rows)
    found = none
    for _ in range(3):
        left = (excess - times(gram, found)) * held
        found = found + held * times(inverse, left)
    return found, where(runs > 0.5, 1.0, failed)


def times(matrix: Value, vector: Value) -> Value:
    """Return products of matrices (B, i, j) and vectors (B, j)."""
    return squeeze(matrix.nodes.add("MatMul", matrix, unsqueeze(vector, 2)), 2)


def _anything_runs(states: list[Value]) -> Value:
    any_left = states[4].nodes.add("ReduceMax", states[4], keepdims=0)
    return any_left > 0.5


class _Steps:
    """One step of all problems: a row is added, or one that is held dropped.

    Parameters
    ----------
    gram, excess, size : Value
    n_rows : int
    """

    def __init__(self, gram: Value, excess: Value, size: Value, n_rows: int):
        self.gram, self.excess, self.size, self.n = gram, excess, size, n_rows

    def body(self, nodes: Nodes, count: Value, states: list[Value]) -> list[Value]:
        """Return states after a step.

        Masks are 1 and 0. `table` is G after pivots on the rows that are `held`; `open`
        is the row that is being added, no row at first.
        """
        table, price, held, is_open, runs, failed = states
        gram, excess = nodes.seen(self.gram), nodes.seen(self.excess)
        over = excess - times(gram, price)
        entering, wanted = self._entering(nodes, over, price, held, is_open)
        table = reshape(table, -1, self.n, self.n)
        column = times(table, entering)
        share = -(column * held)
        falling = share > 0.0
        ends = where(falling, price / where(falling, share, 1.0), np.inf)
        until = lowest(ends, 1)
        leaving = self._mask(nodes, nodes.add("ArgMin", ends, axis=1, keepdims=1))
        own = total(column * entering, 1, keepdims=True)
        apart = own > INDEPENDENT
        gap = total(over * entering, 1, keepdims=True)
        full = where(apart, gap / where(apart, own, 1.0), np.inf)
        step = nodes.add("Min", full, until)
        tried = where(wanted, runs, 0.0)
        moves = where(step < ENDLESS, tried, 0.0)
        adds = where(nodes.add("LessOrEqual", full, until), moves, 0.0)
        drops = moves - adds
        step = where(moves > 0.5, step, 0.0)
        price = (price + step * (entering - share)) * (1.0 - drops * leaving)
        held = held + adds * entering - drops * leaving
        turned = _pivot(table, where(adds > 0.5, entering, leaving), moves)
        new = reshape(turned, -1, self.n * self.n)
        return [new, price, held, drops * entering, moves, failed + tried - moves]

    def _entering(
        self, nodes: Nodes, over: Value, price: Value, held: Value, is_open: Value
    ) -> tuple[Value, Value]:
        """Return the row to add, and whether there is one."""
        others = over * (1.0 - held)
        limit = NEAR * nodes.seen(self.size) + ROUNDED * highest(price, 1)
        worst = nodes.add("ArgMax", others, axis=1, keepdims=1)
        going_on = highest(is_open, 1) > 0.5
        exceeds = highest(others, 1) > limit
        entering = where(going_on, is_open, self._mask(nodes, worst))
        return entering, nodes.add("Or", going_on, exceeds)

    def _mask(self, nodes: Nodes, position: Value) -> Value:
        """Return 1 at a position (B, 1) of each row, (B, M)."""
        return as_double(nodes.constant(np.arange(self.n)[None]).is_equal(position))


def _pivot(table: Value, at: Value, moves: Value) -> Value:
    """Return the principal pivot of tables (B, M, M) at one place each, (B, M)."""
    column, row = times(table, at), times(transpose(table, 0, 2, 1), at)
    own = where(moves > 0.5, total(column * at, 1, keepdims=True), 1.0)
    rest = 1.0 - at
    keep = unsqueeze(rest, 2) * unsqueeze(rest, 1)
    left, right = (column * rest + at) / own, at - row * rest
    turned = keep * table + unsqueeze(left, 2) * unsqueeze(right, 1)
    return where(unsqueeze(moves, 2) > 0.5, turned, table)
