"""What is different while torch.export or torch.onnx.export reads a module."""

from __future__ import annotations

import torch

from LNN.exceptions import InvalidInputError


def _exporting_in_older_torch() -> bool:
    """Tell a non-strict export; a strict one looks like torch.compile there."""
    compiler = torch.compiler
    return compiler.is_compiling() and not compiler.is_dynamo_compiling()


# Torch's own function, not one of ours around it: strict export knows it by identity.
exporting = getattr(torch.compiler, "is_exporting", _exporting_in_older_torch)


def refuse_free_time(steps: int) -> None:
    """Refuse to export a loop over a number of steps that is to stay open.

    The loop is unrolled. Left alone, torch writes the number of steps of the example
    into the file, mostly without a word.
    """
    if exporting() and not _is_fixed(steps):
        raise InvalidInputError(
            "A network cannot be exported with a free number of time steps: the file "
            "holds one step after the other, as many as the example inputs have. Leave "
            "axis 1, time, out of dynamic_shapes to export a fixed number of steps; "
            "axis 0, the batch, may be free. For sequences of any length, export one "
            "step that takes a state and returns the next one, and call it repeatedly; "
            "or write a fitted model with LNN.export.to_onnx."
        )


def _is_fixed(size: int | torch.SymInt) -> bool:
    if isinstance(size, int) and not torch.compiler.is_compiling():
        return True
    # Strict export shows free sizes as plain integers, except to this function. Not
    # imported above, as it takes sympy with it.
    from torch.fx.experimental import symbolic_shapes

    if hasattr(symbolic_shapes, "has_static_value"):
        return symbolic_shapes.has_static_value(size)
    return isinstance(size, int)
