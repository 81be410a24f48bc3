"""The `cuda` backend: CUDA C that is compiled when a cell first runs on a GPU."""

from LNN.kernels.cuda.backend import CudaBackend

__all__ = ["CudaBackend"]
