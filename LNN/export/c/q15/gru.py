"""The step of a GRU in integers."""

from __future__ import annotations

import numpy as np

from LNN.export.c.q15.cfc import HALVINGS
from LNN.export.c.q15.formats import GATE_BITS, TANH_BITS, Numbers
from LNN.export.c.q15.layer import FixedLayer
from LNN.export.c.q15.source import FixedSource
from LNN.export.c.source import fill

# Of a gap that is read as an input: up to 64 usual ones.
_GAP_BITS = 9


def write_gru(layer: FixedLayer, source: FixedSource) -> None:
    """Add the step of a GRU."""
    values, arrays, name, n = layer.values, layer.arrays, layer.name, layer.n
    bits = np.repeat([GATE_BITS, GATE_BITS, TANH_BITS], n)
    time, x, read = "", "x", layer.read
    if values["reads_time"]:
        m, x, read = layer.n_inputs, "z", read.and_then(Numbers.alike(1, _GAP_BITS))
        time = (
            f"    int16_t z[{m + 1}];\n"
            f"    memcpy(z, x, {m} * sizeof *z);\n"
            f"    z[{m}] = (int16_t)lnn_clip(dt >> {16 - _GAP_BITS}, 0, 32767);\n"
        )
    of_x = source.map(
        f"{name}_x", arrays["input_weight"], arrays["input_bias"], read, bits
    )
    of_h = source.map(
        f"{name}_h",
        arrays["recurrent_weight"],
        arrays["recurrent_bias"],
        layer.shown,
        bits,
    )
    gated = values["time_gates"]
    share = "lnn_sigmoid(-f)"
    if gated:
        time += f"    dt = lnn_times(dt, {HALVINGS});\n"
        share = "lnn_gone(lnn_times(lnn_softplus(-f), dt))"
    elif not values["reads_time"]:
        time = "    (void)dt;\n"
    source.count(calls=3 * n)
    source.function(
        fill(
            "cell_gru_q15",
            layer=name,
            n=n,
            time=time,
            of_x=of_x.call(x, "p"),
            of_h=of_h.call("h", "q"),
            share=share,
        )
    )
