"""Fitted models outside of Python: a description, files without pickle, runtimes."""

from LNN.export.spec import Spec, to_spec

__all__ = ["Spec", "to_spec"]
