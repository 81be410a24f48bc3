"""All nodes between rows and answers, for states that are carried and for windows."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from LNN.export.onnx.answers import answers
from LNN.export.onnx.limits import LimitNodes
from LNN.export.onnx.network import Network, is_in, zeros
from LNN.export.onnx.nodes import (
    Value,
    as_float,
    concat,
    counting,
    gather,
    largest,
    part,
    reshape,
    size_of,
    split,
    squeeze,
    transpose,
    unsqueeze,
    where,
)
from LNN.export.onnx.rows import Preparation, Rows
from LNN.export.single import rounding_of_rows
from LNN.export.spec import Spec

_END = np.iinfo(np.int64).max


class Graph:
    """Answers to rows, by the rules of a spec.

    Parameters
    ----------
    spec : Spec
    once : bool, default=False
        There is one row at a time: write no Scan.

    Attributes
    ----------
    widths : dict of str to int
        What is remembered from call to call, and how many numbers each has. All begin
        as 0.
    """

    def __init__(self, spec: Spec, once: bool = False):
        rounding_of_rows(spec.arrays)
        self.spec, self.once = spec, once
        self.preparation, self.network = Preparation(spec), Network(spec)
        reading = spec.values["reading"]
        self.window = reading["window_length"]
        self.padded = reading["kind"] == "sequences" and not once
        self.every_step = reading["every_step"] or self.window is not None
        n, anchors = self.preparation.n, self.preparation.anchors
        self.widths = {"count": 1} | ({"before": len(anchors)} if anchors else {})
        self.limits = LimitNodes(spec) if spec.values.get("constraints") else None
        if self.limits is not None and self.limits.looks_back:
            self.widths["answers"] = self.limits.n
        if self.window is None:
            self.widths |= self.preparation.held | {"network": self.network.size}
        elif self.window > 1:
            self.widths |= {"rows": (self.window - 1) * n, "units": self.window - 1}

    @property
    def state_size(self) -> int:
        """How many numbers are remembered."""
        return sum(self.widths.values())

    @property
    def can_be_carried(self) -> bool:
        """Whether rows may come call after call; an own scale needs all at once."""
        return self.spec.values["own_scale"] is None or self.window is not None

    def answer(
        self, rows: Value, gaps: Value, lengths: Value | None, state: Value | None
    ) -> dict[str, Value]:
        """Add all nodes.

        Parameters
        ----------
        rows : Value (B, T, F)
        gaps : Value (B, T)
        lengths : Value (B,) or None
            How many rows each sequence has; None is all.
        state : Value (B, state_size) or None
            None begins anew.

        Returns
        -------
        dict of str to Value
            Answers, and "next_state".
        """
        if state is None:
            state = zeros(rows, size_of(rows, 0), self.state_size)
        cut = split(state, [*self.widths.values()])
        past = dict(zip(self.widths, cut, strict=True))
        rows, gaps = transpose(rows, 1, 0, 2), unsqueeze(transpose(gaps, 1, 0), 2)
        begun, before = past["count"] > 0.5, past.get("before")
        read = self.preparation.read(rows, gaps, begun, before)
        run = self._carried if self.window is None else self._windows
        features, new = run(read, lengths, past)
        more = size_of(rows, 0) if lengths is None else unsqueeze(lengths, 1)
        more = as_float(more)
        new["count"] = past["count"] + more
        if read.present is not None:
            # A sequence may have none of these rows, and more of later ones.
            last = self._at_end(read.present, lengths)
            new["before"] = where(more > 0.5, last, past["before"])
        found = self._told(features, read, lengths, past, new)
        found["next_state"] = concat([new[name] for name in self.widths])
        return found

    def _carried(
        self, read: Rows, lengths: Value | None, past: dict[str, Value]
    ) -> tuple[Value, dict[str, Value]]:
        """Return features (T, B, f), and what is remembered."""
        active = None if lengths is None else is_in(lengths, size_of(read.x, 0))
        begun = unsqueeze(past["count"] > 0.5, 0)
        first = where(begun, part(read.units, 0, 1), 0.0)
        since = concat([first, part(read.units, 1, _END)], axis=0)
        held = [past[name] for name in self.preparation.held]
        x, held = self.preparation.fill(read.x, since, active, held, self.once)
        if self.network.own_scale:
            there = as_float(read.units > -1.0) if active is None else active
            x = self.network.by_own_scale(x, read.units, there)
        features, end = self.network.run(
            x, read.units, active, past["network"], self.once
        )
        new = dict(zip(self.preparation.held, held, strict=True))
        return features, new | {"network": end}

    def _windows(
        self, read: Rows, lengths: Value | None, past: dict[str, Value]
    ) -> tuple[Value, dict[str, Value]]:
        """Run over the window of each row from zero states; as `_carried`."""
        n, window, new = self.preparation.n, self.window, {}
        x, units = read.x, read.units
        if window > 1:
            old = transpose(reshape(past["rows"], 0, window - 1, n), 1, 0, 2)
            old_units = unsqueeze(transpose(past["units"], 1, 0), 2)
            x, units = concat([old, x], 0), concat([old_units, units], 0)
            last = transpose(part(x, 1 - window, _END), 1, 0, 2)
            new["rows"] = reshape(last, 0, (window - 1) * n)
            last = transpose(part(units, 1 - window, _END), 1, 0, 2)
            new["units"] = squeeze(last, 2)
        steps = counting(size_of(read.x, 0))
        # Position k of the window that ends at row t is row t + k of those at hand.
        at = unsqueeze(steps, 0) + np.arange(window)[:, None]
        x = reshape(gather(x, at, axis=0), window, -1, n)
        units = reshape(gather(units, at, axis=0), window, -1, 1)
        # The first windows of a recording begin with places that no row fills.
        rows_before = unsqueeze(past["count"], 0) + as_float(
            unsqueeze(unsqueeze(steps, 1), 2)
        )
        blank = reshape(largest((window - 1.0) - rows_before, 0.0), 1, -1, 1)
        position: Any = np.arange(float(window))[:, None, None]
        active = as_float(blank < position + 0.5)
        since = where(blank < position - 0.5, units, 0.0)
        n_windows = size_of(x, 1)
        held = [zeros(x, n_windows, n) for _ in self.preparation.held]
        filled, _ = self.preparation.fill(x, since, active, held)
        if self.network.own_scale:
            filled = self.network.by_own_scale(filled, units, active)
        start = zeros(x, n_windows, self.network.size)
        features, _ = self.network.run(filled, units, active, start)
        whole = x.nodes.add("Shape", read.x, start=0, end=2)
        shape = concat([whole, x.nodes.constant([self.network.n_features])], 0)
        last = squeeze(part(features, -1, _END), 0)
        return x.nodes.add("Reshape", last, shape), new

    def _at_end(self, values: Value, lengths: Value | None) -> Value:
        """Return the last of values (T, B, n)."""
        if lengths is None:
            return squeeze(part(values, -1, _END), 0)
        by_sequence, last = transpose(values, 1, 0, 2), unsqueeze(lengths - 1, 1)
        return values.nodes.add("GatherND", by_sequence, last, batch_dims=1)

    def _told(
        self,
        features: Value,
        read: Rows,
        lengths: Value | None,
        past: dict[str, Value],
        new: dict[str, Value],
    ) -> dict[str, Value]:
        """Return answers (B, T, ...), or (B, ...) with one for each sequence.

        What the next call needs of them is added to `new`.
        """
        present, limit = read.present, None
        if self.limits is not None:
            limit = functools.partial(
                self._limited, self.limits, read, lengths, past, new
            )
        if self.every_step and not self.once:
            features = transpose(features, 1, 0, 2)
            present = None if present is None else transpose(present, 1, 0, 2)
            outputs = self.network.read_out(features)
            return answers(self.spec, outputs, present, 2, limit)
        if present is not None:
            present = self._at_end(present, lengths)
        outputs = self.network.read_out(self._at_end(features, lengths))
        return answers(self.spec, outputs, present, 1, limit)

    def _limited(
        self,
        limits: LimitNodes,
        read: Rows,
        lengths: Value | None,
        past: dict[str, Value],
        new: dict[str, Value],
        values: Value,
    ) -> tuple[Value, Value]:
        """Keep values (B, T, n) or (B, n) within limits; tell which satisfy them."""
        each = self.every_step and not self.once
        wide = transpose(values, 1, 0, 2) if each else unsqueeze(values, 0)
        rows = None
        if limits.reads_inputs:
            rows = read.given
            rows = rows if each else unsqueeze(self._at_end(rows, lengths), 0)
        active = None if lengths is None else is_in(lengths, size_of(read.x, 0))
        begun, before = past["count"] > 0.5, past.get("answers")
        kept, good, last = limits.keep(
            wide, rows, read.units, active, begun, before, self.once
        )
        if last is not None:
            new["answers"] = last
        good = good > 0.5
        if each:
            return transpose(kept, 1, 0, 2), squeeze(transpose(good, 1, 0, 2), 2)
        return squeeze(kept, 0), squeeze(squeeze(good, 0), 1)
