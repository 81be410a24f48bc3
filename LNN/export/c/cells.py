"""The step of one layer in C: a function that turns its old state into the new one."""

from __future__ import annotations

from collections.abc import Callable

from LNN.export.c.cfc import write_dense, write_wired
from LNN.export.c.gated import write_gru, write_lstm, write_memory
from LNN.export.c.layer import Layer
from LNN.export.c.ltc import write_ltc
from LNN.export.c.source import Source

_WRITERS: dict[str, Callable[[Layer, Source], None]] = {
    "LTC": write_ltc,
    "wired CfC": write_wired,
    "CfC": write_dense,
    "LSTM": write_lstm,
    "GRU": write_gru,
}


def write_layer(layer: Layer, source: Source) -> None:
    """Add the functions of a step."""
    if layer.remembers:
        write_memory(layer, source)
    _WRITERS[layer.values["cell"]](layer, source)
