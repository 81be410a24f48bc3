"""Wirings: which neuron reads which input and which other neuron."""

from LNN.wiring.wiring import (
    DEFAULT_SPARSITY,
    DENSE_SEED,
    NCP_SEED,
    Edges,
    Layer,
    Wiring,
    build_wiring,
)

__all__ = [
    "DEFAULT_SPARSITY",
    "DENSE_SEED",
    "NCP_SEED",
    "Edges",
    "Layer",
    "Wiring",
    "build_wiring",
]
