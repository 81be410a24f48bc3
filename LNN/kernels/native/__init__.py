"""The `native` backend: a C library (csrc/) that runs a whole batch in one call."""

from LNN.kernels.native.backend import NativeBackend

__all__ = ["NativeBackend"]
