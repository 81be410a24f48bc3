"""Predicting row by row, and learning on the way."""

from LNN.streaming.pipeline import PipelineStream
from LNN.streaming.stream import LiquidStream

__all__ = ["LiquidStream", "PipelineStream"]
