"""Anomalies: rows in, how far each is from what the rows before it let expect, out."""

from LNN.anomaly.detector import LiquidAnomalyDetector

__all__ = ["LiquidAnomalyDetector"]
