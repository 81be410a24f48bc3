"""Who watches torch's operators, and so would not see what a kernel does."""

from __future__ import annotations

import torch
from torch import Tensor

from LNN.cells.base import transformed


def is_watched(*tensors: Tensor) -> bool:
    """Tell whether someone records or replaces torch's operators as they run.

    A tracer, a dispatch mode, or a tensor's own class (its memory may not be there).
    They would not see a kernel's work, which is not such an operator.
    """
    return (
        torch.jit.is_tracing()
        or torch._C._len_torch_dispatch_stack() > 0
        or any(
            type(t).__torch_dispatch__ is not Tensor.__torch_dispatch__ for t in tensors
        )
    )


def is_forward_mode() -> bool:
    """Tell whether someone differentiates in forward mode."""
    return torch.autograd.forward_ad._current_level >= 0


def are_transformed(*gradients: Tensor | None) -> bool:
    """Tell whether gradients may be more than the numbers that a kernel reads.

    Many at once (vmap, `is_grads_batched`), or with derivatives of their own.
    """
    return (
        transformed()
        or is_forward_mode()
        or any(
            g is not None and torch._C._functorch.is_legacy_batchedtensor(g)
            for g in gradients
        )
    )
