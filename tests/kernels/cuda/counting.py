"""How many kernels a GPU would start: torch's operators that compute, and our own."""

from collections import Counter

from emulator import Emulated
from torch.utils._python_dispatch import TorchDispatchMode

# Memory without numbers in it, and tensors that share the memory of others.
FREE = {
    "aten::alias",
    "aten::detach",
    "aten::empty",
    "aten::empty_like",
    "aten::empty_strided",
    "aten::new_empty",
    "aten::new_empty_strided",
    "aten::split_with_sizes",
    "aten::_reshape_alias",
    "aten::_unsafe_view",
}


class Launches(TorchDispatchMode):
    """Counts what is started while it is open.

    Each of torch's operators that makes or changes numbers is at least one kernel on a
    GPU; a view is none.

    Attributes
    ----------
    torch : Counter
        Operators by name.
    own : list of str
        Our kernels, in order.
    """

    def __enter__(self):
        self.torch, self._before = Counter(), len(Emulated.launched)
        return super().__enter__()

    def __exit__(self, *exception):
        self.own = Emulated.launched[self._before :]
        return super().__exit__(*exception)

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        schema, result = operator._schema, operator(*args, **(kwargs or {}))
        is_view = schema.returns and all(
            r.alias_info is not None and not r.alias_info.is_write
            for r in schema.returns
        )
        if not is_view and schema.name not in FREE:
            self.torch[schema.name] += 1
        return result
