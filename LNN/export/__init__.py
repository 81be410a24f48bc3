"""Fitted models outside of Python: a description, files without pickle, runtimes."""

from LNN.export.spec import Spec, to_spec
from LNN.export.storing import save

__all__ = ["Spec", "save", "to_spec"]
