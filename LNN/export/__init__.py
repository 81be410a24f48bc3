"""Fitted models outside of Python: a description, files without pickle, runtimes."""

from LNN.export.c import CModel, report, to_c
from LNN.export.clojure import to_clojure
from LNN.export.js import to_js
from LNN.export.onnx import register_sklearn_onnx, to_onnx
from LNN.export.spec import Spec, to_spec
from LNN.export.storing import save

__all__ = [
    "CModel",
    "Spec",
    "register_sklearn_onnx",
    "report",
    "save",
    "to_c",
    "to_clojure",
    "to_js",
    "to_onnx",
    "to_spec",
]
