"""Forecasts: series in, the rows that come next out, by a linear path and a network."""

from LNN.forecasting.forecaster import LiquidForecaster

__all__ = ["LiquidForecaster"]
