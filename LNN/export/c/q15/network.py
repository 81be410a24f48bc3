"""What stands between rows and states in integers: patches, layers, pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from LNN.exceptions import InvalidInputError
from LNN.export.c.network import Network
from LNN.export.c.q15.cfc import write_dense, write_wired
from LNN.export.c.q15.formats import ROW_BITS, Numbers, roomy_bits
from LNN.export.c.q15.gru import write_gru
from LNN.export.c.q15.layer import FixedLayer
from LNN.export.c.q15.ltc import write_ltc
from LNN.export.c.q15.source import FixedSource
from LNN.export.c.source import function
from LNN.export.c.timeless import steps_differ

_WRITERS: dict[str, Callable[[FixedLayer, FixedSource], None]] = {
    "LTC": write_ltc,
    "wired CfC": write_wired,
    "CfC": write_dense,
    "GRU": write_gru,
}


class FixedNetwork(Network):
    """The network of a spec in integers; as `Network`."""

    layers: list[FixedLayer]  # type: ignore[assignment]

    def __init__(self, values: dict[str, Any], arrays: dict[str, np.ndarray]):
        if values["pooling"] == "attention":
            raise InvalidInputError(
                'Expected pooling of "last", "mean" or "max" for dtype="q15", got '
                '"attention", whose weights grow without a bound. Export with '
                'dtype="float32", or fit with another pooling.'
            )
        super().__init__(values, arrays)
        read = Numbers.alike(values["input"]["n_read"], ROW_BITS)
        if self.patch:
            read = Numbers.alike(self.patch["n_outputs"], self._of_patches()[0])
        for layer in self.layers:
            layer.read, read = read, layer.shown

    def _layer(
        self, values: dict[str, Any], arrays: dict[str, np.ndarray], number: int
    ) -> FixedLayer:
        return FixedLayer(values, arrays, number, steps_differ(self.values))

    def _of_patches(self) -> tuple[int, str]:
        """Return the point of what the map of patches gives, and its C of int16."""
        weight, bias = self.arrays["patch.weight"], self.arrays["patch.bias"]
        bound = (
            np.abs(weight).sum(axis=1) * 2.0 ** (15 - ROW_BITS) + np.abs(bias)
        ).max()
        return roomy_bits(1.01 * bound, ROW_BITS)

    def core_fields(self) -> list[str]:
        """Return the fields of what a step changes."""
        fields = [f"int16_t h{k}[{a.state_size}];" for k, a in enumerate(self.layers)]
        if "mean" in self.pooling:
            fields += [f"int32_t mean[{self.n}];", "int32_t steps;"]
        if "max" in self.pooling:
            fields.append(f"int16_t largest[{self.n}];")
        return fields

    def past_fields(self) -> list[str]:
        """Return the fields of what rows leave behind."""
        if not self.patch:
            return []
        size = 2 * self.patch["size"] * self.row_size
        return [f"int16_t rows[{size}];", "int32_t time;", "int count;"]

    def begin(self) -> str:
        """Return the statements that follow on a state of zeros."""
        if "max" not in self.pooling:
            return ""
        return f"for (j = 0; j < {self.n}; j++) p->core.largest[j] = -32767;\n"

    def write(self, source: Any) -> None:
        """Add the functions of a step."""
        for layer in self.layers:
            _WRITERS[layer.values["cell"]](layer, source)
        calls, x = [], "x"
        for k, layer in enumerate(self.layers):
            calls += layer.call(f"c->h{k}", x)
            x = f"c->h{k}"
        body = "\n".join([*calls, *self._pool(source)])
        if {"mean", "max"} & set(self.pooling):
            body = f"int j;\n{body}"
        head = "static void lnn_network(lnn_core *c, const int16_t *x, int32_t dt)"
        source.function(function(head, body))
        if self.patch:
            self._write_patches(source)

    def _pool(self, source: Any) -> list[str]:
        """Return what sums up the states of a sequence so far."""
        n, h, text = self.n, self.shown, []
        each = f"for (j = 0; j < {n}; j++)"
        if "mean" in self.pooling:
            text.append("if (c->steps < 0x3FFFFFFF) c->steps++;")
            moved = f"({h}[j] * (int32_t)32768 - c->mean[j]) / c->steps"
            text.append(f"{each} c->mean[j] += {moved};")
            source.count(n)
        if "max" in self.pooling:
            text.append(f"{each} if ({h}[j] > c->largest[j]) c->largest[j] = {h}[j];")
        return text

    def _write_patches(self, source: Any) -> None:
        size, n = self.patch["size"], self.row_size
        weight, bias = self.arrays["patch.weight"], self.arrays["patch.bias"]
        rows = Numbers.alike(weight.shape[1], ROW_BITS)
        bits, narrow = self._of_patches()
        call = source.map("patch", weight, bias, rows, bits).call("p->rows", "y")
        n_given = n - bool(self.patch["reads_gaps"])
        gap = ""
        if self.patch["reads_gaps"]:
            gap = f"    row[{n_given}] = (int16_t)lnn_clip(lnn_log1p(dt), 0, 32767);\n"
            source.count(calls=1)
        source.function(f"""\
/* The step of the rows of a patch, those that are not there yet as zeros. */
static void lnn_patch(const lnn_past *p, lnn_core *c)
{{
    int16_t x[{len(bias)}];
    int32_t y[{len(bias)}];
    int j;
    {call}
    for (j = 0; j < {len(bias)}; j++) x[j] = {narrow.format("y[j]")};
    lnn_network(c, x, p->time / {size});
}}
""")
        source.function(f"""\
static void lnn_take(lnn_past *p, const int16_t *x, int32_t dt)
{{
    int16_t *row;
    if (p->count == {size}) {{
        int j;
        for (j = 0; j < {size * n}; j++) {{
            p->rows[j] = p->rows[{size * n} + j];
            p->rows[{size * n} + j] = 0;
        }}
        p->count = 0;
        p->time = 0;
    }}
    row = p->rows + ({size} + p->count) * {n};
    memcpy(row, x, {n_given} * sizeof *row);
{gap}    p->time = lnn_clip(p->time, 0, 0x3FFFFFFF - dt) + dt;
    if (++p->count == {size}) lnn_patch(p, &p->core);
}}
""")
