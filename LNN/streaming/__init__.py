"""Predicting row by row, acting in a closed loop, and learning on the way."""

from LNN.streaming.pipeline import PipelineStream
from LNN.streaming.policy import LiquidPolicy
from LNN.streaming.stream import LiquidStream

__all__ = ["LiquidPolicy", "LiquidStream", "PipelineStream"]
