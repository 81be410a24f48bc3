"""Steps with gates in C: LSTM, GRU, and the memory before another cell."""

from __future__ import annotations

from typing import Any

from LNN.export.c.layer import Layer, both, local
from LNN.export.c.source import Source, fill, lines


def write_memory(layer: Layer, source: Source) -> None:
    """Add the gates of a mixed memory; its cell is a function of its own."""
    weight, bias = both(layer.arrays, "memory."), layer.arrays["memory.bias"]
    gates = source.dense(f"{layer.name}_memory", weight, bias).call("z", "gates")
    source.count(calls=5 * layer.n)
    source.function(
        fill(
            "cell_memory",
            layer=layer.name,
            n=layer.n,
            n_inputs=layer.n_inputs,
            gates=gates,
        )
    )


def write_lstm(layer: Layer, source: Source) -> None:
    """Add the step of an LSTM."""
    values, arrays, n = layer.values, layer.arrays, layer.n
    n_read = layer.n_inputs + values["reads_time"]
    bias = arrays["input_bias"] + arrays["recurrent_bias"]
    remember = "c[j] = lnn_sigmoid(f) * c[j] + write;"
    if values["time_gates"]:
        # (1 - F^dt) / (1 - F) is dt where the gate is open.
        remember = """\
float left = dt * lnn_softplus(-f);
if (f < 30.0f) write *= lnn_gone(left) / lnn_sigmoid(-f);
else write *= dt;
c[j] = lnn_exp(-left) * c[j] + write;"""
    gates = source.dense(f"{layer.name}_gates", both(arrays), bias)
    source.count(calls=(8 if values["time_gates"] else 5) * n)
    source.function(
        fill(
            "cell_lstm",
            layer=layer.name,
            n=n,
            n_inputs=layer.n_inputs,
            n_read=n_read,
            time=f"    z[{layer.n_inputs}] = dt;\n" if values["reads_time"] else "",
            gates=gates.call("z", "gates"),
            remember=lines(remember, 2),
            unused=_unused_time(values),
        )
    )


def _unused_time(values: dict[str, Any]) -> str:
    return "" if values["reads_time"] or values["time_gates"] else "    (void)dt;\n"


def write_gru(layer: Layer, source: Source) -> None:
    """Add the step of a GRU."""
    values, arrays, name = layer.values, layer.arrays, layer.name
    of_x = source.dense(f"{name}_x", arrays["input_weight"], arrays["input_bias"])
    of_h = source.dense(
        f"{name}_h", arrays["recurrent_weight"], arrays["recurrent_bias"]
    )
    time, read = "", "x"
    if values["reads_time"]:
        n = layer.n_inputs
        time = f"    memcpy(z, x, {n} * sizeof(float));\n    z[{n}] = dt;\n"
        read = "z"
    gated = values["time_gates"]
    source.count(calls=(4 if gated else 3) * layer.n)
    source.function(
        fill(
            "cell_gru",
            layer=name,
            n=layer.n,
            arrays=local(time, f"z[{layer.n_inputs + 1}]"),
            time=time,
            of_x=of_x.call(read, "p"),
            of_h=of_h.call("h", "q"),
            keep="lnn_exp(-dt * lnn_softplus(-f))" if gated else "lnn_sigmoid(f)",
            unused=_unused_time(values),
        )
    )
