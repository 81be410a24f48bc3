"""Wirings: which neuron reads which input and which other neuron."""

from LNN.wiring.build import build_wiring
from LNN.wiring.circuit import Edges, Layer
from LNN.wiring.wiring import DEFAULT_SPARSITY, DENSE_SEED, NCP_SEED, Wiring

__all__ = [
    "DEFAULT_SPARSITY",
    "DENSE_SEED",
    "NCP_SEED",
    "Edges",
    "Layer",
    "Wiring",
    "build_wiring",
]

# Pickles name a class by its module: this name stays wherever the file goes.
for _kind in (Edges, Layer, Wiring):
    _kind.__module__ = __name__
del _kind
