"""A page that shows a fitted model to people who do not write Python."""

from LNN.inspection.report.writing import report

__all__ = ["report"]
