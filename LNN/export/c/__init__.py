"""A fitted model as two files of C99: for microcontrollers and all that compiles C."""

from LNN.export.c.compiled import CModel
from LNN.export.c.costs import report
from LNN.export.c.writing import to_c

__all__ = ["CModel", "report", "to_c"]
