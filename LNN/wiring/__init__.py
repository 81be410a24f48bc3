"""Wirings: which neuron reads which input and which other neuron."""

from LNN.wiring.build import build_wiring, given_wiring
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
    "given_wiring",
]
