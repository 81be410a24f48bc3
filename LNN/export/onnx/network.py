"""What stands between scaled rows and outputs, with all that a step has to remember."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.export.onnx.cells import Layer
from LNN.export.onnx.nodes import (
    Nodes,
    Value,
    as_float,
    concat,
    counting,
    exp,
    gather,
    largest,
    linear,
    log,
    repeat,
    reshape,
    scan,
    size_of,
    split,
    total,
    unsqueeze,
    where,
)
from LNN.export.spec import Spec

# A gap is walked in at most this many sub-steps.
MAX_SUB_STEPS = 32


class Network:
    """Layers, patches, pooling and read-out of a spec.

    Its past is one tensor (B, `size`), which starts as zeros.
    """

    def __init__(self, spec: Spec):
        self.values, self.arrays = spec.values, spec.arrays
        self.layers = []
        for k, layer in enumerate(self.values["layers"]):
            prefix = f"layers.{k}."
            own = {
                name.removeprefix(prefix): array
                for name, array in self.arrays.items()
                if name.startswith(prefix)
            }
            self.layers.append(Layer(layer, own))
        self.n = self.layers[-1].n
        self.patch, self.own_scale = self.values["patch"], self.values["own_scale"]
        self.pooling = self.values["pooling"].split("+")
        self.widths = self._widths()

    def _widths(self) -> dict[str, int]:
        """Return what is remembered, and how many numbers each has."""
        known = {f"state {k}": layer.state_size for k, layer in enumerate(self.layers)}
        if self.patch:
            read = self.arrays["patch.weight"].shape[1]
            known |= {"rows": read, "row_count": 1, "row_time": 1}
        if self.pooling != ["last"]:
            known["steps"] = 1
        known |= {"total": self.n} if "mean" in self.pooling else {}
        known |= {"largest": self.n} if "max" in self.pooling else {}
        if "attention" in self.pooling:
            known |= {"heaviest": 1, "weights": 1, "weighted": self.n}
        return known

    @property
    def size(self) -> int:
        """How many numbers the past has."""
        return sum(self.widths.values())

    @property
    def n_features(self) -> int:
        """How many numbers the read-out sees."""
        return self.n * len(self.pooling)

    def run(
        self,
        x: Value,
        units: Value,
        active: Value | None,
        past: Value,
        once: bool = False,
    ) -> tuple[Value, Value]:
        """Run over time.

        Parameters
        ----------
        x : Value (T, B, channels)
        units : Value (T, B, 1)
            Time steps, before long ones are walked.
        active : Value (T, B, 1), default=None
            1 where there is a row, else 0; None is always.
        past : Value (B, size)
        once : bool, default=False
            T is 1: write a graph without Scan.

        Returns
        -------
        features, past : Value
            What the read-out sees after each step (T, B, features), and the last past.
        """

        def body(
            nodes: Nodes, states: list[Value], given: list[Value]
        ) -> tuple[list[Value], list[Value]]:
            (old,) = states
            features, new = self._walk(given[0], given[1], old)
            if active is not None:
                new = where(given[2] > 0.5, new, old)
            return [new], [features]

        scanned = [x, units] if active is None else [x, units, active]
        sizes = [self.size, self.n_features]
        (past,), (features,) = scan(body, [past], scanned, sizes, once)
        return features, past

    def sub_steps(self, units: Value) -> Value:
        """Return into how many sub-steps time steps are cut."""
        count = (units * (1 / self.values["clock"]["max_step"])) - 1e-4
        count = units.nodes.add("Ceil", count)
        return units.nodes.add("Clip", count, 1.0, float(MAX_SUB_STEPS))

    def _walk(self, x: Value, units: Value, past: Value) -> tuple[Value, Value]:
        """Take a step, or the sub-steps of a long one."""
        if self.values["clock"]["max_step"] is None:
            return self._step(x, units, past)
        counts = self.sub_steps(units)
        dt = units / counts
        most = x.nodes.add("ReduceMax", counts, keepdims=0)
        times = x.nodes.add("Cast", most, to=7)

        def body(nodes: Nodes, count: Value, states: list[Value]) -> list[Value]:
            old_past, old_features = states
            inside = [nodes.value(value.name) for value in (x, dt, counts)]
            features, new = self._step(inside[0], inside[1], old_past)
            going = as_float(count) < inside[2]
            return [where(going, new, old_past), where(going, features, old_features)]

        nothing = gather(past, np.zeros(self.n_features, int)) * 0.0
        sizes = [self.size, self.n_features]
        past, features = repeat(body, times, [past, nothing], sizes)
        return features, past

    def _step(self, x: Value, dt: Value, past: Value) -> tuple[Value, Value]:
        old = dict(zip(self.widths, split(past, [*self.widths.values()]), strict=True))
        new, complete = dict(old), None
        if self.patch:
            x, dt, complete = self._add_row(x, dt, new)
        states = [old[f"state {k}"] for k in range(len(self.layers))]
        for k, layer in enumerate(self.layers):
            new[f"state {k}"] = state = layer.step(x, states[k], dt)
            twice = layer.state_size > layer.n
            x = split(state, [layer.n, layer.n])[0] if twice else state
        features = self._pooled(x, old, new)
        if complete is not None:
            for name in self.widths:
                # The next row may belong to the same patch: its step is taken again.
                if not name.startswith("row"):
                    new[name] = where(complete, new[name], old[name])
        return features, concat([new[name] for name in self.widths])

    def patch_row(self, x: Value, dt: Value) -> Value:
        """Return what a patch reads of a row."""
        return concat([x, log(1.0 + dt)]) if self.patch["reads_gaps"] else x

    def _add_row(
        self, x: Value, dt: Value, past: dict[str, Value]
    ) -> tuple[Value, Value, Value]:
        """Add a row to the patch; return its step, its time, and whether it is full."""
        size, read = self.patch["size"], self.widths["rows"]
        row, width = self.patch_row(x, dt), read // (2 * size)
        begun = past["row_count"].is_equal(float(size))
        _, later = split(past["rows"], [read // 2, read // 2])
        rows = where(begun, concat([later, 0.0 * later]), past["rows"])
        count = where(begun, 0.0, past["row_count"])
        time = where(begun, 0.0, past["row_time"]) + dt
        here = (count + float(size)).is_equal(np.arange(2.0 * size)[None])
        placed = unsqueeze(as_float(here), 2) * unsqueeze(row, 1)
        rows = rows + reshape(placed, -1, 2 * size * width)
        past |= {"rows": rows, "row_count": count + 1.0, "row_time": time}
        step = linear(rows, self.arrays["patch.weight"], self.arrays["patch.bias"])
        full = past["row_count"].is_equal(float(size))
        return step, time * (1 / size), full

    def _pooled(self, h: Value, old: dict[str, Value], new: dict[str, Value]) -> Value:
        """Return what the read-out sees, and put the new sums into `new`."""
        if self.pooling == ["last"]:
            return h
        shown = {"last": h}
        new["steps"] = old["steps"] + 1.0
        first = new["steps"] < 1.5
        if "mean" in self.pooling:
            new["total"] = old["total"] + h
            shown["mean"] = new["total"] / new["steps"]
        if "max" in self.pooling:
            new["largest"] = where(first, h, largest(h, old["largest"]))
            shown["max"] = new["largest"]
        if "attention" in self.pooling:
            weight, bias = (self.arrays[f"attention.{k}"] for k in ("weight", "bias"))
            score = linear(h, weight, bias)
            before = where(first, score, old["heaviest"])
            most = largest(score, before)
            kept, own = exp(before - most), exp(score - most)
            new["heaviest"] = most
            new["weights"] = old["weights"] * kept + own
            new["weighted"] = old["weighted"] * kept + own * h
            shown["attention"] = new["weighted"] / new["weights"]
        return concat([shown[name] for name in self.pooling])

    def read_out(self, features: Value) -> Value:
        """Return outputs of features (..., n)."""
        weight, bias = (self.arrays[f"readout.{name}"] for name in ("weight", "bias"))
        if self.values["readout"] == "motor":
            return gather(features, np.arange(len(weight))) * weight + bias
        return linear(features, weight, bias)

    def by_own_scale(self, x: Value, units: Value, active: Value) -> Value:
        """Put each sequence (T, B, channels) on its own scale."""
        n, flat = self.own_scale["n_channels"], self.own_scale["flat"]
        rest = self.values["input"]["n_read"] - n
        times = active
        if self.values["clock"]["max_step"] is not None:
            times = active * self.sub_steps(units)
        parts = split(x, [n, rest] if rest else [n])
        steps = total(times, 0, keepdims=True)

        def mean(values: Value) -> Value:
            return total(where(times > 0.5, values * times, 0.0), 0, True) / steps

        # Twice, as a spread near 0 magnifies what rounding leaves in the mean.
        near = mean(parts[0])
        rest_of_mean = mean(parts[0] - near)
        center, apart = near + rest_of_mean, parts[0] - near - rest_of_mean
        spread = x.nodes.add("Sqrt", mean(apart * apart) + flat**2)
        size = concat([center, log(spread)])
        shape = concat([size_of(x, 0), x.nodes.constant([1, 1])], axis=0)
        size = x.nodes.add("Expand", size, shape)
        return concat([apart / spread, *parts[1:], size])


def zeros(like: Value, n_rows: Value, width: int) -> Value:
    """Return zeros (n_rows, width); n_rows is an array of one integer."""
    shape = concat([n_rows, like.nodes.constant([width])], axis=0)
    return like.nodes.add("Expand", 0.0, shape)


def is_in(lengths: Value, n_steps: Value) -> Value:
    """Return 1 where a step (T, B, 1) is one of the first `lengths` (B,), else 0."""
    steps: Any = unsqueeze(unsqueeze(counting(n_steps), 1), 2)
    return as_float(steps < unsqueeze(unsqueeze(lengths, 0), 2))
