"""What stands between rows and states in C: patches, layers, pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.export.c.cells import write_layer
from LNN.export.c.layer import Layer
from LNN.export.c.source import Source, function

_LEAST = "-3.4e38f"


class Network:
    """The network of a spec.

    Its state is `lnn_core`, which each step changes. A step that belongs to an
    incomplete patch is taken on a copy of it.

    Parameters
    ----------
    values : dict of str
    arrays : dict of str to ndarray
        In float64.
    """

    def __init__(self, values: dict[str, Any], arrays: dict[str, np.ndarray]):
        self.values, self.arrays = values, arrays
        self.patch = values["patch"]
        self.layers = [
            self._layer(layer, _part(arrays, f"layers.{k}"), k)
            for k, layer in enumerate(values["layers"])
        ]
        self.n = self.layers[-1].n
        # With an answer at each step, the state of that step alone.
        pooling = "last" if values["reading"]["every_step"] else values["pooling"]
        self.pooling = pooling.split("+")
        self.n_outputs = values["answer"]["n_outputs"]
        self.shown = f"c->h{len(self.layers) - 1}"

    def _layer(
        self, values: dict[str, Any], arrays: dict[str, np.ndarray], number: int
    ) -> Layer:
        return Layer(values, arrays, number)

    @property
    def row_size(self) -> int:
        """Numbers of a row in a patch."""
        return self.arrays["patch.weight"].shape[1] // (2 * self.patch["size"])

    def core_fields(self) -> list[str]:
        """Return the fields of what a step changes."""
        fields = [f"float h{k}[{a.state_size}];" for k, a in enumerate(self.layers)]
        if "mean" in self.pooling:
            fields += [f"float mean[{self.n}];", "float steps;"]
        if "max" in self.pooling:
            fields.append(f"float largest[{self.n}];")
        if "attention" in self.pooling:
            fields += [f"float seen[{self.n}];", "float weight;", "float peak;"]
        return fields

    def past_fields(self) -> list[str]:
        """Return the fields of what rows leave behind."""
        if not self.patch:
            return []
        size = 2 * self.patch["size"] * self.row_size
        return [f"float rows[{size}];", "float time;", "int count;"]

    def begin(self) -> str:
        """Return the statements that follow on a state of zeros."""
        text = ""
        if "max" in self.pooling:
            text += f"for (j = 0; j < {self.n}; j++) p->core.largest[j] = {_LEAST};\n"
        if "attention" in self.pooling:
            text += f"p->core.peak = {_LEAST};\n"
        return text

    def write(self, source: Source) -> None:
        """Add the functions of a step."""
        for layer in self.layers:
            write_layer(layer, source)
        calls, x = [], "x"
        for k, layer in enumerate(self.layers):
            calls += layer.call(f"c->h{k}", x)
            x = f"c->h{k}"
        body = "\n".join([*calls, *self._pool(source)])
        if {"mean", "max"} & set(self.pooling):
            body = f"int j;\n{body}"
        head = "static void lnn_network(lnn_core *c, const float *x, float dt)"
        source.function(function(head, body))
        if self.patch:
            self._write_patches(source)

    def _pool(self, source: Source) -> list[str]:
        """Return what sums up the states of a sequence so far."""
        n, h, text = self.n, self.shown, []
        each = f"for (j = 0; j < {n}; j++)"
        if "mean" in self.pooling:
            text.append("c->steps += 1.0f;")
            text.append(f"{each} c->mean[j] += ({h}[j] - c->mean[j]) / c->steps;")
            source.count(n)
        if "max" in self.pooling:
            text.append(f"{each} if ({h}[j] > c->largest[j]) c->largest[j] = {h}[j];")
        if "attention" in self.pooling:
            weight, bias = (self.arrays[f"attention.{w}"] for w in ("weight", "bias"))
            score = source.dense("attention", weight, bias).call(h, "&score")
            source.count(2 * n, 2)
            # A softmax whose largest score is not known yet: older sums follow it.
            text.append(f"""\
{{
    float score, old = 1.0f, own = 1.0f;
    int j;
    {score}
    if (score > c->peak) {{
        old = lnn_exp(c->peak - score);
        c->peak = score;
    }} else own = lnn_exp(score - c->peak);
    c->weight = c->weight * old + own;
    {each} c->seen[j] = c->seen[j] * old + {h}[j] * own;
}}""")
        return text

    def _write_patches(self, source: Source) -> None:
        size, n = self.patch["size"], self.row_size
        weight, bias = self.arrays["patch.weight"], self.arrays["patch.bias"]
        call = source.dense("patch", weight, bias).call("p->rows", "x")
        n_given = n - bool(self.patch["reads_gaps"])
        gap = ""
        if self.patch["reads_gaps"]:
            gap = f"    row[{n_given}] = lnn_log1p(dt);\n"
            source.count(calls=1)
        source.function(f"""\
/* The step of the rows of a patch, those that are not there yet as zeros. */
static void lnn_patch(const lnn_past *p, lnn_core *c)
{{
    float x[{len(bias)}];
    {call}
    lnn_network(c, x, p->time / {size}.0f);
}}
""")
        source.function(f"""\
static void lnn_take(lnn_past *p, const float *x, float dt)
{{
    float *row;
    if (p->count == {size}) {{
        int j;
        for (j = 0; j < {size * n}; j++) {{
            p->rows[j] = p->rows[{size * n} + j];
            p->rows[{size * n} + j] = 0.0f;
        }}
        p->count = 0;
        p->time = 0.0f;
    }}
    row = p->rows + ({size} + p->count) * {n};
    memcpy(row, x, {n_given} * sizeof(float));
{gap}    p->time += dt;
    if (++p->count == {size}) lnn_patch(p, &p->core);
}}
""")

    def take(self, x: str, dt: str) -> str:
        """Return the statement that takes in a row that was prepared."""
        if self.patch:
            return f"lnn_take(p, {x}, {dt});"
        return f"lnn_network(&p->core, {x}, {dt});"


def _part(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    start = f"{prefix}."
    return {k[len(start) :]: a for k, a in arrays.items() if k.startswith(start)}
