"""What a CUDA graph cannot hold: looking at numbers, and copies from the CPU."""

from contextlib import contextmanager

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from LNN import layers, network_state
from LNN.cells import base

# Each waits for the device, or copies what the CPU has made just now.
REFUSED = {
    "aten::_local_scalar_dense",
    "aten::item",
    "aten::is_nonzero",
    "aten::equal",
    "aten::nonzero",
    "aten::masked_select",
    "aten::_unique2",
    "aten::lift_fresh",
    "aten::lift_fresh_copy",
}


class Recording(TorchDispatchMode):
    """Refuses what could not be recorded on a GPU; all that runs here is on the CPU."""

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        name = operator._schema.name
        assert name not in REFUSED, f"{name} cannot be recorded"
        if name == "aten::index":
            kinds = [i.dtype for i in args[1] if i is not None]
            assert torch.bool not in kinds, "an index of bools waits for the device"
        return operator(*args, **(kwargs or {}))


@contextmanager
def unreadable():
    """Let tensors be as unreadable as they are while a graph is recorded."""
    with pytest.MonkeyPatch.context() as patch, Recording():
        for module in (base, layers, network_state):
            patch.setattr(module, "readable", lambda values: False)
        yield
