"""Running a cell over whole sequences; nothing outside knows which backend does it.

A backend is a function ``run(cell, inputs, state, timespans, lengths, all_states) ->
(states, final)`` with inputs (B, T, F), state (B, S), timespans (B, T), lengths (B,) or
None, states (B, T, S) or None and final (B, S). `torch_loop` is the oracle that others
must equal; `native` is a C library (csrc/) that computes a whole pass in one call.
"""

from LNN.kernels.dispatch import (
    BACKENDS,
    backend_for,
    resolve_backend,
    run,
    stepper_for,
)
from LNN.kernels.fused import plan_of

__all__ = [
    "BACKENDS",
    "backend_for",
    "plan_of",
    "resolve_backend",
    "run",
    "stepper_for",
]
