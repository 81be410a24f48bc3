"""NVIDIA's driver: machine code loaded on a device, and its kernels started."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

# What a kernel is given.
Value = Tensor | int | None


class DriverError(RuntimeError):
    """The driver's refusal."""


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")


def _call(name: str, *arguments: object) -> None:
    library = _library()
    code = getattr(library, name)(*arguments)
    if code:
        text = ctypes.c_char_p()
        library.cuGetErrorString(code, ctypes.byref(text))
        raise DriverError(f"{name}: {(text.value or b'unknown error').decode()}")


def arguments_of(values: Sequence[Value]) -> list:
    """Return a kernel's arguments as C has them: pointers, NULL for None, and ints."""
    return [
        ctypes.c_int(v)
        if isinstance(v, int)
        else ctypes.c_void_p(v.data_ptr() if isinstance(v, Tensor) else None)
        for v in values
    ]


def pointers_to(values: list) -> ctypes.Array:
    """Return where arguments stand, as the driver takes them."""
    places = (ctypes.cast(ctypes.byref(v), ctypes.c_void_p) for v in values)
    return (ctypes.c_void_p * len(values))(*places)


class Module:
    """The kernels of one source on one device.

    Parameters
    ----------
    code : bytes
        A cubin for the device.
    device : torch.device
    """

    def __init__(self, code: bytes, device: torch.device):
        self.device = device
        with torch.cuda.device(device):  # "cuda" without a number is the current one
            index = torch.cuda.current_device()
        number, self._context = ctypes.c_int(), ctypes.c_void_p()
        _call("cuDeviceGet", ctypes.byref(number), index)
        # The context that torch itself works in.
        _call("cuDevicePrimaryCtxRetain", ctypes.byref(self._context), number)
        self._module = ctypes.c_void_p()
        self._functions: dict[str, ctypes.c_void_p] = {}
        with self:
            _call("cuModuleLoadData", ctypes.byref(self._module), code)

    def launch(
        self,
        name: str,
        blocks: int,
        threads: int,
        values: Sequence[Value],
        models: int = 1,
    ) -> None:
        """Start a kernel on torch's current stream, so many blocks for each model."""
        stream = torch.cuda.current_stream(self.device).cuda_stream
        arguments = arguments_of(values)
        sizes = (blocks, models, 1, threads, 1, 1, 0)
        # Autograd's threads may have no context yet.
        with self:
            _call(
                "cuLaunchKernel",
                self._function(name),
                *(ctypes.c_uint(size) for size in sizes),
                ctypes.c_void_p(stream),
                pointers_to(arguments),
                None,
            )

    def _function(self, name: str) -> ctypes.c_void_p:
        if name not in self._functions:
            function = ctypes.c_void_p()
            _call(
                "cuModuleGetFunction",
                ctypes.byref(function),
                self._module,
                name.encode(),
            )
            self._functions[name] = function
        return self._functions[name]

    def __enter__(self) -> Module:
        _call("cuCtxPushCurrent_v2", self._context)
        return self

    def __exit__(self, *exception: object) -> None:
        _call("cuCtxPopCurrent_v2", ctypes.byref(ctypes.c_void_p()))
