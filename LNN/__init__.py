"""LNN: liquid neural networks for people who use scikit-learn, pandas and PyTorch."""

from LNN._show_versions import show_versions
from LNN._version import __version__
from LNN.adapters import from_ncps, to_ncps
from LNN.cells import CfCCell, LTCCell
from LNN.data import SequenceScaler
from LNN.estimators.classifier import LiquidClassifier
from LNN.estimators.fitted import FittedModel, as_fitted
from LNN.estimators.regressor import LiquidRegressor
from LNN.exceptions import InvalidInputError, LNNWarning
from LNN.forecasting import LiquidForecaster
from LNN.layers import LTC, CfC
from LNN.LNN import LiquidNeuralNetwork
from LNN.network import LiquidNetwork
from LNN.streaming import LiquidStream
from LNN.wiring import Wiring

__all__ = [
    "LTC",
    "CfC",
    "CfCCell",
    "FittedModel",
    "InvalidInputError",
    "LNNWarning",
    "LTCCell",
    "LiquidClassifier",
    "LiquidForecaster",
    "LiquidNetwork",
    "LiquidNeuralNetwork",
    "LiquidRegressor",
    "LiquidStream",
    "SequenceScaler",
    "Wiring",
    "__version__",
    "as_fitted",
    "from_ncps",
    "show_versions",
    "to_ncps",
]
