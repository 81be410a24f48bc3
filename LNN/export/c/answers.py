"""From states to an answer in C: features, read-out, units of y, probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.export.c.network import Network
from LNN.export.c.source import Source, function, lines

_POOLED = {
    "mean": "c->mean[j]",
    "max": "c->largest[j]",
    "attention": "c->seen[j] / c->weight",
}


def write_answer(network: Network, source: Source) -> None:
    """Add the function that reads an answer from the past."""
    n, n_outputs = network.n, network.n_outputs
    declared, body, features = ["const lnn_core *c = &p->core;"], [], network.shown
    if network.patch:
        declared.append("lnn_core next;")
        body.append(_UNFINISHED.replace("$size", str(network.patch["size"])))
    if network.pooling != ["last"]:
        features = "features"
        declared.append(f"float features[{len(network.pooling) * n}];")
        known = {"last": f"{network.shown}[j]", **_POOLED}
        parts = [
            f"features[{k * n} + j] = {known[part]};"
            for k, part in enumerate(network.pooling)
        ]
        body.append(
            f"for (j = 0; j < {n}; j++) {{\n{lines(chr(10).join(parts), 1)}\n}}"
        )
    body.append(_read_out(network, source, features))
    if network.values["answer"]["classes"] is not None:
        source.count(calls=n_outputs)
        declared.append("float largest, total = 0.0f;")
        body.append(_SOFTMAX.replace("$n", str(n_outputs)))
    if "(j = " in "".join(body):
        declared.append("int j;")
    head = "static void lnn_answer(const lnn_past *p, float *y)"
    source.function(function(head, "\n".join([*declared, *body])))


# The rows of a patch that is not full give an answer, and leave no trace.
_UNFINISHED = """\
if (p->count < $size) {
    next = p->core;
    lnn_patch(p, &next);
    c = &next;
}"""
_SOFTMAX = """\
largest = y[0];
for (j = 1; j < $n; j++) if (y[j] > largest) largest = y[j];
for (j = 0; j < $n; j++) total += y[j] = lnn_exp(y[j] - largest);
for (j = 0; j < $n; j++) y[j] /= total;"""


def _read_out(network: Network, source: Source, features: str) -> str:
    weight, bias = _in_units_of_y(network.values, network.arrays)
    if network.values["readout"] != "motor":
        return source.dense("out", weight, bias).call(features, "y")
    source.count(len(bias))
    w, b = source.table("out_w", weight), source.table("out_b", bias)
    each = f"for (j = 0; j < {len(bias)}; j++)"
    return f"{each} y[j] = {features}[j] * {w}[j] + {b}[j];"


def _in_units_of_y(
    values: dict[str, Any], arrays: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return a read-out that the target's scaler is part of."""
    weight, bias = arrays["readout.weight"], arrays["readout.bias"]
    if values["answer"]["classes"] is not None:
        return weight, bias
    levels = len(values["answer"]["quantiles"] or [0])
    scale, center = (
        np.repeat(arrays[f"target_scaler.{name}"], levels)
        for name in ("scale", "center")
    )
    wide = scale.reshape(-1, *[1] * (weight.ndim - 1))
    return weight * wide, bias * scale + center
