"""Rows become tensors here, once for training, predictions and streams."""
