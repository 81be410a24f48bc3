"""Predicting row by row, and learning on the way."""

from LNN.streaming.stream import LiquidStream

__all__ = ["LiquidStream"]
