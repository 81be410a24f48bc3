"""Running a cell over whole sequences; nothing outside knows which backend does it.

A backend is a function ``run(cell, inputs, state, timespans, lengths) -> (states,
final)`` with inputs (B, T, F), state (B, S), timespans (B, T), lengths (B,) or None,
states (B, T, S) and final (B, S). `torch_loop` is the oracle that others must equal.
"""

from LNN.kernels.dispatch import BACKENDS, resolve_backend, run

__all__ = ["BACKENDS", "resolve_backend", "run"]
