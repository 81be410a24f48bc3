"""Fitted models as ONNX graphs, which run over any number of rows."""

from LNN.export.onnx.model import to_onnx
from LNN.export.onnx.pipelines import register_sklearn_onnx

__all__ = ["register_sklearn_onnx", "to_onnx"]
