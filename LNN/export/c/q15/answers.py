"""From states to an answer in integers: features, read-out, probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.export.c.q15.door import Door
from LNN.export.c.q15.formats import Numbers, rows
from LNN.export.c.q15.network import FixedNetwork
from LNN.export.c.q15.source import FixedSource
from LNN.export.c.source import function, lines

_POOLED = {"mean": "(int16_t)(c->mean[j] >> 15)", "max": "c->largest[j]"}
# The rows of a patch that is not full give an answer, and leave no trace.
_UNFINISHED = """\
if (p->count < $size) {
    next = p->core;
    lnn_patch(p, &next);
    c = &next;
}"""
# Scores are powers of 2 here, in 1/65536.
_SOFTMAX = """\
largest = y[0];
for (j = 1; j < $n; j++) if (y[j] > largest) largest = y[j];
for (j = 0; j < $n; j++) total += y[j] = 65536 - lnn_gone(largest - y[j]);
for (j = 0; j < $n; j++) y[j] = (int32_t)(((uint32_t)y[j] << 15) / (uint32_t)total);"""
_SCORE_BITS = 16


def write_answer(network: FixedNetwork, source: FixedSource, door: Door) -> None:
    """Add the function that reads an answer from the past."""
    n, n_outputs = network.n, network.n_outputs
    declared, body, features = ["const lnn_core *c = &p->core;"], [], network.shown
    if network.patch:
        declared.append("lnn_core next;")
        body.append(_UNFINISHED.replace("$size", str(network.patch["size"])))
    if network.pooling != ["last"]:
        features = "features"
        declared.append(f"int16_t features[{len(network.pooling) * n}];")
        known = {"last": f"{network.shown}[j]", **_POOLED}
        parts = [
            f"features[{k * n} + j] = {known[part]};"
            for k, part in enumerate(network.pooling)
        ]
        body.append(
            f"for (j = 0; j < {n}; j++) {{\n{lines(chr(10).join(parts), 1)}\n}}"
        )
    body.append(_read_out(network, source, door, features))
    if network.values["answer"]["classes"] is not None:
        source.count(calls=n_outputs)
        declared.append("int32_t largest, total = 0;")
        body.append(_SOFTMAX.replace("$n", str(n_outputs)))
    elif door.y_center.any():
        center = source.table("out_center", door.y_center, "int32_t")
        body.append(f"for (j = 0; j < {n_outputs}; j++) y[j] += {center}[j];")
    if "(j = " in "".join(body):
        declared.append("int j;")
    head = "static void lnn_answer(const lnn_past *p, int32_t *y)"
    source.function(function(head, "\n".join([*declared, *body])))


def _read_out(
    network: FixedNetwork, source: FixedSource, door: Door, features: str
) -> str:
    values, arrays = network.values, network.arrays
    weight, bias = arrays["readout.weight"], arrays["readout.bias"]
    bits: Any
    if values["answer"]["classes"] is not None:
        factor, bits = np.full(len(bias), 1 / np.log(2)), _SCORE_BITS
    else:
        levels = len(values["answer"]["quantiles"] or [0])
        factor, bits = np.repeat(arrays["target_scaler.scale"], levels), door.of_y
    bias = bias * factor
    shown = network.layers[-1].shown
    if values["readout"] != "motor":
        read = Numbers.alike(weight.shape[1], shown.bits[0], shown.largest[0])
        call = source.map("out", weight * factor[:, None], bias, read, bits)
        return call.call(features, "y")
    one = Numbers.alike(1, shown.bits[0], shown.largest[0])
    w, b, shift = source.rows("out", rows((weight * factor)[:, None], bias, one, bits))
    each = f"for (j = 0; j < {len(bias)}; j++)"
    return f"{each} y[j] = ({features}[j] * (int32_t){w}[j] + {b}[j]) >> {shift}[j];"
