"""Fitted models as ONNX graphs, which run over any number of rows."""

from LNN.export.onnx.model import to_onnx

__all__ = ["to_onnx"]
